"""Qwen2.5-Coder 1.5B Instruct: converted exactly, read exactly, and answered for exactly.

It takes 1.1 GB of packages and 3.6 GB of disk, so `make test-large` runs it and `make test` does
not.
"""

from __future__ import annotations

import json

import gguf
import numpy as np
import oracle
import pytest
import stored_sample
import torch
from safetensors import safe_open

import latentlang as ll
from latentlang.models import packaged
from latentlang.models.catalogue import CATALOGUE
from latentlang.models.store import Store
from latentlang.models.stored import shared_store
from latentlang.runs.stored import differences
from latentlang.runs.stored_pivots import pivot_differences
from latentlang.runs.stored_retrievals import retrieval_differences
from tools import ROOT, answers

pytestmark = [pytest.mark.large, pytest.mark.timeout(1200)]

NAME = "qwen2.5-coder-1.5b-instruct"


@pytest.fixture(scope="module")
def qwen():
    loaded = ll.load_model(NAME)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def prompts(qwen):
    return ll.build_prompts("translation", "fr", "de", tokenizer=qwen.tokenizer)


def test_every_kind_of_weight_is_what_ggufs_own_reader_finds(tmp_path):
    """The first and the last block, the norms, and parts of the two large matrices."""
    folder, package = packaged.folder(NAME), CATALOGUE[NAME].package
    source = packaged.source_file(NAME, package, tmp_path / package.file)
    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(source).tensors}
    places = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    assert len(places) == len(stored)  # the unembedding stands in the file beside the embedding
    names = {
        "model.embed_tokens.weight": "token_embd.weight",
        "lm_head.weight": "output.weight",
        "model.norm.weight": "output_norm.weight",
        "model.layers.0.self_attn.q_proj.weight": "blk.0.attn_q.weight",
        "model.layers.0.self_attn.q_proj.bias": "blk.0.attn_q.bias",
        "model.layers.27.mlp.down_proj.weight": "blk.27.ffn_down.weight",
        "model.layers.27.self_attn.v_proj.weight": "blk.27.attn_v.weight",
        "model.layers.13.post_attention_layernorm.weight": "blk.13.ffn_norm.weight",
    }
    for name, theirs in names.items():
        tensor = stored[theirs]
        rows = tensor.data[:: max(1, len(tensor.data) // 500)]
        wanted = torch.from_numpy(np.array(gguf.dequantize(rows, tensor.tensor_type)))
        with safe_open(folder / places[name], "pt") as shard:
            ours = shard.get_tensor(name)
        step = max(1, len(tensor.data) // 500)
        assert torch.equal(ours[::step], wanted.to(torch.bfloat16)), name


def test_the_lens_is_what_hooks_read(qwen, prompts):
    """One prompt at a time, forward hooks and every formula written out, in the same format."""
    some = prompts[[0, 100, 200]]
    run = ll.decode(qwen, some, progress=False)
    for n, prompt in enumerate(some):
        read = oracle.read(qwen, prompt.text)
        for code, ids in prompt.token_ids.items():
            wanted = read.probability(ids)[1:]
            assert torch.allclose(run.probability[code][n], wanted, atol=0.03), code
        assert (run.entropy[n] - read.entropy()[1:]).abs().max() < 0.3


def test_the_last_layer_is_what_the_model_says(qwen, prompts):
    """The lens on the last layer against the model's own output, and its greedy next token."""
    some = prompts[::60]
    run = ll.decode(qwen, some, progress=False)
    for n, prompt in enumerate(some):
        ids = torch.tensor([qwen.tokenizer(prompt.text)["input_ids"]])
        own = qwen.forward(input_ids=ids).logits[0, -1].float().softmax(-1)
        for code in prompt.token_ids:
            wanted = own[sorted(prompt.token_ids[code])].sum().item()
            assert run.probability[code][n, -1].item() == pytest.approx(wanted, abs=0.03)
        sure = own.max() > 0.5
        assert not sure or run.top_ids[n, -1, 0] == own.argmax()


def test_english_is_seen_on_the_way_to_german(qwen, prompts):
    """The finding itself, on a few words that are spelled alike in no two of the languages."""
    run = ll.decode(qwen, prompts.without_cognates()[::20], progress=False)
    english, german = (run.probability[code].mean(0) for code in ("en", "de"))
    seen = (english > 0.15) & (german < 0.05)
    assert seen.any() and german[-1] > english[-1]


def test_stored_answers_are_what_the_model_says_today(qwen):
    """Every stored prompt is the one that would be asked, and ten of two runs are read again.

    In bfloat16 a prompt's numbers depend a little on its batch: hence the room.
    """
    store = Store.open(shared_store(ROOT / "data" / "results", NAME), "")
    assert list(differences(store, qwen)) == []
    assert list(pivot_differences(store, qwen)) == []
    assert list(retrieval_differences(store, qwen)) == []
    assert len(store.answers) == len(answers.requests(NAME))
    stored = ll.load_model(NAME, stored=True)
    runs = [each for each in answers.requests(NAME, ["notebook_02"]) if each in answers.RUNS]
    for request in (each.arguments for each in runs if not each.arguments.get("lens")):
        run = ll.run_experiment(stored, **request)
        prompts = ll.build_prompts(
            request["task"], request["source"], request["target"], tokenizer=qwen.tokenizer
        )
        some = list(run.prompts["concept"])[:: len(run) // 10][:10]
        again = ll.decode(qwen, prompts[some], progress=False)
        for code in again.languages:
            gap = (again.probability[code] - run[some].probability[code]).abs()
            assert gap.max() < 0.15 and gap.mean() < 0.005, (request, code)
        assert (again.entropy - run[some].entropy).abs().mean() < 0.1


def test_a_sample_of_the_stored_numbers_is_what_the_model_says(qwen):
    """In bfloat16 the batch that a prompt is read in moves its numbers by some hundredths.

    ``python tests/stored_sample.py`` takes a sample of two hundred, which takes minutes.
    """
    old, new = stored_sample.stored_and_fresh(qwen, n=50)
    assert len(old) == 50 and (old > 0.01).sum() > 5
    assert (old - new).abs().max() < 0.1 and (old - new).abs().double().mean() < 0.003
