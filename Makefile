# Avenue's daily work. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
T ?= tests

.DEFAULT_GOAL := help

##@ Run
install: $(VENV)/.installed ## Make .venv with everything `make run` needs
run: install ## Start Avenue with a local MongoDB on http://127.0.0.1:$PORT (8000)
	exec $(BIN)/python -m avenue serve --local

##@ Check
test: $(VENV)/.installed-dev ## Install what testing needs and run all tests; T=path picks some
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(T) -m "not long"
test-long: $(VENV)/.installed-dev ## The full rounds of the kill, soak and big-library tests
	$(BIN)/python -m pytest $(T) -m long
bench: $(VENV)/.installed-dev ## Delivery beside the naive GridFS view, in one run
	$(BIN)/python -m bench.delivery
bench-pictures: $(VENV)/.installed-dev ## Four variants of a photograph beside Pillow, libvips, sharp
	$(BIN)/python -m bench.pictures
format: $(VENV)/.installed-dev ## Let the formatter decide
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

##@ Keep
docs: install ## Write docs/settings.md and docs/errors.md from the code
	PYTHONPATH=. $(BIN)/python docs/generate.py
requirements: ## Compile the hashed pins (needs uv)
	for part in "" -local -dev; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make requirements" requirements$$part.in -o requirements$$part.txt; \
	done
clean: ## Remove .venv and caches; ./var with the local database stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt requirements-local.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-local.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

help:
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install run test test-long bench bench-pictures format docs requirements clean help
