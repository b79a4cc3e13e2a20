# Thin targets; the work is in launcher/. Without make: python3 -m launcher COMMAND.
# Extra arguments: make test ARGS="tests/identity -x"
PYTHON ?= python3
LAUNCH = $(PYTHON) -m launcher

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset setup test check fix messages assets e2e faults verify-idp bench lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## start the whole portal with example clinics (other port: PORT=8001 make demo)
	@$(LAUNCH) demo

demo-reset: ## delete the demo's data, so that the next start is fresh
	@$(LAUNCH) demo-reset

setup: ## make the Python environment and the front-end files, and nothing else
	@$(LAUNCH) setup

test: ## from nothing: environment, front-end files, every check and test
	@$(LAUNCH) test $(ARGS)

check: ## every check and test (what test and CI run)
	@$(LAUNCH) check $(ARGS)

fix: ## repair style and format
	@$(LAUNCH) fix

messages: ## collect the texts to translate
	@$(LAUNCH) messages $(ARGS)

assets: ## build style sheet, fonts and scripts into static/vendor
	@$(LAUNCH) assets

e2e: ## the browser tests, the long ones among them
	@$(LAUNCH) e2e $(ARGS)

faults: ## the long form of the kill, story and load tests (VENTEROM_KILLS=300 VENTEROM_STORIES=300; VENTEROM_SEED)
	@$(LAUNCH) faults $(ARGS)

verify-idp: ## sign in at identity providers that others wrote (npm, and Debian's simplesamlphp where installed)
	@$(LAUNCH) verify-idp $(ARGS)

bench: ## measure speed against the targets
	@$(LAUNCH) bench $(ARGS)

lock: ## write the hash locks anew from requirements/*.in (newer versions: ARGS=--upgrade)
	@$(LAUNCH) lock $(ARGS)
