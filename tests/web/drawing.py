"""A hand on the slate, and the network that reads it."""

from collections.abc import Iterable

from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Bench

SEVEN = ((0.24, 0.2), (0.74, 0.2), (0.4, 0.85))
"""Points of a stroke, in units of the slate's height."""
ONE = ((0.5, 0.15), (0.5, 0.85))
READER = {"architecture": "cnn", "epochs": 15, "checkpoints": {"keep": "all"}, "name": "reader"}
"""The network of these tests: it reads test digits well after three seconds of training; all its epochs are kept."""


def slate(page: Page) -> Locator:
    """Where one draws."""
    return page.get_by_role("application", name="Slate: draw a digit here")


def draw(page: Page, points: Iterable[tuple[float, float]] = SEVEN, *, shift: float = 0.0) -> None:
    """One stroke with the mouse."""
    box = slate(page).bounding_box()
    assert box is not None
    side = box["height"]
    first, *others = [(box["x"] + (x + shift) * side, box["y"] + y * side) for x, y in points]
    page.mouse.move(*first)
    page.mouse.down()
    for each in others:
        page.mouse.move(*each, steps=6)
    page.mouse.up()


def epochs(part: Page | Locator) -> Locator:
    """The slider over the stored epochs, once there is one: a key that comes before is nobody's."""
    slider = part.get_by_label("Epoch whose weights are used")
    expect(slider).to_be_visible()
    return slider


def reader(bench: Bench) -> str:
    """The id of that network, trained once."""
    return bench.trained(**READER)
