# `make help` lists what there is. Works without a terminal; a second run installs nothing again.

VENV       := .venv
BIN        := $(VENV)/bin
BENCH_VENV := .venv-bench
EVAL_VENV  := .venv-eval
OUTSIDE    := .venv-conformance
EXAMPLES   := .venv-examples
LANGCHAIN  := .venv-langchain
# Twice quiet: errors only. A machine that knows several indexes would warn once for each package.
PIP_QUIET  := --quiet --quiet --disable-pip-version-check
FOLDERS    := server tools prompts guard products_api sandbox

# Each stands for a finished install and is older than the file that would change it.
INSTALLED     := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
EVAL_READY    := $(EVAL_VENV)/.installed
BENCH_NEEDS   := $(BENCH_VENV)/.installed-needs
BENCH_READY   := $(BENCH_VENV)/.installed
OUTSIDE_READY := $(OUTSIDE)/.installed
OUTSIDE_NODE  := conformance/node_modules/.installed
EXAMPLES_READY := $(EXAMPLES)/.installed $(LANGCHAIN)/.installed examples/typescript/node_modules/.installed

# What the package is made from. Folders too: a file that is gone changes its folder.
SOURCES := $(shell find $(FOLDERS) -name __pycache__ -prune -o -print)

.DEFAULT_GOAL := help
.PHONY: help demo test check faults soak audit conformance contract examples packages bench bench-workflows bench-prompts bench-serving bench-sharing evals format definitions lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## watch a client work an invented shop through the server
	@$(BIN)/hoopai-products-mcp demo

test: $(INSTALLED_DEV) ## run the tests and measure what they reach
	@$(BIN)/python -m pytest -n auto --cov --cov-report=term

check: $(INSTALLED_DEV) .typing ## lint, format, types; tables in the docs and lock files up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright
	@$(BIN)/python scripts/definitions.py --check
	@$(BIN)/python scripts/docs.py --check
	@$(BIN)/python scripts/lock.py --check
	@$(BIN)/python scripts/registry.py --check
	@$(BIN)/python scripts/contract.py --check

# They run beside the helpers of the tests.
BAD_DAY := PYTHONPATH=tests:scripts $(BIN)/python

faults: $(INSTALLED_DEV) ## break the world in every way; see that no write is lost, doubled or unapproved
	@$(BAD_DAY) faults/run.py $(if $(SHORT),--short) $(NAMES)

soak: $(INSTALLED_DEV) ## ten minutes of faults and work (SECONDS=…): memory, descriptors, tasks, latency stay level
	@$(BAD_DAY) faults/soak.py $(or $(SECONDS),600)

audit: $(INSTALLED_DEV) $(OUTSIDE_READY) ## what it runs on: as locked, licences, bill of materials, known weaknesses
	@$(BIN)/python scripts/audit.py $(if $(WHEEL),--wheel $(WHEEL))

conformance: $(INSTALLED_DEV) $(OUTSIDE_READY) $(OUTSIDE_NODE) ## have the official checkers read the running server
	@$(BIN)/python scripts/conformance.py

packages: $(INSTALLED_DEV) $(OUTSIDE_READY) $(OUTSIDE_NODE) ## pack the desktop bundle; check all that is published
	@$(BIN)/python scripts/bundle.py
	@$(OUTSIDE)/bin/skillsaw lint --strict --quiet --no-progress deploy
	@$(OUTSIDE)/bin/hadolint deploy/Dockerfile
	@conformance/node_modules/.bin/dclint --max-warnings 0 deploy/compose.yaml

# The TypeScript example runs on the Node of the checkers where the machine's own is too old.
examples: $(INSTALLED_DEV) $(EXAMPLES_READY) $(OUTSIDE_NODE) ## run the examples (WRITE=1: into their pages)
	@$(BIN)/python scripts/examples.py $(if $(WRITE),--write)

contract: $(INSTALLED_DEV) ## write into the changelog how what clients are shown has changed
	@$(BIN)/python scripts/contract.py

bench: $(BENCH_READY) ## measure tokens, start-up, latency and writes, beside other servers
	@$(BENCH_VENV)/bin/python benchmarks/run.py

bench-workflows: $(BENCH_READY) ## measure an audit and exports of 5,000 products: requests, time, memory
	@$(BENCH_VENV)/bin/python benchmarks/workflows.py

bench-prompts: $(BENCH_READY) ## measure what prompts cost a model, and what completions add
	@$(BENCH_VENV)/bin/python benchmarks/prompts.py

bench-serving: $(BENCH_READY) ## measure calls a second over HTTP, by clients and workers, beside other servers
	@$(BENCH_VENV)/bin/python benchmarks/serving.py

bench-sharing: $(INSTALLED_DEV) ## measure what it costs that processes share the limit, and how much of it they use
	@$(BIN)/python benchmarks/sharing.py

format: $(INSTALLED_DEV) ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

evals: $(EVAL_READY) ## measure how often a merchant's sentence finds the right tool
	@HF_HUB_OFFLINE=1 $(EVAL_VENV)/bin/python -W ignore evals/tool_choice.py

definitions: $(INSTALLED_DEV) ## regenerate what clients are shown: tool definitions, tables in the docs
	@$(BIN)/python scripts/definitions.py
	@$(BIN)/python scripts/docs.py
	@$(BIN)/python scripts/registry.py

lock: $(INSTALLED_DEV) ## resolve the lock files anew (UPGRADE=1: to the newest versions)
	@$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)
	@$(BIN)/python scripts/outside_lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove environments, caches and build products
	rm -rf $(VENV) $(BENCH_VENV) $(EVAL_VENV) $(OUTSIDE) $(EXAMPLES) $(LANGCHAIN)
	rm -rf conformance/node_modules examples/typescript/node_modules .typing .pytest_cache .ruff_cache .hypothesis .schemathesis
	rm -rf build dist htmlcov *.egg-info .coverage .coverage.*
	find $(FOLDERS) tests benchmarks faults scripts -name __pycache__ -prune -exec rm -rf {} +

# The first of $(PYTHON), python3 and the versioned names that is new enough and can make environments.
define make_venv
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	        echo "$$python cannot make environments: install its venv package (Debian: python3-venv)." >&2; \
	        exit 1; \
	    fi; \
	    echo "Making $(1) with $$($$python --version)"; \
	    exec $$python -m venv --clear $(1); \
	done; \
	echo "Python 3.11 or newer is needed, and none was found. Name one: make PYTHON=/path/to/python3.12" >&2; \
	exit 1
endef

define need_npm
	@command -v npm >/dev/null || { \
	    echo "Node 20 or newer with npm is needed for this: https://nodejs.org" >&2; \
	    exit 1; \
	}
endef

$(BIN)/python:
	$(call make_venv,$(VENV))

$(BENCH_VENV)/bin/python:
	$(call make_venv,$(BENCH_VENV))

# setuptools comes from the lock too, so that building the project fetches nothing that is not pinned.
$(INSTALLED): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the server and the sandbox need"
	@$(BIN)/python -m pip install $(PIP_QUIET) --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install $(PIP_QUIET) --no-deps --no-build-isolation -e .
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing what development needs"
	@$(BIN)/python -m pip install $(PIP_QUIET) --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install $(PIP_QUIET) --no-deps --no-build-isolation -e .
	@touch $(INSTALLED) $@

$(BENCH_NEEDS): requirements.lock benchmarks/requirements.txt | $(BENCH_VENV)/bin/python
	@echo "Installing what the benchmarks need, the servers to compare with among it"
	@$(BENCH_VENV)/bin/python -m pip install $(PIP_QUIET) --require-hashes -r requirements.lock
	@$(BENCH_VENV)/bin/python -m pip install $(PIP_QUIET) -r benchmarks/requirements.txt
	@touch $@

# Compiled and not editable, as users have it: how fast it starts depends on that. What an earlier build left
# behind would get into the package again.
$(BENCH_READY): $(BENCH_NEEDS) pyproject.toml $(SOURCES)
	@echo "Installing the server as its users do"
	@rm -rf build
	@$(BENCH_VENV)/bin/python -m pip install $(PIP_QUIET) --no-deps --no-build-isolation --force-reinstall .
	@rm -rf build
	@touch $@

$(OUTSIDE)/bin/python:
	$(call make_venv,$(OUTSIDE))

$(EXAMPLES)/bin/python:
	$(call make_venv,$(EXAMPLES))

$(LANGCHAIN)/bin/python:
	$(call make_venv,$(LANGCHAIN))

$(OUTSIDE_READY): conformance/requirements.lock | $(OUTSIDE)/bin/python
	@echo "Installing the checkers that come as Python packages"
	@$(OUTSIDE)/bin/python -m pip install $(PIP_QUIET) -r conformance/requirements.lock
	@touch $@

$(EXAMPLES)/.installed: examples/requirements.lock | $(EXAMPLES)/bin/python
	@echo "Installing pydantic-ai and the OpenAI Agents SDK for their examples"
	@$(EXAMPLES)/bin/python -m pip install $(PIP_QUIET) -r examples/requirements.lock
	@touch $@

$(LANGCHAIN)/.installed: examples/langchain/requirements.lock | $(LANGCHAIN)/bin/python
	@echo "Installing LangChain for its example"
	@$(LANGCHAIN)/bin/python -m pip install $(PIP_QUIET) -r examples/langchain/requirements.lock
	@touch $@

examples/typescript/node_modules/.installed: examples/typescript/package-lock.json
	$(call need_npm)
	@echo "Installing the TypeScript SDK for its example"
	@cd examples/typescript && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The checkers say at every install that they want a newer Node; npm brings it with them.
$(OUTSIDE_NODE): conformance/package-lock.json conformance/package.json
	$(call need_npm)
	@echo "Installing the checkers that come as Node packages, and a Node that is new enough for them"
	@cd conformance && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(EVAL_VENV)/bin/python:
	$(call make_venv,$(EVAL_VENV))

$(EVAL_READY): evals/requirements.txt | $(EVAL_VENV)/bin/python
	@echo "Installing what the evaluation needs: a sentence model among it, which is large"
	@$(EVAL_VENV)/bin/python -m pip install $(PIP_QUIET) -r evals/requirements.txt
	@touch $@

# The tests import the package by its installed name; the type checker finds it through these links.
.typing:
	@mkdir -p .typing/hoopai_products_mcp
	@for folder in $(FOLDERS); do ln -sfn ../../$$folder .typing/hoopai_products_mcp/$$folder; done
