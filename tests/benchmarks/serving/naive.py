"""The baseline: `python -m tests.benchmarks.serving.naive NAME=CHECKPOINT_FOLDER...`, which says its URL and serves.

What is written first: a synchronous route, torch as it is, one image a request. It answers in the same form, of a test
image in its own frame; it neither frames pictures, nor bounds its queue, nor writes logs. `/empty` does nothing at all.
"""

import io
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import uvicorn
from fastapi import Depends, FastAPI, Request
from PIL import Image
from torch import nn

from tests.benchmarks.serving.alone import network_in

MEAN, STD = 0.1307, 0.3081


async def _body(request: Request) -> bytes:
    return await request.body()


def create_app(networks: dict[str, nn.Sequential]) -> FastAPI:
    """The app."""
    app = FastAPI()

    @app.post("/empty")
    async def empty() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/json/{network}")
    def pixels(network: str, sent: dict[str, list[list[float]]]) -> dict[str, Any]:
        return answer(networks[network], np.array(sent["pixels"], dtype=np.float32))

    @app.post("/png/{network}")
    def png(network: str, sent: Annotated[bytes, Depends(_body)]) -> dict[str, Any]:
        with Image.open(io.BytesIO(sent)) as image:
            return answer(networks[network], np.asarray(image.convert("L"), dtype=np.float32))

    return app


def answer(network: nn.Sequential, image: np.ndarray) -> dict[str, Any]:
    """What a network says of greys `(28, 28)` in 0..255."""
    with torch.inference_mode():
        logits = network((torch.from_numpy(image)[None, None] / 255 - MEAN) / STD)[0]
    probabilities = logits.softmax(0).tolist()
    digit = int(logits.argmax())
    said = {"digit": digit, "confidence": probabilities[digit], "probabilities": probabilities}
    return {"predictions": [said | {"logits": logits.tolist()}]}


if __name__ == "__main__":
    named = [each.partition("=") for each in sys.argv[1:]]
    app = create_app({name: network_in(Path(folder))[0] for name, _, folder in named})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201  # whoever started it waits for it
        uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run([listener])
