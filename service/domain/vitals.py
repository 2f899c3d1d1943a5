"""How the service stands at this moment, for who watches it."""

from service.domain.experiment import State
from service.domain.record import Record


class Vitals(Record):
    """Numbers that rise and fall; ages in seconds, sizes in bytes."""

    experiments: dict[State, int]
    """All states are there."""
    evaluations: dict[State, int]
    longest_wait: float
    """Of the runs that wait; 0 where none does."""
    workers: int
    """That are alive."""
    busy_workers: int
    """Of these, the ones that train a run."""
    free_bytes: int
    """On the disk of the artifacts."""
    database_bytes: int | None
    """Null where it is not a file of ours."""
    log_bytes: int | None
    """Of SQLite's write-ahead log."""
