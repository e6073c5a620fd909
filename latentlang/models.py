"""``load_model``: any decoder behind one view, checked when it is loaded.

The standard view names the same four things in every architecture: the blocks (``layers``),
the normalisation before the output (``final_norm``), the unembedding (``lm_head``) and what
is done to the logits afterwards (scale, soft cap). nnsight carries the names into traces.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import nnsight
import torch
from nnsight.modeling import huggingface
from nnsight.modeling.transformers import TransformersModel

from . import demo_model
from .architectures import block_output, folded, head_of, standard_names
from .errors import ModelError, TraceError, near
from .hardware import best_device, best_dtype, set_threads
from .hub import load_structure, load_weights
from .registry import ENTRIES, check_room, may_load
from .remote import Server, tracing
from .stored import StoredModel, stored_model

_CHECK_TEXT = 'Français: "fleur" - English: "'


class Model:
    """A loaded decoder in the standard view.

    ``name`` (with the folder or repository it came from), ``tokenizer``, ``n_layers``,
    ``d_model``, ``vocab_size``, ``device``, ``dtype``, ``quantization`` (None or "8bit"),
    ``module`` (the transformers model) and ``traced`` (the same wrapped by nnsight, with
    ``traced.layers``, ``traced.final_norm`` and ``traced.lm_head``).

    With ``remote=True`` the weights are on a server (``server.host``; ``server.received`` counts the bytes that came back):
    ``module`` is None, ``dtype`` what the configuration says, ``device`` the CPU that prepares the prompts.
    """

    def __init__(
        self, name: str, module, tokenizer, quantization=None, revision: str = "", parts: Mapping[str, str] | None = None, remote=False
    ) -> None:
        names = standard_names(name, module, parts or {})
        self.name, self.tokenizer, self.quantization, self.revision, self.remote = name, tokenizer, quantization, revision, remote
        self.blocks, self.final_norm, self.lm_head = (module.get_submodule(names[part]) for part in ("layers", "final_norm", "lm_head"))
        self.head = head_of(module.config)
        self.n_layers = len(self.blocks)
        self.vocab_size, self.d_model = self.lm_head.weight.shape
        self.dtype, self.device = module.dtype, self.lm_head.weight.device
        options = {"task": "text-generation", "tokenizer": tokenizer}
        options["rename"] = {path: alias for alias, path in names.items() if path != alias}
        self.server = Server() if remote is True else None
        if remote is True:
            self.device = torch.device("cpu")
            self.module = self.blocks = self.final_norm = self.lm_head = None
            place = module.config.name_or_path
            if Path(place).is_dir():
                huggingface._ID_CACHE[place] = place  # or nnsight asks the hub for the repository behind a folder
            self.traced = TransformersModel(place, revision=revision or None, **options)
        else:
            self.module, self.traced = module, TransformersModel(module, **options)
        self._checked = False

    def __repr__(self) -> str:
        precision = self.quantization or str(self.dtype).removeprefix("torch.")
        where = f"weights on {self.server.host}" if self.server else f"{precision} on {self.device}"
        return f"Model({self.name}: {self.n_layers} layers, d_model {self.d_model}, {self.vocab_size:,} tokens, {where})"

    @property
    def identity(self) -> dict[str, str]:
        """What names this model's numbers: name, revision of its weights, number format and quantization."""
        return {
            "name": self.name,
            "revision": self.revision,
            "dtype": f"as on {self.server.host}" if self.server else str(self.dtype).removeprefix("torch."),
            "quantization": self.quantization or "",
        }

    def folded_unembedding(self, rows: slice | Sequence[int] = slice(None)) -> torch.Tensor:
        """Return the unembedding with the final norm's gain folded in, ``[V, d_model]`` float32, or some of its rows.

        For a LayerNorm model the rows are also centred over ``d_model`` (the norm subtracts the
        latent's mean, which is the same). Rows are not normalised. The whole of it is as large as
        the unembedding in float32 (0.7 GB for the demo model) and is not kept: ask for the rows you need.
        Of a model on a server only the rows come back.
        """
        if self.traced is None:
            raise TraceError(self.unusable)
        if not self.remote:
            with torch.no_grad():
                return folded(self.lm_head, self.final_norm, rows)
        lm, inputs = self.traced, self._inputs()
        with tracing(self) as where, lm.trace(**inputs, **where) as tracer:
            found = nnsight.save(folded(lm.lm_head, lm.final_norm, rows).cpu())
            tracer.stop()
        return found

    def check(self) -> None:
        """Compare, once, the last layer's lens with the model's own logits; a view that differs must not be used."""
        if self._checked:
            return
        lm, head, inputs = self.traced, self.head, self._inputs()
        with tracing(self) as where, lm.trace(**inputs, **where):
            h = block_output(lm.layers[-1].output)[:, -1]
            lens = head(lm.lm_head(lm.final_norm(h)).float())
            own = lm.output.logits[:, -1].float()
            found = nnsight.save(torch.stack([(own - lens).abs().max(), own.abs().max()]).cpu())
        difference, largest = found.tolist()
        if not math.isfinite(largest):
            number = str(self.dtype).removeprefix("torch.")
            raise ModelError(f"{self.name} does not compute finite numbers in {number} here: load it with dtype='float32' or 'bfloat16'.")
        tolerance = 1e-3 if self.dtype == torch.float32 and not self.quantization and not self.server else 0.25
        if not difference <= tolerance * max(1.0, largest / 10):
            raise ModelError(
                f"{self.name} computes its logits in a way that latentlang does not know (the lens on the last layer differs "
                f"by {difference:.2g}): choose another model, or report this architecture."
            )
        self._checked = True

    def _inputs(self) -> dict:
        return dict(self.tokenizer(_CHECK_TEXT, return_tensors="pt").to(self.device))

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
    parts: Mapping[str, str] | None = None,
    remote: bool | str = False,
) -> Model | StoredModel:
    """Load a decoder by name, repository id or local folder, and check that it can be read layer by layer.

    A model that is loaded already is returned as it is, so that a cell can be run twice. Where the weights are not here,
    but the shared cache holds results computed with them, a ``StoredModel`` is returned, which answers those.

    ``name``: None takes ``LATENTLANG_MODEL``, else ``llama-2-7b`` on a machine that has its weights and a
    large enough GPU, else the packaged demo model. ``quantization``:
    ``"8bit"`` for LLM.int8 through bitsandbytes (the default for Llama-2 on a GPU),
    ``"none"`` to refuse it. ``dtype`` and ``device``: None for what the hardware does well. ``parts``: where an
    architecture that latentlang does not know keeps its ``layers``, ``final_norm`` or ``lm_head``.

    ``remote=True`` leaves the weights on the NDIF server that ``NDIF_HOST`` names (the public one if none), with the key in
    ``NDIF_API_KEY``: here are the tokenizer and the model's structure, and what is asked of it is sent there. It is checked with the
    first question. ``remote="local"`` sends the same, but to this process, which shows without a server whether it would work there.

    Raises ``ModelError`` with one sentence that says what to do next.
    """
    if isinstance(name, (Model, StoredModel)):
        return name
    name = str(name or default_name())
    if remote not in (False, True, "local"):
        raise ModelError(f"Unknown remote={remote!r}: use True for the server in NDIF_HOST, 'local' to try it here, or leave it out.")
    if not any((revision, quantization, dtype, device, remote)) and not may_load(name) and (stored := stored_model(name)) is not None:
        return stored
    remote = remote if remote == "local" else bool(remote)
    place = _locate(name)
    if remote is True:
        if any((quantization, dtype, device)):
            raise ModelError("A model on a server is loaded there already: leave quantization, dtype and device out.")
        return Model(name, *load_structure(name, place, revision), revision=revision or "", parts=parts, remote=True)
    device = str(device or best_device())
    if quantization not in (None, "none", "8bit"):
        raise ModelError(f"Unknown quantization '{quantization}': use '8bit', or leave it out.")
    if quantization is None and name.startswith("llama-2-") and device.startswith("cuda"):
        quantization = "8bit"
    quantization = None if quantization == "none" else quantization
    dtype = _dtype(dtype) or best_dtype(device, quantization)
    check_room(name, quantization, dtype, device)
    set_threads()
    module, tokenizer = load_weights(name, place, revision, quantization, dtype, device)
    model = Model(name, module, tokenizer, quantization, _revision(name, place, revision), parts, remote)
    model.check()
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


def _revision(name: str, place: str, revision: str | None) -> str:
    """Return what tells one version of the weights from another: the hub's commit, or the files of a local folder."""
    if name in ENTRIES and ENTRIES[name].repo is None:
        return ""  # pinned by its SHA-256
    if not Path(place).is_dir():
        from huggingface_hub import try_to_load_from_cache

        config = try_to_load_from_cache(place, "config.json", revision=revision)
        return Path(config).parent.name if isinstance(config, str) else revision or ""
    files = sorted(Path(place).glob("*.safetensors"))
    return ",".join(f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)
