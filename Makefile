# Two entrances: `make demo` runs Meshlens on bundled real data, `make test` runs everything CI runs.
SHELL := /bin/sh
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test lint unit coverage packages benchmarks clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "meshlens needs Python 3.11 or newer; name one with make PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/uv || { $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@echo "setting up $(VENV) from uv.lock" >&2
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --quiet --active --frozen --inexact --extra lab --python $(BIN)/python
	@touch $@

demo: setup
	@sh demo/run $(ARGS)

packages: setup
	@sh tests/system-packages

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/sqlfluff lint --processes 2 sql
	$(BIN)/lint-imports
	$(BIN)/deptry .

unit: setup
	$(BIN)/python -m pytest $(ARGS)

# What shares the machine badly (real proxies, real browsers, kills at random moments) runs after the rest, alone.
test: setup packages lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not lab and not browser and not slow"
	$(BIN)/python -m pytest -q -m "lab or browser or slow"

coverage: setup packages
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not lab and not browser" --cov --cov-report=term

benchmarks: setup
	$(BIN)/python -m benchmarks --json $(ARGS)

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.*
