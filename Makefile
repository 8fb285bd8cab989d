# `make prove` and `make test` do all set-up, in .venv, and run. Needs Python with venv, and make.

# Luigi 3.8 needs Python 3.10 to 3.13: the first such interpreter on PATH.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	"$$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# One process more than cores, as some tests wait. Each takes tests from another that has more left than itself.
SPREAD := --numprocesses $(shell "$(PYTHON)" -c 'import os; print(min(8, 1 + (os.cpu_count() or 1)))') --dist worksteal

.PHONY: prove test coverage lint format docs examples soundness fuzz chaos benchmarks screenshots clean help

prove: $(VENV)/.installed ## set up and prove the suites that luigi.cfg names; ARGS="--suite PATH" takes another
	@PATH="$(CURDIR)/$(BIN):$$PATH" luigi --module pipelines ProveAll $(ARGS)

test: $(VENV)/.installed-test ## set up and run the tests; ARGS are pytest's
	$(BIN)/python -m pytest $(SPREAD) $(ARGS)

coverage: $(VENV)/.installed-dev ## which lines the tests run, in all processes; takes half as long again as they do
	$(BIN)/python -m pytest $(SPREAD) --cov --cov-report term:skip-covered --cov-report html:build/coverage $(ARGS)

lint: $(VENV)/.installed-dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict -p kprover -p pipelines

format: $(VENV)/.installed-dev ## let ruff format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-dev ## build the documentation into build/docs; a broken link fails it
	$(BIN)/sphinx-build -q -W --keep-going docs build/docs
	@echo 'build/docs/index.html'

examples: $(VENV)/.installed ## generate the definitions and specs of the example languages again
	$(BIN)/python -m examples.build

soundness: $(VENV)/.installed-test ## answers and claims that instances must not contradict; ARGS="--questions N --mutants N --seed N --peer kore-rpc"
	FUZZ=$(FUZZ) $(BIN)/python -m pytest -q tests/soundness/test_soundness_strictness.py
	$(BIN)/python -m tests.soundness $(ARGS)

FUZZ ?= 20
fuzz: $(VENV)/.installed-test ## random requests and states against the embedded server, FUZZ times those of `make test`
	FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/server $(ARGS)

chaos: $(VENV)/.installed-test ## disturb runs at random, a thousand times; ARGS="--rounds N --seed N --seconds S"
	$(BIN)/python -m tests.chaos $(ARGS)

benchmarks: $(VENV)/.installed-test ## speed of the embedded server; benchmarks/README.md has the others
	$(BIN)/python -m benchmarks.server $(ARGS)

screenshots: $(VENV)/.installed-test ## pictures of the page of the last run for the documentation; needs Chromium
	$(BIN)/kprover report -o .kprover/screenshots.html
	$(BIN)/python -m benchmarks.screenshots .kprover/screenshots.html docs/images

clean: ## remove the environment, caches and checkpoints
	rm -rf $(VENV) .kprover .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'No Python 3.10 to 3.13 on PATH; name one: make PYTHON=/path/to/python3' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamps depend on pyproject.toml only: installing is done once, and again when the dependencies change.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo 'setting up $(VENV): pyk, luigi, z3 and what they need; a minute or so, once'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@echo 'setting up $(VENV) with what the tests need'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo 'setting up $(VENV) with ruff, mypy and sphinx'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test
