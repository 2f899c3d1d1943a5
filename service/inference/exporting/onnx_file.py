"""A network as an ONNX file that takes grey values as they are and gives logits and probabilities.

The graph is written layer by layer (`onnx_nodes`) in milliseconds. torch's own exporters would trace the network, which
takes seconds, a second package and, in their newer form, a hundred megabytes of a process that serves.
"""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from service.domain.export import ExportCard, as_strings
from service.inference.exporting.onnx_nodes import OPSET, Sketch
from service.inference.exporting.parity import checked
from service.inference.models import Model

if TYPE_CHECKING:
    from onnx import ModelProto

IR_VERSION = 8
"""The file layout that came with operator set 17."""


def write(model: Model, card: ExportCard) -> tuple[bytes, float]:
    """The file, and how far its logits are from the checkpoint's in ONNX Runtime; `UnexportableError`."""
    from onnx import checker, helper

    proto = _proto(model, card)
    difference = checked(model, partial(_run, proto.SerializeToString()), card.format)
    helper.set_model_props(proto, as_strings(card, parity=difference))
    checker.check_model(proto)
    return proto.SerializeToString(deterministic=True), difference


def _proto(model: Model, card: ExportCard) -> "ModelProto":
    from onnx import TensorProto, helper

    manifest, sketch = model.manifest, Sketch()
    # As `datasets.standardise` reckons it, so that the two round alike.
    ground = sketch.constant("standardisation.mean", 255 * manifest.mean)
    spread = sketch.constant("standardisation.std", 255 * manifest.std)
    centred = sketch.add("Sub", "image", ground, name="centred")
    values = sketch.layers(model.network, sketch.add("Div", centred, spread, name="standardised"))
    sketch.add("Identity", values, name="logits")
    sketch.add("Softmax", "logits", name="probabilities", axis=1)

    side, classes = manifest.image_size, len(manifest.labels)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, side, side])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", classes])
        for name in ("logits", "probabilities")
    ]
    name = f"{card.architecture.name}, epoch {card.epoch} of experiment {card.experiment_id}"
    graph = helper.make_graph(sketch.nodes, name, [image], outputs, initializer=sketch.constants)
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="ardoise",
        producer_version=card.ardoise,
        doc_string=f"image: float32 (batch, 1, {side}, {side}), grey values 0..255, bright ink on a ground of 0",
    )


def _run(content: bytes, images: np.ndarray) -> np.ndarray:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # it warns of what it optimises away
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": images})
    found: np.ndarray = logits
    return found
