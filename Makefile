# `make help` lists what can be asked for.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
TYPED := fse card_sim gateway schemas tests benchmarks
UV_VERSION := 0.13.9
EXTRAS := gateway paper postgresql testing

.DEFAULT_GOAL := help
.PHONY: help demo test test-long coverage lint format bench schemas wheel pcsc lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# Everything below stands on this: an environment that holds exactly what the lock says, and the project itself.
# Without --no-deps pip would look for an extra (coverage[toml]) among newer releases than the locked one, and stop.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: Python 3.11 or later is needed (make PYTHON=python3.12 …)" >&2; exit 1; }
	@echo "Installing $$(grep -c '^[a-zA-Z]' requirements.lock) locked packages in $(VENV) (once; about half a minute)…"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-deps --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## One day of a PMI site, from consultations to acknowledged sheets
	@$(BIN)/fse demo examples/journee-pmi.json

test: $(INSTALLED) ## The whole suite but the long tests
	@$(BIN)/pytest -q -n 2 --dist loadfile

test-long: $(INSTALLED) ## The whole suite, long tests and many more examples included
	@HYPOTHESIS_PROFILE=long $(BIN)/pytest -q -n 2 --dist loadfile -m ""

coverage: $(INSTALLED) ## The suite, and the branches that it does not reach
	@$(BIN)/pytest -q -n 2 --dist loadfile --cov

lint: $(INSTALLED) ## Style, types and import contracts
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy $(TYPED)
	@$(BIN)/lint-imports

format: $(INSTALLED) ## Rewrite the files in the house's layout; what is left is for `make lint` to show
	@$(BIN)/ruff check --fix --quiet --exit-zero
	@$(BIN)/ruff format

bench: $(INSTALLED) ## Speed, as ratios to a yardstick of the same run
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.agenda

schemas: $(INSTALLED) ## Write the JSON Schemas of the models into schemas/, docs/rules.md and docs/lifecycle.md
	@$(BIN)/python -m gateway.export_schemas
	@$(BIN)/python -m gateway.rule_pages
	@$(BIN)/python -m gateway.lifecycle_pages

wheel: $(INSTALLED) ## Build the wheel into dist/
	@$(BIN)/python -m hatchling build -t wheel

# pyscard has no wheel for Linux: it stands apart, so that nothing else needs a compiler.
pcsc: $(INSTALLED) ## Add the PC/SC reader to the environment (swig, libpcsclite-dev and a C compiler are needed)
	@$(BIN)/python -c 'import smartcard' 2> /dev/null || \
		$(PIP) install --no-deps --require-hashes --requirement requirements-pcsc.lock

# pip cannot lock for every platform at once; uv can, in an environment of its own. The lock names no index and no address.
lock: ## Bring requirements.lock up to date with pyproject.toml (UPGRADE=1: newest releases of all)
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip -qq --disable-pip-version-check install uv==$(UV_VERSION)
	@build/lock/bin/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command 'make lock' --no-annotate $(if $(UPGRADE),--upgrade) \
		$(foreach extra,$(EXTRAS),--extra $(extra)) --group pyproject.toml:dev --output-file requirements.lock \
		pyproject.toml
	@echo pyscard | build/lock/bin/uv --no-config pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --custom-compile-command 'make lock' --no-annotate $(if $(UPGRADE),--upgrade) \
		--output-file requirements-pcsc.lock -

clean: ## Remove all that the commands above made, the environment included
	@rm -rf $(VENV) build dist htmlcov .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache fse-demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
