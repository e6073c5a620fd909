"""Patchscope against plain forward hooks, one prompt and one layer at a time."""

from __future__ import annotations

import oracle
import pytest
import torch
from tiny import CONFIGS, TEXTS, targets_for
from transformers import AutoModelForCausalLM

import latentlang as ll
from latentlang.errors import TraceError
from latentlang.lenses.patchscope import IDENTITY

OWN = 'English: "flower" - '
QUIET = {"progress": False}


def by_hooks(model, text: str, identity: str) -> torch.Tensor:
    """Return the output's log-probabilities ``[layers, V]`` after each layer's latent is put in."""
    latents, _ = oracle.plain(model, text)
    ids = model.tokenizer(identity)["input_ids"]
    return torch.stack(
        [
            oracle.changed_ids(model, ids, lambda _, layer: latents[layer - 1], [layer])[1]
            for layer in range(1, model.n_layers + 1)
        ]
    )


@pytest.mark.parametrize("architecture", sorted(CONFIGS))
@pytest.mark.filterwarnings("ignore:.*each prompt has its own numbers")
def test_it_equals_hooks(tiny, architecture):
    model = tiny(architecture)
    targets = targets_for(model)
    run = ll.lenses.patchscope(model, TEXTS, targets, identity=OWN, watch=range(250), **QUIET)
    plain = ll.decode(model, TEXTS, targets, watch=range(250), **QUIET)
    for row, text in enumerate(TEXTS):
        expected = by_hooks(model, text, OWN).exp()
        torch.testing.assert_close(run.watched[row].exp(), expected[:, :250], atol=1e-4, rtol=0)
        for code, ids in targets[row].items():
            own = expected[:, sorted(set(ids))].sum(-1)
            torch.testing.assert_close(run.probability[code][row], own, atol=1e-4, rtol=0)
    # Nothing runs on top of the last layer: it is the logit lens.
    torch.testing.assert_close(
        run.watched[:, -1].exp(), plain.watched[:, -1].exp(), atol=1e-5, rtol=0
    )
    assert run.lens == "patchscope" and run.energy is None and run.layers == plain.layers


def test_batches_and_a_rehearsal_of_a_server_change_nothing(tiny):
    here = tiny("llama")
    far = ll.load_model(tiny.folder("llama"), dtype="float32", remote="local")
    options = {"watch": range(250), "identity": OWN, "follow": True, **QUIET}
    first = ll.lenses.patchscope(here, TEXTS, **options)
    for model, size in ((here, 1), (here, 3), (far, None)):
        again = ll.lenses.patchscope(model, TEXTS, batch_size=size, **options)
        torch.testing.assert_close(again.watched, first.watched, atol=1e-4, rtol=1e-4)
        assert again.prompts.equals(first.prompts)


def test_a_model_that_copies_its_last_token_names_it_from_layer_1(tiny, tmp_path):
    """Its blocks add nothing, and its unembedding is its embedding: each latent names its token.

    Put into the identity prompt, it still does; the identity prompt's own token is gone.
    """
    network = AutoModelForCausalLM.from_pretrained(tiny.folder("llama"), dtype=torch.float32)
    with torch.no_grad():
        for block in network.model.layers:
            block.self_attn.o_proj.weight.zero_()
            block.mlp.down_proj.weight.zero_()
        network.model.norm.weight.fill_(1.0)
        embedding = network.get_input_embeddings().weight
        embedding.copy_(8 * torch.nn.functional.normalize(embedding, dim=-1))
        network.lm_head.weight.copy_(embedding)
    network.save_pretrained(tmp_path)
    tiny("llama").tokenizer.save_pretrained(tmp_path)
    model = ll.load_model(tmp_path, dtype="float32")
    run = ll.lenses.patchscope(model, TEXTS, identity=OWN, **QUIET)
    last = torch.tensor([model.tokenizer(text)["input_ids"][-1] for text in TEXTS])
    assert torch.equal(run.top_ids[..., 0].long(), last[:, None].expand(-1, model.n_layers))
    assert (last != model.tokenizer(OWN)["input_ids"][-1]).any()


@pytest.mark.parametrize("name", IDENTITY)
def test_each_identity_prompt_is_read_as_it_is_written(tiny, name):
    model = tiny("llama")
    run = ll.lenses.patchscope(model, TEXTS[:1], identity=name, watch=range(250), **QUIET)
    expected = by_hooks(model, TEXTS[0], IDENTITY[name])
    torch.testing.assert_close(run.watched[0].exp(), expected[:, :250].exp(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("identity", ["", 5, None])
def test_an_identity_prompt_that_is_none_is_one_sentence(tiny, identity):
    with pytest.raises(TraceError, match="is not a prompt of two tokens or more"):
        ll.lenses.patchscope(tiny("llama"), TEXTS, identity=identity, **QUIET)
