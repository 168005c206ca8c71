# make demo | test | lint | bench | docs: each makes what it needs in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench docs
.SECONDARY:

# Tracks a clip of our own making and leaves demo_out/overlay.mp4.
demo: $(VENV)/.installed-video
	$(BIN)/dslt demo --output demo_out

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# With PyTorch in .venv (`.venv/bin/pip install torch`) the twin is timed too.
bench: $(VENV)/.installed-video
	$(BIN)/pip install --quiet opencv-contrib-python-headless || echo "no OpenCV here, no CSRT row"
	$(BIN)/python experiments/speed/bench_step.py
	$(BIN)/python experiments/speed/bench_tracker.py

# The documentation, into site/. To search it: .venv/bin/python -m http.server --directory site
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# .installed-EXTRA: the package, editable, with that extra; again when setup.cfg changed.
$(VENV)/.installed-%: setup.cfg setup.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
