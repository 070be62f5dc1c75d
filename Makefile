# Two commands on a fresh machine: `make demo` and `make test`. Each sets up what it needs and skips what stands.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench client clean
IN_ENVIRONMENT := . tools/setup/env.sh &&
# Where it is set, as in many containers, each of hundreds of processes would compile torch, ROS and MLflow anew.
unexport PYTHONDONTWRITEBYTECODE

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## virtual environment, locked packages, ROS 2 workspace; what stands is skipped
	@PYTHON='$(PYTHON)' tools/setup/setup.sh

demo: setup  ## from a use-case file to a robot that sorts parts; KEEP=1 leaves the cell running, PORT=8081 is another port
	@.venv/bin/trunnion demo $(if $(KEEP),--keep) $(if $(PORT),--port $(PORT))

test: setup  ## every test; TESTS=tests/edge for a part of them
	@tools/setup/browser.sh && tools/setup/postgres.sh && tools/setup/openid_provider.sh && tools/setup/mosquitto.sh && $(IN_ENVIRONMENT) python -m pytest -n 2 --no-loadscope-reorder $(TESTS)

lint: setup  ## style, types and import rules
	@$(IN_ENVIRONMENT) python -m pytest tests/architecture

bench: setup  ## measure everything; rows go to bench.json
	@.venv/bin/trunnion bench --json bench.json

client: setup  ## write the bridge's typed client anew, after a change of its API
	@$(IN_ENVIRONMENT) python tools/client/generate.py

clean:  ## remove what set-up made; runs/ stays
	@rm -rf .venv ros2_ws/build ros2_ws/install ros2_ws/log
