"""Say of every sentence that quotes a result whether the notebooks, as they run now, bear it out.

    python -m tools.claims

What is wrong with the claims themselves is said first, before a notebook runs. For each prediction
it also prints how many resamples of the concepts give the same answer.
The exit status is 1 when a sentence does not hold, or a notebook does not run.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from . import build, claim_cells, guides, predictions, store
from .course_checks import check_course
from .scripts import scripts


def main() -> int:
    """Print one line per claim, a summary per file, and return 1 when a claim does not hold."""
    if faults := list(_faults()):
        print(*faults, sep="\n", file=sys.stderr)
        return 1
    if build.main(["--check"]):  # the notebooks that run must be those of the scripts
        return 1
    held: dict[str, list[bool]] = defaultdict(list)
    broken, asked = [], []
    for script in scripts():
        try:
            results = store.answers(script, "student")
        except store.FAILURES as failure:
            unknown = "a cell fails or the kernel died, so nothing of it is known."
            broken.append(f"{script.name}: {unknown}\n{failure}")
            continue
        own = claim_cells.claims(script)
        for text, expression in guides.evaluated(script).items():
            result = results[text]
            file, fragment = (script.name, text) if text in own else text.split(": ", 1)
            held[file].append(result["holds"])
            print(f"{'holds' if result['holds'] else 'BROKEN':7} {file}: {fragment}")
            if not result["holds"]:
                broken.append(f"{file}: {fragment}\n    {expression}\n    {result['value']}")
        asked += [(script.name, each) for each in predictions.predictions(script, results)]
    print("\nPredictions, and how many resamples of the concepts give the same answer:")
    for name, each in asked:
        share = "  one" if each.share is None else f"{each.share:5.0%}"
        print(f"{share} {name}: {each.question} {each.answer}")
    print("\nClaims that hold:")
    for file, each in held.items():
        print(f"{sum(each):4} of {len(each):3} {file}")
    print(f"{sum(map(sum, held.values())):4} of {sum(map(len, held.values())):3} in all")
    if broken:
        print(f"\nDo not hold ({len(broken)}):", *broken, sep="\n", file=sys.stderr)
    return 1 if broken else 0


def _faults() -> Iterator[str]:
    """Yield what is wrong with the claims of each text, whatever the notebooks show."""
    notebooks = [partial(check_course, [script]) for script in scripts()]
    for check in [*notebooks, *(guide.claims for guide in guides.GUIDES)]:
        try:
            check()
        except SystemExit as refusal:
            yield str(refusal)


if __name__ == "__main__":
    sys.exit(main())
