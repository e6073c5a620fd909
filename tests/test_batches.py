"""Batches are random samples of the prompts, and a decode that is stopped says what it holds."""

from __future__ import annotations

import random
from statistics import fmean, stdev

import pytest

import latentlang as ll
from latentlang.lens.batches import batches_of


@pytest.mark.parametrize(("n", "size"), [(57, 4), (100, None), (7, 2), (1, None)])
def test_every_prompt_is_in_one_batch(n, size):
    encoded = [[row] * (1 + row % 9) for row in range(n)]
    batches = batches_of(encoded, size)
    assert sorted(row for rows in batches for row in rows) == list(range(n))
    assert batches == batches_of(encoded, size), "the same prompts must go together again"
    assert all(len(rows) <= (size or 2048) for rows in batches)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_the_batches_that_are_done_are_no_longer_than_the_others(share):
    """Over 300 lists of prompts: the mean length of what is done differs by chance alone."""
    draw, off = random.Random(0), []
    for _ in range(300):
        lengths = [draw.randint(5, 80) for _ in range(60)]
        batches = batches_of([[1] * length for length in lengths], 4)
        done = [row for rows in batches[: round(share * len(batches))] for row in rows]
        off.append(fmean(lengths[row] for row in done) - fmean(lengths))
    assert abs(fmean(off)) < 3 * stdev(off) / len(off) ** 0.5


def test_little_is_padded():
    """At most a tenth more tokens than there are, where prompts are 50 to 80 tokens long."""
    draw = random.Random(1)
    lengths = [draw.randint(50, 80) for _ in range(400)]
    batches = batches_of([[1] * length for length in lengths], None)
    padded = sum(len(rows) * max(lengths[row] for row in rows) for rows in batches)
    assert padded < 1.1 * sum(lengths)


@pytest.mark.parametrize("bare", [False, True])
def test_a_stopped_decode_names_the_prompts_that_it_holds(tiny, bare):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:60]
    asked = [prompt.text for prompt in prompts] if bare else prompts

    def stop(done: int, total: int) -> None:
        if done >= total // 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Stopped after 20 of 60 prompts") as told:
        part = ll.decode(model, asked, batch_size=4, progress=stop)
    sentence = str(told[0].message)
    ends = [" ".join(text.split())[-30:] for text in part.prompts["text"]]
    names = ends if bare else list(part.prompts["concept"])
    assert len(names) == 20 and "a random sample" in sentence and "\n" not in sentence
    assert all(name in sentence for name in names[:12]) and "and 8 more" in sentence
    order = [prompt.text for prompt in prompts if prompt.text in set(part.prompts["text"])]
    assert list(part.prompts["text"]) == order, "the prompts stay in their order"
