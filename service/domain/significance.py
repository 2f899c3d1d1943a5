"""What a paired test of two networks answers."""

from typing import Literal

from service.domain.record import Record


class McNemar(Record):
    """Two networks on the same images: on how many one alone is right, and how likely that is by chance."""

    only_a: int
    """Images that the first reads right and the second wrong."""
    only_b: int
    p_value: float
    """Of at least so uneven a division, either way, if both were wrong equally often; 1 where there is nothing to
    divide."""
    method: Literal["exact_binomial", "chi_squared"]
    """How `p_value` was reckoned: exactly, or by McNemar's approximation with Edwards' correction for continuity."""
