# `make` says what there is.
#   PYTHON=python3.12   interpreter for .venv, 3.10 to 3.13
#   TORCH_INDEX=URL     package index for PyTorch alone, such as one of CPU-only builds
SHELL := /bin/bash
PYTHON ?=
TORCH_INDEX ?=
export PYTHON TORCH_INDEX

# Nothing here talks to robots nearby: this machine only, and a domain of its own.
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST
export ROS_DOMAIN_ID := $(shell shuf -i 1-101 -n 1)
export FASTDDS_DEFAULT_PROFILES_FILE ?= $(CURDIR)/config/fastdds.xml

BIN := .venv/bin

.PHONY: help demo test test-slow lint setup clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup  ## play two recordings into the node; report in out/demo/report.html
	@$(BIN)/sam3i demo
	@echo "Next: . .venv/bin/activate, then sam3i --help"

test: lint  ## linters, types and the tests, less the slow ones
	@$(BIN)/python -m pytest -m "not slow" -n 3 --dist loadfile  # of two cores, DDS and processes leave a third idle

test-slow: setup  ## the slow tests
	@$(BIN)/python -m pytest -m slow

lint: setup  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m mypy

setup:  ## .venv and everything in it; the others call it
	@scripts/setup.sh

clean:  ## remove everything that was built
	rm -rf .venv build out *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
