"""The rows of a sweep: one per prompt and change, run behind the beginnings of their prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import nnsight
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..models.model import Model
from ..models.view import block_output
from ..prompts.prompt import PromptSet
from .changes import Planned
from .company import beginnings_are_safe, padding_is_safe
from .finite import check_numbers
from .inputs import Inputs
from .interventions import Change, changed
from .memory import PROMPT, fewer, one_sentence
from .prefix import Prefix
from .readings import TokenSets
from .reduce import FINITE, Request, reduce
from .request import shapes_of

# The number of a prompt, a layer, and the name of a change. Layer 0 without a name means
# that nothing is changed; with one, that all layers are which its interventions name.
Row = tuple[int, int, str]

_TOKENS = 1024  # that are read at once
_BYTES = 2**28  # of keys and values that stand before the rows of a batch


class Rows:
    """What every batch of a sweep needs.

    ``texts``, ``encoded``: the prompts and their token ids. ``sets``: their token sets by label.
    ``planned``: the changes by name, each of one intervention or several. ``onward``: whether a row
    that names a layer is changed at later layers too.
    ``shared``: whether prompts may continue from a cache. ``padding``: whether they may be padded.
    """

    def __init__(
        self,
        model: Model,
        texts: Sequence[str],
        encoded: Sequence[list[int]],
        sets: Mapping[str, Sequence[tuple[int, ...]]],
        planned: Mapping[str, Sequence[Planned]],
        onward: bool,
        shared: bool,
        padding: bool,
    ) -> None:
        self.model, self.texts, self.encoded, self.planned = model, texts, encoded, planned
        self.onward, self.shared, self.padding = onward, shared, padding
        rows = [dict(zip(sets, ids)) for ids in zip(*sets.values())]
        self.tokens = TokenSets.of(rows, list(sets))
        self.nothing = TokenSets.of([{} for _ in encoded], [])

    def work(
        self, wanted: Sequence[tuple[int, str]], continue_tokens: int
    ) -> Iterator[tuple[int, dict[Row, Float[Tensor, " label"]], dict[Row, list[int]]]]:
        """Yield how many prompts are done, and the answers and texts of some of them.

        Args:
            wanted: the changes of every prompt.
            continue_tokens: how many tokens each row writes at least.
        """
        done = 0
        for prompts in self._groups():
            rows = [(prompt, *each) for prompt in prompts for each in wanted]
            answers: dict[Row, Float[Tensor, " label"]] = {}
            written: dict[Row, list[int]] = {row: [] for row in rows}
            prefix = self._prefix(prompts)
            queue = self._batches(rows, prefix)
            while queue:
                batch = queue.pop(0)
                try:
                    for step in range(max(1, continue_tokens)):
                        values, best = self._traced(batch, prompts, prefix, written)
                        if step == 0:
                            answers |= dict(zip(batch, values))
                        for row, token in zip(batch, best.tolist()):
                            written[row].append(token)
                        batch = [row for row in batch if not row[-1]]  # controls write nothing
                        if not batch:
                            break
                except torch.OutOfMemoryError:
                    half = fewer(len(batch), PROMPT, self.model)
                    queue[:0] = [batch[:half], batch[half:]]
                    written |= {row: [] for row in batch}
            done += len(prompts)
            yield done, answers, written

    def _start(self, prompt: int) -> int:
        """Return how many tokens of a prompt stand before every change."""
        ends = [each.ends[prompt] for parts in self.planned.values() for each in parts]
        return len(self.encoded[prompt]) - max(ends, default=1) if self.shared else 0

    def _groups(self) -> Iterator[list[int]]:
        """Yield prompts that are read together: what is left of them has one length.

        Nothing then stands between a beginning and its rows, so that no window of attention moves.
        """

        def kind(prompt: int) -> tuple[int, int]:
            start = self._start(prompt)
            return len(self.encoded[prompt]) - start, 0 if self.padding and start else start

        order = sorted(range(len(self.encoded)), key=lambda n: (kind(n), -len(self.encoded[n])))
        for _, group in groupby(order, kind):
            prompts = list(group)
            size = max(1, _TOKENS // len(self.encoded[prompts[0]]))
            yield from (prompts[at : at + size] for at in range(0, len(prompts), size))

    def _prefix(self, prompts: Sequence[int]) -> Prefix:
        beginnings = [self.encoded[n][: self._start(n)] for n in prompts]
        return Prefix.read(self.model, beginnings) if all(beginnings) else Prefix()

    def _batches(self, rows: list[Row], prefix: Prefix) -> list[list[Row]]:
        """Split rows so that the memory of a batch does not grow with prompts times layers."""
        longest = max(len(self.encoded[prompt]) for prompt, *_ in rows)
        size = _TOKENS // longest
        if prefix.row_bytes:
            size = min(_TOKENS // (longest - min(prefix.lengths)), _BYTES // prefix.row_bytes)
        size = max(1, size)
        return [rows[at : at + size] for at in range(0, len(rows), size)]

    def _traced(
        self,
        batch: Sequence[Row],
        prompts: Sequence[int],
        prefix: Prefix,
        written: Mapping[Row, list[int]],
    ) -> tuple[Float[Tensor, "row label"], Int[Tensor, " row"]]:
        """Return the probabilities of each row's token sets, and its most probable token."""
        model, lm, transform = self.model, self.model.traced, self.model.logit_transform
        numbers = [prompt for prompt, *_ in batch]
        encoded = [self.encoded[row[0]] + written[row] for row in batch]
        places = {prompt: place for place, prompt in enumerate(prompts)}
        inputs = prefix.continued_by(encoded, model, [places[n] for n in numbers])
        tokens, nothing = (each.at(torch.tensor(numbers)) for each in (self.tokens, self.nothing))
        watch = torch.tensor([], dtype=torch.long)
        request = Request(("probability",), tokens, nothing, watch, 1, None, False, False)
        expected = {"readings": shapes_of(request, (len(batch), 1, 1), model)}
        changes = [
            self._change(name, each, batch, written)
            for name, parts in self.planned.items()
            for each in parts
        ]
        with model.trace(**inputs, expected=expected) as tracer:
            for number, block in enumerate(lm.layers, 1):
                output = changed(block.output, number, changes)
                block.output = output
            h = block_output(output)[:, None, None, -1].to(lm.lm_head.weight.device)
            readings = nnsight.save(reduce(h, lm.final_norm, lm.lm_head, transform, request))
            tracer.stop()
        parts = {name: tensor.cpu() for name, tensor in readings.items()}
        texts = [self.texts[n] for n in numbers]
        check_numbers(model, texts, [model.n_layers], parts.pop(FINITE), parts)
        return parts["probability"][:, 0, 0], parts["top_ids"][:, 0, 0, 0]

    def _change(
        self, name: str, planned: Planned, batch: Sequence[Row], written: Mapping[Row, list[int]]
    ) -> Change:
        """Return an intervention of a name, which touches the rows that bear this name."""
        layers = torch.zeros(len(batch), self.model.n_layers, dtype=torch.bool)
        named = planned.layers or range(1, self.model.n_layers + 1)
        for place, (_, layer, own) in enumerate(batch):
            if own == name and layer:
                layers[place, layer - 1 : None if self.onward else layer] = True
            elif own == name != "":
                layers[place, [each - 1 for each in named]] = True
        rows = [prompt for prompt, *_ in batch]
        return planned.change(rows, layers, len(written[batch[0]]))


def best_tokens(model: Model, prompts: PromptSet) -> list[int]:
    """Return the token that the model puts first, for each prompt."""
    inputs = Inputs.of(prompts, None)
    inputs.check_ids(model, ())
    model.check()
    encoded = inputs.encoded(model)
    with one_sentence(PROMPT, model):
        ways = beginnings_are_safe(model), padding_is_safe(model, encoded)
    rows = Rows(model, inputs.texts, encoded, {"": [()] * len(encoded)}, {}, False, *ways)
    written = {row: ids for _, _, texts in rows.work([(0, "")], 1) for row, ids in texts.items()}
    return [written[n, 0, ""][0] for n in range(len(encoded))]
