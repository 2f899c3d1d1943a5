"""Images of the data sets that are on this machine."""

from service import catalogue, datasets, evidence
from service.analysis.pictures import Tile, png, sheet
from service.domain.spec import DatasetChoice
from service.domain.splits import DatasetSplit
from service.errors import DatasetUnavailableError, NotFoundError
from service.settings import Settings

PER_CLASS = 10


def image(settings: Settings, name: str, split: DatasetSplit, index: int) -> bytes:
    """One image as a PNG, pixel for pixel, by its place in the split; `NotFoundError` where it has none there."""
    whole = _split(settings, name, split)
    if index >= len(whole):
        raise NotFoundError(f"the {split} split of {name} has no image {index}: it has 0 to {len(whole) - 1}")
    return png(whole.images[index].numpy())


def contact_sheet(settings: Settings, name: str, split: DatasetSplit) -> bytes:
    """A PNG of the first images of every class, a class a row."""
    whole, labels = _split(settings, name, split), datasets.facts(name).labels
    tiles = [
        Tile(whole.images[place].numpy(), caption=label, detail=f"image {place}")
        for at, label in enumerate(labels)
        for place in (whole.labels == at).nonzero().flatten()[:PER_CLASS].tolist()
    ]
    title = f"{datasets.facts(name).title}: the first of {len(whole)} images ({split})"
    return sheet(tiles, title=title, columns=PER_CLASS)


def _split(settings: Settings, name: str, split: DatasetSplit) -> datasets.Split:
    """To look at images nothing is downloaded: that is a run's to do, and may take minutes."""
    catalogue.named(catalogue.all_datasets().items, name, kind="data set")
    if not datasets.is_here(name, data_dir=settings.datasets_dir):
        raise DatasetUnavailableError(f"the data set {name} is not on this machine yet: the first run on it fetches it")
    return evidence.labelled(settings, DatasetChoice.model_validate({"name": name}), split)
