"""Eight hundred clients that never finish what they began beside two hundred that ask and go on (S6)."""

import asyncio
import random
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

from service.api.connections import LOOK_SECONDS, PATIENCE_SECONDS, Phase
from tests.served import served
from tests.torture import Outcome

SLOW, FAST = 800, 200
EVERY_SECONDS = 2.0
"""A fast client asks so often: four times as often, lists of experiments keep a core busy by themselves."""
MOST_SECONDS = 0.1
"""The slowest hundredth of their answers must not take longer."""
FILES = 4096
GET = b"GET /v1/experiments?limit=20 HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n{"
HALVES = {b"": Phase.HEAD, GET: Phase.HEAD, b"GE": Phase.HEAD, POST: Phase.BODY}
SPEC = {"dataset": "synthetic", "architecture": "perceptron", "epochs": 1}


@dataclass
class _Crowd:
    """What has come of it so far."""

    host: str
    port: int
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    closed: int = 0


def torment(seconds: float, chance: random.Random) -> Outcome:
    """Both kinds at once, for long enough that the slow ones are hung up on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(FILES, hard)), hard))  # the service inherits it
    with tempfile.TemporaryDirectory() as data, served(workers=1, data_dir=Path(data)) as service:
        service.sweep({"base": SPEC, "seeds": list(range(20))})
        url = urlsplit(service.url)
        crowd = _Crowd(host=url.hostname or "", port=url.port or 0)
        longest = max(PATIENCE_SECONDS[phase] for phase in HALVES.values()) + 10 * LOOK_SECONDS
        asyncio.run(_meet(crowd, seconds=max(seconds, longest), longest=longest, chance=chance))
    slowest = quantiles(crowd.seconds, n=100)[-1]
    lost = crowd.failed[:5]
    if crowd.closed < SLOW:
        lost.append(f"{SLOW - crowd.closed} slow clients were waited for after {longest:g} seconds")
    if slowest > MOST_SECONDS:
        lost.append(f"one in a hundred fast answers took {slowest:.3f} seconds or more")
    return Outcome(
        load=f"{len(crowd.seconds):,} requests of {FAST} clients",
        inputs=SLOW,
        lost=tuple(lost),
        remark=f"99 % of the answers within {1000 * slowest:.0f} ms",
    )


async def _meet(crowd: _Crowd, *, seconds: float, longest: float, chance: random.Random) -> None:
    until = time.monotonic() + seconds
    fast = [asyncio.create_task(_ask(crowd, until=until, first=chance.random() * EVERY_SECONDS)) for _ in range(FAST)]
    halves = [*HALVES]
    slow = [asyncio.create_task(_dawdle(crowd, chance.choice(halves), longest=longest)) for _ in range(SLOW)]
    await asyncio.gather(*fast, *slow)


async def _ask(crowd: _Crowd, *, until: float, first: float) -> None:
    """Again and again, over one connection."""
    await asyncio.sleep(first)
    reader, writer = await asyncio.open_connection(crowd.host, crowd.port)
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            writer.write(GET + b"\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await asyncio.wait_for(reader.readexactly(length), 30)
            if not head.startswith(b"HTTP/1.1 200"):
                crowd.failed.append(head.splitlines()[0].decode())
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            crowd.failed.append(f"a fast client got no answer: {type(error).__name__}")
            return
        crowd.seconds.append(time.monotonic() - began)
        await asyncio.sleep(max(0.0, EVERY_SECONDS - (time.monotonic() - began)))
    writer.close()


async def _dawdle(crowd: _Crowd, half: bytes, *, longest: float) -> None:
    """Begin a request, and wait to be hung up on."""
    reader, writer = await asyncio.open_connection(crowd.host, crowd.port)
    try:
        writer.write(half)
        await asyncio.wait_for(reader.read(), longest)
    except TimeoutError:
        return
    except OSError:
        pass
    finally:
        writer.close()
    crowd.closed += 1
