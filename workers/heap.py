"""The heap keeps what is freed: each step wants the same memory as the one before it."""

import ctypes
import platform
from functools import cache

KEPT_BYTES = 256 * 2**20
"""At most so much is kept of what is free at the heap's end; before, twice the largest block that was ever freed."""
LARGEST_BYTES = 32 * 2**20
"""The largest block that the C library takes from the heap at all; what is larger is mapped anew each time."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""As in glibc's malloc.h; https://man7.org/linux/man-pages/man3/mallopt.3.html."""


@cache
def keep_freed_memory() -> bool:
    """For the whole process, once; False, and nothing is done, where the C library is not glibc.

    Feature maps are megabytes. Given back to the system and asked for again, each page of them is cleared and mapped
    anew: five thousand page faults a step of `mnist_example`, an eighth of its time.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    done = (library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES), library.mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES))
    return all(done)
