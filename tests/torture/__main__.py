"""`python -m tests.torture [PART...]`: put promises to the test, all or those of these files; 1 if any is broken."""

import argparse
import importlib
import pkgutil
import random
import sys
import time
import traceback
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests import torture
from tests.torture import Outcome


def main(arguments: list[str] | None = None) -> int:
    """Go through the parts one after another, print a table; the exit status."""
    names = sorted(file.name for file in pkgutil.iter_modules(torture.__path__) if not file.name.startswith("_"))
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=torture.__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(names)}; default: all")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all parts together (default: 10)")
    parser.add_argument(
        "--seed", type=int, default=None, help="of all that is left to chance (default: another each time)"
    )
    given = parser.parse_args(arguments)
    if unknown := [part for part in given.parts if part not in names]:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(names)}")
    wanted = given.parts or names
    seed = random.SystemRandom().getrandbits(32) if given.seed is None else given.seed
    console = Console()
    console.print(f"{given.minutes:g} minutes for {', '.join(wanted)}; --seed {seed}", style="dim", highlight=False)
    outcomes: dict[str, tuple[Outcome, float]] = {}
    for name in wanted:
        console.print(f"{name} ...", style="dim")
        began = time.monotonic()
        outcome = _of(name, seconds=60 * given.minutes / len(wanted), chance=random.Random(f"{seed} {name}"))
        outcomes[name] = outcome, time.monotonic() - began
    console.print(_table(outcomes))
    for name, (outcome, _seconds) in outcomes.items():
        if outcome.remark:
            console.print(f"{name}: {outcome.remark}", style="dim", highlight=False, markup=False)
    lost = [f"{name}: {sentence}" for name, (outcome, _seconds) in outcomes.items() for sentence in outcome.lost]
    for sentence in lost:
        console.print(sentence, style="red", highlight=False, markup=False)
    console.print("nothing was lost" if not lost else f"{len(lost)} promises were broken")
    return 1 if lost else 0


def _of(name: str, *, seconds: float, chance: random.Random) -> Outcome:
    try:
        outcome: Outcome = importlib.import_module(f"tests.torture.{name}").torment(seconds, chance)
    except Exception as error:  # noqa: BLE001  # whatever breaks is the result
        return Outcome(load="", lost=(f"{type(error).__name__}: {error}\n{traceback.format_exc()}",))
    return outcome


def _table(outcomes: Mapping[str, tuple[Outcome, float]]) -> Table:
    table = Table("part", "seconds", "load held", "faults survived", "bad inputs tried", "lost")
    for name, (outcome, seconds) in outcomes.items():
        table.add_row(name, f"{seconds:.0f}", outcome.load, *_counts([outcome]))
    table.add_section()
    each = [outcome for outcome, _seconds in outcomes.values()]
    table.add_row("all", f"{sum(seconds for _outcome, seconds in outcomes.values()):.0f}", "", *_counts(each))
    return table


def _counts(outcomes: Sequence[Outcome]) -> tuple[str, str, str]:
    faults, inputs = sum(each.faults for each in outcomes), sum(each.inputs for each in outcomes)
    lost = sum(len(each.lost) for each in outcomes)
    return f"{faults:,}" if faults else "", f"{inputs:,}" if inputs else "", f"{lost} promises" if lost else "nothing"


if __name__ == "__main__":
    sys.exit(main())
