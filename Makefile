# Catena. `make` lists the targets. Needs Python 3.11 to 3.13 and make; everything else goes into .venv.
#
#   PYTHON=python3.12 make test     choose the interpreter
#   make demo DEMO="--to 2013-01-31"    shorter demo

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test test-faults lint up down clean bench lock

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
# Made when the installation is complete; older than a lock file means: install again.
STAMP := $(VENV)/.installed
LOCK := requirements/dev.lock
DEMO ?=
TESTS ?= tests
BENCH ?=
UPGRADE ?=
COMPILE = $(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-annotate \
	--fork-strategy fewest --custom-compile-command 'make lock' $(UPGRADE)
export UV_NO_PROGRESS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The first interpreter that has a supported version and can make virtual environments.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && { echo $$p; break; }; \
	done)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## Run three months of real flights through the whole chain, and print the report
	$(BIN)/catena demo $(DEMO)

up: $(STAMP) ## Start PostgreSQL, NATS, MLflow and Airflow; print URL and login
	$(BIN)/catena up

down: ## Stop everything that was started
	@if [ -x $(BIN)/catena ]; then $(BIN)/catena down; fi

test: $(STAMP) ## Run all tests, and keep their outcomes for the score card
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder --record-outcomes $(TESTS)

test-faults: $(STAMP) ## Run only the tests that kill processes; all rounds of them: CATENA_FAULT_ROUNDS=full
	$(BIN)/python -m pytest tests/faults -m faults

lint: $(STAMP) ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## Run the benchmarks; results go to docs/benchmarks.md
	$(BIN)/python -m benchmarks $(BENCH)

clean: down ## Stop everything; remove all state, caches and the environment
	rm -rf .catena $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: $(STAMP) ## Resolve compatible versions into requirements/*.lock (newest: UPGRADE=--upgrade)
	$(COMPILE) pyproject.toml --extra production --group dev -o requirements/dev.lock
	$(COMPILE) pyproject.toml --extra production --group build -o requirements/production.lock
	$(COMPILE) --group bootstrap -o requirements/bootstrap.lock

$(STAMP): pyproject.toml $(LOCK) requirements/bootstrap.lock
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11, 3.12 or 3.13 with the venv module was found." >&2; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; \
		exit 1; fi
	@rm -f $@
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install -q --require-hashes -r requirements/bootstrap.lock
	$(UV) pip sync -q --python $(BIN)/python --require-hashes --compile-bytecode $(LOCK) requirements/bootstrap.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation --compile-bytecode -e .
	@touch $@
