"""A new experiment: all that a spec can say, and its network as one types."""

import re

import pytest
from playwright.sync_api import Page, expect

from service.domain.presets import PRESETS
from service.domain.spec import ExperimentSpec
from tests.test_readme import NESTED
from tests.web.conftest import Bench, Watch

pytestmark = pytest.mark.browser


def test_the_ledger_follows_what_is_typed_and_the_link_holds_it(page: Page, bench: Bench) -> None:
    page.goto("/#/new")
    parameters = page.locator(".total__value")
    expect(parameters).to_have_text("50,826")
    page.get_by_text("The function that it computes").click()
    page.get_by_label("Hidden", exact=True).fill("100, 50")
    expect(parameters).to_have_text("12,060")
    expect(page.get_by_role("region", name="Layers")).to_contain_text("(64 + 1) · 100")
    expect(page.locator("details", has_text="The function that it computes")).to_have_attribute("open", "")
    page.get_by_label("Architecture").select_option("cnn")
    expect(parameters).to_have_text("13,706")
    expect(page.get_by_label("Channels")).to_have_value("16, 32")
    page.get_by_label("Kernel size").select_option("5")
    page.get_by_label("Optimizer").select_option("adam")
    expect(page.get_by_label("Betas")).to_have_value("0.9, 0.999")
    expect(page).to_have_url(re.compile(r"architecture\.name=cnn&architecture\.kernel_size=5&optimizer\.name=adam"))
    expect(parameters).to_have_text("22,154")
    page.reload()
    expect(parameters).to_have_text("22,154")
    expect(page.get_by_label("Optimizer")).to_have_value("adam")
    page.get_by_label("Epochs").fill("2")
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile(r"#/experiments/[\w-]+$"))
    experiment = bench.ended(page.url.rsplit("/", 1)[1])
    assert experiment.spec == ExperimentSpec.model_validate(
        {"dataset": "digits", "architecture": {"name": "cnn", "kernel_size": 5}, "optimizer": "adam", "epochs": 2}
    )
    assert experiment.parameters == 22154


def test_what_is_wrong_is_said_at_its_control(watched_page: tuple[Page, Watch]) -> None:
    page, watch = watched_page
    watch.allowed.append("status of 422")
    page.goto("/#/new")
    epochs = page.get_by_label("Epochs")
    epochs.fill("0")
    expect(epochs).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("must be 1 or more and at most 10000")).to_be_visible()
    epochs.fill("3")
    expect(epochs).not_to_have_attribute("aria-invalid", "true")
    size = page.get_by_label("Train size")
    size.fill("999999")
    expect(size).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("that is what validation leaves for training")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    size.fill("")
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()


def test_a_preset_or_another_experiment_is_where_to_begin(page: Page, bench: Bench) -> None:
    page.goto("/#/new")
    page.get_by_label("Begin with").select_option("lab-tanh")
    expect(page).to_have_url(re.compile(r"preset=lab-tanh$"))
    expect(page.get_by_text(PRESETS["lab-tanh"].description)).to_be_visible()
    expect(page.get_by_label("Activation")).to_have_value("tanh")
    expect(page.get_by_label("Data set")).to_have_value("usps")
    other = bench.trained(name="to be copied", architecture={"name": "mlp", "hidden": [7]}, activation="elu")
    page.goto(f"/#/new?from={other}")
    expect(page.get_by_label("Hidden", exact=True)).to_have_value("7")
    expect(page.get_by_label("Activation")).to_have_value("elu")
    page.get_by_label("Hidden", exact=True).fill("9")
    expect(page.locator(".total__value")).to_have_text(str((64 + 1) * 9 + (9 + 1) * 10))


def test_several_seeds_are_a_sweep(page: Page, bench: Bench) -> None:
    page.goto("/#/new?architecture.name=perceptron&epochs=1&tags=[%22seeds%22]")
    page.get_by_label("seeds").fill("3")
    expect(page).to_have_url(re.compile("repeats=3"))
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile(r"#/compare\?sweep_id="))
    found = list(bench.client.iterate(tag="seeds"))
    assert sorted(each.spec.seed for each in found) == [0, 1, 2]


def test_every_setting_of_a_spec_has_its_control_and_the_bounds_of_the_service(page: Page) -> None:
    page.goto("/#/new?early_stopping.patience=3&dataset.augmentation=[%22shift%22]")
    expect(page.locator('[name="dataset.train_size"]')).to_have_count(1)
    shown = set(page.locator("form.new [name]").evaluate_all("nodes => nodes.map(node => node.name)"))
    wanted = set()
    for name in ExperimentSpec.model_fields:
        if name in NESTED:
            wanted |= {f"{name}.{field}" for field in NESTED[name].model_fields}
        else:
            wanted.add(f"{name}.name" if name in {"architecture", "optimizer", "schedule"} else name)
    wanted -= {"loss.name", "dataset.augmentation"}
    assert wanted <= shown
    assert "dataset.augmentation.shift" in shown
    table = page.evaluate("import('/web/new/sections.js').then(({ PLAIN }) => PLAIN)")
    schema = ExperimentSpec.model_json_schema()
    for path, (_, listed, *_) in table.items():
        field, _, key = path.partition(".")
        node = NESTED[field].model_json_schema()["properties"][key] if key else schema["properties"][field]
        bounds = {"minimum", "maximum", "exclusiveMaximum"}
        told = next(iter(listed.get("anyOf", ())), listed)
        assert {each: told[each] for each in bounds & told.keys() if told[each] is not None} == {
            each: node[each] for each in bounds & node.keys() if node[each] != 2**63
        }, path
