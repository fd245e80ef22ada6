# Storefront's chores: `make` lists them. Everything else is a command of `.venv/bin/storefront`.
#
#   PORT=4567         up: the port of the local stack (default 4566)
#   STATE=folder      where the local stack is kept (default .local)
#   TESTS=paths       tests: which (default tests)
#   LESSON=name       lesson: which (default: list them)
#   ENVIRONMENT=name  deploy: dev, staging or prod (default dev)
#   PYTHON=path       Python for the environments (default: the best one found)

.DEFAULT_GOAL := help
SHELL := /bin/sh
# A value is what was typed: make expands nothing in it, and commands read it from the environment, so no shell runs it.
unexport PORT STATE PYTHONWARNINGS PYTHONDONTWRITEBYTECODE
export STOREFRONT_PORT := $(or $(value PORT),$(value STOREFRONT_PORT))
export STOREFRONT_STATE := $(or $(value STATE),$(value STOREFRONT_STATE))
override TESTS := $(if $(filter undefined,$(origin TESTS)),tests,$(value TESTS))
override LESSON := $(value LESSON)
override ENVIRONMENT := $(or $(value ENVIRONMENT),dev)
override PYTHON := $(value PYTHON)
export TESTS LESSON ENVIRONMENT PYTHON SAM_CLI_TELEMETRY := 0

storefront := .venv/bin/storefront
# Installs what a command needs, unless it is there.
install = @python=$$(sh tools/find-python) && "$$python" -m tools.environments

.PHONY: help tools dev scanners
help: ## List the chores
	@echo "Storefront: a serverless shop on AWS SAM, on this machine or on AWS"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo
	@sed -n 's/^#   \([A-Z]*=.*\)/  \1/p' Makefile
	@echo
	@echo "Everything else: $(storefront) --help"
tools:
	$(install) tools
dev:
	$(install) dev
scanners:
	$(install) check

.PHONY: up down demo lesson test tests check build deploy governance bench clean
up: tools ## Start the local stack, or update it, by deploying the template
	@$(storefront) up
down: tools ## End the local stack and delete its data
	@$(storefront) down
demo: tools ## Walk through the shop on the running stack
	@$(storefront) demo
lesson: tools ## Run the lesson LESSON on the running stack
	@$(storefront) lesson -- "$$LESSON"
test: check ## Check everything, then run the tests on stacks of their own
	@.venv/bin/python -m pytest tests --ignore tests/pages --quiet --numprocesses auto
tests: dev ## Run the tests in TESTS, without the checks
	@case "$$TESTS" in "") echo "TESTS names nothing: no test is run"; exit;; *.py) processes=0;; *) processes=auto;; esac; \
	.venv/bin/python -m pytest $$TESTS --quiet --numprocesses $$processes
check: scanners ## Lint, check formats and types, validate, scan for weaknesses
	@$(storefront) check
build: tools ## Build what is deployed to AWS, in .aws-sam/build
	@PATH="$$PWD/.venv/bin:$$PATH" .venv/bin/sam build
deploy: build ## Deploy the build to an environment on AWS
	@.venv/bin/sam deploy --config-env "$$ENVIRONMENT"
governance: tools ## Deploy an account's trail, rules and access analyzer, once
	@$(storefront) governance
bench: ## Measure costs into tools/bench/report.md; takes some minutes
	$(install) bench
	@$(storefront) bench
clean: ## End the local stack, and remove everything that make has made
	@sh tools/clean
