# Everything a developer or a new user runs. State: .venv (packages) and .local (data), both disposable.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

# Files in their order, the short ones last: both processes end at about the same time.
IN_TWO := --numprocesses 2 --dist loadfile --no-loadscope-reorder

export DAGSTER_DISABLE_TELEMETRY = yes
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test test-slow dev lint format tamper-evidence damage requirements clean

help:  ## Show the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 20

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing packages into .venv (once, a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED)  ## Back up a week of sample signals and show what is stored
	@$(BIN)/python -m signal_backups.local demo

test: $(INSTALLED)  ## Run the tests, with a real S3 server and a real PostgreSQL
	@$(BIN)/python -m pytest -m "not slow" $(IN_TWO)

test-slow: $(INSTALLED)  ## Run the slow tests that "make test" leaves out: Ceph, browser, Prometheus, seven years
	@$(BIN)/python -m pytest -m slow $(IN_TWO)

dev: $(INSTALLED)  ## Serve the Dagster UI on http://127.0.0.1:3000
	@$(BIN)/python -m signal_backups.local dev

lint: $(INSTALLED)  ## Ruff, format check, mypy, layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)  ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

tamper-evidence: $(INSTALLED)  ## Write docs/tamper_evidence.md from the results of attacks
	@$(BIN)/python -m pytest -q signal_backups_tests/adversary --write-pages

damage: $(INSTALLED)  ## Write docs/damage.md, what every command says of a damaged day
	@$(BIN)/python -m pytest -q signal_backups_tests/damage/test_damage_table.py --write-pages

requirements:  ## Pin anew what pyproject.toml allows (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --extra local --generate-hashes --no-strip-extras --no-emit-index-url \
		--custom-compile-command "make requirements" --output-file requirements.txt pyproject.toml requirements.in

clean:  ## Remove packages and all local state, backups of the demo included
	@test ! -x $(BIN)/signal-backups || SIGNAL_BACKUPS_HOME=.local $(BIN)/signal-backups store stop
	rm -rf .venv .local
