"""A lens by its name: fitted once, on text without what it will read, kept, and stored."""

from __future__ import annotations

from dataclasses import replace

import oracle
import pytest
import torch
from tiny import TEXTS

import latentlang as ll
from latentlang.errors import DataError, TraceError
from latentlang.lenses import jacobian
from latentlang.lenses.recipes import LENSES, Recipe, left_out
from latentlang.models.inquiry import Inquiry
from latentlang.models.store_files import write_facts
from latentlang.models.stored import facts_of, shared_store, stored_model
from latentlang.runs.fitted import fitted
from latentlang.runs.stored import keep_answer

ASK = {"task": "translation", "source": "fr", "target": "zh", "every": 16}
QUIET = {"progress": False}
FIT = [
    f"{n} and {n + 1} make {2 * n + 1}, {word}. {word} and {n} make more, as far as we know."
    for n in range(6)
    for word in ("or so", "yes")
]
FITTED = [name for name, recipe in LENSES.items() if recipe.fit]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Keep what these tests fit in a cache of their own."""
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("recipes")
        patched.setenv("XDG_CACHE_HOME", str(folder))
        patched.delenv("LATENTLANG_CACHE", raising=False)
        yield folder


@pytest.fixture(scope="module")
def one(tiny):
    return tiny("llama")


@pytest.fixture(scope="module")
def named(one, home):
    return ll.run_experiment(one, **ASK, lens="linear", **QUIET)


@pytest.mark.parametrize("name", FITTED)
def test_every_recipe_maps_latents_as_its_numbers_say(tiny, tmp_path, name):
    """Against plain hooks and the written-out map, and it is kept on disk whole."""
    model = tiny("llama")
    lens = LENSES[name].fit(model, FIT, exclude=(), seed=1, progress=False)
    assert (lens.name, lens.model, lens.layers[-1]) == (name, model.name, model.n_layers - 1)
    again = ll.lenses.Lens.load(lens.save(tmp_path / "lens.safetensors"))
    run = ll.decode(model, TEXTS, lens=again, watch=range(250), **QUIET)
    for row, text in enumerate(TEXTS):
        expected = oracle.through_lens(model, text, lens)[:, :250]
        assert (run.watched[row].exp() - expected.exp()).abs().max() < 1e-4
    assert run.lens == name


def lenses(folder) -> list[ll.lenses.Lens]:
    found = []
    for path in folder.rglob("*.safetensors"):
        try:
            found.append(ll.lenses.Lens.load(path))
        except ll.errors.DataError:  # it is a run
            continue
    return found


def test_a_name_reads_as_the_lens_that_is_fitted_by_hand(one, named):
    lens = ll.lenses.fit_linear(one, exclude=left_out(), **QUIET)
    by_hand = ll.run_experiment(one, **ASK, lens=lens, refresh=True, **QUIET)
    assert named.lens == by_hand.lens == "linear"
    for code in named.languages:
        assert torch.equal(named.probability[code], by_hand.probability[code])


def test_a_lens_is_fitted_once_and_kept(one, named, home, capsys):
    ll.run_experiment(one, "translation", "de", "zh", every=16, lens="linear")
    assert "this lens" not in capsys.readouterr().out, "A fit prints its table."
    (kept,) = lenses(home)
    assert kept.name == "linear" and len(kept.quality) == one.n_layers - 1


def test_no_sentence_of_the_fit_is_about_what_every_fourth_asks(named, home):
    (kept,) = lenses(home)
    assert kept.concepts and not set(kept.concepts) & set(named.prompts["concept"])
    assert not set(kept.concepts) & set(ll.load_words().index[::4])


def test_another_version_of_a_recipe_is_fitted_again(one, named, home, monkeypatch):
    newer = replace(LENSES["linear"], version=2)
    monkeypatch.setitem(LENSES, "linear", newer)
    ll.run_experiment(one, **ASK, lens="linear", **QUIET)
    assert len(lenses(home)) == 2


def test_retrieval_takes_a_lens_by_name(one):
    ask = ("translation", "fr", "zh", ["en", "zh"])
    lens = ll.lenses.fit_linear(one, exclude=left_out(), **QUIET)
    named, given = (
        ll.run_retrieval(one, *ask, lens=each, every=16, **QUIET) for each in ("linear", lens)
    )
    assert named.lens == given.lens == "linear"
    plain = ll.run_retrieval(one, *ask, every=16, **QUIET)
    for code in ("en", "zh"):
        assert torch.equal(named.probability[code], given.probability[code])
        assert not torch.equal(named.probability[code], plain.probability[code])


def test_an_unknown_name_is_one_sentence(one):
    with pytest.raises(TraceError, match="Unknown lens 'liner'. Did you mean 'linear'") as caught:
        ll.run_experiment(one, **ASK, lens="liner", **QUIET)
    assert "\n" not in str(caught.value)


def test_a_wrong_question_fits_nothing(tiny, monkeypatch):
    """Another model, of which no lens is kept; a fit would take minutes."""
    fits = []
    monkeypatch.setitem(LENSES, "linear", Recipe(lambda *_, **__: fits.append(1)))
    model = tiny("qwen2")
    for work in (
        lambda: ll.run_experiment(model, "translation", "fr", "zz", lens="linear"),
        lambda: ll.run_experiment(model, **{**ASK, "every": 0}, lens="linear"),
        lambda: ll.run_retrieval(model, "translation", "fr", "zz", ["en"], lens="linear"),
        lambda: ll.run_retrieval(model, "translation", "fr", "zh", ["zz"], lens="linear"),
    ):
        with pytest.raises(DataError):
            work()
    assert not fits


def test_a_stored_run_through_a_lens_answers_for_its_name_alone(one, named, tmp_path, monkeypatch):
    folder = shared_store(tmp_path, one.name)
    write_facts(folder, facts_of(one))
    keep_answer(folder, named, one, every=16)
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path))
    far = stored_model(one.name)
    found = ll.run_experiment(far, **ASK, lens="linear")
    assert found.lens == "linear"
    for code in found.languages:
        assert (found.probability[code] - named.probability[code]).abs().max() <= 2e-4
    title = Inquiry(named.setting, 16).title
    with pytest.raises(TraceError, match="is not stored") as caught:
        ll.run_experiment(far, **ASK)
    assert f"'{title}'" in str(caught.value)
    with pytest.raises(TraceError, match="What lens= asks for is not stored"):
        ll.run_experiment(far, **ASK, lens=ll.lenses.fit_linear(one, exclude=left_out(), **QUIET))


def test_the_patchscope_by_name_is_the_one_by_hand(one, named, tmp_path, monkeypatch):
    run = ll.run_experiment(one, **ASK, lens="patchscope", follow=True, **QUIET)
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=one.tokenizer)
    by_hand = ll.lenses.patchscope(one, prompts[list(run.prompts["concept"])], top_k=10, **QUIET)
    assert run.lens == by_hand.lens == "patchscope"
    for code in run.languages:
        torch.testing.assert_close(run.probability[code], by_hand.probability[code])
    again = ll.run_experiment(one, **ASK, lens="patchscope", **QUIET)
    assert torch.equal(again.entropy, run.entropy), "It was read again, in other batches."
    folder = shared_store(tmp_path, one.name)
    write_facts(folder, facts_of(one))
    keep_answer(folder, run, one, every=16)
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path))
    far = ll.run_experiment(stored_model(one.name), **ASK, lens="patchscope")
    assert far.lens == "patchscope" and (far.entropy - run.entropy).abs().max() < 0.02
    for ask in ({"keep_latents": True}, {"words": None, "lens": "none"}):
        with pytest.raises((DataError, TraceError), match="keeps no latents|Unknown lens 'none'"):
            ll.run_experiment(one, **{**ASK, "lens": "patchscope", **ask}, **QUIET)
    with pytest.raises(TraceError, match="'patchscope' fits no map, and this needs one"):
        ll.run_retrieval(one, "translation", "fr", "zh", ["en"], lens="patchscope", **QUIET)


def test_a_long_fit_goes_on_where_it_stopped(one, home, monkeypatch):
    """By its name, without a file from the reader, and the file is gone at the end."""
    tokens = 6_000  # a small tokenizer makes many of a sentence
    monkeypatch.setattr(jacobian, "TOKENS", tokens)
    monkeypatch.setitem(LENSES, "jacobian", replace(LENSES["jacobian"], tokens=tokens))

    def stops(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    begun: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        fitted(one, "jacobian", stops)
    assert len(list(home.rglob("*.sums.safetensors"))) == 1
    lens = fitted(one, "jacobian", lambda done, _: begun.append(done))
    assert begun[0] == 3 and not list(home.rglob("*.sums.safetensors"))
    whole = ll.lenses.fit_jacobian(one, exclude=left_out(), **QUIET)
    torch.testing.assert_close(lens.matrices, whole.matrices)
    begun.clear()
    assert fitted(one, "jacobian", lambda done, _: begun.append(done)).key == lens.key
    assert not begun, "It was kept, and fitted again."


def test_a_long_fit_needs_no_cache(one, tmp_path, monkeypatch):
    """Where nothing can be written, it is fitted without a file to go on from."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    linear, asked = LENSES["linear"].fit, []

    def fit(model, *, exclude, progress, resume=None):
        asked.append(resume)
        return linear(model, FIT, progress=progress)

    monkeypatch.setitem(LENSES, "jacobian", Recipe(fit, resumes=True))
    with pytest.warns(UserWarning, match="Results are not kept"):
        assert fitted(one, "jacobian", False).name == "linear"
    assert asked == [None]
