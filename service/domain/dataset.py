"""What is known of a data set before any of it is read."""

from typing import Literal

from service.domain.record import Record


class Framing(Record):
    """How the makers of a data set placed the ink, so that a drawn digit can be placed the same way."""

    box: int
    """Side in pixels of the square that the ink was scaled to fit, its aspect ratio kept."""
    centre: Literal["mass", "box"]
    """What lies in the middle of the image: the ink's centre of mass, or the middle of its bounding box."""


class DatasetFacts(Record):
    """A catalogue entry: everything `GET /v1/datasets` answers and the preprocessing of a drawn digit needs."""

    title: str
    description: str
    image_size: int
    """Side in pixels; images are square, one channel, 8 bits, bright ink on a dark ground."""
    labels: tuple[str, ...]
    train_images: int
    test_images: int
    framing: Framing
    source: str
    """The paper or page that the data set comes from."""
    bundled: bool
    """True where no download is needed."""
