"""The one map that a network of affine layers is."""

from copy import deepcopy
from typing import TYPE_CHECKING

from service.inference.models import Model

if TYPE_CHECKING:
    import numpy as np


def affine_map(model: Model) -> "tuple[np.ndarray, np.ndarray]":
    """`(classes, pixels)` and `(classes,)` in double precision: logits = matrix @ standardised pixels + bias.

    The product of the layers is taken from the logits backwards, as the gradient of each logit with respect to the
    image: of an affine network it is the same everywhere.
    """
    import torch

    network = deepcopy(model.network).double()
    side, classes = model.manifest.image_size, len(model.manifest.labels)
    with torch.enable_grad():
        images = torch.zeros((classes, 1, side, side), dtype=torch.float64, requires_grad=True)
        logits = network(images)
        (rows,) = torch.autograd.grad(logits.diagonal().sum(), images)
    return rows.reshape(classes, -1).numpy(), logits[0].detach().numpy()
