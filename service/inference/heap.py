"""The heap of a process, as the C library keeps it."""

import ctypes
import platform


def give_back() -> None:
    """What is free on it goes back to the system, where the C library is glibc.

    By itself glibc gives back the end of the heap only: whatever outlives the start, the loading of a network or the
    reading of a large picture keeps what was freed below it. https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
