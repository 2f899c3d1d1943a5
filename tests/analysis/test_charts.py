"""The pictures, read back: PNG as pixels, SVG as XML (its comments are the texts, its paths the lines)."""

import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest
from PIL import Image

from service.analysis.charts import draw
from service.analysis.colours import PALETTE, PENCIL
from service.analysis.figures import MOST_PIXELS
from service.domain.curves import CurveSeries, Finding, LearningCurves, Remark, Severity


def curves(*accuracies: float | None, losses: tuple[float | None, ...] = (), best: int | None = None) -> LearningCurves:
    """A run with these validation figures; in training it is a little better."""
    losses = losses or tuple(None if value is None else 1.1 - value for value in accuracies)
    return LearningCurves(
        epochs=tuple(range(1, len(accuracies) + 1)),
        series=CurveSeries(
            train_loss=tuple(None if value is None else 0.9 * value for value in losses),
            train_accuracy=tuple(None if value is None else value + 0.01 for value in accuracies),
            val_loss=losses,
            val_accuracy=accuracies,
        ),
        best_epoch=best,
    )


RUN = curves(0.5, 0.8, 0.9, 0.88, best=3)


def svg(runs: dict[str, LearningCurves], *, title: str = "Learning curves") -> str:
    return draw(runs, title=title, format="svg").decode()


def texts(picture: str) -> list[str]:
    return re.findall("<!-- (.*?) -->", picture)


def lines(picture: str, colour: str, *, dashed: bool) -> list[str]:
    """The path data of the lines of a run: accuracy, loss and, if solid, the sample in the legend."""
    paths = ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}path")  # noqa: S314 - we drew it
    styled = [(path.get("style", ""), path.get("d", "")) for path in paths if path.get("clip-path")]
    wanted = f"stroke: {colour.lower()}"
    return [d for style, d in styled if wanted in style and ("stroke-dasharray" in style) == dashed]


def markers(picture: str, colour: str) -> int:
    """How many points of a run are marked in the two panels, its best epoch among them."""
    root = ElementTree.fromstring(picture)  # noqa: S314 - we drew it
    groups = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("clip-path")]
    uses = [use for group in groups for use in group.iter("{http://www.w3.org/2000/svg}use")]
    return sum(f"stroke: {colour.lower()}" in use.get("style", "") for use in uses)


def commented(severity: Severity, kind: str, epochs: tuple[int, int]) -> Finding:
    return Finding(kind=kind, severity=severity, epochs=epochs, evidence={}, text=Remark(en="Look.", fr="Voyez."))


def test_problems_of_a_single_run_have_a_stripe_over_their_epochs_and_nothing_else_has() -> None:
    found = (
        commented(Severity.ERROR, "learning_rate_too_high", (1, 1)),
        commented(Severity.WARNING, "overfitting", (2, 4)),
        commented(Severity.INFO, "train_below_validation", (1, 2)),
    )
    problematic = RUN.model_copy(update={"findings": found})
    alone, plain = svg({"run": problematic}), svg({"run": RUN})
    assert [each for each in texts(alone) if "epoch" in each and each not in texts(plain)] == [
        "learning rate too high, epoch 1", "overfitting, epochs 2 to 4",
    ]  # fmt: skip
    stripes, before = (lines(each, PENCIL, dashed=False) for each in (alone, plain))
    assert len(stripes) - len(before) == 4
    assert svg({"run": problematic, "other": RUN}) == svg({"run": RUN, "other": RUN})


def test_a_png_is_a_picture_on_a_light_ground() -> None:
    content = draw({"run": RUN}, title="Learning curves", format="png")
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    assert picture.width > 1600
    assert 700 < picture.height < 900
    colour = tuple(bytes.fromhex(PALETTE[0][1:]))
    counts = {pixel: count for count, pixel in picture.getcolors(maxcolors=1 << 20) or []}
    assert counts[colour] > 500
    assert max(counts, key=lambda pixel: counts[pixel]) == (0xFC, 0xFB, 0xF8)


def test_the_same_curves_give_the_same_file_in_any_thread() -> None:
    runs = {"one": RUN, "other": curves(0.4, 0.6, best=2)}
    for kind in ("png", "svg"):
        expected = draw(runs, title="Twice", format=kind)
        with ThreadPoolExecutor(4) as threads:
            drawn = list(threads.map(lambda _, kind=kind: draw(runs, title="Twice", format=kind), range(6)))
        assert drawn == [expected] * 6
    assert "<dc:date>" not in expected.decode()


def test_training_is_dashed_and_validation_solid_in_the_colour_of_the_run() -> None:
    picture = svg({"one": RUN, "other": curves(0.4, 0.6)})
    for colour in PALETTE[:2]:
        assert len(lines(picture, colour, dashed=True)) == 2
        assert len(lines(picture, colour, dashed=False)) == 2


def test_the_best_epoch_is_marked_in_both_panels_and_named_in_the_legend() -> None:
    assert markers(svg({"run": RUN}), PALETTE[0]) == 2
    assert markers(svg({"run": curves(0.5, 0.8, 0.9, 0.88)}), PALETTE[0]) == 0
    assert {"0.9000", "3", "best epoch"} <= set(texts(svg({"run": RUN})))


def test_a_missing_value_leaves_a_gap() -> None:
    whole = lines(svg({"run": curves(0.5, 0.6, 0.65, 0.7, 0.8)}), PALETTE[0], dashed=False)
    broken = lines(svg({"run": curves(0.5, 0.6, None, 0.7, 0.8)}), PALETTE[0], dashed=False)
    assert [d.count("M") for d in whole] == [1, 1]
    assert [d.count("M") for d in broken] == [2, 2]


def test_a_value_without_neighbours_is_a_point() -> None:
    single = svg({"run": curves(0.5)})
    assert markers(single, PALETTE[0]) == 4, "training and validation, accuracy and loss"
    assert markers(svg({"run": curves(0.5, None, 0.7, 0.8)}), PALETTE[0]) == 4


@pytest.mark.parametrize(("epochs", "ticks"), [(1, ["1"]), (3, ["1", "2", "3"]), (20, ["5", "10", "15", "20"])])
def test_epochs_are_whole_numbers(epochs: int, ticks: list[str]) -> None:
    shown = texts(svg({"run": curves(*[0.5 + 0.01 * epoch for epoch in range(epochs)])}))
    heading = shown.index("epoch")
    assert shown[:heading] == ticks


def test_without_an_epoch_the_picture_says_so() -> None:
    for runs in ({}, {"queued": curves()}, {"a": curves(), "b": curves()}):
        assert texts(svg(runs)).count("no epoch yet") == 2
    assert texts(svg({"run": curves(None, None)})).count("no finite value") == 2
    assert "no epoch yet" not in texts(svg({"queued": curves(), "run": RUN}))


def test_names_are_drawn_as_they_stand() -> None:
    hostile = r"$\frac{1}$ 50% _x"
    shown = texts(svg({hostile: RUN, "_hidden": RUN}, title=r"$\alpha & <b>"))
    assert hostile in shown
    assert "_hidden" in shown
    assert any(text.startswith(r"$\alpha &amp; &lt;b") for text in shown)


def test_a_character_that_the_font_lacks_becomes_a_box_and_a_line_break_a_space() -> None:
    assert "a □ b c" in texts(svg({"a \U0001f525 b\nc": RUN}))


def test_a_long_name_keeps_its_ends() -> None:
    (shown,) = [text for text in texts(svg({"begin" + "-" * 190 + "seed1": RUN})) if text.startswith("begin")]
    assert shown.endswith("seed1")
    assert "…" in shown
    assert len(shown) < 65


@pytest.mark.parametrize("count", [1, 7, 20])
def test_every_run_has_a_colour_and_a_row_of_its_own(count: int) -> None:
    runs = {f"run {number}": curves(0.3, 0.4 + 0.02 * number, best=2) for number in range(count)}
    picture = svg(runs)
    assert [text for text in texts(picture) if text.startswith("run ")] == list(runs)
    dashed = re.findall('stroke-dasharray: [^;]*;[^"]*stroke: (#[0-9a-f]{6})', picture)
    assert len(set(dashed)) >= count


@pytest.mark.parametrize("count", [5, 150])
def test_a_picture_of_many_runs_is_taller_and_has_no_more_pixels_than_are_drawn_at_once(count: int) -> None:
    runs = {f"run {number}": curves(0.3, 0.4, best=2) for number in range(count)}
    picture = Image.open(io.BytesIO(draw(runs, title="Many", format="png")))
    wide, tall = (float(re.findall(f'{side}="([0-9.]+)pt"', svg(runs))[0]) for side in ("width", "height"))
    assert picture.width * picture.height <= MOST_PIXELS
    assert picture.width / picture.height == pytest.approx(wide / tall, rel=0.003)
    assert picture.info["dpi"][0] == pytest.approx(72 * picture.width / wide, rel=0.003)
    assert picture.width > 1000


@pytest.mark.parametrize("losses", [(2.0, 1e30, 1e300), (2.0, 1e-9, 0.0), (0.0, 0.0, 0.0), (5e-324, 1.0, 1.7e308)])
def test_no_loss_is_too_large_or_small_to_be_drawn(losses: tuple[float, ...]) -> None:
    assert len(draw({"run": curves(0.1, 0.2, 0.1, losses=losses)}, title="Extremes", format="png")) > 1000


def test_losses_of_very_different_size_share_a_logarithmic_axis() -> None:
    shown = texts(svg({"wild": curves(0.1, 0.2, losses=(1000.0, 500.0)), "tame": RUN}))
    assert {"Loss, logarithmic", "1000", "100", "10", "1"} <= set(shown[shown.index("Accuracy") :])
    assert "Loss" in texts(svg({"tame": RUN}))


def test_importing_the_charts_does_not_import_matplotlib() -> None:
    script = "import sys, service.analysis.charts; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
