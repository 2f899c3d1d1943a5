"""What the analysis of a finished run is made from: the experiment, its stored outputs, and the images they are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from service import checkpoints, datasets
from service.checkpoints import Outputs, SplitOutputs
from service.datasets import Dataset, Split
from service.domain.checkpoint import Checkpoint
from service.domain.experiment import Experiment
from service.domain.spec import DatasetChoice
from service.domain.splits import DatasetSplit, SplitName
from service.errors import BusyError
from service.settings import Settings
from service.side_process import SideProcess
from service.storage import Database, experiments
from service.storage import checkpoints as checkpoint_rows

if TYPE_CHECKING:
    import numpy as np

log = structlog.get_logger(__name__)

KEPT = 32
"""Runs whose outputs stay in memory; those of MNIST take 0.9 MB."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """A completed run, and what its best weights say of the images that they did not learn from."""

    experiment: Experiment
    ended_at: Checkpoint
    """Beside which the outputs lie."""
    outputs: Outputs

    def of(self, split: SplitName) -> SplitOutputs:
        """The outputs of one split."""
        return self.outputs.validation if split == "validation" else self.outputs.test


def read(database: Database, artifacts: Path, experiment_id: str) -> Evidence:
    """`NotFoundError`, `ConflictError` as `storage/checkpoints.with_outputs`; `DamagedCheckpointError` of its file."""
    with database.reading() as session:
        ended_at = checkpoint_rows.with_outputs(session, experiment_id)
        experiment = experiments.get(session, experiment_id)
    return of(artifacts, experiment, ended_at)


def of(artifacts: Path, experiment: Experiment, ended_at: Checkpoint) -> Evidence:
    """The same where the rows are known; `DamagedCheckpointError` of the file."""
    return Evidence(experiment=experiment, ended_at=ended_at, outputs=_outputs(artifacts, ended_at))


def images(
    settings: Settings, choice: DatasetChoice, split: SplitName, indices: "Sequence[int] | np.ndarray"
) -> "np.ndarray":
    """Images as a run of this choice sees them: uint8 `(n, height, width)`, by their places in the data set.

    Those of a whole split in its order are not copied: nobody may write to them. `DatasetUnavailableError` where the
    data set is not on this machine and cannot be fetched.
    """
    import numpy as np

    whole: np.ndarray = labelled(settings, choice, split).images.numpy()
    places = np.asarray(indices, dtype=np.int64)
    return whole if np.array_equal(places, np.arange(len(whole))) else whole[places]


def labelled(settings: Settings, choice: DatasetChoice, split: SplitName | DatasetSplit) -> Split:
    """A whole split as a run of this choice sees it; validation is a part of the training split. Errors as `images`."""
    dataset = _dataset(choice.name, choice.image_size, settings)
    return dataset.test if split == "test" else dataset.train


def decode_beside(settings: Settings, choice: DatasetChoice) -> None:
    """Where a data set on this machine is not decoded yet, do it in another process, which ends with that.

    The libraries that decode, torchvision and scikit-learn, would stay in this one, with some 70 MB. Where it fails,
    whoever needs the images tries again, and is told why.
    """
    name, size, folder, cache = choice.name, choice.image_size, settings.datasets_dir, settings.cache_dir
    if datasets.is_decoded(name, data_dir=folder, image_size=size, cache_dir=cache):
        return
    if not datasets.is_here(name, data_dir=folder):
        return
    beside = SideProcess()
    try:
        beside.call(datasets.decode, name, data_dir=folder, image_size=size, cache_dir=cache)
    except (BusyError, RuntimeError) as error:
        log.warning("a data set could not be decoded beside", dataset=name, error=str(error))
    finally:
        beside.close()


@lru_cache(maxsize=KEPT)
def _outputs(artifacts: Path, checkpoint: Checkpoint) -> Outputs:
    return checkpoints.load_outputs(artifacts, checkpoint)


@lru_cache(maxsize=4)
def _dataset(name: str, image_size: int | None, settings: Settings) -> Dataset:
    return datasets.load(
        name,
        data_dir=settings.datasets_dir,
        mirror=settings.dataset_mirror,
        image_size=image_size,
        cache_dir=settings.cache_dir,
    )
