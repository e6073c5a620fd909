"""The work behind ``decode``: the checked request, one trace per batch, and the run.

One nnsight trace runs a batch and reduces it: only a few numbers of each vocabulary-sized
distribution are kept, so memory does not grow with prompts times layers.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import Any

import nnsight
import torch
from jaxtyping import Shaped
from torch import Tensor

from ..files import say
from ..models.model import Model, require_model
from ..models.versions import versions
from ..models.view import block_output
from ..progress import Progress, reporting
from .batches import batches_of, halves, of_one_length
from .changes import plans
from .company import padding_is_safe, shared_beginning
from .energy import Gram
from .finite import check_numbers
from .followed import Followed
from .inputs import Inputs, token_numbers
from .interventions import changed
from .lens import Lens, require_lens
from .memory import PROMPT, gram_of, one_sentence
from .prefix import Prefix
from .readings import READINGS, TokenSets
from .reduce import FINITE, Request, reduce
from .request import check_names, check_request, shapes_of
from .run import Run

# The Gram matrix of each model, with the weights that it was made of.
_grams: weakref.WeakKeyDictionary[Model, tuple[tuple, Gram]] = weakref.WeakKeyDictionary()


class Decoding:
    """One call of ``decode``: the checked request, the work in batches, and the run."""

    def __init__(
        self,
        model: Model,
        prompts: Any,
        targets: Any = None,
        *,
        lens: Lens | None = None,
        interventions: Sequence[Any] = (),
        top_k: int = 5,
        follow: bool = False,
        watch: Sequence[int] | None = None,
        positions: str | int = "last",
        keep_latents: bool = False,
        include_embedding: bool = False,
        energy: bool = True,
        batch_size: int | None = None,
    ) -> None:
        require_model(model)
        inputs = Inputs.of(prompts, targets)
        check_request(model, len(inputs.texts), positions, top_k, batch_size)
        check_names(READINGS)
        self.model, self.inputs, self.texts = model, inputs, inputs.texts
        self.watch = () if watch is None else token_numbers(watch)
        inputs.check_ids(model, self.watch)
        self.encoded = inputs.encoded(model)
        self.several = positions != "last"
        length = len(self.encoded[0])
        if isinstance(positions, int):
            self.read = min(positions, length)
        else:
            self.read = length if positions == "all" else 1
        self.planned = plans(interventions, model, inputs, self.encoded)
        self.names = tuple(n for n, reading in READINGS.items() if energy or not reading.needs_gram)
        self.top_k, self.follow, self.keep_latents = top_k, follow, keep_latents
        self.embedding = include_embedding
        self.batch_size = batch_size
        self.layers = tuple(range(0 if include_embedding else 1, model.n_layers + 1))
        self.lens = None if lens is None else require_lens(lens)
        self.lens_name = "logit" if self.lens is None else self.lens.name
        self.maps = None if self.lens is None else self.lens.maps(model, self.layers)
        self.done: dict[int, dict[str, Tensor]] = {}
        self.chance: dict[str, float] = {}

    def work(self, progress: Progress) -> None:
        """Read all prompts, batch by batch."""
        model, total = self.model, len(self.texts)
        model.check()
        received = model.session.received
        needs_gram = any(READINGS[name].needs_gram for name in self.names)
        table = _gram(model) if needs_gram and model.session.direct else None
        self.chance = {"entropy": math.log2(model.vocab_size)}
        if table is not None:
            self.chance["energy"] = table.random_energy
        own = max([self.read, *(end for each in self.planned for end in each.ends)])
        with one_sentence(PROMPT, model):
            padding = padding_is_safe(model, self.encoded)
            prefix = shared_beginning(model, self.encoded, own) if padding else Prefix()
        queue = batches_of(self.encoded, self.batch_size)
        queue = queue if padding else of_one_length(queue, self.encoded)
        with reporting(progress if callable(progress) or total > 1 else False, total) as report:
            while queue:
                rows = queue.pop(0)
                try:
                    parts = self.trace(rows, prefix, table)
                except torch.OutOfMemoryError:
                    queue[:0] = halves(rows, model)
                    continue
                for n, row in enumerate(rows):
                    self.done[row] = {name: tensor[n] for name, tensor in parts.items()}
                report(len(self.done))
        received = model.session.received - received
        if received and progress is True:
            say(f"{total} prompts: {received:,} bytes of results came from {model.session.host}.")

    def run(self) -> Run:
        """Return the run of all prompts that are done."""
        rows, inputs = sorted(self.done), self.inputs
        parts: dict[str, Any] = {
            name: torch.stack([self.done[row][name] for row in rows]) for name in self.done[rows[0]]
        }
        if not self.several:
            parts = {name: tensor[:, 0] for name, tensor in parts.items()}
        readings = {}
        for name in self.names:
            values = parts.pop(name)
            if READINGS[name].per == "language":
                values = inputs.by_label(name, values)
            readings[name] = values
        if self.follow:
            parts["followed"] = Followed.of(parts["top_ids"], parts["followed"])
        return Run(
            model=self.model.name,
            setting=inputs.setting,
            layers=self.layers,
            prompts=inputs.table.iloc[rows].reset_index(drop=True),
            readings=readings,
            watch=self.watch,
            position_tokens=tuple(self.encoded[0][-self.read :]) if self.several else (),
            number_format=self.model.format_title,
            revision=self.model.revision,
            lens=self.lens_name,
            chance=self.chance,
            token_ids=tuple(inputs.sets(row) for row in rows),
            tokenizer=self.model.tokenizer,
            interventions=tuple(each.title for each in self.planned),
            **parts,
        )

    def trace(
        self, rows: list[int], prefix: Prefix, table: Gram | None
    ) -> dict[str, Shaped[Tensor, "batch position layer ..."]]:
        """Read one batch; return ``{name: [batch, position, layer, ...]}`` on the CPU."""
        request = self.request(rows, table)
        inputs = prefix.continued_by([self.encoded[row] for row in rows], self.model)
        lm, transform = self.model.traced, self.model.logit_transform
        read, embedding, n_blocks = self.read, self.embedding, self.model.n_layers
        changes = [each.at_its_layers(rows, n_blocks) for each in self.planned]
        n_layers = n_blocks + embedding
        expected = {"readings": shapes_of(request, (len(rows), read, n_layers), self.model)}
        with self.model.trace(**inputs, expected=expected) as tracer:
            latents = []
            if embedding:
                latents.append(lm.layers[0].input[:, -read:].clone())
            for number, block in enumerate(lm.layers, 1):
                if changes:
                    block.output = changed(block.output, number, changes)
                # A view would keep all positions in memory.
                latents.append(block_output(block.output)[:, -read:].clone())
            device = lm.lm_head.weight.device
            h = torch.stack([x.to(device) for x in latents], 2)
            readings = nnsight.save(reduce(h, lm.final_norm, lm.lm_head, transform, request))
            tracer.stop()
        return self.checked(rows, readings)

    def request(self, rows: list[int], table: Gram | None) -> Request:
        """Return what to keep of each prompt of a batch."""
        sets = [self.inputs.token_ids[row] for row in rows]
        tokens = TokenSets.of(sets, self.inputs.languages)
        others = TokenSets.of(sets, self.inputs.yardsticks)
        watch = torch.tensor(self.watch, dtype=torch.long)
        return Request(
            self.names,
            tokens,
            others,
            watch,
            self.top_k,
            table,
            self.keep_latents,
            self.follow,
            self.maps,
        )

    def checked(
        self, rows: list[int], readings: dict[str, Tensor]
    ) -> dict[str, Shaped[Tensor, "batch position layer ..."]]:
        """Return what a batch gave on the CPU, or raise for numbers that are not finite."""
        parts = {name: tensor.cpu() for name, tensor in readings.items()}
        texts = [self.texts[row] for row in rows]
        check_numbers(self.model, texts, self.layers, parts.pop(FINITE), parts)
        return parts


def _gram(model: Model) -> Gram:
    weights = versions(*(part for part in (model.lm_head, model.final_norm) if part is not None))
    if model not in _grams or _grams[model][0] != weights:
        _grams[model] = weights, gram_of(model)
    return _grams[model][1]
