"""A lens maps latents before the output layer reads them: against hooks and written-out maps."""

from __future__ import annotations

from dataclasses import replace

import oracle
import pandas as pd
import pytest
import torch
from tiny import CONFIGS, TEXTS, some_lens

import latentlang as ll
from latentlang.errors import DataError, TraceError
from latentlang.lenses import Lens
from latentlang.runs.experiment import Experiment
from latentlang.runs.fitted import through

QUIET = {"progress": False, "energy": False}


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_decode_through_a_lens_equals_hooks_and_written_out_maps(tiny, architecture):
    model = tiny(architecture)
    lens = some_lens(model)
    run = ll.decode(model, TEXTS, lens=lens, watch=range(250), keep_latents=True, **QUIET)
    plain = ll.decode(model, TEXTS, watch=range(250), keep_latents=True, **QUIET)
    for row, text in enumerate(TEXTS):
        expected = oracle.through_lens(model, text, lens)[:, :250]
        torch.testing.assert_close(run.watched[row].exp(), expected.exp(), atol=1e-4, rtol=0)
    assert torch.equal(run.latents, plain.latents)  # the model's own, to put elsewhere
    assert torch.equal(run.watched[:, -1], plain.watched[:, -1])
    assert (run.watched[:, :-1] - plain.watched[:, :-1]).abs().max() > 0.1
    assert run.lens == "some" and "some lens" in repr(run)


def test_the_energy_is_that_of_the_mapped_latent(tiny):
    model = tiny("gemma2")
    lens = some_lens(model, offsets=None)
    run = ll.decode(model, TEXTS[:1], lens=lens, keep_latents=True, progress=False)
    mapped = [lens.matrices[n] @ run.latents[0, n] for n in range(model.n_layers - 1)]
    expected = oracle.energy(model.module, torch.stack([*mapped, run.latents[0, -1]]))
    torch.testing.assert_close(run.energy[0].double(), expected.double(), atol=1e-4, rtol=1e-4)


def test_maps_that_change_nothing_are_the_logit_lens(tiny):
    model = tiny("llama")
    same = torch.eye(model.d_model).repeat(model.n_layers + 1, 1, 1)
    lens = Lens("same", model.name, range(model.n_layers + 1), same)
    options = {"watch": [1, 2, 3], "include_embedding": True, "follow": True, "progress": False}
    through = ll.decode(model, TEXTS, lens=lens, **options)
    for name, tensor in ll.decode(model, TEXTS, **options).tensors().items():
        assert torch.equal(through.tensors()[name], tensor), name


def test_save_and_load_keep_every_field(tiny, tmp_path):
    model = tiny("llama")
    table = pd.DataFrame({"kl": [1.5, 0.5]}, index=pd.Index([1, 2], name="layer"))
    for lens in (
        some_lens(model, concepts=("book", "sky"), quality=table),
        some_lens(model, offsets=None),
    ):
        again = Lens.load(lens.save(tmp_path / "lens.safetensors"))
        assert again.key == lens.key and repr(again) == repr(lens)
        assert again.concepts == lens.concepts and again.layers == lens.layers
        assert (lens.quality is None) == (again.quality is None)
        if lens.quality is not None:
            pd.testing.assert_frame_equal(again.quality, lens.quality)
    with pytest.raises(DataError, match="is not a file that Lens.save wrote"):
        Lens.load(ll.decode(model, TEXTS, **QUIET).save(tmp_path / "run.safetensors"))


def test_the_key_holds_the_content(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:2]
    lens = some_lens(model)
    moved = lens.matrices.clone()
    moved[0, 0, 0] += 1e-6
    lenses = [
        None,
        lens,
        replace(lens, matrices=moved),
        replace(lens, offsets=None),
        replace(lens, offsets=lens.offsets.flip(0)),
        replace(lens, name="other"),
    ]
    keys = [
        Experiment.of(model, prompts, lens=through(model, each, False).key).key for each in lenses
    ]
    assert len(set(keys)) == len(keys) and keys[0] == Experiment.of(model, prompts).key
    assert some_lens(model).key == lens.key


def test_an_experiment_through_a_lens_is_kept_under_its_own_name(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = tiny("llama")
    ask = {"task": "translation", "source": "fr", "target": "zh", "every": 80, "progress": False}
    plain = ll.run_experiment(model, **ask)
    runs = [ll.run_experiment(model, **ask, lens=some_lens(model, seed)) for seed in (0, 1)]
    assert len(list(tmp_path.rglob("*.safetensors"))) == 3
    again = ll.run_experiment(model, **ask, lens=some_lens(model, 1))
    assert torch.equal(again.entropy, runs[1].entropy) and again.lens == "some"
    assert len(list(tmp_path.rglob("*.safetensors"))) == 3
    for a, b in ((plain, runs[0]), (plain, runs[1]), runs):
        assert not torch.equal(a.entropy, b.entropy)


def test_prompts_about_the_text_of_the_fit_are_named(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:2]
    known = some_lens(model, concepts=(prompts[1].concept, "unheard of"))
    with pytest.warns(UserWarning, match=f"about {prompts[1].concept}, which these prompts"):
        ll.decode(model, prompts, lens=known, **QUIET)


FAULTS = {
    "of another model": ({"model": "gemma-9"}, "belongs to gemma-9, and this model is"),
    "of another width": (
        {"layers": (1,), "matrices": torch.eye(8)[None], "offsets": None},
        "maps latents of 8",
    ),
    "of a layer outside the model": (
        {"layers": (40,), "matrices": torch.eye(64)[None], "offsets": None},
        "has a map for layer 40, and",
    ),
    "without a layer": (
        {"layers": (2,), "matrices": torch.eye(64)[None], "offsets": None},
        "has no map for layers? 1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lens_that_does_not_fit_the_model_is_one_sentence(tiny, fault):
    model, (changed, sentence) = tiny("llama"), FAULTS[fault]
    lens = replace(some_lens(model), **changed)
    with pytest.raises(TraceError, match=sentence):
        ll.decode(model, TEXTS, lens=lens, **QUIET)
    with pytest.raises(TraceError, match=sentence):
        ll.run_experiment(model, "translation", "fr", "zh", every=80, lens=lens, progress=False)


def test_the_embedding_needs_a_map_of_its_own(tiny):
    model = tiny("llama")
    with pytest.raises(TraceError, match="no map for layer 0.*include_embedding"):
        ll.decode(model, TEXTS, lens=some_lens(model), include_embedding=True, **QUIET)


def test_what_is_not_a_lens_is_one_sentence(tiny):
    with pytest.raises(TraceError, match="lens is a str: pass a lens"):
        ll.decode(tiny("llama"), TEXTS, lens="lens.safetensors", **QUIET)


EYES = torch.eye(4).repeat(2, 1, 1)
BROKEN = {
    "NaN": ((EYES / 0,), "not finite"),
    "no numbers": (("a",), "are a str, and not numbers"),
    "another number of maps": (
        (EYES[:1],),
        r"have the shape \[1, 4, 4\]: they must have \[2, 4, 4\]",
    ),
    "offsets of another width": ((EYES, torch.zeros(2, 3)), "The offsets of a lens"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_numbers_that_are_no_lens_are_one_sentence(fault):
    values, sentence = BROKEN[fault]
    with pytest.raises(DataError, match=sentence):
        Lens("mine", "a model", (1, 2), *values)


@pytest.mark.parametrize("name", ["logit", "a b", ""])
def test_a_name_that_would_mislead_is_refused(name):
    with pytest.raises(DataError, match="A lens cannot be called"):
        Lens(name, "a model", (1, 2), EYES)


def test_what_is_not_a_path_is_one_sentence(tiny):
    lens = some_lens(tiny("llama"))
    for work in (Lens.load, lens.save):
        with pytest.raises(DataError, match="5 is not a path: pass one"):
            work(5)


def test_one_layer_may_stand_alone():
    assert Lens("mine", "a model", 2, EYES[:1]).layers == (2,)


@pytest.mark.parametrize("layers", [(2, 1), (1, 1), ()])
def test_layers_out_of_order_are_refused(layers):
    with pytest.raises(DataError, match="layers in ascending order"):
        Lens("mine", "a model", layers, EYES[: len(layers)])
