"""The logit lens: what the output layer would say of every layer's latent (paper, section 3.2).

One nnsight trace runs a batch and reduces inside it: of the vocabulary-sized distribution of
every prompt and layer only a few numbers are kept, so memory does not grow with their product.
"""

from __future__ import annotations

import copy
import inspect
import math
import warnings
import weakref
from collections.abc import Mapping, Sequence

import nnsight
import pandas as pd
import torch

from .architectures import block_output
from .decoded import Decoded
from .errors import TraceError
from .geometry import CHUNK_ROWS, Gram, gram
from .models import Model
from .progress import Progress, reporting
from .prompts import PromptSet
from .reduction import Request, reduce
from .remote import TRACE_LOCK, tracing

_BATCH_TOKENS = 2048
_grams: weakref.WeakKeyDictionary[Model, Gram] = weakref.WeakKeyDictionary()


def decode(
    model: Model,
    prompts: PromptSet | Sequence[str],
    targets: Sequence[Mapping[str, Sequence[int]]] | None = None,
    *,
    top_k: int = 5,
    watch: Sequence[int] | None = None,
    positions: str | int = "last",
    keep_latents: bool = False,
    include_embedding: bool = False,
    energy: bool = True,
    batch_size: int | None = None,
    progress: Progress = True,
) -> Decoded:
    """Read every layer of the model at the position that predicts the answer.

    ``prompts``: a ``PromptSet``, or texts with ``targets[i] = {language: token ids}`` for each
    (None follows no words). ``watch``: token ids whose log-probabilities are kept for all
    prompts. ``positions``: ``"all"``, or a number for so many of the last positions, of one
    prompt. ``include_embedding`` adds layer 0. ``batch_size``: None for about 2,000 tokens a batch; it changes speed, not numbers.
    ``progress``: True for a bar; a function is called with (done, total) after every batch and may raise to stop.

    Out of memory on a GPU, the batch is halved. Interrupted, the prompts finished so far are
    returned with a warning. Raises ``TraceError`` for a request that cannot be met.
    """
    texts, facts, wanted = _requests(prompts, targets)
    several = positions != "last"
    _check_request(model, len(texts), positions, top_k, batch_size)
    watch = tuple(int(i) for i in watch or ())
    languages = tuple(wanted[0]) if wanted else ()
    _check_ids(model, [ids for row in wanted for ids in row.values()] + [watch])
    encoded = [model.tokenizer(text)["input_ids"] for text in texts]
    read = {"last": 1, "all": len(encoded[0])}.get(positions) or min(positions, len(encoded[0]))
    model.check()
    before = model.server.received if model.server else 0
    table = _gram(model) if energy and not model.remote else None
    done: dict[int, dict[str, torch.Tensor]] = {}
    queue = _batches(encoded, batch_size)
    prefix = _Prefix.of(model, encoded, read)
    try:
        with reporting(progress if callable(progress) or len(texts) > 1 else False, len(texts)) as report:
            while queue:
                rows = queue.pop(0)
                request = Request([wanted[i] for i in rows], languages, watch, top_k, energy, table, keep_latents)
                try:
                    found = _run(model, [encoded[i] for i in rows], request, read, include_embedding, prefix)
                except torch.OutOfMemoryError:
                    queue[:0] = _halves(rows, model)
                    continue
                for place, i in enumerate(rows):
                    done[i] = {name: tensor[place] for name, tensor in found.items()}
                report(len(done))
    except KeyboardInterrupt:
        if not done:
            raise
        warnings.warn(f"Stopped after {len(done)} of {len(texts)} prompts; the result holds these alone.", stacklevel=2)
    if model.server and progress is True:
        print(f"{len(done)} prompts: {model.server.received - before:,} bytes of results came from {model.server.host}.")
    kept = sorted(done)
    parts = {name: torch.stack([done[i][name] for i in kept]) for name in done[kept[0]]}
    if not several:
        parts = {name: tensor[:, 0] for name, tensor in parts.items()}
    return Decoded(
        model=model.name,
        layers=tuple(range(0 if include_embedding else 1, model.n_layers + 1)),
        prompts=facts.iloc[kept].reset_index(drop=True),
        probability={code: parts["probability"][..., n] for n, code in enumerate(languages)},
        rank={code: parts["rank"][..., n] for n, code in enumerate(languages)},
        watch=watch,
        position_tokens=tuple(encoded[0][-read:]) if several else (),
        **{name: parts[name] for name in parts if name not in ("probability", "rank")},
    )


def _run(model: Model, encoded, request: Request, read: int, embedding: bool, prefix: _Prefix) -> dict[str, torch.Tensor]:
    """Trace one batch; return ``{name: [batch, read positions, layers, ...]}`` on the CPU."""
    inputs = prefix.continued_by(encoded, model)
    lm, head = model.traced, model.head
    with tracing(model) as where, lm.trace(**inputs, **where) as tracer:
        latents = []
        if embedding:
            latents.append(lm.layers[0].input[:, -read:].clone())
        for block in lm.layers:
            latents.append(block_output(block.output)[:, -read:].clone())  # a view would keep all positions in memory
        place = lm.lm_head.weight.device
        h = torch.stack([x.to(place) for x in latents], 2)
        kept = nnsight.save(reduce(h, lm.final_norm, lm.lm_head, head, request))
        tracer.stop()
    return {name: tensor.cpu() for name, tensor in kept.items()}


class _Prefix:
    """The tokens that all prompts begin with, read once: each batch goes on from their keys and values.

    Worth it when the prompts share their demonstrations; a few common tokens are read with each batch as usual.
    """

    def __init__(self, length: int = 0, cache=None) -> None:
        self.length, self._cache = length, cache

    @classmethod
    def of(cls, model: Model, encoded: list[list[int]], read: int) -> _Prefix:
        """Find the common beginning and read it, when it is the larger part of the prompts."""
        if model.remote:  # the keys and values would have to travel
            return cls()
        shortest = min(map(len, encoded))
        common = next((n for n, tokens in enumerate(zip(*encoded)) if len(set(tokens)) > 1), shortest)
        length = min(common, shortest - read)
        worth_it = len(encoded) > 1 and 2 * length >= sum(map(len, encoded)) / len(encoded)
        if not worth_it or _counts_padding(model, max(map(len, encoded))):
            return cls()
        with TRACE_LOCK, torch.no_grad():
            ids = torch.tensor([encoded[0][:length]], device=model.device)
            cache = model.module(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values
        return cls(length, cache)

    def continued_by(self, encoded: list[list[int]], model: Model) -> dict:
        """Return the model's inputs for what comes after the prefix, padded on the left."""
        rest = [ids[self.length :] for ids in encoded]
        inputs = dict(model.tokenizer.pad({"input_ids": rest}, padding_side="left", return_tensors="pt").to(model.device))
        if self._cache is None:
            return {**inputs, "use_cache": False}
        mask = inputs["attention_mask"]
        cache = copy.deepcopy(self._cache)
        cache.batch_repeat_interleave(len(rest))
        positions = self.length + (mask.cumsum(-1) - 1).clamp_min(0)
        whole = torch.cat([mask.new_ones(len(rest), self.length), mask], -1)
        return {**inputs, "attention_mask": whole, "position_ids": positions, "past_key_values": cache, "use_cache": True}


def _counts_padding(model: Model, longest: int) -> bool:
    """Return whether padding between a prefix and what follows would change numbers: positions by index (ALiBi), or a sliding window."""
    config = model.module.config.get_text_config()
    windows = [getattr(config, name, None) or math.inf for name in ("sliding_window", "window_size", "attention_chunk_size")]
    return longest > min(windows) or "position_ids" not in inspect.signature(model.module.forward).parameters


def _requests(prompts, targets) -> tuple[list[str], pd.DataFrame, list[dict]]:
    """Return texts, the table of prompts, and the token sets of every prompt (with the languages that all share)."""
    if isinstance(prompts, PromptSet):
        if targets is not None:
            raise TraceError("A PromptSet carries its own targets: leave targets out.")
        rows = [p.token_ids for p in prompts]
        table = prompts.to_frame().drop(columns="demos") if len(prompts) else pd.DataFrame()
        texts = [p.text for p in prompts]
    else:
        if isinstance(prompts, str):
            raise TraceError("decode takes a list of prompts: put the text in brackets, [text].")
        texts = list(prompts)
        rows = [{} for _ in texts] if targets is None else [dict(t) for t in targets]
        table = pd.DataFrame({"concept": "", "task": "", "source": "", "target": "", "cognate": False, "text": texts})
    if not texts or len(rows) != len(texts) or not all(isinstance(t, str) and t for t in texts):
        raise TraceError(f"decode needs at least one prompt, none of them empty, and targets for each (got {len(texts)} and {len(rows)}).")
    shared = [code for code in rows[0] if all(code in row for row in rows)]
    return texts, table, [{code: row[code] for code in shared} for row in rows]


def _check_request(model: Model, n_texts: int, positions: str | int, top_k: int, batch_size: int | None) -> None:
    """Refuse what cannot be met, before anything is computed."""
    if model.traced is None:
        raise TraceError(model.unusable)
    if positions not in ("last", "all") and not (isinstance(positions, int) and positions > 0):
        raise TraceError(f"Unknown positions '{positions}': use 'last', 'all' or how many of the last ones.")
    if positions != "last" and n_texts != 1:
        raise TraceError(f"Several positions are read of one prompt at a time, not of {n_texts}: pass [prompt.text] alone.")
    if not 1 <= top_k <= model.vocab_size:
        raise TraceError(f"top_k={top_k} is not possible: use a number from 1 to {model.vocab_size}.")
    if batch_size is not None and batch_size < 1:
        raise TraceError(f"batch_size={batch_size} is not possible: use 1 or more, or leave it out.")


def _check_ids(model: Model, sets) -> None:
    """Refuse token ids that the model's output does not have."""
    for ids in sets:
        for token_id in ids:
            if not 0 <= int(token_id) < model.vocab_size:
                raise TraceError(
                    f"Token id {token_id} is not in {model.name}'s vocabulary of {model.vocab_size}: use this model's tokenizer."
                )


def _batches(encoded: list[list[int]], batch_size: int | None) -> list[list[int]]:
    """Group prompts of like length, so that little is padded; the longest first, so that memory shows early."""
    order = sorted(range(len(encoded)), key=lambda i: -len(encoded[i]))
    size = batch_size or max(1, _BATCH_TOKENS // max(1, len(encoded[order[0]])))
    return [order[s : s + size] for s in range(0, len(order), size)]


def _halves(rows: list[int], model: Model) -> list[list[int]]:
    """Return a batch that was too large for the GPU as two."""
    if len(rows) == 1:
        advice = "ask with energy=False, or of a smaller model" if model.server else "load the model in 8-bit, or a smaller one"
        raise TraceError(f"One prompt alone does not fit in the memory of the GPU: {advice}.") from None
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return [rows[: len(rows) // 2], rows[len(rows) // 2 :]]


def _gram(model: Model) -> Gram:
    if model not in _grams:
        _grams[model] = gram(model.folded_unembedding(slice(s, s + CHUNK_ROWS)) for s in range(0, model.vocab_size, CHUNK_ROWS))
    return _grams[model]
