"""Say of every sentence that quotes a result whether the notebooks, as they run now, bear it out.

    python notebooks/claims.py

The exit status is 1 when a sentence does not hold.
"""

from __future__ import annotations

import sys

import store

import build


def main() -> int:
    """Print one line per claim and return 1 when one of them does not hold."""
    broken = []
    for source in sorted((build.HERE / "source").glob("*.py")):
        expressions = build.claims(source)
        results = store.results(source.stem) if expressions else {}
        for text, expression in expressions.items():
            result = results[text]
            print(f"{'holds' if result['holds'] else 'BROKEN':7} {source.stem}: {text}")
            if not result["holds"]:
                broken.append(f"{source.stem}: {text}\n    {expression}\n    {result['value']}")
    if broken:
        print(f"\n{len(broken)} sentences do not hold:", *broken, sep="\n", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
