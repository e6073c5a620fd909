"""Write the stored answers of a model into data/results/stored: `make results MODEL=NAME`.

    python -m tools.answers qwen2.5-coder-1.5b-instruct
    python -m tools.answers qwen2.5-coder-1.5b-instruct --only notebook_07,notebook_08

It asks everything of RUNS, SWEEPS and PIVOT_TESTS that is of the model, whose weights must be
here; what the cache holds is not computed again. First it says which stored answers differ from
what would be asked now. With ``--only`` it asks what these places show, and keeps the other answers
as they are.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from pathlib import Path

import latentlang as ll
from latentlang.models.catalogue import PACKAGED
from latentlang.models.inquiry import Inquiry
from latentlang.models.model import Model
from latentlang.models.store import Store
from latentlang.models.store_files import write_facts
from latentlang.models.stored import facts_of, shared_store
from latentlang.runs.pivot_experiment import asked_pivot
from latentlang.runs.stored import differences, keep_answer
from latentlang.runs.stored_pivots import keep_pivot, pivot_differences
from latentlang.runs.stored_sweeps import keep_sweep, sweep_differences
from latentlang.runs.sweep_experiment import asked

from .measure import FIVE
from .scripts import ROOT

Keep = Callable[[Path], int]
LARGER = "qwen2.5-coder-1.5b-instruct"


@dataclass(frozen=True)
class Request:
    """A question to store: its arguments, the place that shows the answer, and of which model."""

    place: str
    arguments: dict
    model: str = LARGER


# Arguments of `ll.run_experiment`.
RUNS = tuple(
    Request(place, {"task": "translation", "source": source, "target": target, "every": 4})
    for place, source, target in (
        ("notebook_02", "fr", "de"),
        ("notebook_02", "fr", "zh"),
        ("notebook_04", "de", "zh"),
        ("notebook_04", "ru", "zh"),
    )
) + tuple(
    Request(
        "notebook_09",
        {"task": "translation", "source": source, "target": "zh", "every": 4, "lens": lens},
        PACKAGED,
    )
    for source in ("fr", "de", "ru")
    for lens in (None, "linear", "linear-shuffled", "tuned", "patchscope")
)
RUNS += tuple(
    Request(
        "notebook_09",
        {"task": "translation", "source": "fr", "target": target, "every": 4, "lens": lens},
    )
    for target in ("de", "zh")
    for lens in ("linear", "tuned", "patchscope")
)
RUNS += tuple(
    Request(
        "notebook_04",
        {"task": "translation", "source": source, "target": target, "every": 4},
        PACKAGED,
    )
    for source, target in permutations(FIVE, 2)
)

# Arguments of `ll.run_sweep`.
SWEEPS: tuple[Request, ...] = (
    Request(
        "notebook_07",
        {"protocol": "patch", "source": ("fr", "en"), "into": ("de", "zh"), "every": 4},
    ),
    *(
        Request(
            "notebook_07",
            {"protocol": "patch", "source": source, "into": ("de", "zh"), "every": 4},
            PACKAGED,
        )
        for source in (("fr", "en"), ("es", "fr"))
    ),
    Request(
        "notebook_08",
        {
            "protocol": "steer",
            "source": ("en", "zh"),
            "into": ("en", "fr"),
            "every": 12,
            "continue_tokens": 6,
        },
        PACKAGED,
    ),
)

# Arguments of `ll.pivot_test`.
PIVOT_TESTS = tuple(
    Request("notebook_08", {"source": source, "target": target, "every": 4}, model)
    for model, source, target in (
        (LARGER, "de", "zh"),
        (LARGER, "fr", "de"),
        (PACKAGED, "fr", "de"),
    )
)


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
    places = {each.place for each in requests(name)}
    if unknown := set(only) - places:
        raise SystemExit(
            f"Nothing of {name} is stored for {', '.join(sorted(unknown))}: "
            f"choose among {', '.join(sorted(places)) or 'the models that tools/answers.py names'}."
        )
    for reason in _out_of_date(folder, model):
        print(reason, flush=True)
    wanted = set(only) or places
    kept = list(_answers(model, wanted))
    if not only:
        shutil.rmtree(folder, ignore_errors=True)
    write_facts(folder, facts_of(model))
    for title, n, keep in kept:
        print(f"{title}: n = {n}, {keep(folder):,} bytes", flush=True)


def requests(name: str) -> list[Request]:
    """Return all that is stored of a model."""
    return [each for each in (*RUNS, *SWEEPS, *PIVOT_TESTS) if each.model == name]


def _number_format(folder: Path) -> str | None:
    """Return the number format of the stored answers that are kept, or None if there are none.

    A folder holds answers of one format, and the fastest one of this machine may be another.
    """
    store = Store.open(folder, "remove it")
    return None if store is None else store.facts.number_format


def _answers(model: Model, wanted: Collection[str]) -> Iterator[tuple[str, int, Keep]]:
    """Yield title, n and what keeps it in a folder, for each answer of some places."""
    mine = [each for each in requests(model.name) if each.place in wanted]
    for request in mine:
        if request in RUNS:
            run = ll.run_experiment(model, **request.arguments, follow=True)
            every = request.arguments["every"]
            title = Inquiry(run.setting, every, run.lens).title
            yield title, len(run), partial(keep_answer, run=run, model=model, every=every)
        elif request in SWEEPS:
            sweep, inquiry = ll.run_sweep(model, **request.arguments), asked(**request.arguments)
            keep = partial(keep_sweep, sweep=sweep, model=model, inquiry=inquiry)
            yield inquiry.title, len(sweep), keep
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the model, as load_model takes it")
    parser.add_argument("--only", default="", help="places, such as notebook_07,notebook_08")
    arguments = parser.parse_args()
    main(arguments.name, [place for place in arguments.only.split(",") if place])
