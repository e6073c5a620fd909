"""``load_model``: any decoder behind one view, checked when it is loaded.

The standard view names the same four things in every architecture: the blocks (``layers``),
the normalisation before the output (``final_norm``), the unembedding (``lm_head``) and what
is done to the logits afterwards (scale, soft cap). nnsight carries the names into traces.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import torch

from . import demo_model
from .architectures import block_output, gain, head_of, standard_names
from .errors import ModelError, near
from .hardware import best_device, best_dtype, set_threads
from .hub import explain
from .registry import ENTRIES, check_room, may_load
from .stored import StoredModel, stored_model

_CHECK_TEXT = 'Français: "fleur" - English: "'


class Model:
    """A loaded decoder in the standard view.

    ``name`` (with the folder or repository it came from), ``tokenizer``, ``n_layers``,
    ``d_model``, ``vocab_size``, ``device``, ``dtype``, ``quantization`` (None or "8bit"),
    ``module`` (the transformers model) and ``traced`` (the same wrapped by nnsight, with
    ``traced.layers``, ``traced.final_norm`` and ``traced.lm_head``).
    """

    def __init__(self, name: str, module: torch.nn.Module, tokenizer, quantization: str | None = None, revision: str = "") -> None:
        from nnsight.modeling.transformers import TransformersModel

        names = standard_names(name, module)
        self.traced = TransformersModel(
            module, task="text-generation", tokenizer=tokenizer, rename={path: alias for alias, path in names.items() if path != alias}
        )
        self.name, self.module, self.tokenizer, self.quantization = name, module, tokenizer, quantization
        self.blocks = module.get_submodule(names["layers"])
        self.final_norm = module.get_submodule(names["final_norm"])
        self.lm_head = module.get_submodule(names["lm_head"])
        self.head = head_of(module.config)
        self.n_layers = len(self.blocks)
        self.vocab_size, self.d_model = self.lm_head.weight.shape
        self.dtype = module.dtype
        self.device = self.lm_head.weight.device
        self.revision = revision

    def __repr__(self) -> str:
        precision = self.quantization or str(self.dtype).removeprefix("torch.")
        return (
            f"Model({self.name}: {self.n_layers} layers, d_model {self.d_model}, {self.vocab_size:,} tokens, {precision} on {self.device})"
        )

    @property
    def identity(self) -> dict[str, str]:
        """What names this model's numbers: name, revision of its weights, number format and quantization."""
        return {
            "name": self.name,
            "revision": self.revision,
            "dtype": str(self.dtype).removeprefix("torch."),
            "quantization": self.quantization or "",
        }

    def folded_unembedding(self, rows: slice | Sequence[int] = slice(None)) -> torch.Tensor:
        """Return the unembedding with the final norm's gain folded in, ``[V, d_model]`` float32, or some of its rows.

        For a LayerNorm model the rows are also centred over ``d_model`` (the norm subtracts the
        latent's mean, which is the same). Rows are not normalised. The whole of it is as large as
        the unembedding in float32 (0.7 GB for the demo model) and is not kept: ask for the rows you need.
        """
        with torch.no_grad():
            weight = self.lm_head.weight.detach()
            factors, centres = gain(self.final_norm, weight)
            folded = weight[rows].float() * factors.to(weight.device)
            if centres:
                folded -= folded.mean(-1, keepdim=True)
        return folded

    @property
    def unusable(self) -> str:
        """Why nothing can be computed once it is closed, and what to do next."""
        return f"{self.name} has been closed: load it again with ll.load_model()."

    def close(self) -> None:
        """Let go of the weights, so that another model fits in memory."""
        self.module = self.traced = self.blocks = self.final_norm = self.lm_head = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def load_model(
    name: str | Path | Model | None = None,
    *,
    revision: str | None = None,
    quantization: str | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | None = None,
) -> Model | StoredModel:
    """Load a decoder by name, repository id or local folder, and check that it can be read layer by layer.

    A model that is loaded already is returned as it is, so that a cell can be run twice. Where the weights are not here,
    but the shared cache holds results computed with them, a ``StoredModel`` is returned, which answers those.

    ``name``: None takes ``LATENTLANG_MODEL``, else ``llama-2-7b`` on a machine that has its weights and a
    large enough GPU, else the packaged demo model. ``quantization``:
    ``"8bit"`` for LLM.int8 through bitsandbytes (the default for Llama-2 on a GPU),
    ``"none"`` to refuse it. ``dtype`` and ``device``: None for what the hardware does well.

    Raises ``ModelError`` with one sentence that says what to do next.
    """
    if isinstance(name, (Model, StoredModel)):
        return name
    name = str(name or default_name())
    if not any((revision, quantization, dtype, device)) and not may_load(name) and (stored := stored_model(name)) is not None:
        return stored
    place = _locate(name)
    device = str(device or best_device())
    if quantization not in (None, "none", "8bit"):
        raise ModelError(f"Unknown quantization '{quantization}': use '8bit', or leave it out.")
    if quantization is None and name.startswith("llama-2-") and device.startswith("cuda"):
        quantization = "8bit"
    quantization = None if quantization == "none" else quantization
    dtype = _dtype(dtype) or best_dtype(device, quantization)
    check_room(name, quantization, dtype, device)
    set_threads()
    module, tokenizer = _load(name, place, revision, quantization, dtype, device)
    model = Model(name, module, tokenizer, quantization, _revision(name, place, module))
    _self_check(model)
    return model


def default_name() -> str:
    """Return what ``LATENTLANG_MODEL`` names; else the paper's model where its weights and a GPU are there; else the demo model."""
    if named := os.environ.get("LATENTLANG_MODEL"):
        return named
    from huggingface_hub import try_to_load_from_cache

    if torch.cuda.is_available() and torch.cuda.mem_get_info()[0] > 9e9:
        config = try_to_load_from_cache(ENTRIES["llama-2-7b"].repo, "config.json")
        return "llama-2-7b" if isinstance(config, str) else demo_model.NAME
    return demo_model.NAME


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    named = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if dtype is not None and not isinstance(named, torch.dtype):
        raise ModelError(f"Unknown dtype '{dtype}': use 'float32', 'bfloat16' or 'float16'.")
    return named


def _locate(name: str) -> str:
    """Return the folder or repository id behind a name."""
    if name in ENTRIES:
        return ENTRIES[name].repo or str(demo_model.folder())
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser())
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return name
    raise ModelError(
        f"Unknown model '{name}'.{near(name, ENTRIES)} Use one of {', '.join(ENTRIES)}, a repository id such as "
        "'org/model', or an existing folder."
    )


def _load(name: str, place: str, revision: str | None, quantization: str | None, dtype: torch.dtype, device: str):
    """Load weights (safetensors only, no remote code) and tokenizer; every failure becomes one ``ModelError``."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    options: dict = {"dtype": dtype, "revision": revision, "use_safetensors": True, "trust_remote_code": False}
    if quantization == "8bit":
        try:
            import bitsandbytes  # noqa: F401
        except ImportError:
            raise ModelError("8-bit loading needs bitsandbytes: run `pip install bitsandbytes`.") from None
        options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
        # It would say of every matrix of every batch that it casts the inputs, which is what LLM.int8 is.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    if quantization or device == "cuda":
        options["device_map"] = "auto" if device == "cuda" else device
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, revision=revision, trust_remote_code=False)
        module = AutoModelForCausalLM.from_pretrained(place, **options)
    except (OSError, ValueError, RuntimeError, ImportError, KeyError) as error:
        raise explain(error, name, place) from error
    if not options.get("device_map"):
        module = module.to(device)
    return module.eval().requires_grad_(False), tokenizer


def _revision(name: str, place: str, module: torch.nn.Module) -> str:
    """Return what tells one version of the weights from another: the hub's commit, or the files of a local folder."""
    if name in ENTRIES and ENTRIES[name].repo is None:
        return ""  # pinned by its SHA-256
    if not Path(place).is_dir():
        return getattr(module.config, "_commit_hash", None) or ""
    files = sorted(Path(place).glob("*.safetensors"))
    return ",".join(f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)


def _self_check(model: Model) -> None:
    """Compare the last layer's lens with the model's own logits; a view that differs must not be used."""
    encoded = model.tokenizer(_CHECK_TEXT, return_tensors="pt").to(model.device)
    kept = {}
    hook = model.blocks[-1].register_forward_hook(lambda _, __, out: kept.update(h=block_output(out)[:, -1]))
    try:
        with torch.no_grad():
            own = model.module(**encoded).logits[:, -1].float()
            lens = model.head(model.lm_head(model.final_norm(kept["h"])).float())
    finally:
        hook.remove()
    if not own.isfinite().all():
        number = str(model.dtype).removeprefix("torch.")
        raise ModelError(f"{model.name} does not compute finite numbers in {number} here: load it with dtype='float32' or 'bfloat16'.")
    tolerance = 1e-3 if model.dtype == torch.float32 and not model.quantization else 0.25
    difference = (own - lens).abs().max().item()
    if not difference <= tolerance * max(1.0, own.abs().max().item() / 10):
        raise ModelError(
            f"{model.name} computes its logits in a way that latentlang does not know (the lens on the last layer differs "
            f"by {difference:.2g}): choose another model, or report this architecture."
        )
