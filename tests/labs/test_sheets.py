"""Lab sheets as files: found, read, and refused with all that is wrong with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service import laboratory, labs, report
from service.domain.lab import Lab, Text
from service.domain.lab_answers import LabRequest
from service.errors import ConflictError, NotFoundError
from service.report import page  # noqa: F401  # what a report needs is there
from tests.pages import small_sheet, written

BUNDLED = labs.names(None)


def texts(node: object) -> list[Text]:
    """All that a sheet says."""
    if isinstance(node, Text):
        return [node]
    if isinstance(node, dict):
        return [text for value in node.values() for text in texts(value)]
    if isinstance(node, tuple):
        return [text for value in node for text in texts(value)]
    fields = getattr(type(node), "model_fields", {})
    return [text for name in fields for text in texts(getattr(node, name))]


def test_the_bundled_sheets_are_there() -> None:
    assert "tp" in BUNDLED
    assert all(item.problem is None for item in labs.listing(None).items)


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("offline", [False, True])
def test_a_bundled_sheet_makes_experiments(name: str, *, offline: bool) -> None:
    lab = labs.load(name, folder=None)
    planned = laboratory.plan(name, lab, LabRequest(offline=offline))
    assert {each.spec.tags[1] for each in planned} == {f"lab:{name}:{run}" for run in lab.runs}
    if offline:
        assert {each.spec.dataset.name for each in planned} <= {"digits", "synthetic"}


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_sheet_is_written_in_both_languages(name: str) -> None:
    found = texts(labs.load(name, folder=None))
    assert len(found) > 20
    for text in found:
        if len(text.en) > 20:
            assert text.en != text.fr
            assert not {"the", "and", "which"} & {*text.fr.lower().split()}


def test_every_run_of_the_bundled_lab_is_asked_about_and_every_block_is_shown() -> None:
    lab = labs.load("tp", folder=None)
    assert {run for question in lab.questions for run in question.runs} == set(lab.runs)
    assert {each.block for question in lab.questions for each in question.evidence} == set(report.block_names())


def test_a_teacher_s_sheet_comes_beside_the_bundled_ones_and_before_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "tp.yaml").write_text(written(small_sheet()))
    (tmp_path / "second.yaml").write_text(written(small_sheet()))
    assert labs.names(tmp_path) == ("second", "tp")
    assert labs.load("tp", folder=tmp_path).title.en == "Small sheet <b> (English)"
    assert labs.load("tp", folder=None).title.en != "Small sheet <b> (English)"


def test_a_sheet_is_read_anew_once_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("title: {en: half, fr: moitié}")
    with pytest.raises(ConflictError, match="runs: is required"):
        labs.load("mine", folder=tmp_path)
    file.write_text(written(small_sheet()))
    assert isinstance(labs.load("mine", folder=tmp_path), Lab)


def test_a_sheet_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(NotFoundError, match="there is no lab 'pt'; there are tp"):
        labs.load("pt", folder=None)
    with pytest.raises(NotFoundError):
        labs.load("../labs/tp", folder=None)


def _without_french(sheet: dict[str, Any]) -> None:
    del sheet["questions"][0]["text"]["fr"]


def _of_an_unknown_run(sheet: dict[str, Any]) -> None:
    sheet["questions"][1]["runs"] = ["won"]


def _with_an_unknown_block(sheet: dict[str, Any]) -> None:
    sheet["questions"][1]["evidence"] = [{"block": "curve"}]


def _about_a_run_of_another_question(sheet: dict[str, Any]) -> None:
    sheet["questions"][1]["verdicts"] = [{"a": "one", "b": "three"}]


def _twice_the_same_question(sheet: dict[str, Any]) -> None:
    sheet["questions"][1]["id"] = "everything"


def _with_two_limits(sheet: dict[str, Any]) -> None:
    sheet["constraints"][0]["at_least"] = 3


def _with_the_wrong_limit(sheet: dict[str, Any]) -> None:
    sheet["constraints"][2] |= {"one_of": None, "at_most": 3}


def _with_a_strange_name(sheet: dict[str, Any]) -> None:
    sheet["runs"]["Two layers"] = sheet["runs"]["one"]


def _with_an_unknown_field(sheet: dict[str, Any]) -> None:
    sheet["runs"]["one"]["sead"] = [1]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_french, "questions/0/text/fr: is required"),
        (_of_an_unknown_run, "questions/1/runs: unknown run 'won'; allowed: one, "),
        (_with_an_unknown_block, "questions/1/evidence/0/block: unknown block 'curve'; allowed: curves, "),
        (_about_a_run_of_another_question, "questions/1/verdicts/0: unknown run of the question 'three'; allowed: one"),
        (_twice_the_same_question, "questions: 'everything' is there 2 times"),
        (_with_two_limits, "constraints/0: must have exactly one limit: parameters takes at_most or at_least"),
        (_with_the_wrong_limit, "constraints/2: must have exactly one limit: architecture takes one_of"),
        (_with_a_strange_name, "runs/Two layers: must be a name such as 'two-layers'"),
        (_with_an_unknown_field, "runs/one/sead: unknown field 'sead'; allowed: seeds, "),
    ],
)
def test_what_is_wrong_with_a_sheet_is_said(spoil: Callable[[dict[str, Any]], None], said: str, tmp_path: Path) -> None:
    sheet = small_sheet()
    spoil(sheet)
    (tmp_path / "mine.yaml").write_text(written(sheet))
    with pytest.raises(ConflictError) as refused:
        labs.load("mine", folder=tmp_path)
    assert said in refused.value.message
    assert refused.value.message.startswith("lab sheet mine.yaml cannot be used: ")
    (mine,) = [item for item in labs.listing(tmp_path).items if item.name == "mine"]
    assert mine.problem == refused.value.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"title: [", "expected"),
        (b"- 1\n- 2", "must be an object"),
        (b"", "must be an object"),
        (b"\xff\xfe\xfa", "no UTF-8"),
        (b"runs: {}\nruns: {}", "the key 'runs' is there twice"),
        (b"title: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        (b"[" * 5_000, "cannot be used"),
        (b"#" * 2_000_000, "at most 1,048,576 are read"),
    ],
    ids=range(8),
)
def test_a_file_that_is_no_sheet_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(ConflictError, match=said):
        labs.load("mine", folder=tmp_path)


def test_a_run_that_makes_no_experiment_says_why() -> None:
    sheet = small_sheet()
    sheet["runs"]["three"]["spec"]["architecture"]["hiden"] = [3]
    with pytest.raises(
        ConflictError, match="run 'three' of lab mine is no experiment: base/architecture/hiden: unknown"
    ):
        laboratory.plan("mine", Lab.model_validate(sheet), LabRequest())


def test_a_run_that_cannot_be_judged_where_the_sheet_says_so_is_refused_before_anything_is_stored() -> None:
    sheet = small_sheet()
    sheet["runs"]["one"]["evaluate_on"] = ["fashion_mnist"]
    refused = "run 'one' of lab mine is no experiment: dataset: fashion_mnist has other classes"
    with pytest.raises(ConflictError, match=refused):
        laboratory.plan("mine", Lab.model_validate(sheet), LabRequest())


def test_the_offline_variant_is_laid_over_field_by_field() -> None:
    lab = Lab.model_validate(small_sheet())
    online, offline = (laboratory.plan("mine", lab, LabRequest(offline=each, runs=("one",))) for each in (False, True))
    assert [each.spec.dataset.train_size for each in online] == [300] * 3
    assert [each.spec.dataset.train_size for each in offline] == [200] * 3
    assert [each.spec.name for each in offline] == [f"mine-one, seed {seed}" for seed in range(3)]
