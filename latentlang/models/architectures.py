"""Where each decoder architecture keeps its parts.

A new architecture is a row of ``ARCHITECTURES``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from ..errors import ModelError
from .view import LogitTransform

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


@dataclass(frozen=True)
class Architecture:
    """One layout of a decoder: the paths of its parts, and the names that its configuration uses.

    ``name``: a ``model_type`` of transformers, or of the best known of those that share the layout.
    ``layers``: the list of blocks. ``final_norm``: the normalisation before the output; None for a
    type whose blocks normalise their own output. The unembedding needs no path: transformers knows
    it. ``logit_scale``, ``logit_divisor`` and ``soft_cap``: what is done to logits, empty for
    nothing. ``windows``: how many positions attention sees. ``longest``: how many tokens a text may
    have in a type whose table of positions is not part of the model; empty where it is.
    """

    name: str
    layers: str
    final_norm: str | None
    logit_scale: str = "logit_scale"
    logit_divisor: str = "logits_scaling"
    soft_cap: str = "final_logit_softcapping"
    windows: tuple[str, ...] = (
        "sliding_window",
        "window_size",
        "attention_window_size",
        "attention_chunk_size",
    )
    longest: str = ""

    def fits(self, module: PreTrainedModel, parts: Collection[str] = ()) -> bool:
        """Return whether a model keeps its parts where this row says, but for named ``parts``.

        A row without a norm fits its own type only: elsewhere a norm may be in an unknown place.
        """
        layers = _submodule(module, self.layers)
        has_layers = "layers" in parts or isinstance(layers, torch.nn.ModuleList)
        if self.final_norm is None:
            has_norm = getattr(module.config, "model_type", "") == self.name
        else:
            has_norm = _submodule(module, self.final_norm) is not None
        return has_layers and ("final_norm" in parts or has_norm)

    def logit_transform(self, config: PretrainedConfig) -> LogitTransform:
        """Read the logit scale (Cohere multiplies, Granite divides) and the soft cap (Gemma 2).

        A model of images and text keeps them in the configuration of its text model.
        """
        text = config.get_text_config()
        scale = getattr(text, self.logit_scale, None) or 1.0
        divisor = getattr(text, self.logit_divisor, None) or 1.0
        return LogitTransform(scale / divisor, getattr(text, self.soft_cap, None))

    def window(self, config: PretrainedConfig) -> float:
        """Return how many positions the narrowest attention of a model sees; infinity for all."""
        return min(getattr(config, name, None) or math.inf for name in self.windows)

    def longest_text(self, module: PreTrainedModel) -> float:
        """Return how many tokens a text may have at most; infinity if any number can be read.

        Most types compute their positions, for a text of any length. Older ones look them up in a
        table (GPT-2, OPT, GPT-J), and there is nothing behind its end.
        """
        config = module.config.get_text_config()
        if self.longest:
            return getattr(config, self.longest)
        limit = getattr(config, "max_position_embeddings", None)
        return limit if limit and _has_position_table(module) else math.inf


ARCHITECTURES: tuple[Architecture, ...] = (
    Architecture("llama", "model.layers", "model.norm"),
    Architecture("gpt2", "transformer.h", "transformer.ln_f"),
    Architecture("gpt_neox", "gpt_neox.layers", "gpt_neox.final_layer_norm"),
    Architecture("opt", "model.decoder.layers", "model.decoder.final_layer_norm"),
    Architecture(
        "mpt", "transformer.blocks", "transformer.norm_f", logit_scale="", longest="max_seq_len"
    ),
    Architecture("phi", "model.layers", "model.final_layernorm"),
    Architecture("xglm", "model.layers", "model.layer_norm"),
    Architecture("nemotron_h", "model.layers", "model.norm_f"),
    Architecture("lfm2", "model.layers", "model.embedding_norm"),
    Architecture("rwkv", "rwkv.blocks", "rwkv.ln_out"),
    Architecture(
        "falcon_h1", "model.layers", "model.final_layernorm", logit_scale="lm_head_multiplier"
    ),
    Architecture(
        "hyperclovax", "model.layers", "model.norm", logit_scale="logits_scaling", logit_divisor=""
    ),
    Architecture("recurrent_gemma", "model.layers", "model.final_norm", soft_cap="logits_soft_cap"),
    Architecture("gemma3", "model.language_model.layers", "model.language_model.norm"),
    Architecture("openai-gpt", "transformer.h", None),
    Architecture("opt", "model.decoder.layers", None),
)
# The types, by their first letters, that answer nonsense if a text does not begin with <bos>.
_BEGIN_WITH_BOS = ("gemma", "recurrent_gemma")
_NO_NORM = "no_final_norm"
_POSITION_TABLES = ("pos", "wpe")  # what their names contain


def begins_with_bos(config: PretrainedConfig) -> bool:
    """Return whether a model needs the token that begins a text, so that it may not be lost."""
    return config.get_text_config().model_type.startswith(_BEGIN_WITH_BOS)


def find_architecture(module: PreTrainedModel, parts: Collection[str] = ()) -> Architecture:
    """Return the row for a model: that of its type, else the first that fits, else an empty one.

    The empty row is for a reader who names the parts.
    """
    kind = getattr(module.config, "model_type", "")
    fitting = [row for row in ARCHITECTURES if row.fits(module, parts)]
    fitting.append(Architecture("", "", ""))
    return next((row for row in fitting if row.name == kind), fitting[0])


def part_paths(
    name: str, module: PreTrainedModel, row: Architecture, parts: Mapping[str, str]
) -> dict[str, str]:
    """Return where a model keeps ``layers``, ``final_norm`` and ``lm_head``.

    Args:
        name: of the model, for messages.
        module: the transformers model.
        row: its architecture.
        parts: paths that override those of ``row``, by the same three names.

    Raises:
        ModelError: names the part that was not found, and says how to pass its path.
    """
    if row.final_norm is None:
        # The standard view has one nevertheless: it changes nothing.
        module.add_module(_NO_NORM, torch.nn.Identity())
    paths = {
        "layers": row.layers,
        "final_norm": _NO_NORM if row.final_norm is None else row.final_norm,
        "lm_head": _unembedding_path(module),
    }
    unknown = [part for part in parts if part not in paths]
    unknown += [str(path) for path in parts.values() if _submodule(module, path) is None]
    if unknown:
        raise ModelError(
            f"{name} has no {', '.join(unknown)}: parts takes {', '.join(paths)}, "
            f"each with the path of a module in {_outline(module)}."
        )
    paths |= parts
    for part, is_right, kind in (
        ("layers", lambda child: isinstance(child, torch.nn.ModuleList), "list of blocks"),
        ("lm_head", _is_matrix, "matrix"),
    ):
        if part in parts and not is_right(module.get_submodule(parts[part])):
            actual = type(module.get_submodule(parts[part])).__name__
            raise ModelError(
                f"parts['{part}'] must be the path of a {kind}, and '{parts[part]}' of {name} is a "
                f"{actual}: choose one in {_outline(module)}."
            )
    if parts and len({*paths.values()}) < len(paths):
        raise ModelError(
            f"parts={parts} names one module twice in {name}: give each part a path of its own."
        )
    missing = [part for part, path in paths.items() if not path]
    described = f"{name} ({type(module).__name__})"
    if getattr(module.config, "is_encoder_decoder", False):
        raise ModelError(
            f"{described} is not a decoder that latentlang can read: it has an encoder; choose a "
            "decoder-only language model."
        )
    if missing:
        example = ", ".join(f"'{part}': '...'" for part in missing)
        raise ModelError(
            f"latentlang cannot find {', '.join(missing)} in {described}: pass load_model(..., "
            f"parts={{{example}}}) with the path of each in {_outline(module)}, "
            "or choose another decoder."
        )
    width = getattr(module.config.get_text_config(), "hidden_size", None)
    reads = cast("torch.Tensor", module.get_submodule(paths["lm_head"]).weight).shape[-1]
    if width not in (None, reads):
        raise ModelError(
            f"The latents of {described} have {width} dimensions and its unembedding reads "
            f"{reads}: latentlang reads only models in which these are the same, so choose another."
        )
    return paths


def _unembedding_path(module: PreTrainedModel) -> str:
    """Return where the unembedding is; empty if there is none."""
    head = module.get_output_embeddings() if hasattr(module, "get_output_embeddings") else None
    if head is None:
        return ""
    modules = module.named_modules(remove_duplicate=False)
    return next((path for path, part in modules if part is head), "")


def _has_position_table(module: torch.nn.Module) -> bool:
    """Return whether a model looks positions up in a table that does not grow."""
    for path, part in module.named_modules():
        tables = dict(part.named_buffers(path.rpartition(".")[2], recurse=False))
        if isinstance(part, torch.nn.Embedding):
            tables[path.rpartition(".")[2]] = part.weight
        grows = hasattr(part, "make_weights")  # XGLM's table of sines
        for name, table in tables.items():
            if table.ndim == 2 and not grows and any(sign in name for sign in _POSITION_TABLES):
                return True
    return False


def _is_matrix(module: torch.nn.Module) -> bool:
    return getattr(getattr(module, "weight", None), "ndim", 0) == 2


def _outline(module: torch.nn.Module) -> str:
    """Return the paths of a model's upper modules, as ``parts`` takes them."""
    paths = [path for path, _ in module.named_modules() if path and path.count(".") < 2]
    paths = [path for path in paths if not path.rpartition(".")[2].isdigit()]
    return ", ".join(paths[:12]) + (", ..." if len(paths) > 12 else "")


def _submodule(module: torch.nn.Module, path: str) -> torch.nn.Module | None:
    if not isinstance(path, str) or not path:
        return None
    try:
        return module.get_submodule(path)
    except AttributeError:
        return None
