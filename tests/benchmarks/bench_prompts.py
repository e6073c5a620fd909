"""How long prompts take to build from a long word list."""

from __future__ import annotations

import random

import pandas as pd
import pytest
from conftest import limit

import latentlang as ll

LETTERS = {
    "en": "abcdefghijklmnoprstu",
    "fr": "aeiouéèbcdlmnprst",
    "zh": "花书水太阳天地人山风云雨雪树木石火土金月星海河湖",
}


@pytest.fixture(scope="session")
def many():
    """A list of 10,000 concepts with other words of 4 to 9 letters in each language."""
    draw, columns = random.Random(0), {}
    for code, letters in LETTERS.items():
        words: set[str] = set()
        while len(words) < 10_000:
            words.add("".join(draw.choices(letters, k=draw.randint(4, 9))))
        columns[code] = sorted(words)
    return pd.DataFrame({"concept": [f"c{n}" for n in range(10_000)], **columns})


@pytest.mark.parametrize("shared", [False, True])
def test_ten_thousand_words(benchmark, model, many, shared):
    ask = {"tokenizer": model.tokenizer, "words": many, "shared_demos": shared}
    benchmark.pedantic(
        lambda: ll.build_prompts("translation", "fr", "zh", **ask), rounds=3, warmup_rounds=1
    )
    limit(f"prompts of 10,000 words, shared {shared} (s)", benchmark.stats.stats.min, "<=", 3.0)
