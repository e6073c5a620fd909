"""Planted models in many draws: is ``ll.verdict`` right about each?

``python tests/draws.py 20 300``: twenty draws of every kind, from seed 300, and one draw of every
mixture. A kind is right if it alone has a prediction for it and none against it; a mixture is right
if not just one hypothesis has. The exit status is 1 if a draw is wrong.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from planted_hypotheses import KINDS, MIXTURES, Draw, planted_hypothesis

import latentlang as ll


def unopposed(kind: str, seed: int) -> tuple[str, ...]:
    """Return the hypotheses that stand for one draw of a kind or a mixture."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # the results of a draw serve no other one
        model = planted_hypothesis(Path(folder, "model"), kind, Draw.of(seed), seed=seed)
        return ll.verdict(model, "de", "zh", every=12, progress=False).unopposed


def main(n: int, first: int) -> int:
    """Try and print all draws; return how many are wrong."""
    wrong = 0
    for name in (*KINDS, *MIXTURES):
        for seed in range(first, first + (n if name in KINDS else 1)):
            found = unopposed(name, seed)
            right = found == (name,) if name in KINDS else len(found) != 1
            wrong += not right
            said = "right" if right else "wrong"
            print(f"{name}, seed {seed}: {said} ({', '.join(found) or 'none'})", flush=True)
    print(f"{wrong} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
