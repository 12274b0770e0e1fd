# The only door to the repository: `make` alone lists the targets.

# Empty: the Python that made .venv, or python3 where there is none yet.
PYTHON ?=
ARGS ?=
PROMETHEUS ?=
DIST ?= dist
# Images: what their names begin with, their tag, what builds them (docker, podman or buildah when empty).
REGISTRY ?=
IMAGE_TAG ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' exporter/pyproject.toml 2>/dev/null)
export IMAGE_BUILD IMAGE_TAG PLATFORM PUSH PYTHON_IMAGE

BIN := .venv/bin
# Where 'make run' and 'kafkascope-demo up' have their brokers. An orderly end removes it, so its state
# means a run or its remains.
DEMO_KAFKA := .kafkascope/demo/kafka
STAMP := .venv/.installed$(subst /,_,$(PYTHON))
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
	--python-version=3.11 --custom-compile-command='make lock' \
	$(addprefix --no-emit-package=kafkascope-,exporter tracing demo)

.PHONY: help install run load load-report test test-slow coverage lint type rules golden dashboards charts-docs pictures bench drill test-versions lock dist images package compose compose-down demo demo-status demo-verify demo-scenario demo-load demo-audit demo-logs demo-down clean

help: ## list the targets (the default)
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 16

install: $(STAMP) ## put everything into .venv (PYTHON=python3.12 chooses the interpreter)

$(STAMP): requirements/dev.txt exporter/pyproject.toml tracing/pyproject.toml demo/pyproject.toml
	@$(or $(PYTHON),$$(test -x $(BIN)/python && echo $(BIN)/python || echo python3)) requirements/environment.py .venv
	@echo "installing into .venv (some minutes the first time)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e exporter -e tracing -e demo
	@rm -f .venv/.installed* && touch .venv/.installed $@

# Other people's instrumentation, apart from ours: installed beside it, it would be loaded with it.
PEERS := .venv-peers/.installed

$(PEERS): requirements/peers.txt | install
	@$(BIN)/python requirements/environment.py .venv-peers
	@echo "installing the peers that tracing is compared with into .venv-peers"
	@.venv-peers/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/peers.txt
	@touch $@

run: install ## start the whole demo here and show it (ARGS=--for=120 ends by itself, with a verdict)
	@$(BIN)/kafkascope-demo run $(ARGS)

# The locustfile reads STAGES, USER_RATE and the like from the environment, where make puts what its
# command line sets.
LOAD = $(if $(HOST),--host '$(HOST)') $(if $(USERS),--users $(USERS)) $(if $(filter 1,$(HEADLESS)),--headless) \
	$(if $(PORT),--web-port $(PORT)) $(if $(WORKERS),--processes $(WORKERS)) $(if $(filter 1,$(OTEL)),--otel) \
	$(if $(REPORT),--html '$(REPORT).html' --csv '$(REPORT)')

load: install ## load any deployment (HOST=, STAGES= or USERS=, USER_RATE=, HEADLESS=1, WORKERS=, REPORT=path, CLASS=)
	@$(BIN)/locust --locustfile demo/locustfile.py $(LOAD) $(ARGS) $(CLASS)

load-report: install ## run stages of load on the local demo that runs, and report on each (ARGS=--help)
	@$(BIN)/kafkascope-demo load-report $(ARGS)

test: install $(PEERS) ## run the tests (ARGS for pytest)
	$(BIN)/python -m pytest -n 2 $(ARGS)

test-slow: install ## run what takes minutes: every fault scenario, and its alert's condition
	$(BIN)/python -m pytest -n 0 -m slow $(ARGS)

coverage: install $(PEERS) ## measure what tests of tracing reach of it, and fail below 95 % by branch
	$(BIN)/python -m coverage run -m pytest -n 0 tests/tracing $(ARGS) && $(BIN)/python -m coverage report

lint: install ## check style, format and types
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

type: install ## check types only (mypy --strict)
	$(BIN)/mypy

rules: install ## write the alert rules for Prometheus users from their source in helm/
	@$(BIN)/python -m kafkascope_demo.alertrules > helm/kafkascope-exporter/rules/kafkascope.rules.yaml

golden: install ## rewrite the golden files from what the code renders now
	$(BIN)/python -m pytest -n 0 --refresh-golden tests/exporter tests/charts $(ARGS)

dashboards: install ## write grafana/dashboards/*.json from grafana/*.py, and their copies in the chart
	$(BIN)/python -m grafana.build

charts-docs: install ## write the table of values into each chart's README
	$(BIN)/python -m helm.valuestable

pictures: install ## draw the dashboards into docs/images (PROMETHEUS=url; ARGS=--help)
	@$(BIN)/python -m grafana.draw --prometheus $(or $(PROMETHEUS),http://127.0.0.1:9090) $(ARGS)

bench: install $(PEERS) ## measure against a seeded local cluster, beside the peers on PATH (ARGS=--help)
	$(BIN)/python -m tests.bench $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m tests.bench.tracing)

drill: install ## freeze and kill brokers under the exporter, and print what stayed (ARGS=--help)
	$(BIN)/python -m tests.bench.drill $(ARGS)

test-versions: install ## run the tests on older Kafka releases, and tracing's on older packages
	$(BIN)/python -m tests.versions $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m tests.versions.tracing)

lock: install ## renew requirements/*.txt, and check that each pin has its wheels
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	for part in build exporter demo; do $(LOCK) -c requirements/dev.txt requirements/$$part.in -o requirements/$$part.txt || exit; done
	$(LOCK) exporter/kerberos/requirements.in -o exporter/kerberos/requirements.txt
	$(LOCK) requirements/peers.in -o requirements/peers.txt && PATH="$(BIN):$$PATH" $(BIN)/python requirements/check.py

dist: install ## build sdist and wheel of the exporter and of tracing into dist/
	for part in exporter tracing; do $(BIN)/python -m build --no-isolation --outdir $(DIST) $$part || exit; done

images: install ## build the images (REGISTRY=, IMAGE_TAG=, WHEELS=1, PLATFORM=, PUSH=1, PYTHON_IMAGE=, IMAGE_BUILD=command)
	@$(BIN)/python -m helm.images --tag '$(IMAGE_TAG)' --registry '$(REGISTRY)' $(if $(filter 1,$(WHEELS)),--wheels) $(ARGS)

package: dist ## write wheels, charts, image digests and bills of materials into dist/
	@$(BIN)/python -m helm.package --version '$(IMAGE_TAG)' --registry '$(REGISTRY)' --output '$(DIST)'

COMPOSE := $(shell for engine in docker podman; do $$engine compose version >/dev/null 2>&1 && echo $$engine compose && break; done)

compose: ## run the demo with docker compose or podman compose, and verify it (not run in our tests)
	@test -n '$(COMPOSE)' || { echo "make compose: neither 'docker compose' nor 'podman compose' works here; without them: make run" >&2; exit 1; }
	$(COMPOSE) -f demo/compose.yaml up --build --detach --wait
	$(COMPOSE) -f demo/compose.yaml run --rm verifier

compose-down: ## stop the demo of make compose, and drop its volumes
	$(COMPOSE) -f demo/compose.yaml down --volumes

# The demo in the cluster that kubectl talks to. IMAGES=0: the images are there already.
RELEASE ?= kafkascope
NAMESPACE ?= kafkascope
PROFILE ?= default
DEMO := $(BIN)/kafkascope-demo kubernetes
OF := --release '$(RELEASE)' --namespace '$(NAMESPACE)'
export IMAGE_LOAD REGISTRY

demo: install ## install the demo into Kubernetes and verify it (PROFILE=minimal|default|secure|seed, KAFKA_NODES=, OTLP=, YES=1, IMAGES=0)
	@$(DEMO) check $(OF) --profile '$(PROFILE)' $(if $(filter 1,$(YES)),--yes) || exit 1; \
	images=; if [ '$(IMAGES)' != 0 ]; then images=$$($(MAKE) --no-print-directory images ARGS=) || exit 1; fi; \
	$(DEMO) up $(OF) --profile '$(PROFILE)' --yes $(if $(KAFKA_NODES),--set kafka.nodes=$(KAFKA_NODES)) \
	  $(if $(OTLP),--set otlp.backend=$(OTLP)) $$(for image in $$images; do echo --image $$image; done) $(ARGS)

demo-status: install ## show the demo's pods in Kubernetes, and how to reach its pages
	@$(DEMO) status $(OF) $(ARGS)

demo-verify: install ## ask the demo in Kubernetes whether it works
	@$(DEMO) verify $(OF) $(ARGS)

demo-scenario: install ## make a fault in Kubernetes, and see its alert come and go (S=stuck-consumer)
	@$(DEMO) scenario $(OF) $(ARGS) '$(S)'

demo-load: install ## change the load in Kubernetes (STAGES= with a report, 0 stops; USERS=, WORKERS=, USER_RATE=)
	@$(DEMO) load $(OF) $(if $(STAGES),--stages '$(STAGES)') $(if $(USERS),--users $(USERS)) \
	  $(if $(WORKERS),--workers $(WORKERS)) $(if $(USER_RATE),--user-rate $(USER_RATE)) $(ARGS)

demo-audit: install ## delete pods in Kubernetes at random for two minutes, and see that no acknowledged event is lost
	@$(DEMO) audit $(OF) $(ARGS)

demo-logs: install ## show logs of the demo in Kubernetes (C=producer for one component)
	@$(DEMO) logs $(OF) $(ARGS) $(C)

demo-down: install ## remove everything of the demo from Kubernetes (YES=1)
	@$(DEMO) down $(OF) $(if $(filter 1,$(YES)),--yes) $(ARGS)

clean: ## remove environments, build output, caches and what runs left
	@for kafka in $(DEMO_KAFKA); do test ! -e $$kafka/cluster.json || { \
		echo "make clean: brokers of a demo may still run; end it with Ctrl-C or 'kafkascope-demo down' or, if it" \
		"was killed, by: $(BIN)/kafkascope-demo kafka down --directory $$kafka" >&2; exit 1; }; done
	rm -rf .venv .venv-peers .kafkascope build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
