"""Bodies that are made to break a service: answered at once, by a 4xx, in the same memory (S4, S5)."""

import io
import random
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles

import httpx
from PIL import Image

from tests.served import Served, served
from tests.torture import Outcome

MEBIBYTE = 1024 * 1024
MOST_GROWTH = 64 * MEBIBYTE
"""Of the API's memory, once it has seen a few of each kind."""
ALLOWED = {400, 404, 405, 409, 411, 413, 415, 422, 503}
SOON_SECONDS = 1.0
"""On a machine that does nothing else a tenth of it is aimed at, and a twentieth for networks that may not be."""
SPEC = {"dataset": "digits", "architecture": "perceptron", "epochs": 1, "checkpoints": {"keep": "all"}}
Bomb = Callable[[random.Random], tuple[str, bytes]]
"""A content type and a body."""


def deep(chance: random.Random) -> tuple[str, bytes]:
    """Brackets in brackets."""
    opening = chance.choice([b"[", b'{"a":', b'{"pixels":[', b'{"architecture":{"hidden":['])
    return "application/json", opening * chance.randrange(1, 60_000 // len(opening))


def numbers(chance: random.Random) -> tuple[str, bytes]:
    """None of which is one that a computer has."""
    long = "9" * chance.randrange(1, 50_000)
    number = chance.choice(["NaN", "-Infinity", "1e400", long, "-0", "1" + "0" * 400 + ".5"])
    field = chance.choice(["seed", "epochs", "batch_size", "priority", "pixels", "index", "temperature"])
    return "application/json", f'{{"{field}": {number}}}'.encode()


def texts(chance: random.Random) -> tuple[str, bytes]:
    """Surrogates, zeros, formulas, markup and control characters."""
    text = chance.choice(["\\ud800", "\\u0000", "=1+1", "<script>", "\\u001b[2J", "%00", "../../etc", "\\u202e"])
    field = chance.choice(["name", "dataset", "architecture", "tags", "text", "author"])
    return "application/json", f'{{"{field}": "{text * chance.randrange(1, 2000)}"}}'.encode()


def networks(chance: random.Random) -> tuple[str, bytes]:
    """Of more parameters, layers or epochs than there may be."""
    spec = chance.choice([
        '{"dataset":"mnist","architecture":{"name":"mlp","hidden":[100000,100000]}}',
        '{"dataset":"mnist","architecture":{"name":"mlp","hidden":[' + "1," * 29_000 + "1]}}",
        '{"dataset":"mnist","architecture":"mlp","epochs":1000000000}',
        '{"dataset":"mnist","architecture":{"name":"cnn","channels":[4096,4096,4096]}}',
        '{"dataset":{"name":"mnist","image_size":100000},"architecture":"mlp"}',
        '{"base":{"dataset":"mnist","architecture":"mlp"},"seeds":[' + ",".join(map(str, range(9000))) + "]}",
    ])  # fmt: skip
    return "application/json", spec.encode()


def pictures(chance: random.Random) -> tuple[str, bytes]:
    """Far larger than their files, cut short, or with a byte changed."""
    side = chance.choice([30, 30, 4097, 12_000])
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, format=chance.choice(["PNG", "GIF", "BMP"] if side < 5000 else ["PNG"]))
    content = bytearray(file.getvalue())
    if side == 30:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        del content[chance.randrange(8, len(content)) :]
    return "image/png", bytes(content[: 4 * MEBIBYTE])


def chunks(chance: random.Random) -> tuple[str, bytes]:
    """A PNG whose compressed part is a thousand times what it says."""
    packed = zlib.compress(b"\0" * chance.randrange(1, 64) * MEBIBYTE, 9)

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = chunk(b"IHDR", (28).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0")
    return "image/png", b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def huge(chance: random.Random) -> tuple[str, bytes]:
    """A hundred megabytes of nothing."""
    return chance.choice(["application/json", "image/png", "multipart/form-data; boundary=x"]), b" " * 100 * MEBIBYTE


BOMBS: tuple[Bomb, ...] = (deep, numbers, texts, networks, pictures, chunks)
HARMLESS = {texts, numbers, pictures, chunks}
"""Some of these are what a route asks for, or near enough: only what they cost counts."""
RARELY = 100
"""One in so many is a huge one."""


def torment(seconds: float, chance: random.Random) -> Outcome:
    """One bomb after another, at routes that read bodies."""
    with tempfile.TemporaryDirectory() as data, served(workers=1, data_dir=Path(data)) as service:
        run = service.client.submit(SPEC).id
        [*service.client.watch(run)]
        routes = ["/v1/experiments", "/v1/specs/preview", "/v1/sweeps", f"/v1/experiments/{run}/predictions"]
        routes += [f"/v1/experiments/{run}/{part}" for part in ("notes", "saliency", "activations", "continue")]
        lost: list[str] = []
        sent, settled = 0, 0
        refused: list[tuple[float, Bomb, str]] = []
        until = time.monotonic() + seconds
        with httpx.Client(base_url=service.url, trust_env=False, timeout=60) as http:
            for bomb, route in _choices(chance, routes):
                if sent == 20 * len(BOMBS):
                    settled = _resident(service)
                if time.monotonic() > until:
                    break
                kind, body = bomb(chance)
                began = time.monotonic()
                try:
                    status = http.post(route, content=body, headers={"Content-Type": kind}).status_code
                except httpx.TransportError as error:  # it hung up before all of a huge body had come
                    status = 413 if bomb is huge else 0
                    lost += [] if bomb is huge else [f"{bomb.__name__} at {route}: {error}"]
                took = time.monotonic() - began
                sent += 1
                if 400 <= status < 500 and bomb is not huge:
                    refused.append((took, bomb, route))
                if status not in ALLOWED and not (status in {200, 201, 202} and bomb in HARMLESS):
                    lost.append(f"{bomb.__name__} at {route} was answered {status}: {kind}, {body[:100]!r}")
            grown = _resident(service) - settled if settled else 0
            if http.get("/livez").status_code != 200:
                lost.append("the service does not answer any more")
    if grown > MOST_GROWTH:
        lost.append(f"its memory grew by {grown // MEBIBYTE} MB")
    slowest, bomb, route = max(refused, key=lambda each: each[0])
    if slowest > SOON_SECONDS:
        lost.append(f"{bomb.__name__} at {route} took {slowest:.2f} seconds")
    too_large = [took for took, bomb, _ in refused if bomb is networks]
    remark = (
        f"refused {_within([took for took, *_ in refused])} ({bomb.__name__} at {route.rpartition('/')[2]}), "
        f"networks {_within(too_large)}; memory {grown / MEBIBYTE:+.0f} MB"
    )
    return Outcome(load="one client", inputs=sent, lost=tuple(lost[:5]), remark=remark)


def _within(seconds: Sequence[float]) -> str:
    most = quantiles(seconds, n=100)[-1] if len(seconds) > 1 else max(seconds)
    half, last = median(seconds), max(seconds)
    return f"in {1000 * half:.1f} ms at the median, {1000 * most:.0f} ms (99 %), {1000 * last:.0f} ms at most"


def _choices(chance: random.Random, routes: list[str]) -> Iterator[tuple[Bomb, str]]:
    while True:
        yield huge if chance.randrange(RARELY) == 0 else chance.choice(BOMBS), chance.choice(routes)


def _resident(service: Served) -> int:
    """Bytes of the API process."""
    pages = Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096
