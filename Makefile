# Everything happens in .venv: `make demo` or `make test` on a fresh machine needs python3 >= 3.11 only.
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= demo

# One thread per process: two pytest workers on two cores would otherwise fight over them.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types unit bench bench-short fuzz kills docs docs-archive cli-reference dist \
	qgis-plugin clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Install had and its development tools into .venv

# The stamp is written last, so that an interrupted installation is repeated.
$(STAMP): pyproject.toml constraints.txt had_cli/_version.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "had needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; choose another with: make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $(STAMP)

demo: $(STAMP) ## Generate a scene, find its anomalies, evaluate and draw them
	$(BIN)/had demo $(DEMO) --overwrite

test: lint types docs unit ## Everything a change must pass, except the benchmarks

lint: $(STAMP) ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## Check types
	$(BIN)/mypy

unit: $(STAMP) ## Run the tests
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) -m "not benchmark" --ignore=tests/benchmarks

bench: $(STAMP) ## Measure speed against peers, alone on the machine
	$(BIN)/python -m pytest -p no:xdist -s tests/benchmarks

bench-short: $(STAMP) ## Measure in a minute, with wide bounds, that nothing became several times slower
	$(BIN)/python -m pytest -p no:xdist -s tests/benchmarks/test_short.py

fuzz: $(STAMP) ## Attack every reader and command with generated cases; WHAT="--seed 7" and more
	PYTHONPATH=tests $(BIN)/python tests/hostile/attack.py --cases 2400 --workers $(WORKERS) $(WHAT)

kills: $(STAMP) ## Kill and interrupt every command at 170 random moments; WHAT="--only train-tdd"
	PYTHONPATH=tests $(ONE_THREAD) $(BIN)/python tests/hostile/kills.py $(WHAT)

docs: $(STAMP) ## Build the documentation into site/; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -n -E -q -b html -d build/doctrees docs site

docs-archive: docs ## Pack the documentation of this version into dist/
	@mkdir -p dist
	$(BIN)/python -c 'import shutil, had_cli; v = had_cli.__version__; print(shutil.make_archive(f"dist/had-docs-{v}", "zip", "site"))'

cli-reference: $(STAMP) ## Rewrite the pages that are generated from the code
	$(BIN)/python docs/generate.py

dist: $(STAMP) ## Build wheel and source distribution into dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

qgis-plugin: ## Pack the QGIS plugin into dist/had_processing.zip
	@mkdir -p dist
	rm -rf qgis/had_processing/__pycache__
	$(PYTHON) -c 'import shutil; shutil.make_archive("dist/had_processing", "zip", "qgis", "had_processing")'

clean: ## Remove everything that make has made
	rm -rf $(VENV) build dist site demo .pytest_cache .ruff_cache .mypy_cache .hypothesis
