# make test   everything that must hold            make demo   the whole product on this machine alone
# make help   all targets

VENV := .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
# tests at once: on two cores two of six compute, the others wait
JOBS ?= 6
# the versions that are installed: highest, or lowest-direct, those that pyproject.toml permits at least
RESOLUTION ?= highest
# arguments for pytest, for example: make test TESTS='tests/unit -k alias'
TESTS ?=
# per cent of the branches of nbssh/core that the tests must reach
CORE_COVERAGE ?= 98

# what of make test-windows is part of make test: `few` in CI
FEW := $(if $(filter true,$(CI)),few)

# in which make dist tries the wheel
PYTHONS ?= $(PYTHON)

# generated configs for make fuzz, and the tests that read NBSSH_FUZZ_EXAMPLES
EXAMPLES ?= 10000
# generated answers of a host for each parser of them
ANSWERS ?= 100000
FUZZ_TESTS ?= $(wildcard tests/integration/test_dotfiles_*.py) tests/integration/test_userconfig_ssh.py \
	tests/integration/test_files_killed.py tests/unit/test_answers_fuzz.py

BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo sshd test check lint format clean system-packages jupyters schedulers windows test-windows soak fuzz bench dist picture

help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

# Before half a minute of installing; where nbssh/demo/sshd.py looks.
sshd:
	@(PATH=$$PATH:/usr/sbin:/usr/local/sbin:/sbin:/usr/lib/ssh && command -v sshd) >/dev/null || \
		{ echo 'make demo: sshd is not installed on this machine: sudo apt-get install openssh-server' >&2; exit 1; }

demo: sshd $(VENV)/.demo ## the whole product on this machine alone, until Ctrl-C (DEMO=--once: by itself)
	@$(BIN)/nbssh demo $(DEMO)

# In a fresh clone one process reads all tests beside the linters, and what it has compiled the workers need not: half of
# the ten seconds that each of them would compute before its first test.
test: system-packages $(VENV)/.test jupyters schedulers $(if $(FEW),windows) ## install what the tests need, run everything
	@$(if $(FEW),$(BIN)/python -m pytest --collect-only -q $(TESTS) >/dev/null 2>&1 & )$(MAKE) --no-print-directory lint && wait
	@rm -f .coverage .coverage.*
	@NBSSH_WINDOWS=$(FEW) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report= $(TESTS)
ifeq ($(strip $(TESTS)),)
	@$(BIN)/python -m coverage report --skip-covered --include='nbssh/core/*' --fail-under=$(CORE_COVERAGE)
	@echo 'make test: formatting, lint, types, layers, tests and coverage of nbssh/core: all good'
endif

test-windows: FEW :=
test-windows: system-packages $(VENV)/.test windows ## what must hold on Windows, with its own Python, under wine
	@NBSSH_WINDOWS=all $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(or $(TESTS),tests/windows)

soak: system-packages $(VENV)/.test jupyters ## servers started, cut off and killed again and again (CYCLES=200 FORWARD=socket|tcp SEED=…)
	@$(BIN)/python tests/soak.py $(if $(CYCLES),--cycles $(CYCLES)) $(if $(FORWARD),--forward $(FORWARD)) $(if $(SEED),--seed $(SEED))

fuzz: system-packages $(VENV)/.test ## thousands of generated ssh_configs through every command, hostile answers, kills everywhere (EXAMPLES=10000 ANSWERS=100000)
	@NBSSH_FUZZ_EXAMPLES=$(EXAMPLES) NBSSH_FUZZ_ANSWERS=$(ANSWERS) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(FUZZ_TESTS)

bench: system-packages $(VENV)/.test .venv-bench-forward/.made ## how fast, beside what else there is, and beside ssh itself (BENCH='cold tab' or all, ROUNDS=5)
	@BENCH='$(BENCH)' ROUNDS='$(or $(ROUNDS),5)' $(BIN)/python tests/bench

dist: .venv-dist/.made ## wheel and sdist in dist/, checked, and tried in fresh environments (PYTHONS='python3.11 python3.13')
	@rm -rf dist
	@.venv-dist/bin/python -m build --outdir dist .
	@.venv-dist/bin/python -m twine check --strict dist/*
	@.venv-dist/bin/check-wheel-contents dist/*.whl
	@for python in $(PYTHONS); do tests/wheel.sh "$$python" "$$(echo "$$PWD"/dist/*.whl)" || exit 1; done

picture: $(VENV)/.test ## draw docs/session.svg from the README's transcript
	@$(BIN)/python tests/picture.py

lint: $(VENV)/.test ## formatting, lint, types and layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports

format: $(VENV)/.test ## reformat the Python code
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

clean: ## remove everything that was made here, the environment too
	rm -rf $(VENV) .venv-windows .venv-jupyter-old .venv-jupyter-new .venv-jupyter-apps .venv-bench-forward .venv-dist bench.json .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
	  dist build
	find nbssh tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment: made once, again when pyproject.toml changes

# An environment knows its own path and its Python: after a move of either it is useless. Before any target is
# looked at, because make would not notice that it went.
$(shell if [ -e $(VENV)/.made-in ] && \
	! { [ "$$(cat $(VENV)/.made-in)" = "$$(pwd -P)" ] && $(BIN)/python -c ''; } 2>/dev/null; then rm -rf $(VENV); fi)

$(VENV)/bin/python:
	@test -n '$(PYTHON)' || { echo 'make: no Python 3.11 or newer found: install one, or say make PYTHON=/path/to/it' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'make: $(PYTHON) is no Python 3.11 or newer' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo 'make: no virtual environment could be made; on Debian: sudo apt-get install python3-venv' >&2; exit 1; }
	@pwd -P > $(VENV)/.made-in

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	@echo 'make: installing nbssh and JupyterLab into $(VENV)' >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	@echo 'make: installing nbssh, JupyterLab and the test tools into $(VENV)' >&2
ifeq ($(RESOLUTION),highest)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo,test]'
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python -m uv pip install --quiet --resolution $(RESOLUTION) --editable '.[demo,test]'
endif
	@touch $@ $(VENV)/.demo

# `--group` came with pip 25.1.
.venv-dist/.made: pyproject.toml
	@echo 'make: installing what checks wheel and sdist into .venv-dist' >&2
	@$(PYTHON) -m venv .venv-dist
	@.venv-dist/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@.venv-dist/bin/python -m pip install --quiet --disable-pip-version-check --group dist
	@touch $@

# Asked each time: dpkg answers in 20 ms, and a stamp would not notice a package that went.
system-packages:
	@tests/system-packages.sh

# Asked each time as well, for the same reason: it answers in 50 ms.
jupyters: $(VENV)/.test
	@tests/jupyters.sh $(VENV)

# Asked each time as well.
windows: $(VENV)/.test
	@tests/system-packages.sh tests/windows/system-packages.txt
	@$(BIN)/python tests/windows/build.py $(FEW)

# Unpacked once, not installed: see there.
schedulers: $(VENV)/.test
	@tests/schedulers.sh $(VENV)

# What a user would pick instead, in an environment of its own; without it the benchmarks go on alone.
.venv-bench-forward/.made: | $(VENV)/.test
	@echo 'make: installing jupyter-forward into .venv-bench-forward' >&2
	@$(BIN)/python -m venv --without-pip .venv-bench-forward
	@$(BIN)/python -m pip --python .venv-bench-forward/bin/python install --quiet --disable-pip-version-check \
	  'jupyter-forward==2025.1.16' && touch $@ || \
	  { rm -rf .venv-bench-forward; echo 'make: jupyter-forward could not be installed; it is left out' >&2; }
