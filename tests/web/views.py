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
    **{
        tab: lambda bench, tab=tab: f"/#/experiments/{_one(bench)}?tab={tab}"  # type: ignore[misc]
        for tab in ("layers", "confusion", "mistakes", "filters", "inside", "notes")
    },
    "draw": lambda bench: f"/#/draw?models={_both(bench)}",
    "checkpoints": lambda bench: f"/#/experiments/{_one(bench)}?tab=checkpoints",
    "compare": lambda bench: f"/#/compare?ids={_both(bench)}",
    "new": lambda _: "/#/new?architecture.name=cnn&early_stopping.patience=3",
    "queue": lambda _: "/#/queue",
}
