"""Every view of the dashboard by an address that shows it with something in it: one line a view."""

from collections.abc import Callable

from tests.web.conftest import Bench

NETWORK = {"name": "cnn", "channels": [4], "hidden": []}


def _one(bench: Bench) -> str:
    return bench.trained(name="looked at", architecture=NETWORK, checkpoints={"keep": "all"})


def _both(bench: Bench) -> str:
    return f"{_one(bench)},{bench.trained(name='looked at, too')}"


VIEWS: dict[str, Callable[[Bench], str]] = {
    "experiments": lambda bench: f"/#/experiments?name=looked%20at&ids={_both(bench)}",
    "curves": lambda bench: f"/#/experiments/{_one(bench)}",
    "findings": lambda bench: f"/#/experiments/{_one(bench)}?tab=findings",
    "checkpoints": lambda bench: f"/#/experiments/{_one(bench)}?tab=checkpoints",
    "layers": lambda bench: f"/#/experiments/{_one(bench)}?tab=layers",
    "confusion": lambda bench: f"/#/experiments/{_one(bench)}?tab=confusion",
    "mistakes": lambda bench: f"/#/experiments/{_one(bench)}?tab=mistakes",
    "filters": lambda bench: f"/#/experiments/{_one(bench)}?tab=filters&unit=1",
    "inside": lambda bench: f"/#/experiments/{_one(bench)}?tab=inside&layer=convolution1&map=1&row=2&column=2",
    "notes": lambda bench: f"/#/experiments/{_one(bench)}?tab=notes",
    "draw": lambda bench: f"/#/draw?models={_both(bench)}",
    "compare": lambda bench: f"/#/compare?ids={_both(bench)}",
    "new": lambda _: "/#/new?architecture.name=cnn&early_stopping.patience=3",
    "queue": lambda _: "/#/queue",
}
