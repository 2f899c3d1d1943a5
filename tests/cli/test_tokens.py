"""Tokens on the command line, and a service that listens to others only once there is one."""

import json
import re
from pathlib import Path

import pytest

from service import listening, serving
from service.client import Client
from service.connection import ProblemError
from service.errors import ArdoiseError
from service.settings import Settings
from tests.cli.conftest import Ardoise, start, stop

EVERYWHERE = ["0.0.0.0", "0", "0.0", "0x0", "::", "[::]", "::0", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0", "", " "]  # noqa: S104
ELSEWHERE = ["192.0.2.1", "::ffff:192.0.2.1", "[2001:db8::1]", "3221225985", "0xC0000201"]
HERE = ["127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "::1", "[::1]", "127.1", "2130706433", "::ffff:127.0.0.1"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a service that has no token."""
    return tmp_path_factory.mktemp("tokens") / "home"


@pytest.mark.parametrize("host", EVERYWHERE + ELSEWHERE)
def test_a_service_without_a_token_listens_to_nobody_else_however_it_is_spelt(host: str, home: Path) -> None:
    """Red when the spelling is looked at in place of the address that the system makes of it."""
    with pytest.raises(ArdoiseError, match=r"`ardoise token create --role admin --owner NAME`, or listen on"):
        serving.listen(Settings(home=home, host=host, port=0))


@pytest.mark.parametrize("host", HERE)
def test_it_listens_to_this_machine_however_it_is_spelt(host: str) -> None:
    assert listening.is_this_machine_alone(listening.resolve(host, 0))


def test_what_is_no_address_is_said() -> None:
    with pytest.raises(ArdoiseError, match=r"'no\.such\.host\.invalid' is no address to listen on"):
        listening.resolve("no.such.host.invalid", 0)
    with pytest.raises(ArdoiseError, match="is no address to listen on"):
        listening.resolve("a" * 300, 0)


@pytest.mark.parametrize("by", ["option", "environment"])
def test_serve_says_in_one_sentence_what_to_do(
    by: str, home: Path, ardoise: Ardoise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARDOISE_HOME", str(home))
    if by == "environment":
        monkeypatch.setenv("ARDOISE_HOST", "0.0.0.0")  # noqa: S104
    said = ardoise("serve", "--port", "0", *(["--host", "::"] if by == "option" else []))
    assert (said.status, said.out, said.err.count("\n")) == (1, "", 1)
    assert "there is no token yet: make one first with `ardoise token create" in said.err


def test_with_a_token_it_listens_to_others_and_lets_in_who_has_it(
    tmp_path: Path, ardoise: Ardoise, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made, used, listed and revoked on the command line, while it serves; the secret is shown once."""
    home = tmp_path / "home"
    monkeypatch.setenv("ARDOISE_HOME", str(home))
    secret = ardoise("token", "create", "--role", "admin", "--owner", "Zoé", "--expires", "7").out.strip()
    assert re.fullmatch(r"ardoise_[\w-]{43}", secret)
    served = start(home, "--host", "0.0.0.0", "--workers", "0")  # noqa: S104  # which is the point
    try:
        assert served.url.startswith("http://127.0.0.1:")
        with Client(served.url) as nobody, pytest.raises(ProblemError, match="this needs a token"):
            nobody.queue()
        monkeypatch.setenv("ARDOISE_TOKEN", secret)
        with Client(served.url) as client:
            spec = {"dataset": "synthetic", "architecture": "perceptron"}
            assert client.submit(spec).owner == "Zoé"
        listed = ardoise("list", "--json", url=served.url)
        assert [each["owner"] for each in json.loads(listed.out)] == ["Zoé"]
        link = json.loads(ardoise("share", "create", "--expires", "1", "--json", url=served.url).out)
        assert link["url"].startswith(f"{served.url}/#/shared?token=ardoise_")
        with Client(served.url, token=re.findall(r"token=([\w-]+)", link["url"])[0]) as reader:
            assert reader.queue().queued == 1
            with pytest.raises(ProblemError, match="only reads"):
                reader.submit(spec)
        assert "opens nothing" in ardoise("share", "revoke", link["id"], url=served.url).out
        listing = ardoise("token", "list").out
        assert secret not in listing
        assert re.search(r"Zoé +admin +\S+ +valid until", listing)
        assert re.search(r"Zoé +student, only reads +\S+ +revoked on", listing)
        items = json.loads(ardoise("token", "list", "--json").out)["items"]
        own = next(each["id"] for each in items if each["role"] == "admin")
        assert "opens nothing any more" in ardoise("token", "revoke", own).out
        assert "not valid" in ardoise("list", url=served.url).err
    finally:
        assert stop(served.process) == 0


def test_a_token_that_cannot_be_is_not_made(home: Path, ardoise: Ardoise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARDOISE_HOME", str(home))
    assert "--owner" in ardoise("token", "create", "--role", "student", "--owner", "a\nb").err
    assert ardoise("token", "create", "--role", "king", "--owner", "a").status == 2
    assert "there is no token 'x'" in ardoise("token", "revoke", "x").err
    assert ardoise("token", "list").out == "no token\n"
