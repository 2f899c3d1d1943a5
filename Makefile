# Everything runs in .venv, which is made when it is missing and brought up to date when pyproject.toml has changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
AUDITED := $(VENV)/.audited
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve test torture lint audit bench bench-serving bench-ui install clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(INSTALLED) ## Six networks learn to read digits while you watch; ARGS=--once ends after it
	@$(BIN)/ardoise demo $(ARGS)

serve: $(INSTALLED) ## Serve the API and train, until Ctrl-C; ARGS="--port 9000"
	@$(BIN)/ardoise serve $(ARGS)

test: $(INSTALLED) ## Run the whole test suite; ARGS="tests/client -k watch"
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

torture: $(INSTALLED) ## Put promises to the test for ten minutes; ARGS="storm --minutes 60"
	$(BIN)/python -m tests.torture $(ARGS)

lint: $(INSTALLED) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# What the index does not answer for is an error, and it does not know a build by its suffix, as in 2.13.0+cpu.
audit: $(INSTALLED) ## Ask whether anything installed has a known vulnerability
	@$(BIN)/python -m pip install --quiet pip-audit
	@$(BIN)/python -m pip list --format=freeze --exclude-editable | sed 's/+.*//' >$(AUDITED)
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement $(AUDITED) $(ARGS)

bench: $(INSTALLED) ## Run the benchmarks
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-serving: $(INSTALLED) ## Measure predictions a second over HTTP; ARGS="--networks mlp --bodies png"
	$(BIN)/python -m tests.benchmarks.serving $(ARGS)

bench-ui: $(INSTALLED) ## Measure the dashboard in Chromium
	$(BIN)/python -m tests.benchmarks.ui $(ARGS)

install: $(INSTALLED) ## Make the environment only

$(INSTALLED): pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing into $(VENV); this takes a minute and happens once"
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	@touch $@

clean: ## Remove the environment and the caches; experiments stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find service workers tests alembic -name __pycache__ -type d -prune -exec rm -rf {} +
