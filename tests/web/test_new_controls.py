"""The controls of the form: each offers what the service has, and what is given in it is what is trained."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from service.client import Kind
from service.domain.spec import ExperimentSpec
from tests.web.conftest import Bench

pytestmark = pytest.mark.browser

CATALOGUES: dict[Kind, tuple[str, str]] = {
    "architectures": ("architecture", "Architecture"),
    "optimizers": ("optimizer", "Optimizer"),
    "schedules": ("schedule", "Learning rate over time"),
}
WRITTEN = "value => value === null ? '' : Array.isArray(value) ? value.join(', ') : String(value)"
TYPED = {
    "dataset.train_size": "300", "dataset.validation_fraction": "0.2", "architecture.channels": "4; 6",
    "architecture.hidden": "", "architecture.dropout": "0.1", "optimizer.learning_rate": "0.002",
    "optimizer.betas": "0.8 0.99", "schedule.step_size": "2", "epochs": "3", "batch_size": "32",
    "loss.label_smoothing": "0.05", "early_stopping.patience": "2", "name": "by hand", "tags": "one, two words",
    "seed": "7", "priority": "3",
}  # fmt: skip
CHOSEN = {
    "architecture.name": "cnn", "architecture.kernel_size": "5", "architecture.pool": "average", "activation": "tanh",
    "optimizer.name": "adam", "schedule.name": "step", "early_stopping.monitor": "val_accuracy",
    "checkpoints.keep": "all", "device": "cpu",
}  # fmt: skip
SPEC = {
    "name": "by hand", "tags": ["one", "two words"], "priority": 3, "seed": 7, "device": "cpu", "activation": "tanh",
    "dataset": {
        "name": "digits", "train_size": 300, "validation_fraction": 0.2,
        "augmentation": [{"name": "shift", "pixels": 1}],
    },
    "architecture": {
        "name": "cnn", "channels": [4, 6], "hidden": [], "dropout": 0.1, "kernel_size": 5, "pool": "average",
        "batch_norm": True,
    },
    "optimizer": {"name": "adam", "learning_rate": 0.002, "betas": [0.8, 0.99]},
    "schedule": {"name": "step", "step_size": 2}, "epochs": 3, "batch_size": 32, "loss": {"label_smoothing": 0.05},
    "early_stopping": {"patience": 2, "monitor": "val_accuracy"}, "checkpoints": {"keep": "all"},
}  # fmt: skip


def test_each_choice_brings_its_options_with_their_defaults(page: Page, bench: Bench) -> None:
    page.goto("/#/new")
    for kind, (field, label) in CATALOGUES.items():
        choice = page.get_by_label(label)
        for item in bench.client.catalogue(kind).items:
            choice.select_option(item.name)
            spec = bench.client.preview({"dataset": "digits", "architecture": "mlp", field: item.name}).spec
            defaults: dict[str, Any] = spec.model_dump(mode="json")[field]
            options = page.locator(f'[name^="{field}."]:not([name="{field}.name"])')
            expect(options).to_have_count(len(defaults) - 1)
            for name, value in defaults.items():
                control = page.locator(f'[name="{field}.{name}"]')
                if isinstance(value, bool):
                    expect(control).to_be_checked(checked=value)
                else:
                    expect(control).to_have_value(page.evaluate(WRITTEN, value))


def test_what_is_given_by_hand_is_what_is_trained(page: Page, bench: Bench) -> None:
    page.goto("/#/new")
    expect(page.locator(".total__value")).to_have_text("50,826")
    for title in ("When to stop, what to keep", "Name, seed and machine"):
        page.get_by_role("heading", name=title).click()
    page.get_by_text("Augmentation: training images moved").click()
    for path, value in CHOSEN.items():
        if path == "early_stopping.monitor":
            page.locator('[name="early_stopping.patience"]').fill(TYPED["early_stopping.patience"])
        page.locator(f'[name="{path}"]').select_option(value)
    for path, text in TYPED.items():
        page.locator(f'[name="{path}"]').fill(text)
    page.get_by_label("Batch norm").check()
    page.get_by_label("shift").check()
    page.locator('[name="dataset.augmentation.shift.pixels"]').fill("1")
    expect(page.locator("[aria-invalid]")).to_have_count(0)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name="by hand")).to_be_visible()
    experiment = bench.ended(page.url.rsplit("/", 1)[1])
    assert experiment.spec == ExperimentSpec.model_validate(SPEC)
    page.get_by_role("link", name="Clone and edit").click()
    expect(page.get_by_label("Tags")).to_have_value("one, two words")
    page.get_by_role("heading", name="Name, seed and machine").click()
    page.get_by_label("Seed", exact=True).fill("8")
    page.get_by_text("The whole spec, with every default").click()
    expect(page.locator(".ledger-panel pre")).to_contain_text('"seed": 8')
    shown = json.loads(page.locator(".ledger-panel pre").inner_text())
    assert ExperimentSpec.model_validate(shown) == ExperimentSpec.model_validate(SPEC | {"seed": 8})
