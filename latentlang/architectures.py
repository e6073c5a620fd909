"""The standard view: where each decoder architecture keeps its blocks, norm and head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from .errors import ModelError

# Where an architecture keeps its blocks and its last normalisation; the head is asked of transformers itself.
_BLOCKS = ("model.layers", "transformer.h", "gpt_neox.layers", "model.decoder.layers", "transformer.blocks", "model.language_model.layers")
_NORMS = (
    "model.norm", "transformer.ln_f", "gpt_neox.final_layer_norm", "model.decoder.final_layer_norm",
    "transformer.norm_f", "model.language_model.norm", "model.final_layernorm", "model.layer_norm",
)  # fmt: skip


@dataclass(frozen=True)
class Head:
    """What happens to a normed latent after the unembedding: logits = cap·tanh(scale·Uh / cap)."""

    scale: float = 1.0
    cap: float | None = None

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """Apply scale and soft cap to ``[..., V]`` logits; in place, since the tensor may be gigabytes."""
        if self.scale != 1.0:
            logits.mul_(self.scale)
        if self.cap is not None:
            logits.div_(self.cap).tanh_().mul_(self.cap)
        return logits


def standard_names(name: str, module: torch.nn.Module, parts: Mapping[str, str]) -> dict[str, str]:
    """Return where this architecture keeps ``layers``, ``final_norm`` and ``lm_head``; ``parts`` names those that the reader knows better.

    Raises ``ModelError`` that says which part was not found and how to pass it.
    """
    head = module.get_output_embeddings() if hasattr(module, "get_output_embeddings") else None
    found = {
        "layers": next((p for p in _BLOCKS if isinstance(_submodule(module, p), torch.nn.ModuleList)), None),
        "final_norm": next((p for p in _NORMS if _submodule(module, p) is not None), None),
        "lm_head": next((p for p, m in module.named_modules(remove_duplicate=False) if head is not None and m is head), None),
    }
    wrong = [part for part in parts if part not in found] + [str(path) for path in parts.values() if _submodule(module, path) is None]
    if wrong:
        takes = f"parts takes {', '.join(found)}, each with the path of a module in {_outline(module)}"
        raise ModelError(f"{name} has no {', '.join(wrong)}: {takes}.")
    found |= parts
    for part, fits, kind in (("layers", lambda m: isinstance(m, torch.nn.ModuleList), "list of blocks"), ("lm_head", _is_matrix, "matrix")):
        if part in parts and not fits(module.get_submodule(parts[part])):
            raise ModelError(f"'{parts[part]}' of {name} is no {kind}: {part} is the path of one in {_outline(module)}.")
    missing = [part for part, path in found.items() if path is None]
    what = f"{name} ({type(module).__name__})"
    if getattr(module.config, "is_encoder_decoder", False):
        raise ModelError(f"{what} is not a decoder that latentlang can read: it has an encoder; choose a decoder-only language model.")
    if missing:
        example = ", ".join(f"'{part}': '...'" for part in missing)
        raise ModelError(
            f"latentlang cannot find {', '.join(missing)} in {what}: pass load_model(..., parts={{{example}}}) with the path of each "
            f"in {_outline(module)}, or choose another decoder."
        )
    return found


def _is_matrix(module: torch.nn.Module) -> bool:
    return getattr(getattr(module, "weight", None), "ndim", 0) == 2


def _outline(module: torch.nn.Module) -> str:
    """Return the paths of a model's upper modules, as ``parts`` takes them."""
    paths = [path for path, _ in module.named_modules() if path and path.count(".") < 2 and not path.rpartition(".")[2].isdigit()]
    return ", ".join(paths[:12]) + (", ..." if len(paths) > 12 else "")


def _submodule(module: torch.nn.Module, path: str) -> torch.nn.Module | None:
    if not isinstance(path, str) or not path:
        return None
    try:
        return module.get_submodule(path)
    except AttributeError:
        return None


def head_of(config) -> Head:
    """Read the logit scale (Cohere multiplies, Granite divides) and the soft cap (Gemma 2) from the configuration."""
    scale = getattr(config, "logit_scale", None) or 1.0
    divisor = getattr(config, "logits_scaling", None) or 1.0
    return Head(scale / divisor, getattr(config, "final_logit_softcapping", None))


def gain(norm: torch.nn.Module, like: torch.Tensor) -> tuple[torch.Tensor, bool]:
    """Measure the norm's gain and whether it centres, instead of guessing its formula (Gemma's gain is 1 + w, Llama's is w).

    RMS and layer norms of ±1 inputs that sum to zero leave them unchanged, so what comes out is gain·(±1) + bias;
    half the difference between a vector and its negative is the gain alone. A layer norm takes no notice of a
    constant added to its input. ``like`` ``[..., d_model]`` gives the size and the number format.
    """
    signs = torch.ones(1, like.shape[-1], dtype=like.dtype, device=next(norm.parameters(), like).device)
    signs[:, 1::2] = -1
    plain = norm(signs)
    centres = torch.allclose(norm(signs + 1).float(), plain.float(), atol=1e-3)
    return ((plain - norm(-signs)) / 2 * signs)[0].float(), centres


def folded(lm_head: torch.nn.Module, final_norm: torch.nn.Module, rows: slice | Sequence[int]) -> torch.Tensor:
    """Return rows of the unembedding with the norm's gain folded in, centred where the norm centres, ``[n_rows, d_model]`` float32."""
    weight = lm_head.weight.detach()
    factors, centres = gain(final_norm, weight)
    chosen = weight[rows].float() * factors.to(weight.device)
    return chosen - chosen.mean(-1, keepdim=True) if centres else chosen


def block_output(output) -> torch.Tensor:
    """Return a block's hidden states ``[batch, position, d_model]``: a tensor in transformers 5, a tuple's first part before."""
    return output[0] if isinstance(output, tuple) else output
