"""Real digits, and files made of them."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """The bundled data set: uint8, (1797, 8, 8)."""
    images: np.ndarray = load_digits().images
    return (images * 255 / 16).astype(np.uint8)


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    folder = Path(os.environ.get("ARDOISE_DATA_DIR", "")) / "MNIST" / "raw"
    if "ARDOISE_DATA_DIR" not in os.environ or not (folder / "t10k-images-idx3-ubyte").exists():
        pytest.skip("needs MNIST under ARDOISE_DATA_DIR")
    return folder


@pytest.fixture(scope="session")
def drawing(digits: np.ndarray) -> Image.Image:
    """A digit, dark on light, 64 x 48, off centre."""
    large = Image.fromarray(255 - digits[5]).resize((32, 32), Image.Resampling.BICUBIC)
    page = Image.new("L", (64, 48), 255)
    page.paste(large, (20, 10))
    return page
