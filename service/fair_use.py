"""How often an owner may ask: a token bucket for each (Turner, "New directions in communications", 1986).

Of a process: several API processes count each for themselves. An owner that has not asked for a while may ask for a
whole period's worth at once, and then at an even rate.
"""

import math
import time
from collections.abc import Callable

from cachetools import LRUCache

MOST_OWNERS = 10_000


class Rate:
    """At most `most` in `seconds` for each owner; 0: any number. Called on one thread."""

    def __init__(self, most: int, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.seconds = most, seconds
        self._clock = clock
        self._free: LRUCache[str, float] = LRUCache(MOST_OWNERS)
        """When all of an owner's bucket is free again, by the clock."""

    def wait(self, owner: str) -> int:
        """Count one more and return 0; else the whole seconds until there is room, and nothing is counted."""
        if not self.most:
            return 0
        now, each = self._clock(), self.seconds / self.most
        free = max(now, self._free.get(owner, now)) + each
        late = free - now - self.seconds
        if late > 1e-9:
            return math.ceil(late)
        self._free[owner] = free
        return 0

    def charge(self, owner: str, more: int) -> None:
        """Count so many more, which are done already: the owner waits the longer for the next."""
        if self.most and more > 0:
            now = self._clock()
            self._free[owner] = max(now, self._free.get(owner, now)) + more * self.seconds / self.most
