"""The Jacobian lens against finite differences and written-out products of matrices."""

from __future__ import annotations

import math

import pytest
import torch
from tiny import CONFIGS, SENTENCES

import latentlang as ll
from latentlang.errors import DataError, LatentLangError, TraceError
from latentlang.lenses.gradients import LEAST, SKIPPED, mean_gradients
from latentlang.lenses.text import HALVES, FitText
from latentlang.models.view import block_output

# Words of a tiny tokenizer are long; backwards, a sentence has many tokens.
TEXTS = [f"{a[::-1]} {b[::-1]}" for a in SENTENCES[:5] for b in SENTENCES[4:8]][:12]
QUIET = {"progress": False}


def ids_of(model, text: str = TEXTS[0], n: int = SKIPPED + 5) -> list[int]:
    """The first tokens of a text: four of them count."""
    ids = model.tokenizer(text)["input_ids"][:n]
    assert len(ids) == n
    return ids


def latents(module, blocks, ids, layer=None, position=None, step=None) -> list[torch.Tensor]:
    """Each block's output ``[position, d_model]``; a step is added at one layer and position."""
    caught = []

    def hook(_, __, output):
        h = block_output(output).clone()
        if len(caught) + 1 == layer:
            h[0, position] += step
        caught.append(h[0])
        return h if isinstance(output, torch.Tensor) else (h, *output[1:])

    hooks = [block.register_forward_hook(hook) for block in blocks]
    with torch.no_grad():
        module(input_ids=torch.tensor([ids]), use_cache=False)
    for each in hooks:
        each.remove()
    return caught


def sums_by_differences(model, ids, row, layer, target, size) -> torch.Tensor:
    """Return a direction, and along it the mean over sources of Σ row · ∂h_target / ∂h_layer.

    The sum is over all positions but the first ones and the last one: earlier ones do not change.
    """
    module, blocks, inside = model.module, model.blocks, range(SKIPPED, len(ids) - 1)
    direction = torch.nn.functional.normalize(row.flip(0), dim=0)
    steps = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}  # right to the fourth power of size
    total = 0.0
    for source in inside:
        for step, weight in steps.items():
            change = step * size * direction
            h = latents(module, blocks, ids, layer, source, change)[target - 1]
            total += weight / size * float((h[SKIPPED:-1].double() @ row.double()).sum())
    return direction, total / len(inside)


@pytest.mark.parametrize("target", [4, 3])
@pytest.mark.parametrize("architecture", sorted(CONFIGS))
def test_it_equals_finite_differences(tiny, architecture, target):
    model = tiny(architecture)
    ids = ids_of(model)
    rows = torch.randn(2, model.d_model, generator=torch.Generator().manual_seed(1))
    values = mean_gradients(model, ids, rows, target)
    assert values.shape == (target - 1, 2, model.d_model)
    for layer in (1, target - 1):
        for row, value in zip(rows, values[layer - 1]):
            direction, expected = sums_by_differences(model, ids, row, layer, target, 0.03)
            assert float(value @ direction) == pytest.approx(expected, rel=2e-3, abs=2e-3)


def linear_blocks(model, mixing: bool) -> list[torch.Tensor]:
    """Make each block h + W h, of one position or of the mean of all so far; return the W."""
    d, weights = model.d_model, []
    for n, block in enumerate(model.blocks):
        W = torch.randn(d, d, generator=torch.Generator().manual_seed(n)) / (3 * d**0.5)
        block.input_layernorm = block.post_attention_layernorm = torch.nn.Identity()
        block.mlp = torch.nn.Linear(d, d, bias=False)
        attention = block.self_attn
        with torch.no_grad():
            block.mlp.weight.zero_()
            for part in (attention.q_proj, attention.k_proj, attention.o_proj):
                part.weight.zero_()
            if mixing:
                # No query prefers a key: each head carries the mean of the values so far.
                attention.o_proj.weight.copy_(W)
                shared = attention.v_proj.weight.unflatten(0, (-1, attention.head_dim))
                values = shared.repeat_interleave(attention.num_key_value_groups, 0).flatten(0, 1)
                W = (W @ values).detach()
            else:
                block.mlp.weight.copy_(W)
        weights.append(W)
    return weights


def test_blocks_that_add_w_h_give_the_product_of_i_plus_w(tiny):
    model = tiny.fresh("llama")
    weights = linear_blocks(model, mixing=False)
    lens = ll.lenses.fit_jacobian(model, TEXTS, **QUIET)
    other = ll.lenses.fit_jacobian(model, TEXTS, target="last but one", **QUIET)
    same = torch.eye(model.d_model)
    for layer in lens.layers:
        steps = [same + W for W in weights[layer:]]
        for fitted, used in ((lens, steps), (other, steps[:-1])):
            expected = same
            for step in used:
                expected = step @ expected
            torch.testing.assert_close(fitted.matrices[layer - 1], expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(other.matrices[-1], same) and lens.offsets is None
    assert (lens.quality["cosine"] > 0.9999).all()
    assert lens.quality["between halves"].max() < 1e-5
    # The map is exact here, so the lens reads what the output layer reads.
    assert lens.quality["this lens"].max() < 1e-4 < lens.quality["logit lens"].min()


def test_what_a_source_adds_to_later_positions_is_summed(tiny):
    model = tiny.fresh("llama")
    weights = linear_blocks(model, mixing=True)
    ids, same = ids_of(model), torch.eye(model.d_model)
    inside = range(SKIPPED, len(ids) - 1)
    # Position t holds the mean of t + 1 positions, of which one is the source.
    shares = [sum(1 / (t + 1) for t in inside if t >= source) for source in inside]
    expected = same + weights[-1] * sum(shares) / len(shares)
    values = mean_gradients(model, ids, same, model.n_layers)
    torch.testing.assert_close(values[-1], expected, atol=1e-5, rtol=1e-5)


def test_the_lens_is_the_mean_over_the_long_enough_texts_of_both_halves(tiny):
    model = tiny("llama")
    short = ["La fleur"] * 8
    lens = ll.lenses.fit_jacobian(model, TEXTS + short, seed=2, **QUIET)
    text = FitText.of(model, TEXTS + short, (), 2)
    used = [
        ids
        for ids, group in zip(text.encoded, text.groups)
        if group in HALVES and len(ids) >= LEAST
    ]
    assert 4 < len(used) < len(text.encoded)
    rows = torch.eye(model.d_model)
    each = torch.stack([mean_gradients(model, ids, rows, model.n_layers) for ids in used])
    torch.testing.assert_close(lens.matrices, each.mean(0), atol=1e-5, rtol=1e-5)
    assert (lens.quality["texts"] == len(used)).all()
    assert ll.decode(model, TEXTS[:2], lens=lens, **QUIET).lens == "jacobian"


@pytest.mark.parametrize("target", ["last", "last but one"])
def test_directions_are_the_lens_transposed_times_the_unembedding(tiny, target):
    model = tiny("gemma2")
    lens = ll.lenses.fit_jacobian(model, TEXTS, target=target, **QUIET)
    tokens = (7, 40, 300)
    directions = ll.lenses.jacobian_directions(model, tokens, TEXTS, target=target, **QUIET)
    rows = model.folded_unembedding(list(tokens))
    expected = [rows @ matrix for matrix in lens.matrices] + [rows]
    for values, each in zip(directions.values, expected, strict=True):
        assert (values - each).norm() < 1e-4 * each.norm()
    assert directions.tokens == tokens and "3 tokens x 6" not in repr(directions)
    products = directions.halves[0] * directions.halves[1]
    lengths = directions.halves.norm(dim=-1).prod(0)
    torch.testing.assert_close(directions.cosine, products.sum(-1) / lengths)


class StoppedError(Exception):
    """What a reader's progress function raises to stop."""


def test_a_fit_that_was_stopped_goes_on_to_the_same_numbers(tiny, tmp_path):
    model, path = tiny("llama"), tmp_path / "fit.safetensors"
    whole = ll.lenses.fit_jacobian(model, TEXTS, **QUIET)

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        ll.lenses.fit_jacobian(model, TEXTS, resume=path, progress=stop)
    seen = []
    later = ll.lenses.fit_jacobian(
        model, TEXTS, resume=path, progress=lambda *done: seen.append(done)
    )
    total = int(whole.quality["texts"].iloc[0])
    assert seen == [(done, total) for done in range(3, total + 1)]
    assert later.key == whole.key and later.quality.equals(whole.quality)
    seen.clear()
    again = ll.lenses.fit_jacobian(model, TEXTS, resume=path, progress=lambda *d: seen.append(d))
    assert seen == [(total, total)] and again.key == whole.key
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_file_of_another_fit_is_refused(tiny, tmp_path):
    model, path = tiny("llama"), tmp_path / "fit.safetensors"
    ll.lenses.jacobian_directions(model, [5], TEXTS, resume=path, **QUIET)
    for changed in (
        {"tokens": [6]},
        {"tokens": [5, 6]},
        {"texts": TEXTS[::-1]},
        {"target": "last but one"},
        {"seed": 1},
        {"model": tiny("qwen2")},
    ):
        ask = {"model": model, "tokens": [5], "texts": TEXTS, **changed}
        with pytest.raises(DataError, match="belongs to a fit of another model"):
            ll.lenses.jacobian_directions(**ask, resume=path, **QUIET)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="is not what a fit of a Jacobian lens keeps"):
        ll.lenses.jacobian_directions(model, [5], TEXTS, resume=path, **QUIET)


def test_a_model_that_has_changed_is_not_kept(tiny, tmp_path):
    model = tiny.fresh("llama")
    with torch.no_grad():
        next(model.module.parameters()).mul_(2)
    with pytest.raises(TraceError, match="have changed since it was loaded"):
        ll.lenses.jacobian_directions(model, [5], TEXTS, resume=tmp_path / "fit", **QUIET)


def test_the_model_is_left_as_it_was(tiny):
    model = tiny.fresh("llama")
    first = next(model.module.parameters())
    first.requires_grad_(False)
    asked = [weight.requires_grad for weight in model.module.parameters()]
    ll.lenses.jacobian_directions(model, [5], TEXTS, **QUIET)
    assert [weight.requires_grad for weight in model.module.parameters()] == asked
    assert all(weight.grad is None for weight in model.module.parameters())
    assert not any(block._forward_hooks for block in model.blocks)
    assert not model.session.changed


def test_progress_true_prints_the_table(tiny, capsys):
    ll.lenses.fit_jacobian(tiny("llama"), TEXTS)
    printed = capsys.readouterr().out
    assert "between halves" in printed and "cosine" in printed


def test_the_published_layout_comes_back(tiny, tmp_path):
    model = tiny("llama")
    lens = ll.lenses.fit_jacobian(model, TEXTS, **QUIET)
    path = ll.lenses.save_jacobian(lens, tmp_path / "lens.pt")
    kept = torch.load(path, weights_only=True)
    assert {*kept} == {"J", "n_prompts", "source_layers", "d_model"}
    assert kept["source_layers"] == [0, 1, 2] and kept["d_model"] == model.d_model
    assert kept["n_prompts"] == lens.quality["texts"].iloc[0]
    assert torch.equal(kept["J"][1], lens.matrices[1])  # block 1 is layer 2
    again = ll.lenses.load_jacobian(path, model)
    assert again.key == lens.key and again.layers == lens.layers
    assert ll.lenses.load_jacobian(ll.lenses.save_jacobian(again, path), model).key == lens.key


def published(model, **changed) -> dict:
    """A dictionary as the authors' code writes it, in half precision."""
    blocks = list(range(model.n_layers - 1))
    J = {block: torch.full((model.d_model,) * 2, block + 0.5).half() for block in blocks}
    facts = {"J": J, "n_prompts": 25, "source_layers": blocks, "d_model": model.d_model}
    return {key: value for key, value in (facts | changed).items() if value is not None}


def test_a_published_file_for_the_last_layer_but_one_is_read(tiny, tmp_path):
    model = tiny("llama")
    kept = published(model, source_layers=[1, 0])
    del kept["J"][2]
    torch.save(kept, tmp_path / "lens.pt")
    lens = ll.lenses.load_jacobian(tmp_path / "lens.pt", model)
    assert lens.layers == (1, 2, 3)
    assert [float(each) for each in lens.matrices[:2, 0, 1]] == [0.5, 1.5]
    assert torch.equal(lens.matrices[2], torch.eye(model.d_model))


WIDE = 64
BROKEN = {
    "no J": ({"J": None}, "it lacks J"),
    "nothing": (dict.fromkeys(("J", "n_prompts", "d_model")), "lacks J, n_prompts, d_model"),
    "another width": ({"d_model": 32}, "its d_model is 32, and the model's is 64"),
    "another shape": (
        {"J": {n: torch.eye(WIDE + (n == 1)) for n in range(3)}},
        r"J\[1\] is not a matrix of 64 x 64",
    ),
    "no numbers": (
        {"J": {n: torch.full((WIDE, WIDE), math.nan if n == 2 else 0) for n in range(3)}},
        r"J\[2\] has numbers that are not finite",
    ),
    "other blocks": ({"source_layers": [0, 1]}, "one matrix for each of its source_layers"),
    "no blocks": ({"source_layers": []}, "one matrix for each of its source_layers"),
    "no list": ({"source_layers": 3}, "are not a list of numbers"),
    "a list of words": ({"source_layers": ["0", "1", "2"]}, "are not a list of numbers"),
    "more blocks": (
        {"J": {7: torch.eye(WIDE)}, "source_layers": [7]},
        "not among the model's 0 to 3",
    ),
    "a stack": ({"J": torch.zeros(3, WIDE, WIDE)}, "one matrix for each of its source_layers"),
    "no count": ({"n_prompts": "many"}, "its n_prompts is 'many'"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_published_file_with_a_fault_is_one_sentence(tiny, tmp_path, fault):
    model, (changed, sentence) = tiny("llama"), BROKEN[fault]
    torch.save(published(model, **changed), tmp_path / "lens.pt")
    with pytest.raises(DataError, match=sentence):
        ll.lenses.load_jacobian(tmp_path / "lens.pt", model)


class Harmful:
    ran = False

    def __reduce__(self):
        return setattr, (Harmful, "ran", True)


def test_a_file_that_is_none_is_one_sentence_and_its_code_does_not_run(tiny, tmp_path):
    model, path = tiny("llama"), tmp_path / "lens.pt"
    for wrong, sentence in ((path, "does not exist"), (5, "not a path"), (tmp_path, "a folder")):
        with pytest.raises(DataError, match=sentence):
            ll.lenses.load_jacobian(wrong, model)
    for content, sentence in (
        (published(model, n_prompts=Harmful()), "it holds code"),
        ([1, 2], "holds a list, and a Jacobian lens is a dictionary"),
    ):
        torch.save(content, path)
        with pytest.raises(DataError, match=sentence):
            ll.lenses.load_jacobian(path, model)
    assert not Harmful.ran
    path.write_bytes(b"no such thing")
    with pytest.raises(DataError, match="is damaged"):
        ll.lenses.load_jacobian(path, model)


def test_another_lens_or_place_is_refused_as_one_sentence(tiny, tmp_path):
    model = tiny("llama")
    linear = ll.lenses.fit_linear(model, TEXTS, **QUIET)
    with pytest.raises(DataError, match="does not say over how many texts"):
        ll.lenses.save_jacobian(linear, tmp_path / "lens.pt")
    with pytest.raises(TraceError, match="pass a lens"):
        ll.lenses.save_jacobian("lens", tmp_path / "lens.pt")
    torch.save(published(model), tmp_path / "lens.pt")
    lens = ll.lenses.load_jacobian(tmp_path / "lens.pt", model)
    with pytest.raises(DataError, match="cannot be written"):
        ll.lenses.save_jacobian(lens, tmp_path / "nowhere" / "lens.pt")


FAULTS = {
    "too few": ({"texts": ["one text"] * 9}, "needs 10 texts"),
    "too short": ({"texts": ["one text"] * 30}, "skips the first 16 tokens of a text"),
    "another target": ({"target": "lst"}, "Did you mean 'last'"),
    "several targets": ({"target": ["last"]}, "is not a layer that a Jacobian lens leads to"),
    "no path": ({"resume": 5}, "5 is not a path"),
    "an unknown concept": ({"exclude": ["bok"]}, "Unknown concept 'bok'"),
    "no place": ({"resume": "/nowhere/fit"}, "cannot be written"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_one_sentence(tiny, fault):
    changed, sentence = FAULTS[fault]
    with pytest.raises(DataError, match=sentence):
        ll.lenses.fit_jacobian(tiny("llama"), **{"texts": TEXTS, **changed}, **QUIET)


@pytest.mark.parametrize(
    "tokens, sentence",
    [([], "at least one"), ([10**6], r"they are \[1000000\]"), ("en", "not tok")],
)
def test_tokens_that_are_none_are_one_sentence(tiny, tokens, sentence):
    with pytest.raises(TraceError, match=sentence):
        ll.lenses.jacobian_directions(tiny("llama"), tokens, TEXTS, **QUIET)


def test_a_model_without_gradients_is_one_sentence(tiny):
    far = ll.load_model(tiny.folder("llama"), dtype="float32", remote="local")
    with pytest.raises(TraceError, match="use a model that runs in this process"):
        ll.lenses.fit_jacobian(far, TEXTS, **QUIET)
    with pytest.raises(LatentLangError, match="load one first"):
        ll.lenses.fit_jacobian("gemma-3-270m", TEXTS)


@pytest.mark.more
def test_gemma_equals_finite_differences_along_a_few_directions(model):
    ids = ids_of(model, "Die Blume ist rot, und der Himmel ist blau, und das Meer ist tief. " * 2)
    rows = torch.nn.functional.normalize(model.folded_unembedding([5000, 9000]), dim=-1)
    values = mean_gradients(model, ids, rows, model.n_layers)
    for layer, size in ((5, 1.0), (12, 1.0), (17, 1.0)):
        for row, value in zip(rows, values[layer - 1]):
            direction, expected = sums_by_differences(model, ids, row, layer, model.n_layers, size)
            assert float(value @ direction) == pytest.approx(expected, rel=0.05, abs=0.01)
