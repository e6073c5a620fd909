"""A prompt's numbers do not depend on its company: they equal a forward of the prompt alone."""

from __future__ import annotations

import json
import shutil
import warnings

import oracle
import pytest
import torch
from tiny import CONFIGS, FAMILIES, TEXTS

import latentlang as ll

BEGINNING = 'Deutsch: "Blume" - English: "flower"\nDeutsch: "Wasser" - English: "water"\nDeutsch: "'
SHARED = [
    f'{BEGINNING}{word}" - English: "' for word in ("Buch", "die Blume im Wasser, im Wasser", "e")
]


def assert_alone(model, texts: list[str]) -> None:
    """Compare a decode of several texts with a plain forward of each one.

    In float32 the rounding of a forward of one text reaches 4e-5 of a latent of the random Zamba2
    (against float64), which is more than what is looked for: give a model in float64.
    """
    run = ll.decode(model, texts, watch=range(300), keep_latents=True, progress=False)
    for row, text in enumerate(texts):
        latents, own = oracle.plain(model, text)
        assert _gap(run.latents[row], latents) < 2e-5
        torch.testing.assert_close(run.watched[row, -1], own[:300], atol=1e-4, rtol=0)


@pytest.mark.parametrize("texts", [TEXTS, SHARED], ids=["texts of any length", "one beginning"])
@pytest.mark.parametrize("name", sorted(CONFIGS | FAMILIES))
@pytest.mark.filterwarnings("ignore:.*each prompt has its own numbers")
@pytest.mark.filterwarnings("ignore:.*does not run in float64")
def test_every_prompt_has_the_numbers_that_it_has_alone(tiny, name, texts):
    single = tiny(name)
    run = ll.decode(single, texts, keep_latents=True, progress=False)
    double = ll.load_model(tiny.folder(name), dtype="float64")
    assert_alone(double, texts)
    # In float32: as near to double as this model's lone forwards are. The rounding of one of them
    # is a matter of luck, so that the largest of several counts.
    several = [*TEXTS, *SHARED]
    exact = {text: oracle.plain(double, text)[0] for text in several}
    rounding = max(_gap(oracle.plain(single, text)[0], exact[text]) for text in several)
    for row, text in enumerate(texts):
        assert _gap(run.latents[row], exact[text]) < max(2e-5, 2 * rounding)


def _gap(latents: torch.Tensor, exact: torch.Tensor) -> float:
    """Return the largest distance of a layer's latent, as a share of its length."""
    return ((latents - exact).norm(dim=-1) / exact.norm(dim=-1)).max().item()


@pytest.mark.parametrize(
    ("name", "texts", "sentence"),
    [
        ("rwkv", TEXTS, "only prompts of one length are read together"),
        ("recurrent_gemma", TEXTS, "only prompts of one length are read together"),
        ("qwen3_5", SHARED, "cannot continue a shared beginning"),
        ("mpt", SHARED, "cannot continue a shared beginning"),
    ],
)
def test_a_slower_way_is_taken_with_one_warning(tiny, name, texts, sentence):
    model = tiny.fresh(name)
    with pytest.warns(UserWarning, match=sentence):
        ll.decode(model, texts, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ll.decode(model, texts, progress=False)


def test_one_prompt_needs_no_trial(tiny):
    model = tiny.fresh("rwkv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ll.decode(model, TEXTS[0], progress=False)


@pytest.mark.parametrize("name", ["llama", "gemma3", "gpt2", "qwen2"])
def test_both_ways_are_kept_for_a_model_that_can(tiny, name):
    """In bfloat16 too, where numbers differ by rounding."""
    model = ll.load_model(tiny.folder(name), dtype="bfloat16")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ll.decode(model, SHARED, progress=False)


@pytest.mark.parametrize("texts", [TEXTS, SHARED], ids=["texts of any length", "one beginning"])
@pytest.mark.parametrize("fault", ["no mask", "no padding token", "a padding token too many"])
def test_padding_does_not_rest_on_the_tokenizer(tiny, tmp_path, fault, texts):
    folder = shutil.copytree(tiny.folder("llama"), tmp_path / "llama")
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    if fault == "no mask":
        settings["model_input_names"] = ["input_ids"]
    elif fault == "no padding token":
        settings.pop("pad_token", None)
    else:
        settings["pad_token"] = "[PAD]"
    path.write_text(json.dumps(settings))
    model = ll.load_model(folder, dtype="float32")
    if fault == "a padding token too many":
        assert model.tokenizer.pad_token_id >= model.vocab_size
    assert_alone(model, texts)
