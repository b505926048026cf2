# make serve: the AtomPub sample at http://127.0.0.1:8080. make test: every check that is quick.
# make load: the tests that take long, or the whole machine; KROUTE_SECONDS=30 has load put on for
# longer than 5. make bench: kroute beside its peers; needs wrk. All set up what they need first, in
# .venv (.venv-bench). PYTHON names another interpreter (3.10 or later).

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
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

load: $(VENV)/test
	$(BIN)/python -m pytest -q -m load

# In an environment of its own: kroute's peers bring a great deal with them.
bench:
	@$(MAKE) --no-print-directory VENV=$(VENV)-bench $(VENV)-bench/bench
	$(VENV)-bench/bin/python bench/routing.py
	$(VENV)-bench/bin/python -m bench --into var/bench.json
	$(VENV)-bench/bin/python -m bench.page var/bench.json var
	$(VENV)-bench/bin/python -m bench.wsgi
	@echo "written: var/performance.md, and its figures and pictures in var/performance"

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
	rm -rf $(VENV) $(VENV)-bench build dist *.egg-info
