"""Write the stored answers of a model into data/results/stored: `make results MODEL=NAME`.

    python -m tools.answers qwen2.5-coder-1.5b-instruct
    python -m tools.answers qwen2.5-coder-1.5b-instruct --only notebook_07,notebook_08

It asks everything that tools/requested.py lists of the model, whose weights must be here; what the
cache holds is not computed again. First it says which stored answers differ from what would be
asked now. With ``--only`` it asks what these places show, and keeps the other answers as they are.
An answer that several places show is asked and stored once.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

import latentlang as ll
from latentlang.models.inquiry import Inquiry
from latentlang.models.model import Model
from latentlang.models.store import Store
from latentlang.models.store_files import write_facts
from latentlang.models.stored import facts_of, shared_store
from latentlang.runs.pivot_experiment import asked_pivot
from latentlang.runs.retrieval_experiment import asked_retrieval
from latentlang.runs.stored import differences, keep_answer
from latentlang.runs.stored_pivots import keep_pivot, pivot_differences
from latentlang.runs.stored_retrievals import keep_retrieval, retrieval_differences
from latentlang.runs.stored_sweeps import keep_sweep, sweep_differences
from latentlang.runs.sweep_experiment import asked

from .requested import PIVOT_TESTS, RETRIEVALS, RUNS, SWEEPS, Request
from .scripts import ROOT

Keep = Callable[[Path], int]


def main(name: str, only: Collection[str] = ()) -> None:
    """Store the answers of a model.

    Args:
        name: of the model.
        only: the places whose answers are stored; none for all of them.
    """
    folder = shared_store(ROOT / "data" / "results", name)
    model = ll.load_model(name, dtype=_number_format(folder) if only else None)
    if model.traced is None:
        raise SystemExit(f"The weights of {name} are missing: python -m latentlang prefetch {name}")
    places = {each.place for each in _listed(name)}
    if unknown := set(only) - places:
        known = ", ".join(sorted(places)) or "the models that tools/requested.py names"
        raise SystemExit(
            f"Nothing of {name} is stored for {', '.join(sorted(unknown))}: choose among {known}."
        )
    for reason in _out_of_date(folder, model):
        print(reason, flush=True)
    kept = list(_answers(model, set(only) or places))
    if not only:
        shutil.rmtree(folder, ignore_errors=True)
    write_facts(folder, facts_of(model))
    for title, n, keep in kept:
        print(f"{title}: n = {n}, {keep(folder):,} bytes", flush=True)


def requests(name: str, places: Collection[str] = ()) -> list[Request]:
    """Return all that is stored of a model, or what some places show of it; each answer once."""
    shown = [each for each in _listed(name) if not places or each.place in places]
    first: dict[str, Request] = {}
    for each in shown:
        first.setdefault(each.question, each)
    return list(first.values())


def _listed(name: str) -> list[Request]:
    """Return the requests of a model, of which several may ask one question."""
    return [each for each in (*RUNS, *SWEEPS, *RETRIEVALS, *PIVOT_TESTS) if each.model == name]


def _number_format(folder: Path) -> str | None:
    """Return the number format of the stored answers that are kept, or None if there are none.

    A folder holds answers of one format, and the fastest one of this machine may be another.
    """
    store = Store.open(folder, "remove it")
    return None if store is None else store.facts.number_format


def _answers(model: Model, wanted: Collection[str]) -> Iterator[tuple[str, int, Keep]]:
    """Yield title, n and what keeps it in a folder, for each answer of some places."""
    for request in requests(model.name, wanted):
        if request in RUNS:
            run = ll.run_experiment(model, **request.arguments, follow=True)
            chosen = request.arguments.items()
            about = {name: value for name, value in chosen if name in ("every", "concepts")}
            title = Inquiry(run.setting, lens=run.lens, **about).title
            yield title, len(run), partial(keep_answer, run=run, model=model, **about)
        elif request in SWEEPS:
            sweep, inquiry = ll.run_sweep(model, **request.arguments), asked(**request.arguments)
            keep = partial(keep_sweep, sweep=sweep, model=model, inquiry=inquiry)
            yield inquiry.title, len(sweep), keep
        elif request in RETRIEVALS:
            found = ll.run_retrieval(model, **request.arguments)
            about = asked_retrieval(**request.arguments)
            keep = partial(keep_retrieval, found=found, model=model, inquiry=about)
            yield about.title, len(found), keep
        else:
            test = ll.pivot_test(model, **request.arguments)
            question = asked_pivot(**request.arguments)
            keep = partial(keep_pivot, test=test, model=model, inquiry=question)
            yield question.title, len(test), keep


def _out_of_date(folder: Path, model: Model) -> Iterator[str]:
    """Yield what is wrong with the stored answers that are there."""
    try:
        store = Store.open(folder, "they are written again")
    except ll.errors.ModelError as error:
        yield str(error)
        return
    if store is not None:
        yield from differences(store, model)
        yield from sweep_differences(store, model)
        yield from pivot_differences(store, model)
        yield from retrieval_differences(store, model)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the model, as load_model takes it")
    parser.add_argument("--only", default="", help="places, such as notebook_07,notebook_08")
    arguments = parser.parse_args()
    main(arguments.name, [place for place in arguments.only.split(",") if place])
