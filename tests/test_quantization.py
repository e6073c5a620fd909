"""LLM.int8 for real, on the CPU: the layers are 8-bit ones, and the predictions stay close to float32's."""

from __future__ import annotations

from collections import defaultdict

import oracle
import pytest
import torch
from bitsandbytes.nn import Linear8bitLt

import latentlang as ll

PROMPTS = 100


@pytest.fixture(scope="module")
def demo_8bit():
    loaded = ll.load_model("gemma-3-270m", quantization="8bit", device="cpu")
    yield loaded
    loaded.close()


def assert_8bit(loaded) -> None:
    """Every matrix inside the blocks is an 8-bit one; the output layer, which the lens reads, is not."""
    matrices = [m for block in loaded.blocks for m in block.modules() if isinstance(m, torch.nn.Linear)]
    assert matrices and all(isinstance(m, Linear8bitLt) and m.weight.dtype == torch.int8 for m in matrices)
    assert loaded.lm_head.weight.dtype == loaded.dtype == torch.bfloat16
    assert loaded.quantization == "8bit" and "8bit on cpu" in repr(loaded)


def last_logits(module: torch.nn.Module, encoded: list[list[int]]) -> torch.Tensor:
    """The model's own next-token log-probabilities ``[n, V]``: prompts of one length share a batch, so nothing is padded."""
    alike = defaultdict(list)
    for i, ids in enumerate(encoded):
        alike[len(ids)].append(i)
    rows: dict[int, torch.Tensor] = {}
    with torch.no_grad():
        for same in alike.values():
            logits = module(input_ids=torch.tensor([encoded[i] for i in same]), logits_to_keep=1, use_cache=False).logits[:, -1]
            rows |= dict(zip(same, logits.float().log_softmax(-1)))
    return torch.stack([rows[i] for i in range(len(encoded))])


def test_8bit_demo_model_predicts_what_float32_does(model, demo_8bit):
    assert_8bit(demo_8bit)
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:PROMPTS]
    encoded = [model.tokenizer(p.text)["input_ids"] for p in prompts]
    exact, rounded = (last_logits(m.module, encoded) for m in (model, demo_8bit))
    agreement = (exact.argmax(-1) == rounded.argmax(-1)).float().mean().item()
    kl = torch.nn.functional.kl_div(rounded, exact, log_target=True, reduction="batchmean").item()
    print(f"\n8-bit against float32, {len(prompts)} prompts fr->zh, last layer: same top token {agreement:.0%}, mean KL {kl:.4f} nats.")
    assert len(prompts) == PROMPTS and agreement >= 0.80
    assert 0 < kl < 0.1


def test_the_lens_reads_an_8bit_model(demo_8bit):
    """Its last layer against the 8-bit model's own logits, and every layer against forward hooks."""
    prompt = ll.build_prompts("translation", "fr", "zh", tokenizer=demo_8bit.tokenizer)[0]
    decoded = ll.decode(demo_8bit, [prompt.text], [prompt.token_ids], progress=False)
    own = last_logits(demo_8bit.module, [demo_8bit.tokenizer(prompt.text)["input_ids"]]).exp()[0]
    for code, ids in prompt.token_ids.items():
        assert decoded.probability[code][0, -1].item() == pytest.approx(own[list(ids)].sum().item(), abs=0.02)
    assert decoded.entropy.isfinite().all() and decoded.energy.isfinite().all()


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_an_8bit_random_model(tiny, name):
    """Hidden size 64. In every layer the 8-bit model says nearly what the float32 one says."""
    loaded = ll.load_model(tiny.folder(name), quantization="8bit", device="cpu")
    assert_8bit(loaded)
    text = 'Français: "fleur" - English: "'
    decoded = ll.decode(loaded, [text], [{"en": range(100)}], progress=False)
    exact = oracle.read(tiny(name), text)
    torch.testing.assert_close(decoded.probability["en"][0], exact.probability(range(100))[1:], atol=0.1, rtol=0)
    torch.testing.assert_close(decoded.entropy[0], exact.entropy()[1:], atol=0.4, rtol=0)
