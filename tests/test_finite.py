"""Numbers that are not finite end a ``decode`` with one sentence; masked entries may stay."""

from __future__ import annotations

import pytest
import torch
from tiny import FAMILIES, byte_level, randomise
from transformers import AutoModelForCausalLM, PhiConfig

import latentlang as ll
from latentlang.errors import NotFiniteError, TraceError
from latentlang.lens.readings import READINGS, Reading, Readout, TokenSets, rank

TEXTS = ["La fleur", "Das Buch 花"]
TARGETS = [{"en": [40], "zh": [41]}] * 2


@pytest.fixture
def overflowing(tiny, tmp_path):
    """A folder of a Llama that overflows in float16 at one character: 花."""
    source = tiny("llama")
    network = AutoModelForCausalLM.from_pretrained(tiny.folder("llama"), dtype=torch.float32)
    token = source.tokenizer("花", add_special_tokens=False)["input_ids"][-1]
    with torch.no_grad():
        network.get_input_embeddings().weight[token] = 6.4e4
        for block in network.model.layers:
            block.mlp.down_proj.weight.mul_(1500)
    network.save_pretrained(tmp_path)
    source.tokenizer.save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("remote", [False, "local"])
def test_an_overflow_in_one_prompt_names_layer_prompt_and_format(overflowing, remote):
    model = ll.load_model(overflowing, dtype="float16", device="cpu", remote=remote)
    assert ll.decode(model, TEXTS[:1], TARGETS[:1], progress=False).entropy.isfinite().all()
    sentence = r"numbers in float16 at layer \d of the prompt that ends in 'Das Buch 花': load it"
    with pytest.raises(NotFiniteError, match=sentence):
        ll.decode(model, TEXTS, TARGETS, progress=False)


def test_the_first_layer_that_overflows_is_named(overflowing):
    """Against plain hooks."""
    model = ll.load_model(overflowing, dtype="float16", device="cpu")
    ids = torch.tensor([model.tokenizer(TEXTS[1])["input_ids"]])
    finite = []
    hooks = [
        block.register_forward_hook(lambda _, args, out: finite.append(out[0, -1].isfinite().all()))
        for block in model.blocks
    ]
    model.forward(input_ids=ids)
    for hook in hooks:
        hook.remove()
    first = 1 + finite.index(False) if False in finite else None
    with pytest.raises(NotFiniteError) as error:
        ll.decode(model, TEXTS[1], progress=False)
    named = int(str(error.value).partition("at layer ")[2].split()[0])
    assert first is None or named <= first


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_logits_that_overflow_are_refused_even_under_a_soft_cap(tiny, name):
    """The cap would make a finite number of an infinite one."""
    model = tiny.fresh(name)
    model.lm_head.weight.data = model.lm_head.weight.data.clone()
    model.lm_head.weight.data[[7, 8]] = torch.tensor([[3e38], [-3e38]])  # one of them is positive
    with pytest.raises(NotFiniteError, match="float32 at layer 1 of the prompt .* leave this"):
        ll.decode(model, TEXTS[0], energy=False, progress=False)


def test_masked_entries_may_stay(tmp_path):
    """A bias of -inf takes entries out of the vocabulary: their probability is 0."""
    tokenizer = byte_level()
    shape = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3}
    config = PhiConfig(vocab_size=len(tokenizer), num_attention_heads=4, **shape)
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(config)
    randomise(network)
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = ll.load_model(tmp_path, dtype="float32")
    model.lm_head.bias.data[[7, 8]] = -torch.inf
    run = ll.decode(model, "A text", {"en": [7, 8], "zh": [9]}, progress=False)
    assert (run.probability["en"] == 0).all() and (run.probability["zh"] > 0).all()
    assert run.entropy.isfinite().all()


def test_a_reading_that_is_no_number_is_named(tiny, monkeypatch):
    def ratio(x: Readout) -> torch.Tensor:
        return torch.where(x.total[:, 0] > 0, torch.nan, 1.0)

    monkeypatch.setitem(READINGS, "ratio", Reading(ratio, "prompt", "ratio"))
    with pytest.raises(TraceError, match="reading 'ratio' is not a number at layer 1 of"):
        ll.decode(tiny("llama"), TEXTS, progress=False)


def test_no_comparison_with_nan_gives_the_first_rank():
    logits = torch.tensor([[torch.nan, 1.0, 2.0], [0.0, 1.0, 2.0]])
    tokens = TokenSets.of([{"en": [0]}, {"en": [2]}], ["en"])
    assert rank(Readout(logits), tokens).flatten().tolist() == [4, 1]


def test_every_family_is_finite(tiny):
    """The check refuses no healthy model."""
    for name in FAMILIES:
        assert ll.decode(tiny(name), TEXTS[0], progress=False).entropy.isfinite().all()
