"""What is freed is there for the next step."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from workers import heap

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    return [b"x" * (16 * 2**20) for _ in range(8)]

if {kept}:
    assert heap.keep_freed_memory()
step()
before = faults()
step()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has another heap")
def test_pages_are_not_mapped_anew_each_time() -> None:
    usual, kept = (
        int(subprocess.run([sys.executable, "-c", PROGRAM.format(kept=each)], check=True, capture_output=True).stdout)
        for each in (False, True)
    )
    assert kept < 100
    assert usual > 10 * kept
