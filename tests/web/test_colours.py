"""The colours of runs are told apart by those who see few colours, too, on paper and on slate.

What they see is reckoned by the matrices of Machado, Oliveira and Fernandes, "A physiologically-based model for
simulation of color vision deficiency", IEEE TVCG 15 (2009), table 1, severity 1.0, on linear RGB. How far two colours
are from each other is the distance in Ottosson's OKLab (2020), times 100: about 2 are just told apart side by side.
"""

import re

import numpy as np
import pytest

from service import pages

SEEN = {
    "all colours": (np.eye(3), 10.0),
    "no red": (
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        7.5,
    ),
    "no green": ([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]], 7.5),
    "no blue": ([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]], 7.0),
}
"""From linear RGB to what is seen of it, and how far apart any two runs are at least."""
CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
LAB = [
    [0.2104542553, 0.793617785, -0.0040720468],
    [1.9779984951, -2.428592205, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.808675766],
]


def linear(colours: list[str]) -> np.ndarray:
    """`#rrggbb` as linear RGB, a row each."""
    coded = np.array([[int(each[i : i + 2], 16) / 255 for i in (1, 3, 5)] for each in colours])
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("ground", ["paper", "slate"])
@pytest.mark.parametrize("eye", SEEN)
def test_any_two_runs_are_told_apart(eye: str, ground: str) -> None:
    text = (pages.FOLDER / "style" / "slate.css").read_text()
    pairs = re.findall(r"--chalk-\d: light-dark\((#\w{6}), (#\w{6})\)", text)
    assert len(pairs) == 8
    matrix, apart = SEEN[eye]
    seen = np.clip(linear([each[ground == "slate"] for each in pairs]) @ np.array(matrix).T, 0, 1)
    places = 100 * np.cbrt(seen @ np.array(CONES).T) @ np.array(LAB).T
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert distances[np.triu_indices(8, 1)].min() >= apart
