"""One image over the epochs of a run."""

from service.domain.record import Record


class ImageAtEpoch(Record):
    """What the weights after an epoch make of it; numbers are null where a logit is not finite."""

    epoch: int
    prediction: int
    right: bool
    confidence: float | None
    loss: float | None
    """Cross-entropy."""
    probabilities: tuple[float | None, ...]


class ImageHistory(Record):
    """What `GET /v1/experiments/{id}/images/{index}/history` answers."""

    experiment_id: str
    index: int
    """In the data set's test split."""
    image: str
    """PNG, base64."""
    labels: tuple[str, ...]
    """The classes by name; `label` and `prediction` are places here."""
    label: int
    stored_epochs: int
    """Epochs whose weights are stored; with `{"checkpoints": {"keep": "all"}}` that is all of them."""
    items: tuple[ImageAtEpoch, ...]
    """In their order: all stored epochs, or where these are too many some of them, evenly spaced, the first and the
    last among them."""
    learned_at: int | None
    """The first epoch shown from which on it is read right to the end; null where the end is wrong."""
    forgotten: int
    """How often it is right in one epoch shown and wrong in the next (Toneva et al., "An empirical study of example
    forgetting during deep neural network learning", ICLR 2019)."""
