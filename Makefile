# make demo     install once into .venv, then anneal and cycle a film on the twins
# make test     run the tests
# make lint     check style, formatting and types
# make docs     build the documentation site, build/docs/index.html; a warning is an error
# make wheel    build dist/labctl-*.whl
# make clean    remove everything that the others made, the demo's data too; your own runs stay

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
WITH_DOCS := .venv/.with-docs

# The matrices here are small: more threads only wait for one another.
export OPENBLAS_NUM_THREADS := 1

# Debian keeps ensurepip in a package of its own. Only root installs it unasked.
GET_VENV := { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
    && apt-get update -q && apt-get install -qy --no-install-recommends python3-venv; } \
  || { echo 'This Python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv'; exit 1; }

.PHONY: demo test lint docs wheel clean

demo: $(INSTALLED)
	$(BIN)/labctl demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -q -n 3 --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(WITH_DOCS)
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs build/docs

wheel: $(INSTALLED)
	$(BIN)/python -m build --wheel

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf labctl-data/demo-*
	rmdir labctl-data 2>/dev/null || true
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is touched last, so that an interrupted install is begun again.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'labctl needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(GET_VENV)
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

$(WITH_DOCS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@
