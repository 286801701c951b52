# Two commands are all a fresh machine needs: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run simulator test lint clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / — /' | sed 's/^/  make /'

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "CycleRig needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "Could not make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(READY)  ## make .venv with the pinned dependencies

run: $(READY)  ## open the app (headless where there is no display)
	$(BIN)/python main.py live $(ARGS)

simulator: $(READY)  ## build the simulated GenTL cameras (needs a C++ compiler)
	$(BIN)/python -m capture.simulator.build $(ARGS)

test: $(READY)  ## run the whole test suite
	$(BIN)/python -m pytest $(ARGS)

lint: $(READY)  ## formatting, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:  ## remove the virtual environment and caches
	rm -rf capture/simulator/build $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
