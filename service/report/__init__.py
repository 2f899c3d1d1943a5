"""The report of a lab: one HTML file with every question, its evidence and its verdicts, in English or French.

A block of evidence is one file in `blocks`, and its name there is what a sheet calls it. It is a module with

    TITLE: Text
    def build(view: View) -> Iterator[Part]     what is shown, made from records and never by asking the service
    def calls(view: View) -> Iterator[str]      paths at which a reader finds the same over HTTP

Blocks say what to show (`parts`); how it looks is the template's affair alone.
"""

import pkgutil
from functools import cache
from pathlib import Path


@cache
def block_names() -> tuple[str, ...]:
    """The blocks that a sheet can name, sorted; none is imported for it."""
    folder = str(Path(__file__).parent / "blocks")
    return tuple(sorted(file.name for file in pkgutil.iter_modules([folder]) if not file.name.startswith("_")))
