# `make help` lists what can be done. Every target sets up .venv first, and is quick once it is there.

PYTHON ?= python3
# The first that runs and is new enough: a shim without a Python behind it is found, but does not run.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
FOUND := $(shell for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { echo $$python; break; }; done)
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
RUN := $(BIN)/python
# A process for each core, each with the next test that nobody has begun; PARALLEL= for one process.
PARALLEL ?= -n auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-team test test-full soak check fix bench bench-large bench-steps bench-retrieval docs bundle platforms lock

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make .venv from requirements.lock (uv, else venv and pip)
	@$(or $(FOUND),$(PYTHON)) scripts/bootstrap.py

demo: setup ## Show the whole loop alive: a real client, a real server, a real store
	@$(BIN)/tmws-mcp demo $(ARGS)

demo-team: setup ## Show three instances that share what they learn over a Redis (needs redis-server)
	@$(RUN) -m benchmarks.team

test: setup ## Run the tests with the coverage gate (ARGS="tests/store --no-cov" for a part)
	@$(RUN) -m pytest --cov $(PARALLEL) $(ARGS)

test-full: setup ## Run the tests that need npm and the package registries too
	@$(RUN) -m pytest -m full -rs $(ARGS)

soak: setup ## Run 10,000 schedules of faults between instances (ARGS="--count 500", "--mutants")
	@$(RUN) -m tests.federation.schedules $(ARGS)

check: setup ## Run every check that is no test: format, lint, types, layers, sizes, documents
	@$(RUN) scripts/check.py $(ARGS)

fix: setup ## Format, and repair what ruff can repair
	@$(RUN) -m ruff check --fix --quiet . || true
	@$(RUN) -m ruff format .

bench: bench-startup bench-memory bench-executing bench-cache bench-scale bench-durability bench-keys bench-paraphrases bench-observing bench-drift bench-tokens bench-routing bench-hooks ## Measure what README and docs claim

bench-large: setup ## Measure a store of a million memories in twenty namespaces
	@$(RUN) -m benchmarks.scale --sizes 1000000 --namespaces 20 $(ARGS)

bench-steps: setup ## Measure learning in a store of up to a million steps, for an hour or two
	@$(RUN) -m benchmarks.observing --steps 1000 10000 100000 1000000 $(ARGS)

bench-retrieval: setup ## Measure how well recall finds evidence (ARGS="locomo10.json")
	@$(RUN) -m benchmarks.retrieval $(ARGS)

bench-%: setup
	@$(RUN) -m benchmarks.$* $(ARGS)

docs: setup ## Make the generated pages and manifests, and build the site into dist/site
	@for page in settings cli tools rest patterns metrics decisions; do $(RUN) scripts/make_$${page}_doc.py || exit 1; done
	@$(RUN) scripts/make_manifests.py
	@$(RUN) scripts/build_site.py

bundle: setup ## Pack dist/tmws-mcp.mcpb for Claude Desktop (needs npm)
	@$(RUN) scripts/pack_bundle.py

platforms: setup ## Resolve the dependencies for each Python and platform (needs uv)
	@$(RUN) scripts/resolve_platforms.py $(ARGS)

lock: setup ## Choose versions anew, within pyproject.toml's bounds (needs uv)
	@$(RUN) scripts/make_lock.py
