"""The form in which a loaded network computes: torch's own, or ONNX Runtime's, whichever is quicker on this machine.

Measured on one core of an AVX-512 processor, milliseconds for 1 and for 32 images: `mnist_example` 0.69 and 15 in
torch, 0.25 and 7.4 in ONNX Runtime; dense 784-256-256-10 0.05 and 0.24 against 0.02 and 0.17. A frozen graph of
TorchScript lay between the two, or behind both, wherever it was tried. All have one thread: `inference/threads` has the
reason.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from service import datasets
from service.domain.manifest import Manifest

if TYPE_CHECKING:
    from torch import nn

TOLERANCE = 1e-4
"""How far from the checkpoint's own a logit may be."""
MANY = 16
"""Images: ONNX Runtime keeps the memory of the largest batch that it has seen. Without its arena the C library keeps
more, a share for each thread: 11 MB after 64 connections to `mnist_example`."""
TRIES = 3
SLOW_SECONDS = 0.05
"""What takes longer for one image is not timed for many: the load would take as long."""

Run = Callable[[np.ndarray], np.ndarray]
"""float32 `(n, height, width)` in 0..255 to logits `(n, classes)`."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, eq=False)
class Form:
    """A way to compute a network, what it is called, and how long it takes on this machine where that was measured."""

    name: str
    run: Run
    one: float = math.inf
    """Seconds."""
    many: float = math.inf
    """Seconds for `MANY` images."""

    def seconds(self, images: int) -> float:
        """For so many at once, about."""
        return max(self.one, self.many * images / MANY)


def quickest(network: "nn.Sequential", manifest: Manifest) -> Form:
    """Warm, and its logits within `TOLERANCE` of the network's own, which are torch's as they were in training."""
    samples = _samples(manifest.image_size)
    own, other = _timed(in_torch(network, manifest), samples), in_onnx_runtime(network, manifest)
    if other is None or not np.allclose(own.run(samples), other.run(samples), rtol=0, atol=TOLERANCE, equal_nan=True):
        return own
    other = _timed(other, samples)
    shares = (
        [other.one / own.one] if math.inf in (own.many, other.many) else [other.one / own.one, other.many / own.many]
    )
    return other if sum(shares) < len(shares) else own


def in_torch(network: "nn.Sequential", manifest: Manifest) -> Form:
    """The network itself."""
    import torch

    def run(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = datasets.standardise(torch.tensor(images), mean=manifest.mean, std=manifest.std)
            logits: np.ndarray = network(batch).numpy()
            return logits

    return Form("torch", run)


def in_onnx_runtime(network: "nn.Sequential", manifest: Manifest) -> Form | None:
    """None where it is not installed, or has no operator for a layer."""
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # it warns of what it optimises away
        session = onnxruntime.InferenceSession(_graph(network, manifest), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  # it is a quicker way to what torch does as well, whatever is wrong with it
        log.info("a network computes in torch: ONNX Runtime does not take it", reason=str(error)[:200])
        return None

    def run(images: np.ndarray) -> np.ndarray:
        logits: np.ndarray = session.run(["logits"], {"images": images[:, None]})[0]
        return logits

    return Form("onnxruntime", run)


def _graph(network: "nn.Sequential", manifest: Manifest) -> bytes:
    """As ONNX, standardisation included, reckoned as `datasets.standardise` does."""
    from onnx import TensorProto, helper

    from service.inference.exporting.onnx_nodes import OPSET, Sketch

    sketch = Sketch()
    ground, spread = sketch.constant("mean", 255 * manifest.mean), sketch.constant("std", 255 * manifest.std)
    centred = sketch.add("Sub", "images", ground, name="centred")
    values = sketch.layers(network, sketch.add("Div", centred, spread, name="standardised"))
    sketch.add("Identity", values, name="logits")
    side = manifest.image_size
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, side, side])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(manifest.labels)])
    graph = helper.make_graph(sketch.nodes, "network", [images], [logits], initializer=sketch.constants)
    proto: Any = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    content: bytes = proto.SerializeToString()
    return content


def _samples(side: int) -> np.ndarray:
    """Strokes, noise and an empty image, always the same."""
    random = np.random.default_rng(0)
    images = np.zeros((MANY, side, side), dtype=np.float32)
    for image in images[1:]:
        left, top = random.integers(0, side - side // 4, 2)
        image[top : top + side // 4, left : left + side // 2] = random.uniform(64, 255)
    images[1::2] += random.uniform(0, 64, images[1::2].shape)
    return np.clip(images, 0, 255)


def _timed(form: Form, samples: np.ndarray) -> Form:
    """With the least processor time of a few tries for one image, and for many where that is no long wait."""
    one = _least(form.run, samples[:1])
    return replace(form, one=one, many=math.inf if one > SLOW_SECONDS else _least(form.run, samples))


def _least(run: Run, samples: np.ndarray) -> float:
    taken = []
    for _ in range(TRIES):
        began = time.thread_time()
        run(samples)
        taken.append(time.thread_time() - began)
    return min(taken)
