# make demo · make test · make test-system · make test-pythons · make prove · make lint · make format · make build · make compiled · make test-compiled · make bench · make bench-resolver
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.ready

# Tests wait more than they work: so many files of them run side by side. JOBS=0: one after the other, in one process.
JOBS ?= 3
PYTEST = $(BIN)/pytest -n $(JOBS) --dist loadfile

.PHONY: demo test test-system test-pythons test-compiled compiled prove bench bench-resolver lint format build clean help

help:
	@sed -n '1s/^# //p' Makefile

# An index of packages may take its time.
export PIP_DEFAULT_TIMEOUT ?= 60
export PIP_RETRIES ?= 10

# One environment for all targets: made anew when the project's declared needs change; by one of them at a time.
$(STAMP): setup.cfg pyproject.toml
	@echo "installing what Starship and its tests need into $(VENV)"
	@etc/make-venv "$(PYTHON)" "$(VENV)"
	@flock etc/make-venv $(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	@$(BIN)/twistd --help >/dev/null
	@touch $@

demo: $(STAMP)
	@$(BIN)/starship demo $(if $(ONCE),--once) $(if $(PORT_BASE),--port-base $(PORT_BASE))

test: $(STAMP)
	$(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_house.py

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-system: $(STAMP)
	@etc/install-system-parts
	@etc/install-system-parts bench
	$(PYTEST) -m system tests/system
	@$(MAKE) --no-print-directory test-pythons JOBS=$(JOBS)

# Another Python, in an environment of its own; PYTHONS="12 13" for all that are supported.
test-pythons: $(STAMP)
	@JOBS=$(JOBS) etc/test-pythons $(VENV)

prove: $(STAMP)
	$(PYTEST) --hypothesis-profile explore -m "hypothesis and not system and not proof"
	$(BIN)/pytest -m proof -s tests

# Starship beside nginx, HAProxy and sniproxy: some 15 minutes, QUICK=1 some 4. ONLY="tls http": these alone.
# INTO=docs/performance.md: the tables go into that page.
bench: $(STAMP)
	@etc/install-system-parts bench
	@$(BIN)/python -m benchmarks.wire $(if $(QUICK),--quick) $(foreach key,$(ONLY),--only $(key)) $(if $(INTO),--into $(INTO))

# Some minutes of figures; the plot goes where PLOT says.
PLOT ?= docs/images/resolver-outage.png
bench-resolver: $(STAMP)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks.resolver --plot $(PLOT)

build: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build

# A wheel in dist/ whose hot modules are compiled: for this Python and this kind of machine alone. Needs a C compiler.
compiled: $(STAMP)
	STARSHIP_COMPILE=1 $(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist .

# The tests once more, with these modules compiled. TESTS="tests/wire": these alone.
test-compiled: $(STAMP)
	@etc/test-compiled $(VENV) $(TESTS)

clean:
	rm -rf $(VENV) $(VENV)-3.* build dist *.egg-info
