# Set-up needs Python 3.11+, git and make; everything else is installed into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLANNER ?=

.PHONY: demo test lint wheel-test goldens fixtures catalog benchmark clean

# Installed: the package in editable mode (which builds the price catalog) with the tools for development.
$(VENV)/.installed: pyproject.toml hatch_build.py $(shell find gpuguard/price/data gpuguard/price/build.py gpuguard/price/store.py gpuguard/price/schema.py -type f)
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "gpuguard needs Python 3.11 or newer; set PYTHON=python3.12 or the like")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	$(BIN)/python -m compileall -q gpuguard
	touch $@

demo: $(VENV)/.installed
	$(BIN)/gpuguard check fixtures/demo/plan.json

test: $(VENV)/.installed
	$(BIN)/python -m pytest

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Builds the wheel, installs it into a bare environment and checks a plan with it, away from the checkout.
wheel-test: $(VENV)/.installed
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip install --quiet --disable-pip-version-check build/wheel/*.whl
	cp fixtures/demo/plan.json build/wheel/plan.json
	cd build/wheel && venv/bin/gpuguard check plan.json
	cd build/wheel && venv/bin/python -c 'import importlib.util as u, sys; sys.exit("a top-level `policies` was installed" if u.find_spec("policies") else 0)'

# Writes what the code produces now into the golden files. Read the diff like code.
goldens: $(VENV)/.installed
	$(BIN)/python -m pytest -q --update-goldens
	$(BIN)/python -m gpuguard.decide.docs docs/rules.md
	$(BIN)/python -m gpuguard.extract.docs docs/coverage.md fixtures
	$(BIN)/python -m gpuguard.price.docs docs/catalog.md

# Makes fixtures/*/plan.json again, with plain terraform, or with PLANNER, a command called as `PLANNER DIR --out FILE`.
fixtures: $(VENV)/.installed
	$(BIN)/python scripts/make_fixtures.py $(if $(PLANNER),--planner "$(PLANNER)")

catalog: $(VENV)/.installed
	$(BIN)/python -m gpuguard.price.build --manifest

benchmark: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/catalog.py

clean:
	rm -rf $(VENV) gpuguard/price/catalog.sqlite
