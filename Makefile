# Everything that people and machines run. Each command sets up what it needs.

ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; \
  done)
endif

BIN := .venv/bin
SETUP := $(PYTHON) deploy/dev/setup.py
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-annotate --no-header --no-emit-index-url --no-emit-find-links
PORT ?=
ARGS ?=
JOBS ?= 3
# These tests start no program and wait for nothing.
PURE := tests/room tests/protocol tests/config tests/client/test_links.py tests/log/test_values.py \
  tests/media/test_rtp.py tests/media/test_rtcp.py tests/media/test_slots.py \
  tests/media/test_assign.py tests/media/test_reconcile.py tests/test_house.py \
  tests/test_spec_ids.py tests/test_generated.py tests/test_architecture.py \
  --ignore-glob='tests/protocol/test_live_*'

# The tests start hundreds of Python programs, so compiled modules are kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup dev demo test lint check audit format bench soak lock clean

help:
	@echo "make setup    .venv with the command sitwith, and the web page"
	@echo "make demo     a living room on this machine (PORT=8000)"
	@echo "make check    lint, versions and pure tests: under a minute, for each edit"
	@echo "make test     all checks and all tests, on JOBS=$(JOBS) processes"
	@echo "make lint     style, types and layers; make format corrects what it can"
	@echo "               and renews what is generated"
	@echo "make audit    compares versions with the databases of known faults"
	@echo "make bench    benchmarks; make soak runs long tests"
	@echo "make lock     renews the locked requirements (ARGS=--upgrade for newer ones)"
	@echo "make clean    removes all that the others made"

setup dev: .python
	@$(SETUP) $(filter dev,$@)

.PHONY: .python
.python:
	@test -n "$(PYTHON)" || { echo "Sitwith needs Python 3.11 or newer: install it" \
	  "(on Debian: apt-get install python3), or name one: make PYTHON=/path/to/python" >&2; exit 1; }

demo: setup
	@exec $(BIN)/sitwith demo $(if $(PORT),--port $(PORT)) $(ARGS)

test: lint
	@$(SETUP) test
	@$(SETUP) npm run --silent test
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

# These targets run in parallel, and each prints only what is wrong.
LINT := types page style format-is layers
PARALLEL = @$(MAKE) --no-print-directory --jobs --keep-going --output-sync=target \
  $(addprefix .check-,$(1))

lint: dev
	$(call PARALLEL,$(LINT))

check: dev
	$(call PARALLEL,$(LINT) floors pure)

.PHONY: $(addprefix .check-,$(LINT) floors pure)
.check-style:
	@$(BIN)/ruff check --quiet . || { echo "lint: make format mends what can be mended" >&2; exit 1; }
.check-format-is:
	@$(BIN)/ruff format --quiet --check . || { echo "lint: run make format" >&2; exit 1; }
.check-types:
	@$(BIN)/mypy --no-error-summary
.check-layers:
	@$(BIN)/lint-imports >.setup/layers 2>&1 || { cat .setup/layers >&2; \
	  echo "lint: pyproject.toml says who may import whom" >&2; exit 1; }
.check-page:
	@$(SETUP) npm run --silent typecheck
.check-floors:
	@$(BIN)/python deploy/dev/floors.py
.check-pure:
	@$(BIN)/python -m pytest -q -n 2 $(PURE)

# `make check` compares versions with deploy/dev/floors.toml; this needs a network.
audit: dev
	@$(BIN)/python deploy/dev/floors.py
	@$(BIN)/python deploy/dev/audit.py

format: dev
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .
	@$(BIN)/python -m deploy.dev.generate
	@$(BIN)/python -m tests.room.render_rules
	@$(BIN)/python tests/protocol/make_tables.py

bench: dev
	@$(BIN)/python -m benchmarks $(ARGS)

soak: dev
	@$(SETUP) test
	@$(BIN)/python -m pytest -m soak $(ARGS)

# The dev list holds everything, so that the two others are cuts of one resolution.
lock: .python
	@test -x $(BIN)/uv || $(SETUP) dev
	@$(LOCK) pyproject.toml --group build --group dev $(ARGS) -o requirements-dev.txt
	@$(LOCK) pyproject.toml -c requirements-dev.txt -o requirements.txt
	@$(LOCK) --group build -c requirements-dev.txt -o requirements-build.txt
	@$(LOCK) --group audit -c requirements-dev.txt -o requirements-audit.txt

clean:
	@rm -rf .venv .setup .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist \
	  client/web/node_modules server/sitwith_server/web
