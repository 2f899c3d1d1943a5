"""Which names the service answers to, and which pages may send it something.

A page of another site can let a browser send requests here, with the cookies of whoever looks at it. And a name that
its owner lets point at this machine makes of that page one of ours, in the browser's eyes (DNS rebinding). So a request
must name a host that is known, and one that changes something must not come from a page of another site: browsers say
so in `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/) and `Origin` (RFC 6454, section 7), and pages cannot keep
them from it.
"""

import ipaddress
import re
from collections.abc import Collection

ANY = "*"
"""In the list of hosts: whatever is asked for."""
OWN_PAGES = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of the dashboard, and of what a person has typed."""
_ORIGIN = re.compile(r"https?://([^/]+)")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


def host_name(authority: str) -> str | None:
    """The host in `host:port`, in small letters, without brackets and the root's dot; None where it is none."""
    found = _AUTHORITY.fullmatch(authority)
    return None if found is None else found[1].strip("[]").lower().removesuffix(".")


def is_loopback_name(name: str) -> bool:
    """True where it means this machine and nothing else, whoever is asked (RFC 6761, section 6.3)."""
    return name == "localhost" or name.endswith(".localhost") or is_loopback_address(name)


def is_loopback_address(address: str) -> bool:
    """True of 127.0.0.0/8 and ::1, and of the first as IPv6 has it (::ffff:127.0.0.1)."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found is not None and found.is_loopback


def is_known(name: str | None, *, allowed: Collection[str]) -> bool:
    """True where the service answers to it: an allowed name or any address, for which no name was let point here."""
    if name is None:
        return False
    return name in allowed or ANY in allowed or is_loopback_name(name) or _address(name) is not None


def is_foreign(*, authority: str, origin: str | None, site: str | None, allowed: Collection[str]) -> bool:
    """True where a browser sends this for a page of another site; programs that are none say nothing of either."""
    if site is not None and site not in OWN_PAGES:
        return True
    if origin is None:
        return False
    page = _ORIGIN.fullmatch(origin)
    if page is None:
        return True
    # Behind a proxy the host that is asked for may be another than the browser's: then the list has that one.
    return page[1].lower() != authority.lower() and host_name(page[1]) not in {*allowed} - {ANY}


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
