"""What the hidden layers of a finished run add, reckoned once and then remembered."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from service import datasets, evidence
from service.analysis.collapse import collapse
from service.analysis.linear_fit import Design, design, linear_fit
from service.domain.ledger import Ledger
from service.domain.linearity import Linearity
from service.errors import ArdoiseError, ConflictError, DamagedCheckpointError, DatasetUnavailableError, NotFoundError
from service.evidence import Evidence
from service.inference.affine import affine_map
from service.inference.models import Models
from service.settings import Settings
from service.storage import Database, listing
from service.storage import checkpoints as checkpoint_rows

if TYPE_CHECKING:
    import numpy as np

KEPT = 256
"""Answers; a kilobyte each."""
DESIGNS = 4
"""Data sets whose images' part of a fit is kept; that of MNIST takes 4 MB."""
MOST_PIXELS = 1024
"""The cost of a fit grows with the square of the pixels: with 4,096 it would take seconds and a gigabyte."""


class Linearities:
    """Safe from any thread; one is reckoned at a time, with all cores, and who asks for the same waits for it."""

    def __init__(self, database: Database, settings: Settings, models: Models) -> None:
        self._database, self._settings, self._models = database, settings, models
        self._answers: OrderedDict[str, Linearity] = OrderedDict()
        self._designs: OrderedDict[tuple[str, int], Design] = OrderedDict()
        self._reckoning = threading.Lock()

    def of(self, experiment_id: str, ledger: Ledger) -> Linearity:
        """The run's own; with nothing but a reason where there is nothing to judge, or what is needed is not there.

        `NotFoundError` where there is no such experiment.
        """
        try:
            with self._database.reading() as session:
                key = checkpoint_rows.with_outputs(session, experiment_id).id
            return self._known(
                key, lambda: evidence.read(self._database, self._settings.artifacts_dir, experiment_id), ledger
            )
        except (ConflictError, DamagedCheckpointError, DatasetUnavailableError) as error:
            return Linearity(reason=error.message)

    def of_evidence(self, find: Callable[[], Evidence], ledger: Ledger) -> Linearity:
        """The same of what was read already."""
        try:
            found = find()
            return self._known(found.ended_at.id, lambda: found, ledger)
        except (ConflictError, DamagedCheckpointError, DatasetUnavailableError) as error:
            return Linearity(reason=error.message)

    def _known(self, key: str, find: Callable[[], Evidence], ledger: Ledger) -> Linearity:
        with self._reckoning:
            if key not in self._answers:
                self._answers[key] = self._reckon(find(), ledger)
                _trim(self._answers, KEPT)
            self._answers.move_to_end(key)
            return self._answers[key]

    def prepare(self) -> None:
        """Reckon what fits need of the images that runs were completed on last: who asks first does not wait for it.

        Nothing is downloaded; what is not there, or cannot be used, is left for those who ask.
        """
        with self._database.reading() as session:
            newest = listing.newest_completed(session, limit=DESIGNS)
        for experiment_id in newest:
            with suppress(ArdoiseError), self._reckoning:
                found = evidence.read(self._database, self._settings.artifacts_dir, experiment_id)
                choice, folder = found.experiment.spec.dataset, self._settings.datasets_dir
                if choice.side**2 <= MOST_PIXELS and datasets.is_here(choice.name, data_dir=folder):
                    evidence.decode_beside(self._settings, choice)
                    self._design(found)

    def _reckon(self, found: Evidence, ledger: Ledger) -> Linearity:
        import numpy as np

        test = found.of("test")
        if not np.isfinite(test.logits).all():
            return Linearity(reason="the network's logits are not all finite")
        if ledger.affine:
            return self._collapse(found, ledger)
        pixels = found.experiment.spec.dataset.side**2
        if pixels > MOST_PIXELS:
            return Linearity(reason=f"images of {pixels:,} pixels are not fitted to: at most {MOST_PIXELS:,} are")
        return Linearity(linear_fit=linear_fit(self._design(found), logits=test.logits, labels=test.labels))

    def _collapse(self, found: Evidence, ledger: Ledger) -> Linearity:
        import numpy as np

        experiment, test = found.experiment, found.of("test")
        try:
            with self._database.reading() as session:
                best = checkpoint_rows.named(session, experiment.id, "best")
        except NotFoundError:
            return Linearity(reason="the best epoch's weights are not there: only the last were to be kept")
        model = self._models.get(best)
        matrix, bias = affine_map(model)
        manifest = model.manifest
        images = self._images(found).reshape(len(test.labels), -1)
        inputs = (images.astype(np.float32) - np.float32(255 * manifest.mean)) / np.float32(255 * manifest.std)
        return Linearity(linear_collapse=collapse(matrix, bias, inputs=inputs, logits=test.logits, ledger=ledger))

    def _design(self, found: Evidence) -> Design:
        """By data set and image size: a fit is on the whole test split, whatever the run."""
        choice = found.experiment.spec.dataset
        key = (choice.name, choice.side)
        if key not in self._designs:
            self._designs[key] = design(self._images(found))
            _trim(self._designs, DESIGNS)
        self._designs.move_to_end(key)
        return self._designs[key]

    def _images(self, found: Evidence) -> "np.ndarray":
        return evidence.images(self._settings, found.experiment.spec.dataset, "test", found.of("test").indices)


def _trim(kept: "OrderedDict[Any, Any]", most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
