"""``Latents``: vectors of the residual stream with what they are about, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nnsight
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..models.model import Model, require_model
from ..models.view import block_output
from ..progress import interruptible
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.rows import rows_of
from ..prompts.setting import Setting
from ..prompts.third import in_language
from .batches import batches_of, halves, of_one_length
from .company import padding_is_safe
from .inputs import Inputs
from .memory import PROMPT, one_sentence
from .padding import padded
from .positions import positions_of


@dataclass(frozen=True, eq=False, repr=False)
class Latents:
    """Latents after every layer at one position, float32, on the CPU.

    ``values``: ``[n_prompts, n_layers, d_model]``, layer 1 first; of a ``language_vector``
    ``[n_layers, d_model]``. ``concepts``: what each row is about (an empty text for a typed one);
    of a vector, the concepts that it was made from. ``at``: their position. ``model``: its name.
    ``settings``: of the prompts; of a vector, those that it leads to and those that it leads away
    from. ``in_language(code)``: the same of prompts that ask for another language, or None where
    there is no such thing.

    Index them by concept, number, slice or mask: ``latents["eagle"]``. A vector has no rows.
    """

    values: Float[Tensor, "*prompt layer d_model"]
    concepts: tuple[str, ...]
    at: str | int
    model: str = ""
    settings: tuple[Setting, ...] = ()
    in_language: Callable[[str], Latents] | None = None

    def __post_init__(self) -> None:
        """Refuse values that do not fit the concepts."""
        if self.values.ndim == 3 and len(self.values) != len(self.concepts):
            raise DataError(
                f"Latents need one concept per row, and there are {len(self.concepts)} for "
                f"{len(self.values)} rows."
            )

    def __len__(self) -> int:
        return 1 if self.is_vector else len(self.values)

    @property
    def is_vector(self) -> bool:
        """Whether this is one vector per layer, and not one per prompt and layer."""
        return self.values.ndim == 2

    @property
    def origin(self) -> str:
        """The titles of the prompts."""
        return (" − " if self.is_vector else ", ").join(each.title for each in self.settings)

    @property
    def languages(self) -> set[str]:
        """The codes of every language of the prompts."""
        return {code for s in self.settings for code in (*s.sources, s.target, s.pivot) if code}

    def __repr__(self) -> str:
        rows = "" if self.is_vector else f"{len(self)} prompts x "
        size = f"{rows}{self.values.shape[-2]} layers x {self.values.shape[-1]}"
        return f"Latents({size} at {self.at} of {self.model}: {self.origin})"

    def __getitem__(self, item: Any) -> Latents:
        if self.is_vector:
            raise DataError("A vector is one for all concepts: use it as it is.")
        rows, remake = rows_of(item, self.concepts), self.in_language
        return replace(
            self,
            values=self.values[rows],
            concepts=tuple(self.concepts[row] for row in rows),
            in_language=None if remake is None else lambda code: remake(code)[rows],
        )


@interruptible
def latents_at(
    model: Model,
    prompts: PromptSet | Prompt | str | Sequence[PromptSet | Prompt | str],
    at: str | int = "last",
) -> Latents:
    """Read the latents of prompts after every layer, at one position, to put them elsewhere.

    Args:
        model: what ``load_model`` returns.
        prompts: as ``decode`` takes them.
        at: ``"last"``; ``"word"``, the last token of the queried word; or a number, counted from 0
            at the beginning or from -1 at the end.

    Returns:
        Latents of ``[n_prompts, n_layers, d_model]``.

    Raises:
        TraceError: for a position that a prompt does not have.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "fr", "de", tokenizer=model.tokenizer)
    >>> latents = ll.latents_at(model, prompts[["sky", "flower"]])
    >>> latents
    Latents(2 prompts x 18 layers x 640 at last of gemma-3-270m: translation fr → de)
    >>> latents["sky"].values.shape
    torch.Size([1, 18, 640])
    """
    require_model(model)
    inputs = Inputs.of(prompts, None)
    inputs.check_ids(model, ())
    encoded = inputs.encoded(model)
    places = positions_of(model, inputs, encoded, at)
    # What comes later changes nothing here, so it is not read.
    values = read_latents(model, [ids[: n + 1] for ids, n in zip(encoded, places)])
    concepts = tuple(inputs.table["concept"])
    latents = Latents(values, concepts, at, model.name, (inputs.setting,))
    if not inputs.prompts:
        return latents
    built = PromptSet.of(inputs.prompts)

    def remake(code: str) -> Latents:
        return replace(latents_at(model, in_language(built, code), at), concepts=concepts)

    return replace(latents, in_language=remake)


def read_latents(model: Model, encoded: list[list[int]]) -> Float[Tensor, "prompt layer d_model"]:
    """Return the latents after every layer at the last token of each prompt, float32, on the CPU.

    Args:
        model: which reads them.
        encoded: the token ids of the prompts.
    """
    model.check()
    with one_sentence(PROMPT, model):
        safe = padding_is_safe(model, encoded)
    queue = batches_of(encoded, None)
    queue = queue if safe else of_one_length(queue, encoded)
    values = torch.empty(len(encoded), model.n_layers, model.d_model)
    while queue:
        rows = queue.pop(0)
        try:
            values[rows] = _traced(model, [encoded[row] for row in rows])
        except torch.OutOfMemoryError:
            queue[:0] = halves(rows, model)
    return values


def _traced(model: Model, encoded: list[list[int]]) -> Float[Tensor, "batch layer d_model"]:
    lm = model.traced
    inputs = {**padded(encoded, model), "use_cache": False}
    shape = (len(encoded), model.n_layers, model.d_model)
    with model.trace(**inputs, expected={"latents": shape}) as tracer:
        kept = []
        for block in lm.layers:
            kept.append(block_output(block.output)[:, -1].float().cpu())
        latents = nnsight.save(torch.stack(kept, 1))
        tracer.stop()
    return latents
