"""A sweep equals plain forward hooks, one prompt and one layer at a time."""

from __future__ import annotations

import oracle
import pytest
import torch
from planted import CONCEPT_LAYER, CONCEPTS, LANGUAGE_LAYER, LANGUAGES, planted_model
from test_interventions import SHARED, TEXTS, made, vectors
from tiny import CONFIGS, FAMILIES

import latentlang as ll
from latentlang.errors import DataError, LatentLangError, TraceError
from latentlang.lens.sweep import Sweeping

# Parts of the vocabulary: no probability is next to nothing. One set is empty.
LABELS = {
    "A": [set(range(row, 260, 3)) for row in range(4)],
    "B": [set(range(row, 260, 5)) if row != 2 else set() for row in range(4)],
}


def targets_of(n: int) -> dict:
    return {label: sets[:n] for label, sets in LABELS.items()}


def assert_as_hooks(model, name: str, texts: list[str], at, onward: bool = False, **own) -> None:
    """Compare a sweep with hooks, prompt by prompt and layer by layer."""
    act, by_hand = made(name, model, len(texts), at=at)
    targets = targets_of(len(texts))
    sweep = ll.sweep(model, texts, act, targets=targets, onward=onward, progress=False, **own)
    place = -1 if at == "last" else at
    for row, text in enumerate(texts):
        plain = oracle.changed(model, text, lambda h, _: h, ())[1].exp()
        changed = [
            oracle.changed(
                model,
                text,
                lambda h, layer, row=row: by_hand(h, layer, row),
                range(first, model.n_layers + 1) if onward else [first],
                place,
            )[1].exp()
            for first in range(1, model.n_layers + 1)
        ]
        for label, sets in targets.items():
            ids = sorted(sets[row])
            expected = torch.stack([probs[ids].sum() for probs in changed])
            assert (sweep.probability[label][row] - expected).abs().max() < 1e-4
            assert (sweep.baseline[label][row] - plain[ids].sum()).abs() < 1e-4


@pytest.mark.parametrize("texts", [TEXTS, SHARED], ids=["any length", "one beginning"])
@pytest.mark.parametrize("architecture", sorted(CONFIGS | FAMILIES))
@pytest.mark.filterwarnings("ignore:.*each prompt has its own numbers")
def test_a_sweep_equals_hooks_in_every_architecture(tiny, architecture, texts):
    for at in ("last", -3):
        assert_as_hooks(tiny(architecture), "Patch by prompt", texts, at)


@pytest.mark.parametrize("at", ["last", 0, 3, -2])
@pytest.mark.parametrize("onward", [False, True])
def test_every_position_and_from_each_layer_onward(tiny, at, onward):
    for name in ("Steer by layer", "Erase by prompt"):
        assert_as_hooks(tiny("gemma3"), name, TEXTS, at, onward)


def test_small_batches_change_nothing(tiny, monkeypatch):
    monkeypatch.setattr("latentlang.lens.sweep_batches._BYTES", 100_000)
    monkeypatch.setattr("latentlang.lens.sweep_batches._TOKENS", 70)
    assert_as_hooks(tiny("llama"), "Patch by prompt", TEXTS, "last")


def test_only_some_layers_are_swept(tiny):
    model = tiny("llama")
    whole = ll.sweep(model, TEXTS, ll.Patch(vectors(model)), targets=LABELS, progress=False)
    patch = ll.Patch(vectors(model), layers=[4, 2])
    some = ll.sweep(model, TEXTS, patch, targets=LABELS, progress=False)
    assert some.layers == (2, 4)
    for label, values in some.probability.items():
        torch.testing.assert_close(values, whole.probability[label][:, [1, 3]])


def test_an_empty_set_has_no_probability(tiny):
    model = tiny("llama")
    sweep = ll.sweep(model, TEXTS, ll.Patch(vectors(model)), targets=LABELS, progress=False)
    assert not sweep.probability["B"][2].any() and sweep.probability["A"].min() > 0


def test_a_prompt_patched_into_itself_changes_nothing(random_model):
    """Probabilities within 1e-4, log-probabilities of the ten best within 1e-3."""
    run = ll.decode(random_model, TEXTS, top_k=10, energy=False, progress=False)
    best = [set(ids) for ids in run.top_ids[:, -1].tolist()]
    targets = {str(n): [{ids[n]} for ids in run.top_ids[:, -1].tolist()] for n in range(10)}
    for at in ("last", 1):
        patch = ll.Patch(ll.latents_at(random_model, TEXTS, at))
        sweep = ll.sweep(random_model, TEXTS, patch, targets=targets, progress=False)
        for label, values in sweep.probability.items():
            before = sweep.baseline[label][:, None]
            assert (values - before).abs().max() < 1e-4
            assert (values.log() - before.log()).abs().max() < 1e-3
    assert all(len(ids) == 10 for ids in best)


def test_the_controls(tiny):
    model = tiny("llama")
    options = {"targets": LABELS, "controls": True, "progress": False}
    patch = ll.Patch(vectors(model, 4, model.n_layers, seed=9))
    sweep = ll.sweep(model, TEXTS, patch, **options)
    assert list(sweep.controls) == ["self", "another concept", "random"]
    for label, values in sweep.controls["self"].items():
        torch.testing.assert_close(
            values, sweep.baseline[label][:, None].expand_as(values), atol=1e-4, rtol=0
        )
    for name in ("another concept", "random"):
        assert (sweep.controls[name]["A"] - sweep.probability["A"]).abs().max() > 1e-3
    again = ll.sweep(model, TEXTS, patch, **options)
    assert again == sweep
    assert again != ll.sweep(model, TEXTS, patch, seed=1, **options)
    assert list(ll.sweep(model, TEXTS, ll.Steer(vectors(model)), **options).controls) == [
        "self",
        "random",
    ]


def test_a_continuation_is_what_hooks_write(tiny):
    """Greedily, with the same position changed at each step."""
    model, v = tiny("llama"), vectors(tiny("llama"))
    patch = ll.Patch(v, at=1)
    work = Sweeping(model, TEXTS[:2], patch, targets=targets_of(2), continue_tokens=3)
    work.work(progress=False)
    for row, text in enumerate(TEXTS[:2]):
        for layer in (1, 3):
            ids = model.tokenizer(text)["input_ids"]
            for _ in range(3):
                _, own = oracle.changed_ids(model, ids, lambda h, _: v, [layer], 1)
                ids = [*ids, int(own.argmax())]
            written = model.tokenizer.decode(ids[-3:])
            assert work.sweep().continuations[row][layer - 1] == written


def test_the_remote_path_in_process_gives_the_same_numbers(tiny):
    here = tiny("llama")
    rehearsal = ll.load_model(tiny.folder("llama"), dtype="float32", remote="local")
    for name in ("Patch by prompt", "Steer by layer", "Erase by prompt"):
        act, _ = made(name, here, len(TEXTS), at=-2)
        options = {"targets": LABELS, "onward": True, "progress": False}
        a, b = (ll.sweep(each, TEXTS, act, **options) for each in (here, rehearsal))
        for label, values in a.probability.items():
            torch.testing.assert_close(values, b.probability[label], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "pass targets"),
        ({"targets": {}}, "targets must be"),
        ({"targets": {"a": [{5}]}}, r"targets\['a'\] must be a list with one set"),
        ({"targets": {"a": ["word"] * 4}}, "are not token ids"),
        ({"targets": {"a": [{10**6}] * 4}}, "is not in"),
    ],
)
def test_a_mistake_is_one_sentence(tiny, options, sentence):
    model = tiny("llama")
    with pytest.raises(LatentLangError, match=sentence):
        ll.sweep(model, TEXTS, ll.Patch(vectors(model)), progress=False, **options)


def test_a_sweep_is_saved_and_cut(tiny, tmp_path):
    model = tiny("llama")
    patch = ll.Patch(vectors(model, 4, model.n_layers))
    work = Sweeping(model, TEXTS, patch, targets=LABELS, controls=True, continue_tokens=2)
    work.work(progress=False)
    sweep = work.sweep()
    assert ll.Sweep.load(sweep.save(tmp_path / "sweep")) == sweep
    part = sweep[1:3].between(2, 3)
    assert part.layers == (2, 3) and len(part) == 2 and len(part.continuations[0]) == 2
    assert torch.equal(part.probability["A"], sweep.probability["A"][1:3, 1:3])
    assert torch.equal(part.baseline["A"], sweep.baseline["A"][1:3])
    assert ll.Sweep.load(part.save(tmp_path / "part")) == part != sweep
    frame = sweep.to_frame()
    rows = frame[(frame["quantity"] == "control: random") & (frame["language"] == "A")]
    assert torch.equal(
        torch.tensor(rows["value"].to_numpy()).reshape(4, 4).T, sweep.controls["random"]["A"]
    )
    with pytest.raises(DataError, match="is not a file that Sweep.save wrote"):
        ll.Sweep.load(ll.decode(model, TEXTS, progress=False).save(tmp_path / "run"))
    with pytest.raises(DataError, match="no control 'selfish'. Did you mean 'self'"):
        sweep.control("selfish")


def test_means_and_differences_of_a_sweep(tiny):
    model = tiny("llama")
    patch = ll.Patch(vectors(model, 4, model.n_layers))
    sweep = ll.sweep(model, TEXTS, patch, targets=LABELS, controls=True, progress=False)
    table = ll.summarize(sweep).set_index(["quantity", "language", "layer"])["mean"]
    means = {"probability": sweep.probability["A"], "control: self": sweep.controls["self"]["A"]}
    for quantity, values in means.items():
        expected = values.mean(0).tolist()
        assert table[quantity, "A"].tolist() == pytest.approx(expected)
    assert table["baseline", "A"].tolist() == pytest.approx([sweep.baseline["A"].mean().item()] * 4)
    paired = ll.metrics.paired_difference(sweep, "A", other=sweep.control("random"))
    gap = (sweep.probability["A"] - sweep.controls["random"]["A"]).double().mean(0)
    assert paired["difference"].tolist() == pytest.approx(gap.tolist())
    assert ll.metrics.paired_difference(sweep, "A", "B")["n"].tolist() == [4] * 4
    with pytest.raises(DataError, match="no language 'C'"):
        ll.metrics.paired_difference(sweep, "A", "C")


def test_a_sweep_of_tensors_that_do_not_fit_is_refused(tiny):
    model = tiny("llama")
    sweep = ll.sweep(model, TEXTS, ll.Patch(vectors(model)), targets=LABELS, progress=False)
    for wrong in (
        {"baseline": {"A": sweep.baseline["A"]}},
        {"baseline": {label: values[:2] for label, values in sweep.baseline.items()}},
        {"layers": (1, 2)},
        {"probability": {}},
        {"continuations": (("a",),)},
    ):
        with pytest.raises(DataError):
            ll.Sweep(**{**vars(sweep), **wrong})


def test_a_model_that_cannot_continue_a_cache_is_told_once(tiny):
    model = tiny.fresh("mpt")
    with pytest.warns(UserWarning, match="cannot continue a shared beginning"):
        ll.sweep(model, TEXTS, ll.Patch(vectors(model)), targets=LABELS, progress=False)


def test_a_stored_model_has_nothing_to_change(tiny):
    model = tiny.fresh("llama")
    v = vectors(model)
    model.close()
    with pytest.raises(TraceError, match="has been closed"):
        ll.sweep(model, TEXTS, ll.Patch(v), targets=LABELS, progress=False)


def test_a_sweep_reads_where_a_planted_model_writes_language_and_concept(tmp_path):
    """Before the first of the two layers nothing is decided; between them the language alone."""
    model = planted_model(tmp_path)
    texts = [f"<s> {code} {concept} :" for code in LANGUAGES for concept in CONCEPTS]
    pairs = [(a, b) for a in texts for b in texts if len({*a.split(), *b.split()}) == 6]
    names = [(a.split()[1:3], b.split()[1:3]) for a, b in pairs]

    def answers(code: int, concept: int) -> list[set[int]]:
        """Each pair's answer: its language (0 is that of A) and concept."""
        words = [f"{pair[code][0]}-{pair[concept][1]}" for pair in names]
        return [{model.tokenizer.convert_tokens_to_ids(word)} for word in words]

    targets = {"B in T": answers(1, 1), "B in S": answers(0, 1), "A in S": answers(0, 0)}
    patch = ll.Patch(ll.latents_at(model, [a for a, _ in pairs]))
    into = [b for _, b in pairs]
    sweep = ll.sweep(model, into, patch, targets=targets, progress=False)
    assert sweep.baseline["B in T"].min() > 0.95
    for column, layer in enumerate(sweep.layers):
        if layer < LANGUAGE_LAYER:
            answer = "B in T"
        else:
            answer = "B in S" if layer < CONCEPT_LAYER else "A in S"
        for label, values in sweep.probability.items():
            assert ((values[:, column] > 0.95) == (label == answer)).all(), (layer, label)
    # The concept of B stands at its own token in layer 1 already.
    word = ll.Patch(ll.latents_at(model, [a for a, _ in pairs], at=2))
    moved = ll.sweep(model, into, word, targets={"A in T": answers(1, 0)}, progress=False)
    assert (moved.probability["A in T"][:, :2] > 0.95).all()
    assert (moved.probability["A in T"][:, 2:] < 0.05).all()
