# Each target that ends in `## text` is listed by `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin
CORES := $(shell nproc 2>/dev/null || echo 2)
# A process that may not keep what it compiled compiles it again: three seconds of each start of Flink's client.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

# uv makes the environment from the lock; where it is not installed it comes from PyPI into a folder of ours.
UV_VERSION := 0.13.9
.tools/bin/uv:
	@python3 -m venv .tools || { echo "✘ Python's venv module is missing. Install it:  apt-get install python3-venv"; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/locked: pyproject.toml uv.lock $(filter .tools/%,$(UV))
	$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

.PHONY: setup
setup: .venv/locked ## Install what is missing: Python packages, servers, jars, influxd (built once per user)
	@$(RUN)/headrace setup

.PHONY: demo
demo: setup ## Start everything, stream recorded sensor data through it, show what became of it
	@$(RUN)/headrace demo telemetry

.PHONY: demo-churn
demo-churn: .venv/locked ## Train a churn model, change customers in PostgreSQL, show their risks in Redis (DATA=a table)
	@$(RUN)/headrace setup --with postgres,connect
	@$(RUN)/headrace demo churn $(DATA)

.PHONY: demo-recommend
demo-recommend: .venv/locked ## Post what people of a shop do, show lists that follow each click, let an experiment decide
	@$(RUN)/headrace setup --with serving
	@$(RUN)/headrace demo recommend

.PHONY: up
up: setup ## Start the local stack and submit the five telemetry jobs
	@$(RUN)/headrace up && $(RUN)/headrace submit

.PHONY: down
down: ## Stop the local stack; its data stay
	@$(RUN)/headrace down

# The longest first. Side by side, each with its output in one piece; all of them, also when one has failed.
CHECKS := check-types check-docs check-imports check-dependencies check-spelling check-lint check-format
.PHONY: check $(CHECKS)
check: .venv/locked ## Format, lint, types, dependencies, imports between packages, spelling, the documentation's links
	@$(MAKE) --no-print-directory --jobs=$(CORES) --keep-going --output-sync=target $(CHECKS)

check-types:
	$(RUN)/mypy

check-docs:
	$(RUN)/zensical build --strict

check-imports:
	$(RUN)/lint-imports

check-dependencies:
	$(RUN)/deptry .

check-spelling:
	$(RUN)/codespell

check-lint:
	$(RUN)/ruff check .

check-format:
	$(RUN)/ruff format --check .

.PHONY: format
format: .venv/locked ## Format, and fix what the linter can fix
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

.PHONY: test
test: setup check test-unit test-training test-processes test-java test-mini-cluster test-end-to-end ## Every check and every test

# A test that takes longer, in seconds, has the tracebacks of its threads printed. Except beside a stack, which nobody
# would end then, its process is ended too, and the others go on.
HANGS_AFTER := -o faulthandler_timeout
ENDS_AFTER := -o faulthandler_exit_on_timeout=true $(HANGS_AFTER)
PACKAGES := schemas models payload_codecs connectors flink jobs serving stack headrace drills examples bench deploy

.PHONY: test-unit
test-unit: .venv/locked ## Pure tests and doctests, on all cores: under a minute on two
	$(RUN)/pytest -n $(CORES) $(ENDS_AFTER)=120 tests/unit --doctest-modules $(PACKAGES) --ignore=bench/peers/programs

.PHONY: test-training
test-training: .venv/locked ## Models that are trained, on all cores, each test on one
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(RUN)/pytest -n $(CORES) --dist=loadscope $(ENDS_AFTER)=300 tests/training

.PHONY: test-processes
test-processes: .venv/locked ## What starts processes of ours and small servers, on all cores
	$(RUN)/pytest -n $(CORES) --dist=loadfile $(ENDS_AFTER)=300 tests/processes

.PHONY: test-java
test-java: ## The operators that are written in Java, by Flink's own test harness
	mvn -q -B -f flink/java/pom.xml test

.PHONY: test-mini-cluster
test-mini-cluster: setup ## SQL and operators on Flink mini-clusters, two side by side
	$(RUN)/pytest -n 2 --dist=loadfile $(ENDS_AFTER)=600 tests/mini_cluster

.PHONY: test-end-to-end
test-end-to-end: .venv/locked ## The real servers, on ports and folders of their own
	@$(RUN)/headrace setup --with postgres,connect,serving
	$(RUN)/pytest -v -n 2 --dist=loadgroup $(HANGS_AFTER)=900 tests/end_to_end

.PHONY: drills
drills: setup ## Break one thing after another while readings flow, look for every reading: docs/reference/reliability.md
	$(RUN)/headrace drill run --report docs/reference/reliability.md

.PHONY: bench-clean
bench-clean: setup ## Cleaning against a job that only parses JSON: CPU per record, Kafka to Kafka
	$(RUN)/python -m bench.clean

.PHONY: bench-codecs
bench-codecs: .venv/locked ## Decoding and validation in Python, without Flink: CPU of a reading, and of a metric of a wide message
	$(RUN)/python -m bench.codecs

.PHONY: bench-sparkplug
bench-sparkplug: setup ## Sparkplug B: metrics per CPU second of the cleaning's worker
	$(RUN)/python -m bench.sparkplug

.PHONY: bench-fleet
bench-fleet: setup ## The fleet of half-space trees against River's own loop
	$(RUN)/python -m bench.fleet

.PHONY: bench-peers
bench-peers: setup ## Quix Streams, Bytewax and plain loops with River against score_anomalies: cost, latency, a kill
	$(RUN)/python -m bench.peers $(PEERS)

.PHONY: bench-series
bench-series: .venv/locked ## 100,000 series in the scorer: CPU of its snapshots, memory, size of the state
	$(RUN)/python -m bench.series

.PHONY: bench-alert-rate
bench-alert-rate: .venv/locked ## Alerts of series without anomalies, against the rate that was asked for
	$(RUN)/python -m bench.alert_rate

.PHONY: bench-nab
bench-nab: .venv/locked ## Anomaly detectors on the Numenta Anomaly Benchmark in DATA, or other labelled series; a page of charts
	$(RUN)/python -m bench.nab $(DATA)

.PHONY: bench-bridge
bench-bridge: setup ## Messages per CPU second of the bridge
	$(RUN)/python -m bench.bridge

.PHONY: bench-listener
bench-listener: setup ## Messages per CPU second of the listener, 1,000 devices with one in flight
	$(RUN)/python -m bench.listener

.PHONY: bench-pipeline
bench-pipeline: setup ## Everything at once: 2,000 readings a second for three minutes
	$(RUN)/python -m bench.pipeline

.PHONY: bench-capture
bench-capture: .venv/locked ## Change capture at 5,000 changes a second: how old a change is when it is seen
	@$(RUN)/headrace setup --with postgres,connect
	$(RUN)/python -m bench.capture

.PHONY: bench-windows
bench-windows: setup ## What keeping the watermark over a restart costs: CPU a reading of window_telemetry, with it and without
	$(RUN)/python -m bench.windows

.PHONY: bench-metadata
bench-metadata: setup ## What the metadata of devices cost: CPU a reading of the store, with them and without
	$(RUN)/python -m bench.metadata

.PHONY: bench-churn
bench-churn: .venv/locked ## Churn models on a table of customers, its path in DATA, and the cost of a score
	$(RUN)/python -m bench.churn $(DATA)

.PHONY: bench-recommend
bench-recommend: .venv/locked ## Every figure of the recommendations and its limit: bench-recommenders, -recommend-job, -serving
	@$(RUN)/python -m bench.command_line wrk h2load
	@$(RUN)/headrace setup
	$(RUN)/python -m bench.recommend

.PHONY: bench-recommenders
bench-recommenders: .venv/locked ## Recommenders on MovieLens-100K by four protocols, and the cost of learning a click
	$(RUN)/python -m bench.recommenders

.PHONY: bench-experiments
bench-experiments: .venv/locked ## How often an experiment without a difference is decided, looking after each user
	$(RUN)/python -m bench.experiments

.PHONY: bench-serving
bench-serving: .venv/locked ## One instance of the REST API on one core: requests a second, p99, memory of a list (wants wrk and h2load)
	@$(RUN)/python -m bench.command_line wrk h2load
	@$(RUN)/headrace setup
	$(RUN)/python -m bench.serving

.PHONY: bench-churn-job
bench-churn-job: setup ## The job that scores customers against onnxruntime alone; a table of customers in DATA
	$(RUN)/python -m bench.churn_job $(DATA)

.PHONY: image-check
image-check: setup ## Build our image without a container engine and run a TaskManager and a job from it (root)
	deploy/image-check

.PHONY: bench-recommend-job
bench-recommend-job: setup ## The job that recommends on MovieLens-100K: interactions per CPU second of its worker
	$(RUN)/python -m bench.recommend_job

.PHONY: docs
docs: .venv/locked ## Generate docs/reference/records.md and its neighbours from schemas/, the settings and the command line
	$(RUN)/python -m schemas.documentation
	$(RUN)/python -m headrace.documentation

.PHONY: docs-site
docs-site: .venv/locked ## Build the documentation site, dist/docs/index.html; a broken link fails
	$(RUN)/zensical build --strict --clean
	@echo "Open dist/docs/index.html, or to search:  python3 -m http.server -b 127.0.0.1 -d dist/docs"

.PHONY: docs-picture
docs-picture: ## Draw docs/architecture.svg from docs/architecture.dot (Debian's graphviz)
	@command -v dot >/dev/null || { echo "✘ graphviz is missing. Install it:  apt-get install graphviz"; exit 1; }
	dot -Tsvg docs/architecture.dot -o docs/architecture.svg
