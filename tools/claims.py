"""Say of every sentence that quotes a result whether the notebooks, as they run now, bear it out.

    python -m tools.claims

The exit status is 1 when a sentence does not hold.
"""

from __future__ import annotations

import sys

from . import claim_cells, store
from .scripts import scripts


def main() -> int:
    """Print one line per claim and return 1 when one of them does not hold."""
    broken = []
    for script in scripts():
        expressions = claim_cells.claims(script)
        results = store.answers(script, "student") if expressions else {}
        for text, expression in expressions.items():
            result = results[text]
            print(f"{'holds' if result['holds'] else 'BROKEN':7} {script.name}: {text}")
            if not result["holds"]:
                broken.append(f"{script.name}: {text}\n    {expression}\n    {result['value']}")
    if broken:
        print(f"\n{len(broken)} sentences do not hold:", *broken, sep="\n", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
