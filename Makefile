# Everything a contributor types. Each target installs what it needs first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Deterministic where CI is: Hypothesis' profile and pytest's own settings are in tests/conftest.py and pyproject.toml.
PYTEST := $(BIN)/pytest -n 2 --dist worksteal

.PHONY: demo test scores slow cluster lint types check bless bench clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("gen needs Python 3.11 or newer; say which with: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev --editable '.[prove,verify]'
	$(BIN)/python -m compileall -q generator
	touch $@

demo: $(STAMP)  ## render the example tenants, prove the trees, say what to try next
	@$(BIN)/python demo.py

test: $(STAMP)  ## the whole suite but what is marked slow or cluster
	$(PYTEST) -m 'not slow and not cluster'

scores: $(STAMP)  ## print what was compared with whom: operator goldens, Istio's goldens, imports
	$(BIN)/pytest -q -p no:cacheprovider tests/test_seldon_operator.py tests/test_access_goldens.py tests/test_import.py \
		-k 'real_operator or goldens or every_sample'

slow: $(STAMP)  ## what takes minutes
	$(PYTEST) -m slow

cluster: $(STAMP)  ## a real API server on loopback; the first time it is compiled, which takes minutes
	$(BIN)/pytest -m cluster

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --offline --quiet .github/workflows

types: $(STAMP)
	$(BIN)/mypy

check: lint types test  ## what a pull request must pass
	$(BIN)/gen render --check --quiet

bless: $(STAMP)  ## rewrite the expected output; then review `git diff tests`
	$(BIN)/pytest -q --bless -p no:xdist

bench: $(STAMP)  ## time a cold, an idle and a one-change render beside a program that only writes
	$(BIN)/python bench/run.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
