# Two commands do everything on a machine with Python 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test lint types check format coverage-tables conformance onnx-coreml opsets bench faults kills fuzz hostile install browser extras matrix clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(INSTALLED)  ## create .venv with the pinned versions

$(INSTALLED): pyproject.toml constraints.txt
	@echo "installing the pinned versions into $(VENV) (a few minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[all,dev]'
	@# Only the models inside these two packages are wanted; what they require is older than what we test.
	@$(PIP) --no-deps basic-pitch silero-vad
	@touch $@

demo: $(INSTALLED)  ## train the fixtures, convert and prove them, print one table
	@$(BIN)/python -m fixtures.demo

test: lint types check  ## everything that CI runs

lint: $(INSTALLED)  ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# mypy doesn't follow the editable install's finder, so it gets the packages under their import name.
types: $(INSTALLED)  ## mypy --strict
	@mkdir -p build/types/paritygate
	@for file in api/*; do ln -sfn ../../../$$file build/types/paritygate/; done
	@for part in cli convert gate targets validate; do ln -sfn ../../../$$part build/types/paritygate/$$part; done
	@cd build/types && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml -p paritygate

# A file's tests stay in one process: each framework is imported once or twice, not once per test.
check: $(INSTALLED)  ## run the tests; TESTS=tests/cli/test_commands.py runs some of them
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q $(TESTS)

# Debian's packages; without them the tests of the HTML page in a browser are skipped, with the reason.
browser:  ## install Chromium and its driver for the tests of the HTML page, where they are missing
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null \
		|| (apt-get update -q && apt-get install -y -q chromium chromium-driver)

format: $(INSTALLED)  ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

coverage-tables: $(INSTALLED)  ## write docs/coverage.md (long)
	@$(BIN)/python -m benchmarks.coverage

# Apple's tests want older packages than ours beside them; they stay in a folder of their own.
CONFORMANCE := build/conformance/packages

$(CONFORMANCE)/.installed: $(INSTALLED) benchmarks/coreml_apple/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(CONFORMANCE) \
		--requirement benchmarks/coreml_apple/requirements.txt
	@touch $@

conformance: $(CONFORMANCE)/.installed  ## run Apple's own Core ML tests, write docs/coreml-conformance.md (long)
	@$(BIN)/python -m benchmarks.coreml_apple

# The peer gets an environment of its own.
onnx-coreml: $(INSTALLED)  ## write docs/onnx-to-coreml.md (long)
	@$(PYTHON) -m venv build/onnx2coreml
	@build/onnx2coreml/bin/python -m pip install --quiet --disable-pip-version-check onnx2coreml==1.1.0
	@$(BIN)/python -m benchmarks.onnx_coreml package
	@$(BIN)/python -m benchmarks.onnx_coreml mlmodel
	@$(BIN)/python -m benchmarks.onnx_coreml peer --python build/onnx2coreml/bin/python
	@$(BIN)/python -m benchmarks.onnx_coreml page

opsets: $(INSTALLED)  ## move ONNX's operator tests to other opsets, write their part of docs/opsets.md (long)
	@$(BIN)/python -m benchmarks.opsets

# One bare converter is a package that nothing else needs.
bench: $(INSTALLED)  ## write docs/benchmarks.md and docs/benchmarks-coreml.md (long)
	@$(PIP) --no-deps onnxmltools==1.16.0
	@$(BIN)/python -m benchmarks.speed
	@$(BIN)/python -m benchmarks.coreml_speed
	@$(BIN)/python -m benchmarks.gate
	@$(BIN)/python -m benchmarks.fleet

# One of the rivals is a package that nothing else needs.
faults: $(INSTALLED)  ## put faults into converted models, write their section of docs/verdict-theory.md (long)
	@$(PIP) polygraphy==0.53.6
	@$(BIN)/python -m benchmarks.faults
	@$(BIN)/python -m benchmarks.faults page

kills: $(INSTALLED)  ## kill exports at every step and at random, write their section of docs/security.md (long)
	@$(BIN)/python -m benchmarks.kills

fuzz: $(INSTALLED)  ## damage small files of every format, describe and run each copy, print a table (long)
	@$(BIN)/python -m benchmarks.fuzz

# The scanners get an environment of their own; the two frameworks let modelscan look into TensorFlow's files.
SCANNERS := build/scanners

$(SCANNERS)/.installed:
	@$(PYTHON) -m venv $(SCANNERS)
	@$(SCANNERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		h5py tensorflow-cpu
	@$(SCANNERS)/bin/python -m pip install --quiet --disable-pip-version-check \
		picklescan==1.0.5 modelscan==0.8.8 fickling==0.1.12
	@touch $@

hostile: $(INSTALLED) $(SCANNERS)/.installed  ## try all hostile files, write their section of docs/security.md (long)
	@$(BIN)/python -m benchmarks.hostile.rivals $(SCANNERS)/bin/python
	@$(BIN)/python -m benchmarks.hostile

extras: $(INSTALLED)  ## install each extra alone from the wheel and try it; ONLY="coreml data" tries some (long)
	@$(BIN)/python -m benchmarks.installs extras $(ONLY)

matrix: $(INSTALLED)  ## try the wheel under each Python that is here; ONLY="3.12 base" tries some (long)
	@$(BIN)/python -m benchmarks.installs matrix $(ONLY)

clean:  ## remove what the other targets made
	rm -rf build out .mypy_cache .pytest_cache .ruff_cache
