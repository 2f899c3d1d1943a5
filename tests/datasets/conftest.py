"""Real data, where there is some."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data_dir() -> Path:
    """The folder with MNIST and USPS; the test is skipped, and says why, where there is none."""
    named = os.environ.get("ARDOISE_DATA_DIR")
    if not named:
        pytest.skip("ARDOISE_DATA_DIR is not set: nothing is tested on the real MNIST and USPS")
    folder = Path(named)
    for needed in ("MNIST/raw/train-images-idx3-ubyte", "USPS/usps.bz2"):
        if not (folder / needed).is_file():
            pytest.skip(f"ARDOISE_DATA_DIR={folder} has no {needed}")
    return folder
