# Everything runs in .venv inside the checkout, made on first use. The files .venv/.with-* say what
# is installed there and for which pyproject.toml, so that a second run starts at once.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
RECIPE := runtimes/quickjs/guest/build.py

export PIP_DISABLE_PIP_VERSION_CHECK = 1

# Build a guest, if it is stale, with the tools that it asks for. $(1): empty or --debug.
define build_guest
	@needs=$$($(RUN) $(RECIPE) $(1) --requirements) && \
	if [ -n "$$needs" ]; then $(RUN) -m pip install --quiet $$needs && $(RUN) $(RECIPE) $(1); fi
endef

.PHONY: help demo test test-versions test-debug chaos check format bench docs clean

help:
	@echo "make demo        a tour: workers run real JavaScript in parallel"
	@echo "make test        the tests"
	@echo "make test-versions  the tests on every Python that is here"
	@echo "make test-debug  the conformance tests on a guest with assertions and leak checks"
	@echo "make chaos       a storm over a pool of workers, a million queries or 20 minutes long"
	@echo "make check       format, lint and types"
	@echo "make format      put the code into the format that make check wants"
	@echo "make bench       the benchmarks"
	@echo "make docs        the documentation, as pages in site/"
	@echo "make clean       remove what the above made"

demo: $(VENV)/.with-core
	$(call build_guest)
	@$(RUN) -m actors.demo

test: $(VENV)/.with-test
	$(call build_guest)
	@$(RUN) -m pytest $(ARGS)

# Environments of their own, beside .venv; those Pythons that are not here are left out.
test-versions: $(VENV)/.with-test
	$(call build_guest)
	@for v in 3.11 3.12 3.13 3.14; do \
		python=$$(command -v python$$v) || { echo "Python $$v is not here"; continue; }; \
		echo "Python $$v"; \
		test -d .venv-$$v || $$python -m venv .venv-$$v; \
		.venv-$$v/bin/python -m pip install --quiet --editable ".[test]" || exit; \
		.venv-$$v/bin/python -m pytest tests/actors tests/runtimes tests/process $(ARGS) || exit; \
	done

test-debug: $(VENV)/.with-test
	$(call build_guest,--debug)
	@JSACTORS_GUEST=debug $(RUN) -m pytest tests/runtimes $(ARGS)

chaos: $(VENV)/.with-test
	$(call build_guest)
	@$(RUN) -m tests.chaos $(ARGS)

check: $(VENV)/.with-check
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy

format: $(VENV)/.with-check
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

bench: $(VENV)/.with-bench
	$(call build_guest)
	@$(RUN) -m benchmarks $(ARGS)

docs: $(VENV)/.with-docs
	$(call build_guest)
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict

clean:
	rm -rf $(VENV) .venv-3.* dist site .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f runtimes/quickjs/guest*.wasm runtimes/quickjs/guest*.json
	find actors runtimes tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@echo "making $(VENV), and in it the JavaScript engine: one to two minutes, once"
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The guest is built first, and in .venv, so that its compiler stays for the next change of the C
# code; the installation then finds it fresh.
$(VENV)/.with-core: pyproject.toml hatch_build.py | $(VENV)/bin/python
	$(call build_guest)
	@$(RUN) -m pip install --quiet --editable .
	@touch $@

$(VENV)/.with-%: $(VENV)/.with-core
	@echo "installing what make $* needs"
	@$(RUN) -m pip install --quiet --editable ".[$*]"
	@touch $@
