# Each target does its own set-up: Python 3.11 and make are all that has to be there, and for the tests a MariaDB or Debian's apt-get.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ARGS ?=

.PHONY: demo picture dashboards test foreign matrix collector stack load lint types contracts format bench clean

demo: .venv/.demo  ## The demo with telemetry in this terminal; ARGS=--once ends by itself
	@$(BIN)/python demo/tour.py $(ARGS)

picture: .venv/.demo  ## docs/console.svg, drawn from real operations of the demo
	@OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=none $(BIN)/opentelemetry-instrument $(BIN)/python demo/picture.py

dashboards: .venv/.dev  ## dashboards/generated, from what dashboards/*.py define
	$(BIN)/python -m dashboards

test: .venv/.dev  ## All tests; ARGS goes to pytest
	@# Before the tests, which would wait for it without a word. Where it cannot be had, they say what to install.
	@for part in otelcol prometheus; do $(BIN)/python collector/builder/build.py $$part >/dev/null || true; done
	$(BIN)/python -m pytest $(ARGS)

foreign: .venv/.dev  ## Test suites of Django, graphql-core, graphene-django and aiodataloader, bare and instrumented
	$(BIN)/python tests/foreign/run.py $(ARGS)

matrix: .venv/.dev  ## The in-process tests on other versions of Python, Django and graphql-core
	$(BIN)/python tests/matrix/run.py $(ARGS)

collector: .venv/.dev  ## A real OpenTelemetry Collector and Prometheus, built once and kept outside the tree; prints where they are
	@$(BIN)/python collector/builder/build.py otelcol
	@$(BIN)/python collector/builder/build.py prometheus

stack: .venv/.dev  ## The whole stack without Docker, under the load of a day: what dashboards/preview draws
	$(BIN)/python -m tests.services.stack_command $(ARGS)

load: .venv/.dev  ## The collector under 2,000 operations a second: throughput, loss, memory
	$(BIN)/python tests/performance/collector_load.py $(ARGS)

bench: .venv/.dev  ## What the package costs, as ratios of interleaved runs
	$(BIN)/python tests/performance/overhead.py $(ARGS)
	$(BIN)/python tests/performance/statements.py

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/yamllint --strict docker-compose.yml dashboards collector
	$(BIN)/hadolint demo/Dockerfile

types: .venv/.dev
	$(BIN)/mypy

contracts: .venv/.dev
	$(BIN)/lint-imports --no-cache

format: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache

.venv/.pip:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	touch $@

.venv/.demo: .venv/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[console]" --group demo
	touch $@

.venv/.dev: .venv/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[all]" --group dev
	touch $@ .venv/.demo
