"""``Model``: any decoder behind one view.

The standard view has the same four names in every architecture: ``layers`` (the blocks),
``final_norm`` (the normalisation before the output), ``lm_head`` (the unembedding) and
``logit_transform`` (what happens to the logits afterwards). nnsight carries the names into traces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import nnsight
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import ModelError, NotFiniteError, TraceError
from .hardware import give_memory_back
from .sessions import TRACE_LOCK, Local, Session
from .view import LogitTransform, block_output, folded

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.utils import ModelOutput

_CHECK_TEXT = 'Français: "fleur" - English: "'


@dataclass(eq=False)
class Model:
    """A decoder in the standard view.

    ``session`` says where its traces run: in this process (the parts are then ``module``,
    ``blocks``, ``final_norm`` and ``lm_head``), in a rehearsal of a server, on a server, or
    nowhere, if only stored results answer. ``number_format``: such as ``float32``.
    ``quantization``: None or ``"8bit"``. ``window``: how many positions the narrowest attention
    sees. ``longest_text``: how many tokens a text may have.
    """

    name: str
    tokenizer: PreTrainedTokenizerBase
    session: Session
    n_layers: int
    d_model: int
    vocab_size: int
    number_format: str
    quantization: str | None = None
    revision: str = ""
    logit_transform: LogitTransform = field(default_factory=LogitTransform)
    window: float = math.inf
    longest_text: float = math.inf
    _checked: bool = field(default=False, repr=False)

    def __repr__(self) -> str:
        where = self.session.where(self.quantization or self.number_format)
        shape = f"{self.n_layers} layers, d_model {self.d_model}, {self.vocab_size:,} tokens"
        return f"Model({self.name}: {shape}, {where})"

    @property
    def module(self) -> PreTrainedModel | None:
        """The transformers model, or None if the weights are not in this process.

        Run it through ``forward``: beside a trace in another thread, such as an explorer's, a plain
        call breaks both.
        """
        return self.session.module

    @property
    def blocks(self) -> torch.nn.ModuleList | None:
        """The blocks of the model itself; a trace names ``traced.layers`` instead."""
        return self.session.blocks

    @property
    def final_norm(self) -> torch.nn.Module | None:
        return self.session.final_norm

    @property
    def lm_head(self) -> torch.nn.Linear | None:
        return self.session.lm_head

    @property
    def traced(self) -> Any:
        """The model as nnsight wraps it, for use inside ``with model.trace(...)``."""
        return self.session.traced

    @property
    def device(self) -> torch.device:
        return self.session.device

    @property
    def dtype(self) -> torch.dtype | None:
        return self.module.dtype if self.module is not None else None

    @property
    def format_title(self) -> str:
        """The number format with the quantization, as figures and files name it."""
        return (
            f"{self.quantization} ({self.number_format})"
            if self.quantization
            else self.number_format
        )

    @property
    def identity(self) -> dict[str, str]:
        """The facts that identify this model's numbers.

        They are its name, the revision of its weights, the number format and the quantization.
        """
        return {
            "name": self.name,
            "revision": self.revision,
            "dtype": self.number_format,
            "quantization": self.quantization or "",
        }

    def trace(self, *inputs: Any, **options: Any) -> Any:
        """Open an nnsight trace of the model: ``with model.trace(text): ...``.

        One trace runs at a time in a process, without gradients, wherever the weights are. Raises
        ``TraceError`` if it cannot run.
        """
        return self.session.trace(*inputs, **options)

    def forward(self, **inputs: Any) -> ModelOutput:
        """Run the transformers model itself, outside a trace and without gradients.

        It waits for a trace in another thread to end: the two must not run at once.

        Args:
            inputs: as the transformers model takes them, on ``device``.

        Returns:
            What the transformers model returns, on ``device``.

        Raises:
            TraceError: The weights are not in this process.

        >>> import latentlang as ll
        >>> model = ll.load_model()
        >>> model.forward(**model.tokenizer("La fleur", return_tensors="pt")).logits.shape
        torch.Size([1, 3, 262144])
        """
        if self.module is None:
            raise TraceError(
                f"The weights of {self.name} are not in this process, so its transformers model "
                "cannot run here: use model.trace(...), or load a model that runs here."
            )
        with TRACE_LOCK, torch.no_grad():
            return self.module(**inputs)

    def folded_unembedding(
        self, rows: slice | Sequence[int] = slice(None)
    ) -> Float[Tensor, "row d_model"]:
        """Return the unembedding with the final norm's gain folded in, or some of its rows.

        For a LayerNorm model the rows are also centred over ``d_model``; that is the same as the
        norm, which subtracts the latent's mean. Rows are not normalised. The whole is as large as
        the unembedding in float32 (0.7 GB for the default model) and is not kept: ask for the rows
        you need. A server sends only the requested rows.

        Args:
            rows: token ids or a slice of them.

        Returns:
            ``[V, d_model]`` or ``[n_rows, d_model]``, float32, on the CPU wherever the weights are.
        """
        session = self.session
        if isinstance(session, Local) and session.direct:
            with torch.no_grad():
                return folded(session.lm_head, session.final_norm, rows).cpu()
        lm, inputs = self.traced, self._check_inputs()
        n_rows = len(range(self.vocab_size)[rows] if isinstance(rows, slice) else rows)
        with self.trace(**inputs, expected={"result": (n_rows, self.d_model)}) as tracer:
            result = nnsight.save(folded(lm.lm_head, lm.final_norm, rows).cpu())
            tracer.stop()
        return result

    def check(self) -> None:
        """Compare, once, the last layer's lens with the model's own logits.

        Raises ``ModelError`` if they differ: such a view must not be used.
        """
        if self._checked:
            return
        lm, transform, inputs = self.traced, self.logit_transform, self._check_inputs()
        with self.trace(**inputs, expected={"gap": (2,)}):
            h = block_output(lm.layers[-1].output)[:, -1]
            lens = transform(lm.lm_head(lm.final_norm(h)).float())
            own = lm.output.logits[:, -1].float()
            gap = nnsight.save(torch.stack([(own - lens).abs().max(), own.abs().max()]).cpu())
        difference, largest = gap.tolist()
        if not math.isfinite(largest):
            raise NotFiniteError(
                f"{self.name} does not compute finite numbers in {self.number_format} here: "
                "load it with dtype='float32' or 'bfloat16'."
            )
        exact = self.dtype == torch.float32 and not self.quantization
        tolerance = 1e-3 if exact else 0.25
        if not difference <= tolerance * max(1.0, largest / 10):
            raise ModelError(
                f"{self.name} computes its logits in a way that latentlang does not know "
                f"(the lens on the last layer differs by {difference:.2g}): choose another model, "
                "or report this architecture."
            )
        self._checked = True

    def __reduce__(self) -> tuple:
        """Travel in a trace as the names that a trace may use: a server has its own weights."""
        travelling = ("name", "n_layers", "d_model", "vocab_size", "logit_transform", "traced")
        return SimpleNamespace, (), {name: getattr(self, name) for name in travelling}

    def __copy__(self) -> Model:
        raise ModelError(f"{self.name} cannot be copied: load it again with ll.load_model().")

    def __deepcopy__(self, memo: dict) -> Model:
        return self.__copy__()

    def close(self) -> None:
        """Release the weights at once, so that another model fits in memory.

        ``load_model`` gives the same model to everybody who asks the same question, so it is closed
        for all of them.
        """
        if self.traced is None:
            return  # there are none; a stored model goes on answering
        self.session = Session(f"{self.name} has been closed: load it again with ll.load_model().")
        give_memory_back()

    def _check_inputs(self) -> dict:
        if self.traced is None:
            self.trace()  # raises the reason
        ids = torch.tensor([self.tokenizer(_CHECK_TEXT)["input_ids"]], device=self.device)
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def require_model(model: object) -> Model:
    """Return a model, or raise ``ModelError`` for anything else, such as its name."""
    if not isinstance(model, Model):
        raise ModelError(
            f"This needs a model, and it is a {type(model).__name__}: load one first, "
            "model = ll.load_model(), and pass model before everything else."
        )
    return model
