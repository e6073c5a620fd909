"""Every row of ARCHITECTURES reads a random model of its own type without further help."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import oracle
import pytest
import torch
from mypy import api
from tiny import FAMILIES, byte_level, randomise
from transformers import AutoConfig, AutoModelForCausalLM, OPTConfig

import latentlang as ll
from latentlang.errors import ModelError
from latentlang.models import architectures
from latentlang.models.architectures import ARCHITECTURES, find_architecture
from latentlang.models.view import LogitTransform

# The layout that the library expects inside a model of images and text; the type has no tiny form.
WITHOUT_TINY = {"gemma3"}
# Their configurations take more than sizes: tests/tiny.py has them, under these names.
ELSEWHERE = {row.name for row in ARCHITECTURES} & FAMILIES.keys() - {"opt"}
SIZES = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
}
INNER = ("intermediate_size", "ffn_dim", "n_inner")


def tiny_config(name: str, vocab_size: int):
    """Return a small configuration of a type; transformers maps common names to its own names."""
    config = AutoConfig.for_model(
        name, vocab_size=vocab_size, pad_token_id=0, bos_token_id=0, eos_token_id=0
    )
    for key, value in SIZES.items():
        if hasattr(config, key):
            setattr(config, key, value)
    for key in INNER:
        if hasattr(config, key):
            setattr(config, key, 96)
    for key in ("word_embed_proj_dim", "d_model"):
        if hasattr(config, key):
            setattr(config, key, 64)
    if hasattr(config, "num_key_value_heads"):
        config.num_key_value_heads = 4
    return config


@pytest.mark.parametrize(
    "row",
    [row for row in ARCHITECTURES if row.final_norm and row.name not in WITHOUT_TINY | ELSEWHERE],
    ids=lambda row: row.name,
)
def test_a_row_reads_a_model_of_its_type(row, tmp_path):
    tokenizer = byte_level()
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(tiny_config(row.name, len(tokenizer)))
    randomise(network)
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = ll.load_model(tmp_path, dtype="float32")
    assert model.n_layers == 3 and find_architecture(model.module).name == row.name
    text = 'Français: "fleur" - English: "'
    run = ll.decode(model, text, watch=range(100), progress=False)
    with torch.no_grad():
        own = model.module(**tokenizer(text, return_tensors="pt")).logits[0, -1].log_softmax(-1)
    torch.testing.assert_close(run.watched[0, -1], own[:100], atol=1e-3, rtol=0)
    assert not torch.allclose(run.watched[0, 0], run.watched[0, -1], atol=0.1), (
        "the layers say the same"
    )


@pytest.mark.parametrize("name", [*sorted(ELSEWHERE), "opt", "opt_without_norm", "gemma4"])
def test_what_happens_around_the_output_layer_is_known(tiny, name):
    """Scales, soft caps and missing norms: the last layer is the model's own output."""
    model = tiny(name)
    run = ll.decode(model, 'Français: "fleur" - English: "', watch=range(300), progress=False)
    _, own = oracle.plain(model, 'Français: "fleur" - English: "')
    torch.testing.assert_close(run.watched[0, -1], own[:300], atol=1e-4, rtol=0)
    assert not torch.allclose(run.watched[0, 0], run.watched[0, -1], atol=0.1)


@pytest.mark.parametrize(
    ("name", "transform"),
    [
        ("falcon_h1", LogitTransform(scale=0.5)),
        ("hyperclovax", LogitTransform(scale=0.3)),
        ("granitemoehybrid", LogitTransform(scale=0.25)),
        ("recurrent_gemma", LogitTransform(cap=3.0)),
        ("gemma4", LogitTransform(cap=3.0)),
        ("openai-gpt", LogitTransform()),
    ],
)
def test_the_scale_and_the_cap_of_a_type(tiny, name, transform):
    assert tiny(name).logit_transform == transform


def test_a_model_without_a_last_norm_is_read_without_one(tiny):
    """The lens of GPT-1 at a middle layer is the unembedding alone."""
    model = tiny("openai-gpt")
    run = ll.decode(model, "The flower", keep_latents=True, watch=range(300), progress=False)
    logits = run.latents[0, 1] @ model.lm_head.weight.T
    torch.testing.assert_close(run.watched[0, 1], logits.log_softmax(-1)[:300], atol=1e-4, rtol=0)
    torch.testing.assert_close(model.folded_unembedding(), model.lm_head.weight.detach())


def test_latents_that_are_projected_before_the_unembedding_are_refused(tmp_path):
    """OPT-350m's shape."""
    tokenizer = byte_level()
    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 96}
    config = OPTConfig(
        vocab_size=len(tokenizer), word_embed_proj_dim=32, do_layer_norm_before=False, **shape
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="have 64 dimensions and its unembedding reads 32"):
        ll.load_model(tmp_path)


def test_the_rows_are_unique():
    keys = {(row.name, row.final_norm is None) for row in ARCHITECTURES}
    assert len(keys) == len(ARCHITECTURES)
    assert len({replace(row, name="") for row in ARCHITECTURES}) == len(ARCHITECTURES)


def test_the_layout_inside_a_model_of_images_and_text_is_found():
    """Gemma 3's text model, where a model that also reads images keeps it."""
    inner = torch.nn.Module()
    inner.layers, inner.norm = torch.nn.ModuleList([torch.nn.Linear(2, 2)]), torch.nn.LayerNorm(2)
    outer = torch.nn.Module()
    outer.model = torch.nn.Module()
    outer.model.language_model = inner
    outer.config = AutoConfig.for_model("gemma3")
    assert find_architecture(outer).layers == "model.language_model.layers"


def test_a_row_at_the_end_of_the_file_has_the_right_type(tmp_path):
    """A reader adds a row as CONTRIBUTING shows it, and the type check of the file still passes."""
    home = tmp_path / "copy" / "models"
    home.mkdir(parents=True)
    for folder in (home, home.parent):
        (folder / "__init__.py").touch()
    row = 'ARCHITECTURES += (Architecture("biogpt", "biogpt.layers", "biogpt.layer_norm"),)'
    text = Path(architectures.__file__).read_text(encoding="utf-8")
    (home / "architectures.py").write_text(f"{text}\n{row}\n", encoding="utf-8")
    options = ["--follow-imports=skip", "--ignore-missing-imports", f"--cache-dir={tmp_path}"]
    report, _, status = api.run([*options, str(home / "architectures.py")])
    assert status == 0, report
