"""`ardoise lab` from the runs to the report, with a service and a worker of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import labs, report
from service.client import Client
from service.domain.experiment import State
from service.report.words import Words
from tests.cli.conftest import Ardoise, Served, start, stop, until
from tests.pages import Page, small_sheet, written

FRENCH_ALONE = ("exactitude", "époque", "réseau")
ENGLISH_ALONE = ("accuracy", "epoch", "network", " the ")


@pytest.fixture(scope="module")
def labs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("labs")
    (folder / "small.yaml").write_text(written(small_sheet()))
    return folder


@pytest.fixture(scope="module")
def lab_service(tmp_path_factory: pytest.TempPathFactory, labs_dir: Path) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("lab") / "home", "--workers", "1", labs_dir=str(labs_dir))
    try:
        until(served.is_ready, what="a worker that is ready")
        yield served
    finally:
        stop(served.process)


def test_a_lab_is_run_and_its_report_answers_every_question(
    lab_service: Served, labs_dir: Path, ardoise: Ardoise, tmp_path: Path
) -> None:
    target = tmp_path / "report.html"
    said = ardoise("lab", "run", "small", "--offline", "--lang", "fr", "-o", target, url=lab_service.url)
    assert said.status == 0, said.err
    sweep_id = said.out.split("sweep ")[1].split()[0]
    assert "three: 3 of 3 completed" in said.out
    french = Page(target.read_text())
    with Client(lab_service.url) as client:
        english = Page(client.lab_report("small", sweep_id=sweep_id).decode())
        items = client.get_sweep(sweep_id).items
        evaluated = [each for item in items for each in client.evaluations(item.id).items]
    lab = labs.load("small", folder=labs_dir)
    for page, words in ((french, Words("fr")), (english, Words("en"))):
        _check(page, lab_service.url)
        for question in lab.questions:
            assert question.id in page.ids
            assert " ".join(words.of(question.title).split()) in page.text
            assert words.of(question.theory or question.text).split("\n")[0] in page.text
        assert " ".join(words.of(lab.introduction).split()) in page.text
        for name in report.block_names():
            module = __import__(f"service.report.blocks.{name}", fromlist=["TITLE"])
            assert words.of(module.TITLE) in page.headings
    assert not any(word in english.text for word in FRENCH_ALONE)
    prose = french.text.replace(french.code, "")
    assert not [word for word in ENGLISH_ALONE if word in prose.split("Les commandes qui ont donné ceci")[0]]
    assert [(each.dataset, each.state) for each in evaluated] == 3 * [("synthetic", State.COMPLETED)]
    assert "Offline variant: what is on this machine (digits)" in english.text
    assert "Variante hors ligne" in french.text
    assert "effectifs" in french.text
    assert "Training figures are of 200 images of digits, those of validation of 144 others" in english.text
    assert "softmax at temperature 0.1" in english.text
    assert english.code.count("&temperature=0.1") == english.code.count("&temperature=5") == 3
    assert "its mean confidence is" in english.text
    assert "sa confiance moyenne est de" in french.text
    assert "“" in english.text
    assert "distinguishable" in english.text or "is better than" in english.text


def _check(page: Page, url: str) -> None:
    """It stands alone: no script, nothing to load, links within the page, addresses in the commands alone."""
    assert "script" not in page.elements
    assert all(each.startswith(("#", "data:image/png;base64,")) for each in page.addresses)
    assert {each[1:] for each in page.addresses if each.startswith("#")} <= {*page.ids}
    assert "http" not in page.text.replace(f"URL={url}", "")
    assert f"URL={url}" in page.code
    assert "NaN" not in page.text
    assert "None" not in page.text
    assert "Indisponible" not in page.text
    assert "Not to be had" not in page.text
    for part in ("img", "svg", "table"):
        assert part in page.elements


def test_constraints_are_checked_with_an_exit_status(lab_service: Served, ardoise: Ardoise) -> None:
    with Client(lab_service.url) as client:
        good = client.submit({"dataset": "digits", "architecture": "perceptron", "epochs": 3})
        large = client.submit({"dataset": "digits", "architecture": {"name": "mlp", "hidden": [64]}, "epochs": 1})
        for each in (good, large):
            [*client.watch(each.id)]
    met = ardoise("lab", "check", "small", good.id, url=lab_service.url)
    assert (met.status, met.err) == (0, "")
    assert "Few parameters. (English) Met: parameters 650." in met.out
    unmet = ardoise("lab", "check", "small", good.id, large.id, "--lang", "fr", url=lab_service.url)
    assert unmet.status == 1
    assert "Non respecté : paramètres 4 810." in unmet.out
    assert "1 of 2 experiments do not keep to all constraints of lab small" in unmet.err


def test_a_report_on_experiments_that_are_there(lab_service: Served, ardoise: Ardoise, tmp_path: Path) -> None:
    with Client(lab_service.url) as client:
        one = client.submit({"dataset": "digits", "architecture": "perceptron", "epochs": 1, "name": "mine"})
        [*client.watch(one.id)]
    target = tmp_path / "mine.html"
    said = ardoise("lab", "report", "small", one.id, "-o", target, url=lab_service.url)
    assert said.status == 0, said.err
    assert Page(target.read_text()).ids[-1] == "own"


def test_the_sheets_are_listed(lab_service: Served, ardoise: Ardoise) -> None:
    said = ardoise("lab", "list", url=lab_service.url)
    assert "Perceptrons, hidden layers and convolutions" in said.out
    assert "small" in said.out
    listed = json.loads(ardoise("lab", "list", "--json", url=lab_service.url).out)["items"]
    assert [item["name"] for item in listed] == ["small", "tp"]


def test_what_cannot_be_done_is_said_first(ardoise: Ardoise, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    away = ardoise("lab", "run", "-o", tmp_path / "tp.html", url=nobody)
    assert away.status == 1
    assert "start the service with `make serve` or `ardoise serve`" in away.err
    assert "cannot be written" in ardoise("lab", "run", "-o", tmp_path / "no" / "tp.html", url=nobody).err
    assert ardoise("lab", "run", "--lang", "de", url=nobody).status == 2
    assert ardoise("lab", "report", "tp", url=nobody).status == 2
