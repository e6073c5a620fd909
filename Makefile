# Everything a reader or a contributor runs. `make lab` and `make test` set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# On Linux an unconstrained torch is a CUDA build; TORCH_INDEX may name an index of CPU wheels.
TORCH_INDEX ?=
LAB_ARGS ?=
APP_ARGS ?=
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help lab app test test-more claims notebooks notebook-files site picture lint prefetch chromium data-check results links bench clean

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt -e ".[demo-model,lab,dev]"
	touch $@

prefetch: $(VENV)/.ready  ## convert the demo model once, if nobody has yet
	$(BIN)/python -m latentlang prefetch

lab: prefetch  ## set up and open the course in JupyterLab
	$(BIN)/jupyter lab $(ROOT_FLAG) --ServerApp.root_dir=notebooks $(LAB_ARGS)

app: prefetch  ## open the explorer of a pair as a page of its own, for a lecture hall
	$(BIN)/python -m voila tools/app.py --config=tools/voila.json $(APP_ARGS)

chromium: $(VENV)/.ready
	$(BIN)/python tests/browser/chromium.py

test: prefetch chromium  ## set up and pass the tests of every day (under half an hour)
	$(BIN)/python -m pytest -m "not more"

test-more: prefetch chromium  ## pass the rest: solutions, every browser test, a hub, many kernels
	$(BIN)/python -m pytest -m more

claims: prefetch  ## hold every sentence that quotes a result against what the notebooks show
	$(BIN)/python -m tools.claims

notebooks: prefetch  ## run every notebook in both forms; HTML with figures in build/
	$(BIN)/python -m tools.execute

site: prefetch  ## make a static, searchable site of the executed notebooks in build/site
	$(BIN)/python -m tools.site

picture: prefetch chromium  ## make the README's pictures
	$(BIN)/python -m tools.pictures

notebook-files: $(VENV)/.ready  ## write the notebooks, and the tables about them, from course/
	$(BIN)/python -m tools.build

lint: $(VENV)/.ready  ## check code, types, prose, and that no notebook or table is stale
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.check_style
	$(BIN)/python -m tools.build --check

data-check: $(VENV)/.ready  ## compare the words with free dictionaries (INSTALL=1 installs them, as root)
	$(BIN)/python -m tools.check_words $(if $(INSTALL),--install)

results: prefetch  ## measure every table in data/results on the demo model (about half an hour)
	$(BIN)/python -m tools.measure
	$(BIN)/python -m tools.measure_memory

links: $(VENV)/.ready  ## print the links for your JupyterHub: make links HUB=https://hub.example.org
	$(BIN)/python -m tools.links $(HUB)

# Not part of `test`: it needs a quiet machine and takes about twelve minutes.
bench: prefetch  ## time decode against the least work there is and against the published way
	$(BIN)/python -m pytest tests/benchmarks/bench_*.py --benchmark-columns=min,median,rounds --benchmark-sort=fullname

clean:  ## remove what was built (the model's cache stays)
	rm -rf build dist .pytest_cache .ruff_cache
