# Two commands matter: `make verify` and `make test`. Everything runs in .venv, made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AT := 2026-11-21T12:00:00Z

.PHONY: verify test test-slow lint install clean

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all,dev]'
	touch $@

install: $(VENV)/.installed

# The main job on the sample media: what is this, who says so, which label does it owe.
verify: install
	$(BIN)/waarmerk verify -r samples/media --trust samples/trust --at $(AT) --fail-on ''

test: install lint
	$(BIN)/python -m pytest -n auto --dist worksteal

# The second line runs the tests of the command line once more, with a Python that is started for each command.
test-slow: install
	$(BIN)/python -m pytest -m slow
	WAARMERK_TEST_PROCESSES=fresh $(BIN)/python -m pytest tests/unit/cli tests/docs tests/unit/registry

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p waarmerk.provenance -p waarmerk.watermark -p waarmerk.api -p waarmerk.cli
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build dist
