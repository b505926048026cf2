# make serve: the AtomPub sample at http://127.0.0.1:8080. make test: every check that is quick.
# make load: the tests that take long, or the whole machine. All set up what they need in .venv
# first. PYTHON names another interpreter (3.10 or later).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: serve test lint types tests load bench clean

serve: $(VENV)/serve
	$(BIN)/python -m sample_apps.atompub

test: lint types tests

lint: $(VENV)/test
	$(BIN)/ruff check .

types: $(VENV)/test
	$(BIN)/mypy

tests: $(VENV)/test
	$(BIN)/python -m pytest -q -n 2

load: $(VENV)/test
	$(BIN)/python -m pytest -q -m load

bench: $(VENV)/bench
	$(BIN)/python bench/routing.py
	$(BIN)/python bench/hello.py

$(VENV)/serve: EXTRA = samples
$(VENV)/test: EXTRA = test
$(VENV)/bench: EXTRA = bench
$(VENV)/serve $(VENV)/test $(VENV)/bench: $(BIN)/python setup.cfg pyproject.toml
	@echo "installing kroute[$(EXTRA)] into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[$(EXTRA)]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "kroute needs Python 3.10 or later; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

clean:
	rm -rf $(VENV) build dist *.egg-info
