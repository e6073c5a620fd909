"""``sweep``: one intervention at each layer in turn, and what the model then answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import TraceError
from ..models.encoding import check_length
from ..models.model import Model, require_model
from ..progress import Progress, interruptible, reporting
from ..prompts.prompt import Prompt, PromptSet
from .changes import Planned, latents_in
from .company import beginnings_are_safe, padding_is_safe
from .controls import controls_for
from .inputs import Inputs, token_numbers
from .memory import PROMPT, one_sentence
from .sweep_batches import Row, Rows
from .sweep_result import Sweep

Sets = Mapping[str, Sequence[Any]]


@interruptible
def sweep(
    model: Model,
    prompts: PromptSet | Prompt | str | Sequence[PromptSet | Prompt | str],
    intervention: Any,
    *,
    onward: bool = False,
    targets: Sets | None = None,
    controls: bool = False,
    seed: int = 0,
    allow_seen: bool = False,
    progress: Progress = True,
) -> Sweep:
    """Change one layer after the other, and read what the model then answers.

    The tokens before the changed position are read once; the changes of all layers then run as the
    rows of one batch behind their keys and values. An 8-bit model rounds what is read together
    alike, so its answers differ from those of whole prompts: by 0.1 in one of three answers tried.

    Args:
        model: what ``load_model`` returns.
        prompts: those that are changed, as ``decode`` takes them.
        intervention: ``Patch``, ``Steer`` or ``Erase``. Its ``layers`` are those that are swept,
            None for all.
        onward: change each layer and all later ones, not one layer alone.
        targets: ``{label: one set of token ids per prompt}``, whose probabilities are read, such as
            ``ll.pairs(...).targets``. None for the words of built prompts, by language.
        controls: sweep the controls too: the prompts patched into themselves (``"self"``), latents
            or directions of another concept (``"another concept"``), random vectors of the same
            length (``"random"``), and latents of prompts that ask for a third language
            (``"third language (es)"``). What has no such control is left out: a vector is about no
            concept, and a tensor does not know its prompts.
        seed: draws the controls.
        allow_seen: a language vector was made from prompts about some concepts. Prompts about them
            are refused unless this is True.
        progress: True for a bar; a function is called with (done, total).

    Returns:
        The probabilities by label, ``[n_prompts, n_layers]``, and those without a change.

    Raises:
        TraceError: for a request that cannot be met.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> french = ll.build_prompts("translation", "fr", "en", tokenizer=model.tokenizer)
    >>> german = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)
    >>> patch = ll.Patch(ll.latents_at(model, french["book"]))
    >>> ll.sweep(model, german["flower"], patch, progress=False)
    Sweep(Patch at last: 1 prompts x 18 layers of gemma-3-270m, float32: translation de → zh)
    """
    work = Sweeping(
        model,
        prompts,
        intervention,
        onward=onward,
        targets=targets,
        controls=controls,
        seed=seed,
        allow_seen=allow_seen,
    )
    work.work(progress)
    return work.sweep()


class Sweeping:
    """One call of ``sweep``: the checked request, the work in batches, and the sweep.

    ``continue_tokens``: how many tokens the changed model writes, after each layer's change.
    """

    def __init__(
        self,
        model: Model,
        prompts: Any,
        intervention: Any,
        *,
        onward: bool = False,
        targets: Any = None,
        controls: bool = False,
        seed: int = 0,
        allow_seen: bool = False,
        continue_tokens: int = 0,
    ) -> None:
        self.model = require_model(model)
        if model.traced is None:
            model.trace()  # raises the reason
        self.inputs = inputs = Inputs.of(prompts, None)
        self.sets = _sets(inputs, targets)
        inputs.check_ids(
            model, {each for sets in self.sets.values() for ids in sets for each in ids}
        )
        self.encoded = inputs.encoded(model)
        for ids, text in zip(self.encoded, inputs.texts):
            check_length(model, len(ids) + max(continue_tokens - 1, 0), text)
        planned = Planned.of(intervention, model, inputs, self.encoded)
        if not allow_seen:
            _check_unseen(intervention, inputs)
        self.layers = planned.layers or tuple(range(1, model.n_layers + 1))
        self.intervention, self.onward, self.planned = intervention, onward, {"": planned}
        if controls:
            drawn = controls_for(model, inputs, self.encoded, intervention, planned, seed)
            for name, control in drawn.items():
                self.planned[name] = Planned.of(control, model, inputs, self.encoded)
        self.continue_tokens = continue_tokens

    def work(self, progress: Progress) -> None:
        """Change all prompts at all layers, batch by batch."""
        model, n = self.model, len(self.encoded)
        model.check()
        with one_sentence(PROMPT, model):
            padding = padding_is_safe(model, self.encoded)
            shared = beginnings_are_safe(model)
        texts = self.inputs.texts
        planned = {name: [each] for name, each in self.planned.items()}
        rows = Rows(model, texts, self.encoded, self.sets, planned, self.onward, shared, padding)
        wanted = [(0, ""), *((layer, name) for name in self.planned for layer in self.layers)]
        self.answers: dict[Row, Float[Tensor, " label"]] = {}
        self.written: dict[Row, list[int]] = {}
        with reporting(progress if callable(progress) or n > 1 else False, n) as report:
            for done, answers, written in rows.work(wanted, self.continue_tokens):
                self.answers |= answers
                self.written |= written
                report(done)

    def sweep(self) -> Sweep:
        """Return the sweep of all prompts."""
        inputs, model, numbers = self.inputs, self.model, range(len(self.encoded))
        latents = next(iter(latents_in(self.intervention)), None)
        of_rows = latents is not None and not latents.is_vector
        names = latents.concepts if latents is not None and of_rows else ("",)
        given = names * len(numbers) if len(names) == 1 else names
        controls = [name for name in self.planned if name]
        return Sweep(
            model=model.name,
            setting=inputs.setting,
            layers=self.layers,
            prompts=inputs.table.assign(source_concept=list(given)),
            probability=self._curves(""),
            baseline={label: values[:, 0] for label, values in self._by_label([(0, "")]).items()},
            intervention=type(self.intervention).__name__,
            at=self.intervention.at,
            onward=self.onward,
            controls={name: self._curves(name) for name in controls},
            origin=latents.origin if latents is not None else "",
            continuations=self._texts() if self.continue_tokens else (),
            number_format=model.format_title,
            revision=model.revision,
        )

    def _curves(self, name: str) -> dict[str, Float[Tensor, "prompt layer"]]:
        return self._by_label([(layer, name) for layer in self.layers])

    def _by_label(self, columns: list[tuple[int, str]]) -> dict[str, Float[Tensor, "prompt layer"]]:
        """Return the probabilities of some changes of every prompt, by label."""
        n = len(self.encoded)
        rows = [torch.stack([self.answers[i, *each] for each in columns]) for i in range(n)]
        values: Float[Tensor, "prompt layer label"] = torch.stack(rows)
        return {label: values[..., place].clone() for place, label in enumerate(self.sets)}

    def _texts(self) -> tuple[tuple[str, ...], ...]:
        decode = self.model.tokenizer.decode
        return tuple(
            tuple(str(decode(self.written[i, layer, ""])) for layer in self.layers)
            for i in range(len(self.encoded))
        )


def _sets(inputs: Inputs, targets: Any) -> dict[str, list[tuple[int, ...]]]:
    """Return one set of token ids per prompt, by label."""
    if targets is None:
        if not inputs.languages:
            raise TraceError(
                "A sweep reads the probabilities of words: pass targets={label: [token ids of each "
                "prompt]}, or prompts of ll.build_prompts."
            )
        targets = {code: [row[code] for row in inputs.token_ids] for code in inputs.languages}
    if not isinstance(targets, Mapping) or not targets:
        raise TraceError("targets must be {label: [a set of token ids for each prompt]}.")
    n, sets = len(inputs.texts), {}
    for label, rows in targets.items():
        if not isinstance(rows, Sequence) or len(rows) != n:
            raise TraceError(
                f"targets['{label}'] must be a list with one set of token ids for each of the {n} "
                "prompts."
            )
        sets[str(label)] = [token_numbers(ids) for ids in rows]
    return sets


def _check_unseen(intervention: Any, inputs: Inputs) -> None:
    """Refuse prompts about the concepts that a vector was made from."""
    seen = {
        c for latents in latents_in(intervention) if latents.is_vector for c in latents.concepts
    }
    shared = [concept for concept in inputs.table["concept"] if concept in seen]
    if shared:
        listed = ", ".join(shared[:5]) + (" and others" if shared[5:] else "")
        raise TraceError(
            f"The vector was made from prompts about {listed}, so it may carry their words: sweep "
            "prompts about other concepts, or pass allow_seen=True."
        )
