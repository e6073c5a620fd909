"""``Run``: every row of READINGS is cut, saved, joined, summed up and drawn.

Shapes that do not fit are refused.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import latentlang as ll
from latentlang.errors import DataError
from latentlang.lens.readings import READINGS
from latentlang.prompts.setting import Setting


@pytest.fixture(scope="module")
def run(tiny):
    """Seven French-to-Chinese prompts on a random Llama."""
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:7]
    return ll.decode(model, prompts, watch=[3, 4], keep_latents=True, progress=False)


def values(run: ll.Run, name: str) -> list[torch.Tensor]:
    """Return the tensors of a reading: one, or one per language."""
    read = getattr(run, name)
    return [read[code] for code in run.languages] if READINGS[name].per == "language" else [read]


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_is_read_and_cut_with_the_run(run, name):
    for whole, part in zip(values(run, name), values(run[2:5].between(2, 3), name), strict=True):
        assert whole.shape == (7, 4) and whole.isfinite().all()
        assert torch.equal(part, whole[2:5, 1:3])


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_is_saved_and_loaded(run, name, tmp_path):
    again = ll.Run.load(run.save(tmp_path / "run.safetensors"))
    for before, after in zip(values(run, name), values(again, name), strict=True):
        assert torch.equal(before, after) and before.dtype == after.dtype


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_is_put_together(run, name):
    both = ll.Run.concatenate([run[:2], run[2:]])
    for before, after in zip(values(run, name), values(both, name), strict=True):
        assert torch.equal(before, after)


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_is_summed_up_and_drawn(run, name):
    table = ll.summarize(run)
    table = table[table["quantity"] == ("top1" if name == "rank" else name)]
    figure = ll.plots.reading(run, name)
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    frame = run.to_frame()
    frame = frame[frame["quantity"] == name]
    assert len(lines) == len(values(run, name)) == table["language"].nunique()
    for line, tensor, code in zip(lines, values(run, name), table["language"].unique()):
        wanted = (tensor == 1).float() if name == "rank" else tensor
        assert list(line.y) == pytest.approx(wanted.float().mean(0).tolist(), abs=1e-6)
        assert len(frame[frame["language"] == code]) == tensor.numel()
    if name != "rank":
        assert READINGS[name].label.lower().split()[0] in figure.layout.title.text.lower()


def test_an_unknown_reading_is_one_sentence(run):
    with pytest.raises(DataError, match=r"no reading 'entropi'. Did you mean 'entropy'\?"):
        ll.plots.reading(run, "entropi")
    with pytest.raises(AttributeError, match="no attribute 'entropi'"):
        run.entropi  # noqa: B018


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"entropy": torch.zeros(6, 4)},
            r"'entropy' has the shape \[6, 4\], and this run has \[7, 4\]",
        ),
        ({"entropy": torch.zeros(7, 4, 2)}, "'entropy' has the shape"),
        ({"energy": torch.zeros(7, 3)}, "'energy' has the shape"),
        (
            {"probability": dict(en=torch.zeros(7, 4), zh=torch.zeros(4, 7), fr=torch.zeros(7, 4))},
            "'probability.zh' has",
        ),
        ({"probability": torch.zeros(7, 4)}, "must be one tensor per language"),
        ({"entropy": {"en": torch.zeros(7, 4)}}, "must be one tensor"),
        ({"nonsense": torch.zeros(7, 4)}, "'nonsense' is not a reading"),
        ({"probability": {"en": torch.zeros(7, 4)}}, "must have the same languages"),
        ({"entropy": np.zeros((7, 4))}, "'entropy' must be a torch tensor"),
    ],
)
def test_readings_that_do_not_fit_are_refused_when_the_run_is_made(run, change, complaint):
    with pytest.raises(DataError, match=complaint):
        run.with_readings(**change)


@pytest.mark.parametrize("name", ["latents", "watched", "top_ids", "top_probs"])
def test_other_tensors_are_checked_too(run, name):
    with pytest.raises(DataError, match=f"'{name}' has the shape"):
        replace(run, **{name: getattr(run, name)[:, :2]})


def test_pivot_source_and_target_are_fields(run, tiny):
    assert (run.pivot, run.source, run.target) == ("en", "fr", "zh")
    assert run.languages == ("en", "zh", "fr") and run.pair == ("en", "zh")
    two = [{"zh": [3], "en": [4]}, {"en": [4], "zh": [3]}]
    runs = [ll.decode(tiny("llama"), ["La fleur"], [targets], progress=False) for targets in two]
    assert {one.pair for one in runs} == {("en", "zh")}, "the order of a dict must not matter"
    assert all(
        torch.equal(runs[0].probability[code], runs[1].probability[code]) for code in ("en", "zh")
    )


def test_a_run_says_what_it_is(run, tiny):
    model = tiny("llama")
    options = {
        "tokenizer": model.tokenizer,
        "control": "random",
        "k": 2,
        "seed": 3,
        "shared_demos": True,
    }
    prompts = ll.build_prompts("translation", "fr", "zh", **options)[:3]
    other = ll.decode(model, prompts, progress=False)
    said = (
        "translation fr → zh · control: random · k = 2 · seed 3 · overlap: paper"
        " · shared demonstrations"
    )
    assert (
        said in repr(other) and "float32" in repr(other) and "3 prompts x 4 layers" in repr(other)
    )
    figure = ll.plots.language_probability(other)
    assert said in figure.layout.title.text and "llama, float32" in figure.layout.title.text
    names = [trace.name for trace in figure.data]
    assert "English, another word" in names and "English" not in names
    plain = [trace.name for trace in ll.plots.language_probability(run).data]
    assert "English" in plain


def test_what_a_run_is_survives_its_file(run, tmp_path):
    changed = replace(
        run, setting=replace(run.setting, control="shuffled", k=2, mode="first", seed=9)
    )
    again = ll.Run.load(changed.save(tmp_path / "run.safetensors"))
    assert (again.setting, again.number_format, again.lens) == (changed.setting, "float32", "logit")
    pd.testing.assert_frame_equal(again.prompts, changed.prompts)


@pytest.mark.parametrize("name", [f.name for f in fields(Setting) if f.name != "sources"])
def test_runs_of_unlike_settings_are_not_put_together(run, name):
    """Every choice that made the prompts, a new one included: only the source may differ."""
    other = replace(run, setting=replace(run.setting, **{name: "another"}))
    for parts in ([run, other], [other, run]):
        with pytest.raises(DataError, match=f"differ in {name}") as error:
            ll.Run.concatenate(parts)
        assert "\n" not in str(error.value)


UNLIKE = {
    "model": {"model": "another"},
    "revision": {"revision": "another"},
    "number_format": {"number_format": "8bit"},
    "lens": {"lens": "tuned"},
    "interventions": {"interventions": ("Erase at last, all layers",)},
    "layers": {"layers": (1, 2, 3, 5)},
    "watch": {"watch": (3, 5)},
    "watched": {"watched": None, "watch": ()},
    "latents": {"latents": None},
    "readings": {"readings": {"entropy": torch.zeros(7, 4)}},
}


@pytest.mark.parametrize("name", UNLIKE)
def test_runs_of_unlike_kinds_are_not_put_together(run, name):
    with pytest.raises(DataError, match="These runs differ in"):
        ll.Run.concatenate([run, replace(run, **UNLIKE[name])])


@pytest.mark.parametrize("option", [{"top_k": 2}, {"energy": False}, {"include_embedding": True}])
def test_runs_of_unlike_requests_are_not_put_together(run, tiny, option):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)[:2]
    kept = {"watch": [3, 4], "keep_latents": True, "progress": False}
    with pytest.raises(DataError, match="These runs differ in"):
        ll.Run.concatenate([run, ll.decode(model, prompts, **kept, **option)])


def test_every_field_of_a_run_is_compared_or_put_together(run):
    """``top_ids`` and ``top_probs`` are compared by their width, and ``position_tokens`` below.

    ``followed`` is put together where all have it (``test_follow.py``); ``chance`` goes with
    the model.
    """
    together = {"prompts", "setting", "top_ids", "top_probs", "position_tokens", "followed"}
    together |= {"chance", "token_ids", "tokenizer"}
    assert {f.name for f in fields(ll.Run)} == {*UNLIKE, *together}


def test_runs_at_different_positions_are_not_put_together(tiny):
    one, two = (
        ll.decode(tiny("llama"), text, positions=2, progress=False)
        for text in ("The flower", "Das Buch")
    )
    with pytest.raises(DataError, match="differ in positions"):
        ll.Run.concatenate([one, two])


def test_a_pool_names_its_sources(run, tiny):
    model = tiny("llama")
    german = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)[:4]
    other = ll.decode(model, german, watch=[3, 4], keep_latents=True, progress=False)
    pool = ll.Run.concatenate([run, other])
    assert pool.source == "fr+de" and pool.languages == ("en", "zh") and len(pool) == 11
    assert "fr+de → zh" in ll.plots.difference(pool).layout.title.text


def test_part_of_a_pool_names_its_own_source(run, tiny):
    model = tiny("llama")
    sets = [
        ll.build_prompts("translation", code, "zh", tokenizer=model.tokenizer)[:3]
        for code in ("fr", "de")
    ]
    pool = sets[0] + sets[1]
    assert pool.source == "fr+de" and pool[:3].source == "fr"
    read = ll.decode(model, pool, progress=False)
    part = read[(read.prompts["source"] == "de").to_numpy()]
    assert read.source == "fr+de" and part.source == "de" and "de → zh" in repr(part)
    assert part[:0].source == "de", "an empty selection keeps the setting"


def test_runs_of_two_revisions_or_formats_are_not_put_together(run):
    for change in ({"revision": "another"}, {"number_format": "8bit (float16)"}):
        with pytest.raises(DataError, match="differ in"):
            ll.Run.concatenate([run, replace(run, **change)])


def test_readings_that_share_one_memory_are_saved_each_on_its_own(run, tmp_path):
    """A reading used twice, views of one tensor, and one prompt at one layer."""
    block = torch.rand(7, 4, 3)
    shared = run.with_readings(
        entropy=run.energy, probability={c: block[..., 0] for c in run.languages}
    )
    one = run[2].between(3, 3)
    views = one.with_readings(
        probability={c: torch.rand(1, 1, 3)[..., n] for n, c in enumerate(one.languages)},
        rank={c: run.rank["zh"][:1, :1] for c in one.languages},
    )
    for before in (shared, one, views, run[:1], run.between(1, 1)):
        after = ll.Run.load(before.save(tmp_path / "run.safetensors"))
        loaded = after.tensors()
        for name, tensor in before.tensors().items():
            assert torch.equal(loaded[name], tensor), name
        assert after.layers == before.layers and after.setting == before.setting


def test_a_file_of_an_older_reading_is_refused(run, tmp_path, monkeypatch):
    path = run.save(tmp_path / "run.safetensors")
    monkeypatch.setitem(READINGS, "entropy", replace(READINGS["entropy"], version=2))
    with pytest.raises(
        DataError, match="version 1 of the reading 'entropy', and this is version 2"
    ):
        ll.Run.load(path)


def test_an_empty_run_keeps_the_types_of_its_table(run, tmp_path):
    empty = ll.Run.load(run[[False] * 7].save(tmp_path / "run.safetensors"))
    assert len(empty) == 0 and list(empty.prompts.dtypes) == list(run.prompts.dtypes)
    both = ll.Run.concatenate([empty, run])
    assert len(both[both.prompts["cognate"] != "no"]) + len(both.without_cognates()) == 7


def test_a_file_that_tells_cognates_by_another_rule_is_refused(run, tmp_path):
    path = run.save(tmp_path / "run.safetensors")
    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["latentlang"])
        tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    facts["prompts"]["cognate"] = [grade != "no" for grade in facts["prompts"]["cognate"]]
    facts["columns"]["cognate"], facts["format"] = "bool", 2
    save_file(tensors, path, metadata={"latentlang": json.dumps(facts)})
    with pytest.raises(DataError, match="has format 2 and this version reads 3: decode again"):
        ll.Run.load(path)


def test_a_run_is_compared_by_what_it_is_and_can_be_walked_through(run):
    assert run == run and run != run[:] and len({run, run}) == 1
    assert [one.prompts["concept"][0] for one in run] == list(run.prompts["concept"])
    assert torch.equal(ll.Run.concatenate(run).entropy, run.entropy)


def test_an_axis_names_its_reading_and_not_a_language(run):
    for name in ("probability", "entropy", "energy"):
        said = ll.plots.reading(run, name).layout.yaxis.title.text.replace("<br>", " ")
        assert said == READINGS[name].label
    assert ll.plots.reading(run, "rank").layout.yaxis.title.text == "share of prompts with rank 1"


def test_a_file_that_cannot_be_written_is_one_sentence(run, tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        run.save(tmp_path / "nowhere" / "run.safetensors")
    with pytest.raises(DataError, match="is a folder, and not a file that Run.save wrote"):
        ll.Run.load(tmp_path)
