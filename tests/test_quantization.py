"""LLM.int8 for real, on the CPU: its layers are 8-bit, and predictions stay close to float32."""

from __future__ import annotations

import oracle
import pytest
import torch
from bitsandbytes.nn import Linear8bitLt
from test_linear_lens import TEXTS, by_hooks, least_squares
from tiny import randomise, some_lens
from transformers import LlamaConfig, LlamaForCausalLM

import latentlang as ll
from latentlang.lenses.reading import token_latents
from latentlang.lenses.text import HALVES, FitText

PROMPTS = 100


@pytest.fixture(scope="module")
def demo_8bit():
    """The demo model with 8-bit matrices and all else in float32: only matrices differ."""
    loaded = ll.load_model("gemma-3-270m", quantization="8bit", device="cpu", dtype="float32")
    yield loaded
    loaded.close()


def assert_8bit(loaded, dtype: torch.dtype) -> None:
    """Every matrix inside the blocks is 8-bit; the output layer, which the lens reads, is not."""
    matrices = [
        m for block in loaded.blocks for m in block.modules() if isinstance(m, torch.nn.Linear)
    ]
    assert matrices and all(
        isinstance(m, Linear8bitLt) and m.weight.dtype == torch.int8 for m in matrices
    )
    assert loaded.lm_head.weight.dtype == loaded.dtype == dtype
    assert loaded.quantization == "8bit" and "8bit on cpu" in repr(loaded)


def next_token(loaded, texts: list[str]) -> torch.Tensor:
    """The model's own next-token log-probabilities ``[n, V]``.

    They come from the transformers module alone, 25 prompts at a time.
    """
    rows = []
    for start in range(0, len(texts), 25):
        batch = loaded.tokenizer(
            texts[start : start + 25], padding=True, padding_side="left", return_tensors="pt"
        )
        with torch.no_grad():
            logits = loaded.module(**batch, logits_to_keep=1, use_cache=False).logits[:, -1]
        rows.append(logits.float().log_softmax(-1))
    return torch.cat(rows)


def test_8bit_demo_model_predicts_what_float32_does(model, demo_8bit):
    """The top token is the same wherever float32's leads by 5 % or more.

    Where two tokens tie, rounding may choose.
    """
    assert_8bit(demo_8bit, torch.float32)
    texts = sorted(
        (
            p.text
            for p in ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[
                :PROMPTS
            ]
        ),
        key=len,
    )
    exact, rounded = next_token(model, texts), next_token(demo_8bit, texts)
    same = (exact.argmax(-1) == rounded.argmax(-1)).double()
    two = exact.exp().topk(2).values
    clear = two[:, 0] - two[:, 1] > 0.05
    kl = torch.nn.functional.kl_div(rounded, exact, log_target=True, reduction="batchmean").item()
    print(
        f"\n8-bit against float32, {len(texts)} prompts fr->zh, last layer: "
        f"same top token {same.mean():.0%}, "
        f"{same[clear].mean():.0%} of the {int(clear.sum())} without a near tie; "
        f"mean KL {kl:.4f} nats."
    )
    assert len(texts) == PROMPTS and clear.sum() > 30
    assert same[clear].mean() >= 0.80 and same.mean() >= 0.60
    assert 0 < kl < 0.1


def test_the_lens_reads_an_8bit_model(demo_8bit, capfd):
    """Its last layer agrees with the 8-bit model's own probabilities.

    bitsandbytes' warning about every matrix stays away.
    """
    prompt = ll.build_prompts("translation", "fr", "zh", tokenizer=demo_8bit.tokenizer)[0]
    decoded = ll.decode(demo_8bit, [prompt.text], [prompt.token_ids], progress=False)
    own = next_token(demo_8bit, [prompt.text]).exp()[0]
    for code, ids in prompt.token_ids.items():
        assert decoded.probability[code][0, -1].item() == pytest.approx(
            own[list(ids)].sum().item(), abs=1e-3
        )
    assert decoded.top_ids[0, -1, 0] == own.argmax()
    assert decoded.entropy.isfinite().all() and decoded.energy.isfinite().all()
    assert "MatMul8bitLt" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_an_8bit_random_model(tiny, name):
    """Hidden size 64. In every layer the 8-bit model says nearly what the float32 one says."""
    loaded = ll.load_model(tiny.folder(name), quantization="8bit", device="cpu", dtype="bfloat16")
    assert_8bit(loaded, torch.bfloat16)
    text = 'Français: "fleur" - English: "'
    decoded = ll.decode(loaded, [text], [{"en": range(100)}], progress=False)
    exact = oracle.read(tiny(name), text)
    torch.testing.assert_close(
        decoded.probability["en"][0], exact.probability(range(100))[1:], atol=0.1, rtol=0
    )
    torch.testing.assert_close(decoded.entropy[0], exact.entropy()[1:], atol=0.4, rtol=0)


def test_an_8bit_model_is_changed_as_hooks_change_it(tiny):
    """Its matrices round what is read together alike, so that a batch differs a little."""
    loaded = ll.load_model(tiny.folder("llama"), quantization="8bit", device="cpu", dtype="float32")
    assert_8bit(loaded, torch.float32)
    text, ids = 'Français: "fleur" - English: "', set(range(0, 260, 3))
    vector = 3 * torch.randn(64, generator=torch.Generator().manual_seed(0))
    sweep = ll.sweep(loaded, [text], ll.Patch(vector), targets={"a": [ids]}, progress=False)
    for layer in sweep.layers:
        _, own = oracle.changed(loaded, text, lambda h, _: vector, [layer])
        expected = own.exp()[sorted(ids)].sum()
        assert (sweep.probability["a"][0, layer - 1] - expected).abs() < 0.02
    assert (sweep.probability["a"][0] - sweep.baseline["a"][0]).abs().max() > 0.05


def test_a_lens_on_an_8bit_model_reads_what_hooks_and_its_formula_give(tiny):
    loaded = ll.load_model(tiny.folder("llama"), quantization="8bit", device="cpu", dtype="float32")
    lens, text = some_lens(loaded), 'Français: "fleur" - English: "'
    run = ll.decode(loaded, [text], lens=lens, watch=range(260), progress=False)
    expected = oracle.through_lens(loaded, text, lens)
    torch.testing.assert_close(run.watched[0].exp(), expected.exp()[:, :260], atol=1e-4, rtol=0)


def test_a_linear_lens_of_an_8bit_model_is_numpys_and_reads_what_hooks_read(tiny):
    """Fitted on what the 8-bit model itself says, which hooks read a little otherwise.

    Its matrices round what is read together alike, and the fit reads its texts together.
    """
    loaded = ll.load_model(tiny.folder("llama"), quantization="8bit", device="cpu", dtype="float32")
    assert_8bit(loaded, torch.float32)
    lens = ll.lenses.fit_linear(loaded, TEXTS, seed=3, progress=False)
    groups = FitText.of(loaded, TEXTS, (), 3).groups
    texts = [text for text, group in zip(TEXTS, groups) if group in HALVES]
    read = token_latents(loaded, [loaded.tokenizer(text)["input_ids"] for text in TEXTS], False)
    h = torch.cat([each for each, group in zip(read, groups) if group in HALVES])
    for place, layer in enumerate(lens.layers):
        penalty = lens.quality.loc[layer, "penalty"]
        expected = torch.tensor(least_squares(h[:, place], h[:, -1], penalty)).float()
        assert (lens.matrices[place] - expected).norm() < 1e-4 * expected.norm()
    hooked, exact = (torch.cat([by_hooks(m, t) for t in texts]) for m in (loaded, tiny("llama")))
    assert (h - hooked).norm() < 0.5 * (h - exact).norm()
    text = 'Français: "fleur" - English: "'
    run = ll.decode(loaded, [text], lens=lens, watch=range(260), progress=False)
    by_hand = oracle.through_lens(loaded, text, lens)[:, :260].exp()
    torch.testing.assert_close(run.watched[0].exp(), by_hand, atol=1e-4, rtol=0)
    plain = ll.decode(loaded, [text], watch=range(260), progress=False)
    assert (run.watched - plain.watched)[0, :-1].abs().amax(-1).min() > 0.1


def test_the_8bit_demo_model_is_changed_as_hooks_change_it(demo_8bit):
    """The latent of one word in the prompt of another, at layers where both words are seen.

    ``decode`` reads the prompt as hooks do. A sweep reads its beginning first, and eight bits then
    round otherwise: at layer 6 by 0.1 of probability. The changes move the answer by over 0.3.
    """
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=demo_8bit.tokenizer)
    given, into, layers = prompts["book"], prompts["flower"], (6, 13, 17)
    latents = ll.latents_at(demo_8bit, given)
    sets = [given.token_ids["zh"] | into.token_ids["zh"]]
    change = ll.Patch(latents, layers=layers)
    sweep = ll.sweep(demo_8bit, into, change, targets={"both": sets}, progress=False)
    for place, layer in enumerate(layers):
        put = latents.values[0, layer - 1]
        _, own = oracle.changed(demo_8bit, into.text, lambda h, _, put=put: put, [layer])
        expected = own.exp()[sorted(*sets)].sum()
        change = ll.Patch(latents, layers=layer)
        run = ll.decode(demo_8bit, [into.text], [{"zh": sets[0]}], interventions=[change])
        assert (run.probability["zh"][0, -1] - expected).abs() < 1e-3
        assert (sweep.probability["both"][0, place] - expected).abs() < 0.15
    assert (sweep.probability["both"][0] - sweep.baseline["both"][0]).abs().max() > 0.3


def test_llama_2_loads_by_its_name_in_8bit(llama2_tokenizer, tmp_path, run_python):
    """A model of 32 layers, 32,000 entries and a width of 64 stands in for the gated weights."""
    repository = tmp_path / "hub" / "models--meta-llama--Llama-2-7b-hf"
    commit = "01c7f73d771dfac7d292323805ebc428287df4f9"
    snapshot = repository / "snapshots" / commit
    config = LlamaConfig(
        vocab_size=32000,
        hidden_size=64,
        intermediate_size=172,
        num_hidden_layers=32,
        num_attention_heads=4,
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    network = LlamaForCausalLM(config)
    randomise(network)
    network.half().save_pretrained(snapshot)
    llama2_tokenizer.save_pretrained(snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    code = f"""
import torch, latentlang as ll
model = ll.load_model("llama-2-7b", quantization="8bit", revision={commit!r})
prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
run = ll.decode(model, prompts[:3], progress=False)
run.save({str(tmp_path / "run.safetensors")!r})
matrix = model.blocks[0].mlp.up_proj.weight.dtype
facts = [model.name, model.quantization, model.n_layers, model.vocab_size, matrix]
print("ANSWER", *facts, model.identity["revision"], len(prompts))
"""
    said = run_python(
        code, HF_HOME=str(tmp_path), HF_HUB_CACHE=str(tmp_path / "hub"), HF_HUB_OFFLINE="1"
    )
    words = next(line for line in said.splitlines() if line.startswith("ANSWER")).split()[1:]
    exact = ll.load_model(snapshot, dtype="float32", device="cpu")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=exact.tokenizer)
    revision = words.pop(5)
    assert revision.startswith(f"{commit}-"), "the commit, then the hub's hashes of its files"
    assert words == ["llama-2-7b", "8bit", "32", "32000", "torch.int8", str(len(prompts))]
    run, same = (
        ll.Run.load(tmp_path / "run.safetensors"),
        ll.decode(exact, prompts[:3], progress=False),
    )
    assert run.layers == tuple(range(1, 33))
    torch.testing.assert_close(run.entropy, same.entropy, atol=0.4, rtol=0)
