# Targets: run, test, lint, build, bench, lock, clean.
# Variables: PYTHON (interpreter for a new environment), VENV (where it is), SERVE=0 (stop after the first answer),
# SERVE_ARGS, BENCH_ARGS, PYTEST_ARGS, JOBS (test processes).

PYTHON ?= python3.11
VENV ?= .venv
SERVE ?= 1
JOBS ?= 2
SERVE_ARGS ?=
BENCH_ARGS ?=
PYTEST_ARGS ?=

PIP_INSTALL = "$(VENV)/bin/python" -m pip install --quiet --no-input --disable-pip-version-check

.PHONY: help run test lint build bench lock clean env

help:
	@echo "make run    build the graph, answer a first question, serve on this machine (SERVE=0: do not serve)"
	@echo "make test   linter, format, types, tests"
	@echo "make lint   linter, format, types"
	@echo "make build  build and publish the snapshot"
	@echo "make bench  run the benchmarks"
	@echo "make lock   resolve the requirements again and write requirements.lock"
	@echo "make clean  remove .venv, caches and built packages; data and snapshots stay"

# The stamp holds what the environment was made from. Content decides, not time: a checkout changes times.
env:
	@set -eu; \
	stamp="$(VENV)/lexgraph.stamp"; \
	wanted=$$( { pwd; cat requirements.lock pyproject.toml; } | cksum ); \
	if [ -x "$(VENV)/bin/python" ] && [ -f "$$stamp" ] && [ "$$(cat "$$stamp")" = "$$wanted" ]; then exit 0; fi; \
	if [ ! -x "$(VENV)/bin/python" ]; then \
		command -v "$(PYTHON)" >/dev/null 2>&1 || { \
			echo "$(PYTHON) not found. Name a Python 3.11 or later: make PYTHON=/path/to/python" >&2; exit 1; }; \
		"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
			echo "$(PYTHON) is too old: Python 3.11 or later is needed" >&2; exit 1; }; \
		echo "Creating $(VENV)" >&2; \
		"$(PYTHON)" -m venv "$(VENV)"; \
	fi; \
	echo "Installing requirements.lock and lexgraph into $(VENV)" >&2; \
	rm -f "$$stamp"; \
	$(PIP_INSTALL) -r requirements.lock; \
	$(PIP_INSTALL) --no-deps -e .; \
	"$(VENV)/bin/python" -m pip check --disable-pip-version-check >&2; \
	echo "$$wanted" > "$$stamp"

run: build
	@echo
	@echo "A first question: someone in RU broke into systems in the US on 2000-06-01. Who could prosecute on 2000-11-10?"
	@echo
	"$(VENV)/bin/lexgraph" prosecute --offence illegal-access --conduct-in RU --effects-in US \
		--conduct-date 2000-06-01 --as-of 2000-11-10 --suspect-nationality RU --format table
	@if [ "$(SERVE)" = 0 ]; then exit 0; fi; \
	echo; exec "$(VENV)/bin/lexgraph" serve $(SERVE_ARGS)

lint: env
	"$(VENV)/bin/ruff" check
	"$(VENV)/bin/ruff" format --check
	"$(VENV)/bin/mypy"

test: lint
	"$(VENV)/bin/python" -m pytest -n $(JOBS) $(PYTEST_ARGS)

build: env
	"$(VENV)/bin/lexgraph" build

bench: build
	"$(VENV)/bin/python" benchmarks/run.py $(BENCH_ARGS)

# Written only when every line is a plain pin, so that a half-made list never replaces a good one.
lock:
	@set -eu; \
	tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; trap 'exit 1' HUP INT TERM; \
	"$(PYTHON)" -m venv "$$tmp/venv"; \
	"$$tmp/venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check '.[dev,bench]'; \
	"$$tmp/venv/bin/python" -m pip freeze --disable-pip-version-check --exclude lexgraph | LC_ALL=C sort -f > "$$tmp/lock"; \
	if [ ! -s "$$tmp/lock" ] || grep -Evq '^[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+$$' "$$tmp/lock"; then \
		echo "Not written: a line is not name==version" >&2; cat "$$tmp/lock" >&2; exit 1; fi; \
	cat "$$tmp/lock" > requirements.lock; \
	echo "requirements.lock: $$(wc -l < requirements.lock) packages" >&2

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests benchmarks -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
