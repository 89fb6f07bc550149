# make analyze   the bounds of this machine
# make test      tests, without long proofs and without real kernels
# make check     all tests, ruff, types, import layers
# make lab       bounds on real kernels in QEMU
# make fuzz      readers on 100,000 mutated files
# make coverage  lines and branches of bounds/ and topology/ that no test executes
# make mutation  small changes to the code that the tests must detect
# make soak      half an hour of observing 500 processes
# make bench     speed against its budgets
# make picture   docs/analyze.svg
# make man       man pages in build/man
# make clean     remove the environment

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: analyze test test-long lab lab-tools browser shells fuzz coverage mutation soak bench man picture lint check clean

analyze: .venv/installed
	$(BIN)/rssbound analyze $(ARGS)
	@echo >&2 "The command is $(BIN)/rssbound; for more: $(BIN)/rssbound --help"

test: .venv/test-tools
	$(BIN)/pytest -n auto --dist worksteal -m "not long and not lab" $(ARGS)

test-long: .venv/test-tools
	$(BIN)/pytest -n auto --dist worksteal -m "long or lab" $(ARGS)

# QEMU and Debian's kernels; without them the tests that need them skip with a reason
lab-tools:
	$(PYTHON) tests/lab/obtain.py

# Chromium, for tests of the report's layout; they skip without it
browser:
	command -v chromium || command -v chromium-browser || \
	{ test "$$(id -u)" = 0 && apt-get update -q && apt-get install -qy --no-install-recommends chromium; }

# zsh and fish, for tests of the completion scripts; they skip without them
shells:
	{ command -v zsh && command -v fish; } || \
	{ test "$$(id -u)" = 0 && apt-get update -q && apt-get install -qy --no-install-recommends zsh fish; }

lab: .venv/test-tools lab-tools
	$(BIN)/pytest -m "lab or lab_long" $(ARGS)

# fleets on a local Spark cluster; the tests skip with a reason without Java
.PHONY: spark
spark: .venv/test-tools
	$(BIN)/pip install --quiet --editable '.[fleet,spark]'
	$(BIN)/pytest -m spark $(ARGS)

fuzz: .venv/test-tools
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest tests/test_fuzz.py $(ARGS)

# Branches of bounds/ and topology/ that no test executes. The tests of other commands, of kernel/
# and the proofs are left out: they are slow under measurement and execute nothing more.
COVERED := tests/bounds tests/topology tests/cli/gate \
  tests/cli/commands/test_beside.py tests/cli/commands/test_check_beside.py

coverage: .venv/test-tools
	$(BIN)/pytest -n auto -m "not long and not lab" --cov=bounds --cov=topology \
	  --cov-branch --cov-context=test --cov-report= $(COVERED) $(ARGS)
	$(BIN)/coverage report --include='bounds/*,topology/*' --fail-under=$(COVERAGE)

# Percent of lines and branches of bounds/ and topology/ that tests must execute
COVERAGE ?= 100

# small changes to the code that the tests must detect; `make coverage` before makes it quick
mutation: .venv/test-tools
	$(BIN)/pip install --quiet --group mutation
	$(BIN)/python tests/mutation.py $(ARGS)

soak: .venv/test-tools
	$(BIN)/python tests/soak/soak.py $(ARGS)

bench: .venv/bench-tools
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
