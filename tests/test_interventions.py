"""Every intervention equals plain forward hooks, one prompt at a time."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from pathlib import Path

import oracle
import pytest
import torch
from tiny import CONFIGS, FAMILIES
from tiny import TEXTS as ANY

import latentlang as ll
from latentlang.errors import LatentLangError, TraceError
from latentlang.lens import interventions

TEXTS = [*ANY[:2], "The flower in the", ANY[3]]  # each has the positions below
SHARED = [f'Deutsch: "Blume" - English: "flower"\nDeutsch: "{word}" - "' for word in ("e", "Buch")]
POSITIONS = ("last", 2, -2)


def vectors(model, *shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, model.d_model, generator=generator)


def orthogonal(h: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """Return what least squares leaves of a latent: the part that the directions do not explain."""
    basis = directions.double().T
    weights = torch.linalg.lstsq(basis, h.double()[:, None], driver="gelsd").solution
    return (h.double() - (basis @ weights)[:, 0]).float()


def examples(model, n: int) -> dict:
    """Each built-in intervention in each of its shapes, as ``{name: (arguments, by hand)}``.

    By hand it is ``(h, layer, prompt) -> h`` of one latent.
    """
    d, by_layer = vectors(model), vectors(model, model.n_layers)
    each = vectors(model, n, model.n_layers)
    sets = [vectors(model, 1 + k % 3, seed=k) for k in range(n)]
    along = vectors(model, n, seed=9)

    def displaced(h, layer, row):
        length = (h - orthogonal(h, sets[row])).norm()
        return h - length * torch.nn.functional.normalize(along[row], dim=0)

    twice = torch.cat([sets[1], sets[1][:1] * 2])  # one direction stands there twice
    return {
        "Patch": ((d,), lambda h, layer, row: d),
        "Patch by layer": ((by_layer,), lambda h, layer, row: by_layer[layer - 1]),
        "Patch by prompt": ((each,), lambda h, layer, row: each[row, layer - 1]),
        "Steer": ((d, -0.5), lambda h, layer, row: h - 0.5 * d),
        "Steer by layer": ((by_layer,), lambda h, layer, row: h + by_layer[layer - 1]),
        "Steer by prompt": ((each, 2.0), lambda h, layer, row: h + 2 * each[row, layer - 1]),
        "Erase": ((twice,), lambda h, layer, row: orthogonal(h, twice)),
        "Erase by prompt": ((sets,), lambda h, layer, row: orthogonal(h, sets[row])),
        "Displace by prompt": ((sets, along), displaced),
    }


OURS = (
    "Patch",
    "Patch by layer",
    "Patch by prompt",
    "Steer",
    "Steer by layer",
    "Steer by prompt",
    "Erase",
    "Erase by prompt",
    "Displace by prompt",
)
# What a contributor adds is tested with its own defaults.
ADDED = [
    name
    for name, kind in vars(interventions).items()
    if inspect.isclass(kind)
    and is_dataclass(kind)
    and callable(kind)
    and kind.__module__ == interventions.__name__
    and "__call__" in vars(kind)
    and name not in {each.partition(" ")[0] for each in OURS}
]


def made(name: str, model, n: int, **options):
    """Return an intervention and what it does by hand."""
    kind = getattr(interventions, name.partition(" ")[0])
    if name not in OURS:
        act = kind(**options)

        def alone(h, layer, row):
            return act(h[None], layer, torch.tensor([row]))[0]

        return act, alone
    arguments, by_hand = examples(model, n)[name]
    return kind(*arguments, **options), by_hand


def assert_as_hooks(model, name: str, texts: list[str], at, layers, **options) -> None:
    """Compare a decode under an intervention with hooks, prompt by prompt."""
    act, by_hand = made(name, model, len(texts), layers=layers, at=at)
    run = ll.decode(
        model,
        texts,
        interventions=[act],
        watch=range(300),
        keep_latents=True,
        energy=False,
        progress=False,
        **options,
    )
    for row, text in enumerate(texts):
        latents, own = oracle.changed(
            model,
            text,
            lambda h, layer, row=row: by_hand(h, layer, row),
            layers or range(1, model.n_layers + 1),
            -1 if at == "last" else at,
        )
        gap = (run.latents[row] - latents).norm(dim=-1) / latents.norm(dim=-1)
        assert gap.max() < 1e-4
        assert (run.watched[row, -1].exp() - own[:300].exp()).abs().max() < 1e-4


@pytest.mark.parametrize("name", [*OURS, *ADDED])
def test_an_intervention_equals_hooks(tiny, name):
    for at in POSITIONS:
        assert_as_hooks(tiny("llama"), name, TEXTS, at, [2, 3])


@pytest.mark.parametrize("texts", [TEXTS, SHARED], ids=["any length", "one beginning"])
@pytest.mark.parametrize("architecture", sorted(CONFIGS | FAMILIES))
@pytest.mark.filterwarnings("ignore:.*each prompt has its own numbers")
def test_it_equals_hooks_in_every_architecture(tiny, architecture, texts):
    model = tiny(architecture)
    for name, at in (("Patch by prompt", "last"), ("Erase by prompt", -2), ("Steer", 2)):
        assert_as_hooks(model, name, texts, at, [1, model.n_layers - 1])


def test_batches_change_nothing(tiny):
    for size in (1, 3):
        assert_as_hooks(tiny("gemma2"), "Patch by prompt", TEXTS, "last", [2], batch_size=size)


def test_without_layers_all_are_changed(tiny):
    assert_as_hooks(tiny("qwen3"), "Steer by layer", TEXTS, "last", None)


def test_several_are_made_in_their_order(tiny):
    model, (a, b) = tiny("llama"), (vectors(tiny("llama")), vectors(tiny("llama"), seed=1))
    steered = [ll.Patch(a, layers=2), ll.Steer(b, layers=2)]
    run = ll.decode(model, TEXTS, interventions=steered, keep_latents=True, progress=False)
    torch.testing.assert_close(run.latents[:, 1], (a + b).expand(len(TEXTS), -1))
    other = ll.decode(model, TEXTS, interventions=steered[::-1], keep_latents=True, progress=False)
    torch.testing.assert_close(other.latents[:, 1], a.expand(len(TEXTS), -1))


def test_a_change_changes_what_comes_after_it_and_nothing_before(random_model):
    plain = ll.decode(random_model, TEXTS, keep_latents=True, energy=False, progress=False)
    patch = ll.Patch(vectors(random_model), layers=3)
    run = ll.decode(
        random_model,
        TEXTS,
        interventions=[patch],
        keep_latents=True,
        energy=False,
        progress=False,
    )
    assert torch.equal(run.latents[:, :2], plain.latents[:, :2])
    assert ((run.latents - plain.latents)[:, 2:].norm(dim=-1) > 0.1).all()
    assert (run.top_probs[:, -1] - plain.top_probs[:, -1]).abs().max() > 1e-3


def test_the_plain_run_of_a_changed_model_is_as_before(tiny):
    model = tiny("llama")
    before = ll.decode(model, TEXTS, keep_latents=True, progress=False)
    ll.decode(model, TEXTS, interventions=[ll.Patch(vectors(model))], progress=False)
    after = ll.decode(model, TEXTS, keep_latents=True, progress=False)
    assert torch.equal(before.latents, after.latents)


def test_latents_are_those_of_hooks(random_model):
    for at in POSITIONS:
        latents = ll.latents_at(random_model, TEXTS, at)
        place = -1 if at == "last" else at
        for row, text in enumerate(TEXTS):
            expected = oracle.read(random_model, text, place).latents[1:]
            torch.testing.assert_close(latents.values[row], expected, atol=1e-4, rtol=1e-4)


def test_a_run_says_that_the_model_was_changed(tiny):
    model = tiny("llama")
    acts = [ll.Patch(vectors(model), layers=[2, 3]), ll.Steer(vectors(model), at=0)]
    run = ll.decode(model, TEXTS, interventions=acts, progress=False)
    assert run.interventions == ("Patch at last, layers 2–3", "Steer at 0, all layers")
    assert "Patch at last, layers 2–3" in repr(run)
    with pytest.raises(LatentLangError, match="differ in interventions"):
        ll.Run.concatenate([run, ll.decode(model, TEXTS, progress=False)])


def test_a_run_of_a_changed_model_is_saved_as_such(tiny, tmp_path):
    model = tiny("llama")
    run = ll.decode(model, TEXTS, interventions=[ll.Patch(vectors(model))], progress=False)
    assert ll.Run.load(run.save(tmp_path / "run")).interventions == run.interventions


def test_the_remote_path_in_process_changes_no_bit(tiny):
    folder = tiny.folder("llama")
    here, rehearsal = tiny("llama"), ll.load_model(folder, dtype="float32", remote="local")
    for name in OURS:
        act, _ = made(name, here, len(TEXTS), layers=[2], at=-2)
        options = {"interventions": [act], "keep_latents": True, "progress": False}
        runs = [ll.decode(each, TEXTS, **options) for each in (here, rehearsal)]
        assert torch.equal(runs[0].latents, runs[1].latents), name
    assert torch.equal(ll.latents_at(here, TEXTS).values, ll.latents_at(rehearsal, TEXTS).values)


BAD = {
    "a text": ("patch", "is not an intervention"),
    "the class": (ll.Patch, "is not an intervention"),
    "another width": (ll.Patch(torch.zeros(5)), r"latents has the shape \[5\]"),
    "too many prompts": (ll.Patch(torch.zeros(7, 4, 64)), r"\[7, 4, 64\]"),
    "too many layers": (ll.Steer(torch.zeros(6, 64)), r"vector has the shape \[6, 64\]"),
    "words": (ll.Steer(["a"]), "is a list, and not numbers"),
    "no number": (ll.Patch(torch.full((64,), torch.nan)), "not finite"),
    "directions of another width": (ll.Erase(torch.zeros(2, 5)), r"\[2, 5\]"),
    "one direction alone": (ll.Erase(torch.zeros(64)), r"directions has the shape \[64\]"),
    "sets for other prompts": (ll.Erase([torch.ones(1, 64)] * 9), "directions for 9 prompts"),
    "a layer too far": (ll.Patch(torch.zeros(64), layers=[2, 5]), "There is no layer 5"),
    "the embedding": (ll.Patch(torch.zeros(64), layers=0), "There is no layer 0"),
    "a layer that is none": (ll.Patch(torch.zeros(64), layers="2"), "not the number of a layer"),
    "no layer": (ll.Patch(torch.zeros(64), layers=[]), "at no layer changes nothing"),
    "outside the prompt": (ll.Patch(torch.zeros(64), at=9), "There is no position 9"),
    "no position": (ll.Patch(torch.zeros(64), at="first"), "is not a position"),
    "no queried word": (ll.Patch(torch.zeros(64), at="word"), "shows no queried word"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_sentence(tiny, case):
    act, sentence = BAD[case]
    for use in (
        lambda: ll.decode(tiny("llama"), TEXTS, interventions=[act], progress=False),
        lambda: ll.sweep(tiny("llama"), TEXTS, act, targets={"a": [{5}] * 4}, progress=False),
    ):
        with pytest.raises(LatentLangError, match=sentence) as caught:
            use()
        assert "\n" not in str(caught.value)


def test_latents_of_another_model_are_refused(tiny):
    latents = ll.latents_at(tiny("qwen2"), TEXTS)
    with pytest.raises(TraceError, match=f"were read from {Path(tiny('qwen2').name)}"):
        ll.decode(tiny("llama"), TEXTS, interventions=[ll.Patch(latents)], progress=False)


def test_latents_know_their_position(tiny):
    latents = ll.latents_at(tiny("llama"), TEXTS, at=-2)
    assert ll.Patch(latents).at == ll.Steer(latents).at == -2
    with pytest.raises(TraceError, match="puts latents at 'last' that were read at -2"):
        patch = ll.Patch(latents, at="last")
        ll.decode(tiny("llama"), TEXTS, interventions=[patch], progress=False)
