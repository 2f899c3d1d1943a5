"""Charts as SVG: what is drawn where, and what is no number."""

import re
from xml.etree import ElementTree as ET

import pytest

from service.report import svg
from service.report.svg import Line, Panel


def drawn(*lines: Line, legend: tuple[tuple[str, str, bool], ...] = (), **facts: object) -> ET.Element:
    panel = Panel("Heading", lines, "epoch", **facts)  # type: ignore[arg-type]
    return ET.fromstring(svg.draw([panel], legend, number=lambda value: f"{value:g}"))  # noqa: S314  # our own


def lines_of(root: ET.Element, colour: str) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (point.split(",") for point in each.attrib["points"].split())]
        for each in root.iter("polyline")
        if each.attrib["stroke"] == colour
    ]


def test_a_line_goes_through_its_points_and_has_a_gap_where_there_is_none() -> None:
    values = [(1, 0.0), (2, 1.0), (3, None), (4, 0.5), (5, 0.5), (6, float("nan")), (7, 1.0)]
    root = drawn(Line(values, "red"))
    first, second = lines_of(root, "red")
    assert len(first) == len(second) == 2
    assert first[0][0] < first[1][0] < second[0][0]
    assert first[0][1] > second[0][1] > first[1][1]
    (alone,) = root.iter("circle")
    assert float(alone.attrib["cy"]) == pytest.approx(first[1][1])


def test_logarithmic_axes_have_equal_steps_for_equal_factors() -> None:
    ((a, b, c),) = lines_of(drawn(Line([(1, 1.0), (10, 10.0), (100, 100.0)], "red"), logarithmic=(True, True)), "red")
    assert b[0] - a[0] == pytest.approx(c[0] - b[0], abs=0.3)
    assert a[1] - b[1] == pytest.approx(b[1] - c[1], abs=0.3)


def test_nothing_to_draw_is_no_error() -> None:
    assert not lines_of(drawn(Line([], "red"), Line([(1, None)], "red")), "red")
    assert len([*drawn(Line([(1, 5.0)], "red")).iter("circle")]) == 1
    assert lines_of(drawn(Line([(1, 0.0), (2, 0.0)], "red"), logarithmic=(False, True)), "red")


def test_what_is_beyond_all_bounds_is_a_gap() -> None:
    (line,) = lines_of(drawn(Line([(1, 1.0), (2, 2.0), (3, 1e308), (4, float("inf"))], "red")), "red")
    assert len(line) == 2


def test_texts_are_escaped() -> None:
    root = drawn(Line([(1, 1.0), (2, 2.0)], "red"), legend=(("<b>&", "red", False),))
    assert "<b>&" in [each.text for each in root.iter("text")]


def test_a_long_legend_takes_several_rows_within_the_picture() -> None:
    legend = tuple((f"network number {number}", "red", False) for number in range(12))
    root = drawn(Line([(1, 1.0), (2, 2.0)], "red"), legend=legend)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    placed = [(float(each.attrib["x"]), float(each.attrib["y"])) for each in root.iter("text")
              if re.match("network", each.text or "")]  # fmt: skip
    assert len({y for _, y in placed}) > 1
    assert max(x for x, _ in placed) < width - 60
    assert max(y for _, y in placed) < height


def test_many_decades_have_few_marks() -> None:
    assert svg._decades(0.9e-5, 1.1) == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1])
    assert svg._decades(0.9e-10, 1.1) == pytest.approx([1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1])
    assert svg._decades(0.9, 110) == pytest.approx([1, 2, 5, 10, 20, 50, 100])
