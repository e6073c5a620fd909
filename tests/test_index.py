"""Prompts, runs and paths are indexed alike, and each mistake ends in our own exception."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError, LatentLangError

N = 6


@pytest.fixture(scope="module")
def prompts(tiny):
    whole = ll.build_prompts("translation", "fr", "zh", tokenizer=tiny("llama").tokenizer)
    cognates = [prompt.concept for prompt in whole if prompt.cognate != "no"][:2]
    others = [prompt.concept for prompt in whole if prompt.cognate == "no"][: N - 2]
    return whole.about([*cognates, *others])


@pytest.fixture(scope="module")
def run(prompts, tiny):
    return ll.decode(tiny("llama"), prompts, keep_latents=True, progress=False)


@pytest.fixture(scope="module")
def path(run, tiny):
    return ll.sphere_path(tiny("llama"), run)


@pytest.fixture(params=["prompts", "run", "path"])
def thing(request):
    return request.getfixturevalue(request.param)


def concepts(thing) -> list[str]:
    """Return what prompts, a run, a path or one prompt are about."""
    if hasattr(thing, "concept"):
        return [thing.concept]
    rows = thing.prompts
    return (
        list(rows["concept"]) if isinstance(rows, pd.DataFrame) else [row.concept for row in rows]
    )


MASK = [True, False, True, False, False, True]


@pytest.mark.parametrize(
    ("item", "rows"),
    [
        (2, [2]),
        (-1, [5]),
        (np.int64(1), [1]),
        (slice(1, 4), [1, 2, 3]),
        ([4, 0], [4, 0]),
        (torch.tensor([3, 3]), [3, 3]),
        (MASK, [0, 2, 5]),
        (np.array(MASK), [0, 2, 5]),
        (torch.tensor(MASK), [0, 2, 5]),
        (pd.Series(MASK), [0, 2, 5]),
        ([torch.tensor(keep) for keep in MASK], [0, 2, 5]),
        ([np.bool_(keep) for keep in MASK], [0, 2, 5]),
        ([False] * N, []),
        ([], []),
    ],
)
def test_every_way_to_index_gives_the_same_rows(thing, item, rows):
    assert concepts(thing[item]) == [concepts(thing)[row] for row in rows]


def test_a_concept_is_an_index_too(thing):
    known = concepts(thing)
    assert concepts(thing[known[3]]) == [known[3]] and concepts(thing[[known[4], known[1]]]) == [
        known[4],
        known[1],
    ]


def test_cognates_can_be_left_out(thing, prompts):
    wanted = [prompt.concept for prompt in prompts if prompt.cognate == "no"]
    assert 0 < len(wanted) < N and concepts(thing.without_cognates()) == wanted


SHUFFLED = [4, 0, 5, 2, 1, 3]


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_a_mask_of_a_table_goes_by_its_index_and_not_by_its_place(thing, dtype):
    """A table that was sorted or filled from a word list still means the same prompts."""
    known = concepts(thing)
    by_row = pd.Series(MASK, dtype=dtype)
    by_concept = pd.Series(MASK, index=known, dtype=dtype)
    longer = pd.concat([pd.Series([True], index=["another"], dtype=dtype), by_concept])
    wanted = [known[0], known[2], known[5]]
    for mask in (by_row, by_concept, by_row.iloc[SHUFFLED], by_concept.iloc[SHUFFLED], longer):
        assert concepts(thing[mask]) == wanted
    assert concepts(thing[by_row.iloc[SHUFFLED].to_numpy(bool)]) == [
        known[n] for n, row in enumerate(SHUFFLED) if MASK[row]
    ], "values alone have no index"


@pytest.mark.parametrize(
    "index", [range(1, N + 1), list("abcdef"), [0, 1, 2, 3, 4, 4], range(0, 2 * N, 2)]
)
def test_a_mask_of_other_rows_is_refused(thing, index):
    with pytest.raises(DataError, match="names other rows"):
        thing[pd.Series(MASK, index=index)]


def test_a_mask_by_concept_fits_a_pool(tiny):
    model = tiny("llama")
    sets = [
        ll.build_prompts("translation", code, "zh", tokenizer=model.tokenizer)[:4]
        for code in ("fr", "de")
    ]
    pool = ll.decode(model, sets[0] + sets[1], progress=False)
    chosen = pool.prompts["concept"][1]
    table = ll.load_words()
    for named in (table.index, pd.Index(pool.prompts["concept"])):  # each once, or as in the pool
        mask = pd.Series(named == chosen, index=named)
        assert set(pool[mask].prompts["concept"]) == {chosen}
        assert len(pool[mask]) == list(pool.prompts["concept"]).count(chosen)


def test_concepts_come_in_the_order_they_are_asked_for(thing):
    known = concepts(thing)
    wanted = [known[4], known[0], known[4]]
    for item in (wanted, np.array(wanted), pd.Index(wanted), pd.Series(wanted, index=[7, 8, 9])):
        assert concepts(thing[item]) == wanted


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ("nothing", "no concept 'nothing' here"),
        (["nothing"], "no concept 'nothing' here"),
        (99, "no row 99"),
        ([0, -7], "no row -7"),
        (1.5, "1.5 is not an index"),
        (None, "None is not an index"),
        (True, "True is not an index"),
        ([True, False], "mask has 2 values and there are 6 rows"),
        ([1.5], "1.5 is not an index"),
        ({"a": 1}, "is not an index"),
        ((2, 3), "One index at a time"),
        (slice("a", "b"), "is not an index"),
        (slice(0, 2.5), "is not an index"),
        (slice(None, None, 0), "is not an index"),
    ],
)
def test_an_index_that_cannot_be_is_one_sentence(thing, item, complaint):
    with pytest.raises(DataError, match=complaint):
        thing[item]


def test_a_dropped_concept_says_why(tiny):
    prompts = ll.build_prompts("translation", "zh", "de", tokenizer=tiny("llama").tokenizer)
    dropped = prompts.dropped.iloc[0]
    with pytest.raises(DataError, match="cannot be used for this pair"):
        prompts[dropped["concept"]]


def test_a_pool_has_several_prompts_about_a_concept(tiny, run):
    sets = [
        ll.build_prompts("translation", code, "zh", tokenizer=tiny("llama").tokenizer)
        for code in ("fr", "de")
    ]
    pool = sets[0] + sets[1]
    concept = next(prompt.concept for prompt in sets[0] if prompt.concept in sets[1])
    with pytest.raises(DataError, match="2 prompts ask about"):
        pool[concept]
    assert len(pool.about([concept])) == 2 and pool.setting.source == "fr+de"


def test_decode_takes_every_form_of_prompt(tiny, prompts, run):
    model = tiny("llama")
    forms = [prompts, list(prompts), [prompts[:2], prompts[2:]], [prompts[0], prompts[1:]]]
    for form in forms:
        read = ll.decode(model, form, progress=False)
        assert (
            list(read.prompts["text"]) == [p.text for p in prompts]
            and read.setting == prompts.setting
        )
        torch.testing.assert_close(read.entropy, run.entropy, atol=1e-4, rtol=1e-4)
    one = ll.decode(model, prompts[1], progress=False)
    assert one.prompts["concept"].tolist() == [prompts[1].concept] and one.target == "zh"
    texts = [ll.decode(model, text, progress=False) for text in ("The flower", ["The flower"])]
    assert torch.equal(texts[0].entropy, texts[1].entropy)
    targets = {"en": [3], "zh": [4]}
    assert ll.decode(model, "The flower", targets, progress=False).pair == ("en", "zh")
    watched = ll.decode(model, "The flower", watch=torch.tensor([3, 4]), progress=False)
    assert watched.watch == (3, 4)


MISTAKES = {
    "decode without a model": lambda model, prompts, run: ll.decode(prompts, model),
    "decode a number": lambda model, prompts, run: ll.decode(model, 3),
    "decode None": lambda model, prompts, run: ll.decode(model, None),
    "decode prompts and texts": lambda model, prompts, run: ll.decode(
        model, [prompts[0], "a text"]
    ),
    "decode an empty set": lambda model, prompts, run: ll.decode(model, prompts[:0]),
    "decode a run": lambda model, prompts, run: ll.decode(model, run),
    "targets that are not dicts": lambda model, prompts, run: ll.decode(model, ["a"], [3]),
    "targets that are a number": lambda model, prompts, run: ll.decode(model, ["a"], 3),
    "targets of a set": lambda model, prompts, run: ll.decode(model, prompts[:1], [{"en": [1]}]),
    "a model as a tokenizer": lambda model, prompts, run: ll.build_prompts(
        "translation", "fr", "zh", tokenizer=model
    ),
    "prompts plus a number": lambda model, prompts, run: prompts + 3,
    "put a number together": lambda model, prompts, run: ll.Run.concatenate([run, 3]),
    "sum up a list": lambda model, prompts, run: ll.summarize([run]),
    "phases of prompts": lambda model, prompts, run: ll.find_phases(prompts),
    "headlines of a list": lambda model, prompts, run: ll.headlines([run]),
    "headlines of prompts": lambda model, prompts, run: ll.headlines({"a": prompts}),
    "sphere of prompts": lambda model, prompts, run: ll.sphere_path(model, prompts),
    "heatmap of prompts": lambda model, prompts, run: ll.plots.heatmap(prompts, model.tokenizer),
    "curves of a list": lambda model, prompts, run: ll.plots.language_probability([run]),
    "words of another language": lambda model, prompts, run: run.spelling("sw"),
    "layers that are not numbers": lambda model, prompts, run: run.between(None, 3),
    "layers by a mask": lambda model, prompts, run: ll.metrics.paired_difference(
        run, "en", "zh", layers=[True, True]
    ),
    "layers as a text": lambda model, prompts, run: ll.metrics.paired_difference(
        run, "en", "zh", layers="12"
    ),
    "a sphere up to no layer": lambda model, prompts, run: ll.plots.sphere(
        ll.sphere_path(model, run), layer="1"
    ),
    "a name for a model": lambda model, prompts, run: ll.run_experiment(
        "gemma-3-270m", "translation", "fr"
    ),
    "no model at all": lambda model, prompts, run: ll.run_experiment("translation", "fr", "zh"),
    "a name for the sphere's model": lambda model, prompts, run: ll.sphere_path("gemma", run),
    "a list of sources": lambda model, prompts, run: ll.build_prompts(
        "translation", ["de"], tokenizer=model.tokenizer
    ),
    "a list of targets": lambda model, prompts, run: ll.run_experiment(
        model, "translation", "fr", ["zh"]
    ),
    "a number as a task": lambda model, prompts, run: ll.run_experiment(model, 3, "fr"),
    "one source twice": lambda model, prompts, run: ll.run_experiment(
        model, "translation", ["fr", "fr"]
    ),
    "every as a text": lambda model, prompts, run: ll.run_experiment(
        model, "translation", "fr", every="4"
    ),
    "k as a fraction": lambda model, prompts, run: ll.build_prompts(
        "translation", "fr", tokenizer=model.tokenizer, k=2.0
    ),
    "top_k as a text": lambda model, prompts, run: ll.decode(model, prompts, top_k="3"),
    "batch_size as a fraction": lambda model, prompts, run: ll.decode(
        model, prompts, batch_size=2.5
    ),
    "a word for ids": lambda model, prompts, run: ll.decode(model, "a", {"en": "flower"}),
    "words for ids": lambda model, prompts, run: ll.decode(model, "a", {"en": ["flower"]}),
    "a number for ids": lambda model, prompts, run: ll.decode(model, "a", {"en": 5}),
    "words to watch": lambda model, prompts, run: ll.decode(model, prompts, watch=["flower"]),
    "energy of a list": lambda model, prompts, run: ll.plots.energy([run]),
    "phases of a list": lambda model, prompts, run: ll.plots.phases([run]),
    "difference of prompts": lambda model, prompts, run: ll.plots.difference(prompts),
    "a reading of prompts": lambda model, prompts, run: ll.plots.reading(prompts, "entropy"),
    "shares of a list": lambda model, prompts, run: ll.plots.language_probability(
        [run], scale=ll.plots.SCALES[2]
    ),
    "a grid of a list": lambda model, prompts, run: ll.plots.pair_grid([run]),
    "a grid of prompts": lambda model, prompts, run: ll.plots.pair_grid({("fr", "zh"): prompts}),
    "a heatmap of several": lambda model, prompts, run: ll.plots.heatmap(run, model.tokenizer),
    "a heatmap of none": lambda model, prompts, run: ll.plots.heatmap(run[[]], model.tokenizer),
    "a sphere of nothing": lambda model, prompts, run: ll.plots.sphere(
        ll.sphere_path(model, run)[[]]
    ),
    "an explorer of no task": lambda model, prompts, run: ll.explore.pair(
        model, task="translate", backend="static"
    ),
    "layers that are not there": lambda model, prompts, run: run.between(9, 12),
    "a file that is not there": lambda model, prompts, run: ll.Run.load("nowhere.safetensors"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(tiny, prompts, run, mistake):
    with pytest.raises(LatentLangError) as error:
        MISTAKES[mistake](tiny("llama"), prompts, run)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


@pytest.mark.parametrize("statistic", ["mean", "to_frame", "token_lead"])
def test_an_average_of_no_path_is_refused(path, statistic):
    with pytest.raises(LatentLangError, match="No path is left"):
        getattr(path[:0], statistic)()


def test_everything_can_be_walked_through_and_searched(thing):
    known = concepts(thing)
    assert [concepts(one)[0] for one in thing] == known
    assert known[2] in thing and "nothing" not in thing


def test_ids_may_come_from_a_generator_and_count_once(tiny):
    model = tiny("llama")
    once = ll.decode(model, "The flower", {"en": [3, 5]}, progress=False)
    again = ll.decode(
        model, "The flower", {"en": (token for token in (3, 5, 3, 5))}, progress=False
    )
    assert torch.equal(once.probability["en"], again.probability["en"])


def test_a_set_without_a_token_has_no_probability(tiny):
    run = ll.decode(tiny("llama"), "The flower", {"en": [], "zh": [4]}, progress=False)
    assert (run.probability["en"] == 0).all() and (run.probability["zh"] > 0).all()
    alone = ll.decode(tiny("llama"), "The flower", {"en": []}, progress=False)
    assert (alone.probability["en"] == 0).all()
