# make analyze   the bounds of this machine        make test    tests, but for long proofs and kernels
# make check     all tests, ruff, types, imports    make fuzz    100,000 mutated files
# make lab       bounds on real kernels in QEMU
# make mutation  changes to the code that the tests must notice
# make soak      half an hour over 500 live processes
# make bench     speed against its budgets           make clean   forget the environment
# make picture   docs/analyze.svg                  make man     man pages in build/man

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: analyze test test-long lab lab-tools browser shells fuzz mutation soak bench man picture lint check clean

analyze: .venv/installed
	$(BIN)/rssbound analyze $(ARGS)
	@echo >&2 "The command is $(BIN)/rssbound; for more: $(BIN)/rssbound --help"

test: .venv/test-tools
	$(BIN)/pytest -n auto -m "not long and not lab" $(ARGS)

test-long: .venv/test-tools
	$(BIN)/pytest -n auto -m "long or lab" $(ARGS)

# QEMU and Debian's kernels; the tests that need them skip, with the reason, where they are not
lab-tools:
	$(PYTHON) tests/lab/obtain.py

# Chromium, in which reports are looked at; its tests skip where there is none
browser:
	command -v chromium || command -v chromium-browser || \
	{ test "$$(id -u)" = 0 && apt-get update -q && apt-get install -qy --no-install-recommends chromium; }

# zsh and fish, which must accept the completion scripts; the tests skip where they are not
shells:
	{ command -v zsh && command -v fish; } || \
	{ test "$$(id -u)" = 0 && apt-get update -q && apt-get install -qy --no-install-recommends zsh fish; }

lab: .venv/test-tools lab-tools
	$(BIN)/pytest -m "lab or lab_long" $(ARGS)

# fleets on a Spark cluster of this machine; the tests skip, with the reason, where there is no Java
.PHONY: spark
spark: .venv/test-tools
	$(BIN)/pip install --quiet --editable '.[fleet,spark]'
	$(BIN)/pytest -m spark $(ARGS)

fuzz: .venv/test-tools
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest tests/test_fuzz.py $(ARGS)

# Small changes to the code, which the tests must notice
mutation: .venv/test-tools
	$(BIN)/pip install --quiet --group mutation
	$(BIN)/python tests/mutation.py $(ARGS)

soak: .venv/test-tools
	$(BIN)/python tests/soak/soak.py $(ARGS)

bench: .venv/bench-tools
	$(BIN)/python -m compileall -q bounds cli kernel topology rssbound
	$(BIN)/python tests/bench/run.py $(ARGS)

man: .venv/installed
	$(BIN)/python docs/write_man.py build/man

picture: .venv/installed
	$(BIN)/python docs/draw_analyze.py

lint: .venv/lint-tools
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

check: test test-long lint

clean:
	rm -rf .venv

.venv/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rssbound needs Python 3.11 or later; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

# dependency groups (PEP 735) need pip 25.1
.venv/new-pip: .venv/installed
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	touch $@

.venv/test-tools: .venv/new-pip
	$(BIN)/pip install --quiet --group test
	touch $@

.venv/bench-tools: .venv/test-tools
	$(BIN)/pip install --quiet --group bench
	touch $@

.venv/lint-tools: .venv/test-tools
	$(BIN)/pip install --quiet --group lint
	touch $@
