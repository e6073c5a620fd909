"""Results come back to the CPU, and the cells of the course run with a model on a GPU.

torch's fake tensors keep the rules of devices without a GPU: mixing two devices is refused. They
hold no numbers, so whatever reads one ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import by_hand
import pandas as pd
import pytest
import torch
from tiny import CONFIGS, byte_fallback
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map
from transformers import AutoModelForCausalLM

import latentlang as ll
from latentlang.analysis import axes, rotation
from latentlang.lens import decoding
from latentlang.lens.energy import Gram
from latentlang.models import versions
from latentlang.models.architectures import find_architecture, part_paths
from latentlang.models.model import Model
from latentlang.models.sessions import Local
from latentlang.prompts.tokens import tokenize_word

CUDA = "cuda:0"


class WithoutCuda(TorchFunctionMode):
    """Lets a torch without CUDA do what it refuses even for fake tensors: index, attend.

    All tensors of such a call must be on the GPU; it is done on the CPU, and taken back.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        try:
            return function(*args, **kwargs)
        except RuntimeError as error:
            if "not linked with support for cuda" not in str(error):
                raise
        tensors = [part for part in tree_leaves((args, kwargs)) if torch.is_tensor(part)]
        assert {tensor.device.type for tensor in tensors} == {"cuda"}
        here, named = tree_map(moved_to("cpu"), (args, kwargs))
        return tree_map(moved_to(CUDA), function(*here, **named))


def moved_to(device: str) -> Callable[[object], object]:
    return lambda part: part.to(device) if torch.is_tensor(part) else part


@pytest.fixture
def fake() -> Iterator[None]:
    with FakeTensorMode(allow_non_fake_inputs=True), WithoutCuda():
        yield


@pytest.fixture
def on_gpu(fake, monkeypatch) -> Model:
    """A tiny Llama on a GPU that is not there."""
    # Without numbers nobody can look at them.
    monkeypatch.setattr(decoding, "check_numbers", lambda *_: None)
    monkeypatch.setattr(Gram, "random_energy", 1.0)
    monkeypatch.setattr(rotation, "require_finite", lambda values, name: values)
    monkeypatch.setattr(axes, "_require_directions", lambda *_: None)
    monkeypatch.setattr(versions, "_sample", lambda weight: "")
    tokenizer = byte_fallback()
    module = AutoModelForCausalLM.from_config(CONFIGS["llama"](vocab_size=len(tokenizer)))
    paths = part_paths("tiny", module, find_architecture(module), {})
    session = Local(module, tokenizer, paths)
    session.device = torch.device(CUDA)
    for part in module.eval().modules():  # transformers would move them back before
        for name, weight in list(part.named_parameters(recurse=False)):
            there = torch.empty(weight.shape, device=CUDA)
            setattr(part, name, torch.nn.Parameter(there, requires_grad=False))
        for name, buffer in list(part.named_buffers(recurse=False)):
            setattr(part, name, torch.empty(buffer.shape, device=CUDA))
    vocab_size, d_model = session.lm_head.weight.shape
    return Model("tiny", tokenizer, session, 4, d_model, vocab_size, "float32", _checked=True)


@pytest.fixture
def example(on_gpu):
    words = ll.load_words().iloc[:12]
    return ll.build_prompts("translation", "fr", "zh", tokenizer=on_gpu.tokenizer, words=words)[0]


def tensors_of(value: object) -> list[torch.Tensor]:
    """Return the tensors in a result of any kind."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, ll.Run):
        return list(value.tensors().values())
    parts = value if isinstance(value, (tuple, list)) else vars(value).values()
    return [part for part in parts if isinstance(part, torch.Tensor)]


def rows(*shape: int) -> torch.Tensor:
    return torch.empty(*shape, device=CUDA)


G, M = ll.geometry, ll.metrics
PUBLIC = {
    "decode": lambda model, prompt: ll.decode(model, prompt, keep_latents=True, watch=[3, 4]),
    "folded_unembedding": lambda model, _: model.folded_unembedding(),
    "some of its rows": lambda model, _: model.folded_unembedding([3, 4]),
    "gram": lambda *_: G.gram(rows(50, 8)),
    "token_energy": lambda *_: G.token_energy(rows(3, 4, 8), rows(50, 8)),
    "sphere_axes": lambda *_: G.sphere_axes(rows(5, 8), rows(5, 8)),
    "sphere_coordinates": lambda *_: G.sphere_coordinates(
        rows(5, 4, 8), G.sphere_axes(rows(5, 8), rows(5, 8))
    ),
    "procrustes": lambda *_: G.procrustes(rows(50, 8), rows(50, 8)),
    "token_ranks": lambda *_: G.token_ranks(rows(3, 8), rows(50, 8), torch.tensor([1, 2, 3])),
}
# They read numbers before they return, so they are tried up to there.
READING = {
    "latent_mds": lambda: G.latent_mds(rows(4, 20)),
    "mean_ci": lambda: M.mean_ci(rows(6, 4)),
    "resample": lambda: M.resample(torch.empty(6, dtype=torch.long, device=CUDA), 5),
    "cluster_codes": lambda: M.cluster_codes(torch.empty(6, dtype=torch.long, device=CUDA)),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_result_lives_on_the_cpu(on_gpu, example, name):
    tensors = tensors_of(PUBLIC[name](on_gpu, example))
    assert tensors and {tensor.device.type for tensor in tensors} == {"cpu"}


@pytest.mark.parametrize("name", READING)
def test_a_function_that_reads_numbers_mixes_no_devices_before(fake, name):
    with pytest.raises((DataDependentOutputException, DynamicOutputShapeException)):
        READING[name]()


def test_no_public_function_is_missing():
    doors = {*ll.geometry.__all__, *ll.metrics.__all__}
    of_runs = {"paired_difference"}  # a run is on the CPU: decode is tried above
    tried = PUBLIC.keys() | READING.keys() | of_runs
    assert {name for name in doors if name[0].islower()} <= tried


def test_a_plain_forward_stays_where_the_model_is(on_gpu):
    ids = torch.tensor([[5, 6, 7]], device=CUDA)
    assert on_gpu.forward(input_ids=ids).logits.device.type == "cuda"


@pytest.mark.parametrize("script", by_hand.CELLS)
def test_the_cells_by_hand_run_up_to_their_first_read_out(
    on_gpu, example, script, tmp_path, monkeypatch
):
    """A printed number is not needed; the first one that the code itself needs ends a script."""
    monkeypatch.setattr(FakeTensor, "__format__", lambda *_: "0")
    run = ll.decode(on_gpu, example, keep_latents=True)
    run = ll.Run.concatenate([run] * 3)
    names = {"ll": ll, "torch": torch, "pd": pd, "model": on_gpu, "example": example, "run": run}
    names |= {"print": lambda *_: None, "source": "fr", "target": "zh"}
    names |= {"tokenize_word": tokenize_word}
    with suppress(DataDependentOutputException):
        by_hand.run(script, tmp_path, **names)
