"""A stored checkpoint, as the database knows it and as the API lists it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.domain.record import Record

WEIGHTS = "weights.safetensors"
STATE = "state.safetensors"
MANIFEST = "manifest.json"
OUTPUTS = "outputs.safetensors"

CHOICE, CHOICE_IN_WORDS = r"^(best|last|[1-9][0-9]{0,4})$", "`best`, `last` or an epoch that is stored"
CheckpointChoice = Annotated[str, Field(pattern=CHOICE, description=CHOICE_IN_WORDS, strict=True)]
"""Which of an experiment's is meant."""


class StoredFile(Record):
    """A file of a checkpoint and what it must still be when it is read."""

    name: str
    bytes: int
    sha256: str


class Checkpoint(Record):
    """The weights after an epoch; resumable where the optimizer's state lies beside them."""

    id: str
    experiment_id: str
    epoch: int
    attempt: int
    folder: str
    files: tuple[StoredFile, ...]
    resumable: bool
    created_at: datetime

    @property
    def weights(self) -> StoredFile:
        """The file that is downloaded and predicted from."""
        return next(file for file in self.files if file.name == WEIGHTS)

    @property
    def has_outputs(self) -> bool:
        """True where a run ended here: what its best weights say of validation and test images lies beside it."""
        return any(file.name == OUTPUTS for file in self.files)


class CheckpointListing(Record):
    """A row of `GET /v1/experiments/{id}/checkpoints`; bytes and hash are those of the weights file."""

    name: str
    epoch: int
    bytes: int
    created_at: datetime
    sha256: str


class CheckpointList(Record):
    """All that can be predicted from, `best` and `last` first."""

    items: tuple[CheckpointListing, ...]
