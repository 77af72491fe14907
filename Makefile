# The door: `make help`.  Everything that is needed is set up by the targets themselves; see tests/bed.
PYTHON ?= python3
BED = $(PYTHON) -m tests.bed
# The virtual environment lives in a cache outside the checkout; the first use makes it.
VENV = $(eval VENV := $$(shell $(BED) venv))$(VENV)
PYTEST = $(VENV)/bin/python -m pytest

# Tests that can run beside each other, and those that measure, listen or load, which are run one after the other.
BESIDE = tests/unit tests/golden tests/contract tests/cve
ALONE = tests/fuzz tests/integration tests/faults tests/e2e

PINNED = --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
  --allow-unsafe --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help demo test unit golden integration e2e lint format reference docs image fuzz faults bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## the main job for real: an engine, a proxy, backends, confgen; cleans up after itself
	@$(BED) run -- $(VENV)/bin/python -m tests.demo

test: ## set up all that is needed and run every test, the ones on the real engine included
	@$(BED) run -- sh -c '$(PYTEST) -q -n 2 $(BESIDE); one=$$?; $(PYTEST) -q $(ALONE) && exit $$one'

unit: ## the quick tests: no engine, no proxy
	@$(PYTEST) -q tests/unit tests/golden tests/contract

golden: ## rewrite the golden stories; review the difference like code
	@$(PYTEST) -q tests/golden --rewrite; git diff --stat -- tests/golden

integration: ## the tests with real nginx and HAProxy programs
	@$(BED) natives --quiet >/dev/null && $(PYTEST) -q tests/integration

e2e: ## the tests on the real engine
	@$(BED) run -- $(PYTEST) -q tests/e2e

lint: ## ruff, mypy, the walls between the rooms, generated pages
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(VENV)/bin/python -m confgen.reference --check

format: ## let ruff arrange the code
	@$(VENV)/bin/ruff format
	@$(VENV)/bin/ruff check --fix

reference: ## write docs/labels.md, docs/labels.schema.json and docs/settings.md anew from the code
	@$(VENV)/bin/python -m confgen.reference

docs: ## build the pages as a site, site/index.html; a link that leads nowhere is an error
	@folder=$$($(BED) site) && $$folder/bin/python -m sphinx -W --keep-going -E -q -d build/doctrees -c docs . site
	@echo site/index.html

image: ## build confgen:latest into the engine that answers
	@$(BED) own

fuzz: ## any labels through the line, and the texts through the real programs: make fuzz SECONDS=300 [SEED=...]
	@$(BED) natives --quiet >/dev/null && $(VENV)/bin/python -m tests.fuzz --seconds $(or $(SECONDS),300) $(if $(SEED),--seed $(SEED))

faults: ## every fault in its long form (about 25 minutes), with a table of what was seen
	@$(BED) run -- $(VENV)/bin/python -m tests.faults

bench: ## confgen beside its peers, about 80 minutes: make bench [ONLY=start,memory] [ROUNDS=5] [OTHERS=50] [JSON=file] [INTO=file] [WRITE=docs]
	@$(BED) run -- $(VENV)/bin/python -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(OTHERS),--others $(OTHERS)) $(if $(JSON),--json $(JSON)) $(if $(INTO),--into $(INTO)) $(if $(WRITE),--write $(WRITE))

lock: ## pin every package that development, CI and the site use
	@$(VENV)/bin/python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); print(*p['dependency-groups']['dev'], *p['build-system']['requires'], sep='\n')" > .dev.in
	@$(VENV)/bin/pip-compile $(PINNED) --output-file requirements-dev.lock pyproject.toml .dev.in
	@rm .dev.in
	@$(VENV)/bin/python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); print(*p['dependency-groups']['docs'], sep='\n')" > .docs.in
	@$(VENV)/bin/pip-compile $(PINNED) --output-file requirements-docs.lock .docs.in
	@rm .docs.in

clean: ## remove what was built in the checkout
	@rm -rf dist build site wheels .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
