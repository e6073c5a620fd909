"""The logit lens: each layer's latent, read with the output layer (paper, section 3.2).

One nnsight trace runs a batch and reduces it: only a few numbers of each vocabulary-sized
distribution are kept, so memory does not grow with prompts times layers.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Sequence
from typing import Any

import nnsight
import torch
from jaxtyping import Shaped
from torch import Tensor

from ..errors import TraceError
from ..models.model import Model, require_model
from ..models.view import block_output
from ..progress import Progress, reporting
from ..prompts.prompt import Prompt, PromptSet
from .batches import batches_of, halves
from .energy import CHUNK_ROWS, Gram, gram
from .inputs import Inputs, Targets, token_numbers
from .prefix import Prefix
from .readings import READINGS, TokenSets
from .reduce import Request, reduce
from .request import check_names, check_request
from .run import Run

_grams: weakref.WeakKeyDictionary[Model, Gram] = weakref.WeakKeyDictionary()


def decode(
    model: Model,
    prompts: PromptSet | Prompt | str | Sequence[PromptSet | Prompt | str],
    targets: Targets | Sequence[Targets] | None = None,
    *,
    top_k: int = 5,
    watch: Sequence[int] | None = None,
    positions: str | int = "last",
    keep_latents: bool = False,
    include_embedding: bool = False,
    energy: bool = True,
    batch_size: int | None = None,
    progress: Progress = True,
) -> Run:
    """Read every layer of the model at the position that predicts the answer.

    If a GPU runs out of memory, the batch is halved. If you interrupt it, the prompts that are done
    are returned with a warning.

    Args:
        model: what ``load_model`` returns.
        prompts: a ``PromptSet``, a ``Prompt``, a list of either, a text, or a list of texts.
        targets: for texts, ``{language: token ids}`` for each of them; None follows no words.
        top_k: how many of the most probable tokens are kept.
        watch: token ids whose log-probabilities are kept for all prompts.
        positions: ``"last"``. For one prompt also ``"all"``, or how many of its last positions.
        keep_latents: keep the latents as well, ``d_model`` numbers per prompt and layer.
        include_embedding: add layer 0.
        energy: read the token energy.
        batch_size: None for about 2,000 tokens per batch; it changes speed, not numbers.
        progress: True for a bar; a function is called with (done, total) after every batch and may
            raise to stop.

    Returns:
        The readings, on the CPU, each ``[n_prompts, n_layers]`` (paper, section 3.2).

    Raises:
        TraceError: for a request that cannot be met.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "fr", "de", tokenizer=model.tokenizer)
    >>> run = ll.decode(model, prompts[["sky", "flower"]])
    >>> run
    Run(2 prompts x 18 layers of gemma-3-270m, float32: translation fr → de)
    >>> run.probability["de"].shape
    torch.Size([2, 18])
    """
    reading = Decoding(
        model,
        prompts,
        targets,
        top_k=top_k,
        watch=watch,
        positions=positions,
        keep_latents=keep_latents,
        include_embedding=include_embedding,
        energy=energy,
        batch_size=batch_size,
    )
    try:
        reading.work(progress)
    except KeyboardInterrupt:
        if not reading.done:
            raise
        warnings.warn(
            f"Stopped after {len(reading.done)} of {len(reading.texts)} prompts; "
            "the result holds only these.",
            stacklevel=2,
        )
    return reading.run()


class Decoding:
    """One call of ``decode``: the checked request, the work in batches, and the run."""

    def __init__(
        self,
        model: Model,
        prompts: Any,
        targets: Any = None,
        *,
        top_k: int = 5,
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
        self.encoded = [model.tokenizer(text)["input_ids"] for text in inputs.texts]
        self.several = positions != "last"
        length = len(self.encoded[0])
        if isinstance(positions, int):
            self.read = min(positions, length)
        else:
            self.read = length if positions == "all" else 1
        self.names = tuple(n for n, reading in READINGS.items() if energy or not reading.needs_gram)
        self.top_k, self.keep_latents, self.embedding = top_k, keep_latents, include_embedding
        self.batches = batches_of(self.encoded, batch_size)
        self.done: dict[int, dict[str, Tensor]] = {}

    def work(self, progress: Progress) -> None:
        """Read all prompts, batch by batch."""
        model, total = self.model, len(self.texts)
        model.check()
        received = model.session.received
        needs_gram = any(READINGS[name].needs_gram for name in self.names)
        table = _gram(model) if needs_gram and model.session.direct else None
        prefix = Prefix.of(model, self.encoded, self.read)
        queue = list(self.batches)
        with reporting(progress if callable(progress) or total > 1 else False, total) as report:
            while queue:
                rows = queue.pop(0)
                try:
                    parts = self._trace(rows, prefix, table)
                except torch.OutOfMemoryError:
                    queue[:0] = halves(rows, model)
                    continue
                for n, row in enumerate(rows):
                    self.done[row] = {name: tensor[n] for name, tensor in parts.items()}
                report(len(self.done))
        received = model.session.received - received
        if received and progress is True:
            print(f"{total} prompts: {received:,} bytes of results came from {model.session.host}.")

    def run(self) -> Run:
        """Return the run of all prompts that are done."""
        rows, inputs = sorted(self.done), self.inputs
        names = self.done[rows[0]]
        parts: dict[str, Any] = {
            name: torch.stack([self.done[row][name] for row in rows]) for name in names
        }
        if not self.several:
            parts = {name: tensor[:, 0] for name, tensor in parts.items()}
        readings = {}
        for name in self.names:
            values = parts.pop(name)
            if READINGS[name].per == "language":
                self._check_languages(name, values)
                values = {code: values[..., n] for n, code in enumerate(inputs.languages)}
            readings[name] = values
        return Run(
            model=self.model.name,
            setting=inputs.setting,
            layers=tuple(range(0 if self.embedding else 1, self.model.n_layers + 1)),
            prompts=inputs.table.iloc[rows].reset_index(drop=True),
            readings=readings,
            watch=self.watch,
            position_tokens=tuple(self.encoded[0][-self.read :]) if self.several else (),
            number_format=self.model.format_title,
            revision=self.model.revision,
            **parts,
        )

    def _check_languages(
        self, name: str, values: Shaped[Tensor, "prompt *position layer language"]
    ) -> None:
        if values.shape[-1] != len(self.inputs.languages):
            raise TraceError(
                f"The reading '{name}' has {values.shape[-1]} values per row and there are "
                f"{len(self.inputs.languages)} languages: return one value per language."
            )

    def _trace(
        self, rows: list[int], prefix: Prefix, table: Gram | None
    ) -> dict[str, Shaped[Tensor, "batch position layer ..."]]:
        """Trace one batch; return ``{name: [batch, position, layer, ...]}`` on the CPU."""
        tokens = TokenSets.of([self.inputs.token_ids[row] for row in rows], self.inputs.languages)
        watch = torch.tensor(self.watch, dtype=torch.long)
        request = Request(self.names, tokens, watch, self.top_k, table, self.keep_latents)
        inputs = prefix.continued_by([self.encoded[row] for row in rows], self.model)
        lm, transform = self.model.traced, self.model.logit_transform
        read, embedding = self.read, self.embedding
        with self.model.trace(**inputs) as tracer:
            latents = []
            if embedding:
                latents.append(lm.layers[0].input[:, -read:].clone())
            for block in lm.layers:
                # A view would keep all positions in memory.
                latents.append(block_output(block.output)[:, -read:].clone())
            device = lm.lm_head.weight.device
            h = torch.stack([x.to(device) for x in latents], 2)
            readings = nnsight.save(reduce(h, lm.final_norm, lm.lm_head, transform, request))
            tracer.stop()
        return {name: tensor.cpu() for name, tensor in readings.items()}


def _gram(model: Model) -> Gram:
    if model not in _grams:
        starts = range(0, model.vocab_size, CHUNK_ROWS)
        _grams[model] = gram(model.folded_unembedding(slice(s, s + CHUNK_ROWS)) for s in starts)
    return _grams[model]
