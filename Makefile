# make demo   fit the gas turbine's table and look at the result: demo/
# make test   the tests;  make lint   ruff and pyright
# make bench  the comparison with other libraries: benchmarks/RESULTS.md
# make docs   the documentation: site/;  make clean   remove what was made
#
# All recipes work in .venv, made with versions pinned in constraints.txt. PYTHON=... chooses another interpreter.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.stamp-run
DEV := $(VENV)/.stamp-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs clean

help:
	@sed -n 's/^# //p' Makefile | head -5

# The package is built by the pinned hatchling, not by the newest one in an environment of pip's own.
$(RUN): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed; name one with PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) hatchling editables
	$(PIP) --no-build-isolation --editable '.[plots]'
	@touch $@

$(DEV): $(RUN)
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

demo: $(RUN)
	$(BIN)/python examples/gas_turbine.py --output demo

test: $(DEV)
	$(BIN)/python -m pytest --numprocesses $(JOBS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(DEV)
	$(PIP) --no-build-isolation --editable '.[docs]'
	$(BIN)/mkdocs build --strict --quiet

.venvs/peers-%/.stamp: benchmarks/constraints-%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --requirement $<
	@touch $@

bench: $(DEV) .venvs/peers-torch/.stamp .venvs/peers-flowjax/.stamp
	$(BIN)/python benchmarks/run_speed.py \
		--python-torch .venvs/peers-torch/bin/python --python-flowjax .venvs/peers-flowjax/bin/python
	$(BIN)/python benchmarks/run_scaling.py \
		--python-torch .venvs/peers-torch/bin/python --python-flowjax .venvs/peers-flowjax/bin/python
	$(BIN)/python benchmarks/run_tables.py \
		--python-torch .venvs/peers-torch/bin/python --python-flowjax .venvs/peers-flowjax/bin/python
	$(BIN)/python benchmarks/report.py

clean:
	rm -rf $(VENV) .venvs build dist site demo .cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
