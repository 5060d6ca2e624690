# Two commands matter: `make report` and `make test`. Both create .venv on first use; after that nothing here uses the network.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

VENV      := .venv
BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Which lab scenario `make report` looks at; empty is the lab's default. `.venv/bin/cfrunbook lab list` names them all.
SCENARIO ?=
# Which Python makes the environment; empty looks for one.
PYTHON   ?=
# How many seconds each fuzzer of `make fuzz` takes; empty is its default.
FUZZ     ?=
# More options for pytest, e.g. make test PYTEST="-k certificate -x"
PYTEST   ?=

# Empty: with it set, as containers often have it, each of hundreds of processes would compile what it imports.
export PYTHONDONTWRITEBYTECODE :=

# Four workers, also on two cores: a third of the time a test waits for a deadline or another process. loadfile: a file's
# tests share what they start. nbval is tested in processes of its own; here it would cost every worker a second.
TESTS := -m pytest -n 4 --dist loadfile --no-loadscope-reorder -p no:nbval

.PHONY: help
help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do \
	  printf '  make %-14s %s\n' "$$name" "$$text"; done

.PHONY: report
report: $(INSTALLED)  ## Break an origin on loopback, diagnose it, run the runbooks, write incident/<time>-<name>/
	@echo "Breaking an origin on loopback ($(or $(SCENARIO),default scenario)), diagnosing it and running the runbooks …"
	@touch $(VENV)/.report; status=0; \
	$(BIN)/cfrunbook lab run $(SCENARIO) -- cfrunbook report --output incident || status=$$?; \
	if [ $$status -le 1 ] && [ -n "$$(find incident -name report.html -newer $(VENV)/.report)" ]; then \
	  if [ $$status -eq 1 ]; then echo "A fault was found, as it should be: the lab broke it on purpose."; fi; \
	else \
	  echo "The report did not come about (exit status $$status)." >&2; exit 1; \
	fi

.PHONY: test
test: check  ## The whole test suite: lint, types, tests, notebooks
	@echo "Running the tests and every notebook …"
	@$(BIN)/python $(TESTS) tests $(PYTEST)

.PHONY: check
check: $(INSTALLED)  ## Lint, formatting and types only
	@echo "Checking lint, formatting and types …"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "Not formatted as ruff does it: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy

.PHONY: test-python
test-python:  ## The library's tests on another Python, in a throw-away environment: make test-python PYTHON=python3.13
	@echo "Running the library tests on $(or $(PYTHON),another Python) in a throw-away environment …"
	@test -n "$(PYTHON)" || { echo "Say which: make test-python PYTHON=python3.13" >&2; exit 1; }
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && PYTHON='$(PYTHON)' .ci/venv "$$folder/venv" && \
	"$$folder/venv/bin/python" $(TESTS) -p no:cacheprovider \
	  --ignore tests/browser --ignore tests/notebooks --ignore tests/real --ignore tests/report tests $(PYTEST)

.PHONY: lab
lab: $(INSTALLED)  ## Open the runbooks in JupyterLab
	@echo "Opening the runbooks in JupyterLab; Ctrl-C ends it …"
	@$(BIN)/cfrunbook notebooks

.PHONY: app
app: $(INSTALLED)  ## Serve the runbooks as pages without code, for the team
	@echo "Serving the runbooks; Ctrl-C ends it …"
	@$(BIN)/cfrunbook notebooks --app

.PHONY: screenshots
screenshots: $(INSTALLED)  ## Picture every runbook, the report and the app into docs/screenshots (some minutes)
	@$(BIN)/python benchmarks/screenshots.py

.PHONY: bench
bench: $(INSTALLED)  ## Measure the diagnosis, firewall rules, edge functions, and TLS scan and DNS walk without other programs
	@echo "Measuring …"
	@$(BIN)/python benchmarks/diagnose.py
	@$(BIN)/python benchmarks/tls.py --only cfrunbook
	@$(BIN)/python benchmarks/firewall.py
	@$(BIN)/python benchmarks/dns_walk.py --only cfrunbook --rounds 3
	@$(BIN)/python benchmarks/functions.py
	@$(BIN)/python benchmarks/edge_rules.py

.PHONY: bench-tls
bench-tls: $(INSTALLED)  ## Measure the TLS scan against every other scanner that is installed (ten minutes and more)
	@echo "Measuring the TLS scan against other scanners …"
	@$(BIN)/python benchmarks/tls.py

.PHONY: bench-dns
bench-dns: $(INSTALLED)  ## Measure the walk to all name servers against every other program that is installed (15 minutes)
	@echo "Measuring the walk to all name servers against other programs …"
	@$(BIN)/python benchmarks/dns_walk.py

.PHONY: bench-firewall
bench-firewall: $(INSTALLED)  ## Measure 1,000 firewall rules against the arithmetic that people reach for (seconds)
	@$(BIN)/python benchmarks/firewall.py

.PHONY: bench-logs
bench-logs: $(INSTALLED)  ## Count the 502s of a gigabyte of access logs, against DuckDB where it is installed (five minutes)
	@$(BIN)/python benchmarks/logs.py

.PHONY: bench-lab
bench-lab: $(INSTALLED)  ## Bring every scenario of the lab up and judge it, in one process; hold its goals (one minute)
	@$(BIN)/python benchmarks/lab.py

.PHONY: bench-report
bench-report: $(INSTALLED)  ## Measure `cfrunbook report` against the papermill command line over the same notebooks (five minutes)
	@echo "Measuring reports, and papermill over the same notebooks …"
	@$(BIN)/python benchmarks/report.py --engine

.PHONY: bench-jupyter
bench-jupyter: $(INSTALLED)  ## Measure how long a person waits in JupyterLab for a panel and for its verdict (two minutes)
	@echo "Measuring JupyterLab in a browser …"
	@$(BIN)/python benchmarks/jupyter.py

.PHONY: bench-accuracy
bench-accuracy: $(INSTALLED)  ## Hold what we and every installed scanner say of difficult TLS servers against what is true
	@echo "Asking about difficult servers (half an hour with every scanner) …"
	@$(BIN)/python benchmarks/tls_accuracy.py

.PHONY: fuzz
fuzz: $(INSTALLED)  ## Feed hostile bytes to the reader of TLS flights and the DNS walk: make fuzz FUZZ=600 (each)
	@echo "Fuzzing …"
	@$(BIN)/python benchmarks/fuzz_tls.py $(if $(FUZZ),--seconds $(FUZZ))
	@$(BIN)/python benchmarks/fuzz_dns.py $(if $(FUZZ),--seconds $(FUZZ))

.PHONY: schema
schema: $(INSTALLED)  ## Write the JSON Schemas of a diagnosis and a notification anew, after a change of their types
	@$(BIN)/python -c 'import json; from cfrunbook.findings import json_schema; print(json.dumps(json_schema(), indent=1))' \
	  > cfrunbook/diagnosis.schema.json
	@$(BIN)/python -c 'import json; from cfrunbook.views.notification import json_schema; print(json.dumps(json_schema(), indent=1))' \
	  > cfrunbook/notification.schema.json
	@echo "Wrote cfrunbook/diagnosis.schema.json and cfrunbook/notification.schema.json"

.PHONY: lock
lock:  ## Resolve requirements.lock anew from pyproject.toml (needs uv and the network)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	  --output-file requirements.lock pyproject.toml
	@echo "Wrote requirements.lock; read its diff and run make test"

.PHONY: clean
clean:  ## Remove .venv, caches and builds; your incident/ folder stays
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed .venv, caches and builds."

$(INSTALLED): pyproject.toml requirements.lock
	@echo "Installing into $(VENV) (once; about a minute with pip) …"
	@PYTHON='$(PYTHON)' .ci/venv $(VENV)
	@touch $@
