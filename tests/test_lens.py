"""``decode`` against the plain forward-hook loop of ``oracle.py``, on demo and random models."""

from __future__ import annotations

import oracle
import pytest
import torch
from tiny import TEXTS, targets_for

import latentlang as ll


def assert_same(decoded, row: int, reading: oracle.Reading, targets: dict, first: int = 1) -> None:
    """Compare one prompt of a ``Run`` with its reading by hand, from layer ``first`` on."""
    for code, ids in targets.items():
        torch.testing.assert_close(
            decoded.probability[code][row], reading.probability(ids)[first:], atol=1e-4, rtol=0
        )
        for got, (low, high) in zip(decoded.rank[code][row].tolist(), reading.rank(ids)[first:]):
            assert low <= got <= high
    torch.testing.assert_close(decoded.entropy[row], reading.entropy()[first:], atol=1e-3, rtol=0)
    log_probs = reading.log_probs[first:]
    top, top_ids = log_probs.topk(decoded.top_ids.shape[-1])
    torch.testing.assert_close(decoded.top_probs[row], top.exp(), atol=1e-4, rtol=0)
    clear = (top[:, 0] - top[:, 1]) > 1e-4
    assert torch.equal(decoded.top_ids[row, :, 0][clear].long(), top_ids[:, 0][clear])
    assert clear.float().mean() > 0.5


def test_decode_equals_the_hook_loop_on_the_demo_model(model):
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer, seed=3)[:8]
    decoded = ll.decode(model, prompts, progress=False)
    assert decoded.languages == ("en", "zh", "fr") and decoded.layers == tuple(range(1, 19))
    for row, prompt in enumerate(prompts):
        assert_same(decoded, row, oracle.read(model, prompt.text), prompt.token_ids)


@pytest.mark.parametrize("batch_size", [None, 1, 3])
def test_decode_equals_the_hook_loop_on_random_models(random_model, batch_size):
    targets = targets_for(random_model)
    decoded = ll.decode(
        random_model, TEXTS, targets, batch_size=batch_size, include_embedding=True, progress=False
    )
    assert decoded.layers == tuple(range(random_model.n_layers + 1))
    for row, text in enumerate(TEXTS):
        assert_same(decoded, row, oracle.read(random_model, text), targets[row], first=0)


@pytest.mark.parametrize("batch_size", [None, 2])
def test_a_shared_beginning_changes_no_number(random_model, batch_size):
    """Prompts with the same demonstrations share keys and values; the rests differ in length."""
    texts = [
        TEXTS[3] + "\n" + rest
        for rest in ("eau", "Das Buch liegt auf dem Tisch, die Blume", "The", "花")
    ]
    targets = targets_for(random_model)
    decoded = ll.decode(
        random_model, texts, targets, batch_size=batch_size, include_embedding=True, progress=False
    )
    for row, text in enumerate(texts):
        assert_same(decoded, row, oracle.read(random_model, text), targets[row], first=0)


def test_shared_demonstrations_change_no_number_on_the_demo_model(model):
    prompts = ll.build_prompts(
        "translation", "de", "zh", tokenizer=model.tokenizer, shared_demos=True
    )[:4]
    decoded = ll.decode(model, prompts, progress=False)
    for row, prompt in enumerate(prompts):
        assert_same(decoded, row, oracle.read(model, prompt.text), prompt.token_ids)


def test_the_layers_of_a_random_model_differ(random_model):
    """The comparisons above would mean little if all layers said the same."""
    probs = oracle.read(random_model, TEXTS[1]).log_probs.exp()
    assert ((probs[1:] - probs[:-1]).abs().sum(-1) > 0.1).all()


def test_last_layer_is_the_models_own_prediction(any_model):
    own = oracle.read(any_model, TEXTS[1]).own
    decoded = ll.decode(any_model, [TEXTS[1]], watch=range(200), top_k=3, progress=False)
    torch.testing.assert_close(decoded.watched[0, -1], own[:200], atol=1e-3, rtol=0)
    assert decoded.top_ids[0, -1].tolist() == own.topk(3).indices.tolist()


def test_padded_batch_gives_the_numbers_of_single_prompts(any_model):
    targets = targets_for(any_model)
    together = ll.decode(any_model, TEXTS, targets, batch_size=4, keep_latents=True, progress=False)
    for row, text in enumerate(TEXTS):
        alone = ll.decode(any_model, [text], [targets[row]], keep_latents=True, progress=False)
        torch.testing.assert_close(together.entropy[row], alone.entropy[0], atol=1e-3, rtol=0)
        torch.testing.assert_close(together.latents[row], alone.latents[0], atol=1e-2, rtol=1e-3)
        for code in ("en", "zh"):
            torch.testing.assert_close(
                together.probability[code][row], alone.probability[code][0], atol=1e-4, rtol=0
            )


def test_every_position_of_a_prompt(random_model):
    text, target = TEXTS[1], targets_for(random_model)[1]
    ids = random_model.tokenizer(text)["input_ids"]
    everywhere = ll.decode(
        random_model,
        [text],
        [target],
        positions="all",
        include_embedding=True,
        keep_latents=True,
        progress=False,
    )
    assert everywhere.position_tokens == tuple(ids)
    assert everywhere.entropy.shape == (1, len(ids), random_model.n_layers + 1)
    for position in (0, 1, len(ids) // 2, len(ids) - 1):
        reading = oracle.read(random_model, text, position)
        torch.testing.assert_close(
            everywhere.latents[0, position], reading.latents, atol=1e-4, rtol=1e-4
        )
        torch.testing.assert_close(
            everywhere.probability["zh"][0, position],
            reading.probability(target["zh"]),
            atol=1e-4,
            rtol=0,
        )
    three = ll.decode(
        random_model, [text], [target], positions=3, include_embedding=True, progress=False
    )
    assert three.position_tokens == tuple(ids[-3:])
    torch.testing.assert_close(three.entropy[0], everywhere.entropy[0, -3:], atol=1e-4, rtol=0)
    torch.testing.assert_close(
        three.last_position().entropy[0], everywhere.entropy[0, -1], atol=1e-4, rtol=0
    )
    assert ll.decode(
        random_model, [text], positions=10_000, progress=False
    ).position_tokens == tuple(ids)


def test_latents_and_watched_tokens(random_model):
    watch = [5, 3, 400]
    decoded = ll.decode(
        random_model,
        TEXTS[:3],
        watch=watch,
        keep_latents=True,
        include_embedding=True,
        progress=False,
    )
    assert decoded.watch == (5, 3, 400) and decoded.languages == ()
    for row, text in enumerate(TEXTS[:3]):
        reading = oracle.read(random_model, text)
        torch.testing.assert_close(decoded.latents[row], reading.latents, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(
            decoded.watched[row], reading.log_probs[:, watch], atol=1e-3, rtol=0
        )


def test_energy_is_that_of_the_kept_latents(random_model):
    """Against the formula, token by token.

    It is the mean squared cosine, over that of the tokens among themselves.
    """
    decoded = ll.decode(random_model, TEXTS[:2], keep_latents=True, progress=False)
    U = torch.nn.functional.normalize(random_model.folded_unembedding().double(), dim=-1)
    h = torch.nn.functional.normalize(decoded.latents.double(), dim=-1)
    expected = ((h @ U.T).square().mean(-1) / (U @ U.T).square().mean()).sqrt()
    torch.testing.assert_close(decoded.energy.double(), expected, atol=0, rtol=1e-4)
    assert ll.decode(random_model, TEXTS[:2], energy=False, progress=False).energy is None
