"""The linear lens against numpy's least squares, and its table against written-out formulas."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
from tiny import CONFIGS, SENTENCES

import latentlang as ll
from latentlang.errors import DataError, LatentLangError
from latentlang.lenses import linear, quality
from latentlang.lenses.reading import token_latents
from latentlang.lenses.text import HALVES, HELD_OUT, TOKENS, FitText

TEXTS = [f"{a} {b}" for a in SENTENCES for b in SENTENCES][:20]


def by_hooks(model, text: str) -> torch.Tensor:
    """Return the latents ``[token, layer, d_model]`` of all tokens but the first."""
    ids = model.tokenizer(text)["input_ids"]
    return oracle.read_ids(model.module, ids, slice(1, None)).latents[1:].transpose(0, 1)


def least_squares(x: torch.Tensor, y: torch.Tensor, penalty: float) -> np.ndarray:
    """Ridge regression as least squares with one more row for each weight's penalty."""
    x, y = x.double().numpy(), y.double().numpy()
    size = np.sqrt(penalty * (x**2).sum(0))
    rows, zeros = np.vstack([x, np.diag(size)]), np.zeros((x.shape[1], y.shape[1]))
    return np.linalg.lstsq(rows, np.vstack([y, zeros]), rcond=None)[0].T


@pytest.fixture(scope="module")
def fitted(tiny):
    """A tiny Llama, its lens, and the latents of each group of the texts, by hooks."""
    model = tiny("llama")
    groups = FitText.of(model, TEXTS, (), 3).groups
    latents = {
        name: torch.cat([by_hooks(model, t) for t, group in zip(TEXTS, groups) if group == name])
        for name in (*HALVES, HELD_OUT)
    }
    return model, ll.lenses.fit_linear(model, TEXTS, seed=3, progress=False), latents


def test_its_maps_are_numpys_least_squares(fitted):
    _, lens, latents = fitted
    h = torch.cat([latents[name] for name in HALVES])
    assert lens.offsets is None and lens.concepts == ()
    for place, layer in enumerate(lens.layers):
        expected = least_squares(h[:, place], h[:, -1], lens.quality.loc[layer, "penalty"])
        gap = np.linalg.norm(lens.matrices[place].numpy() - expected) / np.linalg.norm(expected)
        assert gap < 1e-4


def test_the_penalty_is_the_one_with_the_smallest_error_on_held_out_text(fitted):
    _, lens, latents = fitted
    h, held_out = torch.cat([latents[name] for name in HALVES]), latents[HELD_OUT].double().numpy()
    for place, layer in enumerate(lens.layers):
        errors = {}
        for penalty in linear.PENALTIES:
            gap = held_out[:, place] @ least_squares(h[:, place], h[:, -1], penalty).T
            gap -= held_out[:, -1]
            errors[penalty] = ((gap**2).sum(0) / (held_out[:, -1] ** 2).sum(0)).mean()
        assert lens.quality.loc[layer, "penalty"] == min(errors, key=errors.get)


def test_the_table_holds_the_kl_to_the_output_and_between_the_halves(fitted, monkeypatch):
    model, _, latents = fitted
    monkeypatch.setattr(quality, "JUDGED", 10_000)  # all held-out tokens
    lens = ll.lenses.fit_linear(model, TEXTS, seed=3, progress=False)
    held_out = latents[HELD_OUT]

    def log_probs(h: torch.Tensor) -> torch.Tensor:
        return oracle.unembed(model.module, "llama", h).double().log_softmax(-1)

    def kl(p: torch.Tensor, q: torch.Tensor) -> float:
        return (p.exp() * (p - q)).sum(-1).mean().item()

    with torch.no_grad():
        output = log_probs(held_out[:, -1])
        for place, layer in enumerate(lens.layers):
            x = held_out[:, place]
            halves = [
                torch.tensor(
                    least_squares(
                        latents[name][:, place],
                        latents[name][:, -1],
                        lens.quality.loc[layer, "penalty"],
                    )
                ).float()
                for name in HALVES
            ]
            first, second = (log_probs(x @ half.T) for half in halves)
            expected = {
                "logit lens": kl(output, log_probs(x)),
                "this lens": kl(output, log_probs(x @ lens.matrices[place].T)),
                "between halves": kl(first, second),
            }
            for column, value in expected.items():
                assert lens.quality.loc[layer, column] == pytest.approx(value, rel=1e-3), column


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_the_latents_of_all_tokens_equal_hooks(tiny, architecture):
    model = tiny(architecture)
    encoded = [model.tokenizer(text)["input_ids"] for text in SENTENCES[:3]]
    for text, h in zip(SENTENCES, token_latents(model, encoded, False)):
        expected = by_hooks(model, text)
        assert ((h - expected).norm(dim=-1) / expected.norm(dim=-1)).max() < 1e-4


def test_a_rehearsal_of_a_server_fits_the_same_lens(fitted, tiny):
    _, lens, _ = fitted
    far = ll.load_model(tiny.folder("llama"), dtype="float32", remote="local")
    again = ll.lenses.fit_linear(far, TEXTS, seed=3, progress=False)
    torch.testing.assert_close(again.matrices, lens.matrices, atol=1e-5, rtol=1e-4)


def test_the_seed_draws_the_groups(fitted):
    model, lens, _ = fitted
    same = ll.lenses.fit_linear(model, TEXTS, seed=3, progress=False)
    other = ll.lenses.fit_linear(model, TEXTS, seed=4, progress=False)
    numpys = ll.lenses.fit_linear(model, TEXTS, seed=np.int64(3), progress=False)
    assert same.key == lens.key == numpys.key != other.key


def test_progress_counts_the_texts_and_true_prints_the_table(tiny, capsys):
    seen = []
    model = tiny("llama")
    ll.lenses.fit_linear(model, TEXTS, progress=lambda *done: seen.append(done))
    assert seen[-1] == (len(TEXTS), len(TEXTS)) and not capsys.readouterr().out
    ll.lenses.fit_linear(model, TEXTS)
    assert "between halves" in capsys.readouterr().out


def test_shuffled_pairs_are_fitted_as_numpy_fits_them_and_know_only_what_is_usual(fitted):
    model, lens, latents = fitted
    control = ll.lenses.fit_linear(model, TEXTS, seed=3, shuffled=True, progress=False)
    x = torch.cat([latents[name] for name in HALVES])
    y = [latents[name][:, -1] for name in HALVES]
    y = torch.cat([half[linear.shuffle(len(half), 3)] for half in y])
    for place, layer in enumerate(control.layers):
        expected = least_squares(x[:, place], y, control.quality.loc[layer, "penalty"])
        gap = np.linalg.norm(control.matrices[place].numpy() - expected) / np.linalg.norm(expected)
        assert gap < 1e-4
    assert control.name == "linear-shuffled"
    assert (control.quality["this lens"] > lens.quality["this lens"]).all()


def test_a_rotated_lens_stretches_as_much_in_other_directions(fitted):
    model, lens, _ = fitted
    control, other = (ll.lenses.rotated(lens, seed=seed) for seed in (0, 1))
    for ours, theirs in zip(lens.matrices, control.matrices):
        same = np.linalg.svd(ours.numpy())[1], np.linalg.svd(theirs.numpy())[1]
        np.testing.assert_allclose(*same, rtol=1e-3, atol=1e-5)
        assert torch.nn.functional.cosine_similarity(ours.ravel(), theirs.ravel(), 0).abs() < 0.1
    assert control.key != other.key and control.key == ll.lenses.rotated(lens).key
    assert ll.decode(model, TEXTS[:2], lens=control, progress=False).lens == "linear-rotated"
    with pytest.raises(DataError, match="seed is a whole number, .* not 'x'"):
        ll.lenses.rotated(lens, seed="x")


def test_the_default_text_is_spread_evenly_and_held_out_by_concept(model):
    without = list(ll.load_cloze("en"))[:20]
    text = FitText.of(model, None, without, 0)
    assert TOKENS * 0.85 < sum(map(len, text.encoded)) < TOKENS * 1.05
    assert not {*text.concepts} & {*without} and len(text.concepts) > 150
    words, about, tokens = ll.load_words(), {}, {}
    sentences = {}
    for code in ll.languages().index:
        for concept, sentence in ll.load_cloze(code).items():
            sentences[sentence.replace("___", words.loc[concept, code][0])] = (code, concept)
    for ids, group in zip(text.encoded, text.groups):
        shown = model.tokenizer.decode(ids, skip_special_tokens=True)
        inside = [sentences[s] for s in sentences if s in shown]
        assert inside
        for code, concept in inside:
            about.setdefault(group, set()).add(concept)
            tokens.setdefault(code, []).append(len(ids) / len(inside))
    assert len(about) == 3 and not set.intersection(*about.values())
    assert not about[HELD_OUT] & (about[HALVES[0]] | about[HALVES[1]])
    totals = [sum(each) for each in tokens.values()]
    assert len(totals) == len(ll.languages()) and max(totals) < 1.5 * min(totals)


def test_prompts_stand_for_their_concepts(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:30]
    names = [prompt.concept for prompt in prompts]
    whole, less, same = (FitText.of(model, None, each, 0) for each in ((), prompts, names))
    assert {*names} & {*whole.concepts} and not {*names} & {*less.concepts}
    assert less == same


FAULTS = {
    "a number": ({"texts": 5}, "pass a list of strings"),
    "too few": ({"texts": ["one text"] * 9}, "needs 10 texts .* there are 9"),
    "empty ones": ({"texts": [""] * 30}, "there are 0"),
    "an unknown concept": ({"exclude": ["bok"]}, "Unknown concept 'bok' in exclude. Did you mean"),
    "no list of concepts": ({"exclude": None}, "Unknown concept 'None' in exclude"),
    "lists of concepts": ({"exclude": [["book"]]}, "Unknown concept .* in exclude"),
    "a seed that is none": ({"seed": None}, "seed is a whole number, 0 to 4294967295, not None"),
    "everything": ({"exclude": list(ll.load_words().index)}, "exclude fewer concepts"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_one_sentence(tiny, fault):
    options, sentence = FAULTS[fault]
    with pytest.raises(DataError, match=sentence):
        ll.lenses.fit_linear(tiny("llama"), progress=False, **options)


def test_a_model_that_is_none_is_one_sentence():
    with pytest.raises(LatentLangError, match="load one first"):
        ll.lenses.fit_linear("gemma-3-270m")
