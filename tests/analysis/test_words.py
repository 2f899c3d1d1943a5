"""Numbers as English and French write them."""

import pytest

from service.analysis.words import count, number, percent, points, remark


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0.0731, "0.0731", "0,0731"), (0.3, "0.3", "0,3"), (2.302585, "2.3", "2,3"),
        (0.00012345, "0.000123", "0,000123"),
        (1e-5, "10⁻⁵", "10⁻⁵"), (2.5e-7, "2.5 × 10⁻⁷", "2,5 × 10⁻⁷"), (12.34, "12.3", "12,3"),
        (1234.5, "1,234", "1\u202f234"), (6.35e7, "6.35 × 10⁷", "6,35 × 10⁷"), (1e30, "10³⁰", "10³⁰"), (0.0, "0", "0"),
        (999.6, "1000", "1000"), (-0.5, "−0.5", "−0,5"), (-2e9, "−2 × 10⁹", "−2 × 10⁹"),
    ],
)  # fmt: skip
def test_a_number_has_three_digits(value: float, english: str, french: str) -> None:
    assert (number(value).en, number(value).fr) == (english, french)


def test_percent_points_and_counts() -> None:
    assert (percent(0.92345).en, percent(0.92345).fr) == ("92.3%", "92,3\u00a0%")
    assert (percent(12.5).en, percent(1e9).fr) == ("1,250%", "10¹¹\u00a0%")
    assert (points(0.054).en, points(0.054).fr) == ("5.4 points", "5,4 points")
    assert (count(10_000).en, count(10_000).fr) == ("10,000", "10\u202f000")


@pytest.mark.parametrize(
    ("share", "places", "french"),
    [(0.0199, 2, "1,99 point"), (0.02, 2, "2,00 points"), (0.0199, 1, "2,0 points"), (-0.003, 2, "−0,30 point")],
)
def test_french_has_several_points_from_two_on(share: float, places: int, french: str) -> None:
    assert points(share, places).fr == french
    assert points(share, places).en.endswith(" points")


def test_french_has_its_spaces_and_epochs_have_none() -> None:
    said = remark(
        en="{a}: {b}; epoch {epoch}!", fr="{a} : {b} ; époque {epoch} !", a=percent(0.5), b=number(0.25), epoch=1234
    )
    assert said.en == "50.0%: 0.25; epoch 1234!"
    assert said.fr == "50,0\u00a0%\u00a0: 0,25\u202f; époque 1234\u202f!"
