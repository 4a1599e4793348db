# Two commands: `make run` opens the app, `make test` runs the whole suite.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
SCRIPTS := assets/components/check

.PHONY: run test test-slow lint lint-scripts format clean

run: $(VENV)/.run
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

# Two processes of one thread each: on two cores that takes little more than half of the time.
test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.test lint-scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What runs in the browser; the app itself needs no node.
lint-scripts:
	@if ! command -v npm >/dev/null; then \
		echo "The scripts of the browser are not checked: node and npm are not installed."; \
	elif ! $(MAKE) -s $(SCRIPTS)/node_modules/.installed 2>/dev/null; then \
		echo "The scripts of the browser are not checked: npm could not install what checks them."; \
	else npm --prefix $(SCRIPTS) run --silent check; fi

$(SCRIPTS)/node_modules/.installed: $(SCRIPTS)/package-lock.json
	@npm --prefix $(SCRIPTS) ci --silent --no-progress
	@touch $@

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(SCRIPTS)/node_modules

# The stamps are older than the requirements when these have changed: pip then runs again.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Decoding Omniglot or drawing the glyphs takes seconds once; the first visitor should not wait.
$(VENV)/.run: requirements.txt $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	-$(BIN)/python -m maml_core data prepare
	@touch $@

$(VENV)/.test: requirements.txt tests/requirements.txt $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r tests/requirements.txt
	@touch $@ $(VENV)/.run
