"""The catalogue of blocks: each is what the page takes it for."""

import importlib

import pytest

from service import report
from service.domain.lab import Text


@pytest.mark.parametrize("name", report.block_names())
def test_a_block_has_a_title_in_both_languages_and_builds_and_calls(name: str) -> None:
    module = importlib.import_module(f"service.report.blocks.{name}")
    assert isinstance(module.TITLE, Text)
    assert module.TITLE.en != module.TITLE.fr
    assert callable(module.build)
    assert callable(module.calls)


def test_the_templates_and_sheets_lie_in_the_package() -> None:
    """What the wheel takes along: hatchling packs every file of the packages that git does not ignore."""
    from service import labs
    from service.report import page

    assert {"page.html.jinja", "page.css"} <= {file.name for file in page.TEMPLATES.iterdir()}
    assert (labs.BUNDLED / "tp.yaml").is_file()
