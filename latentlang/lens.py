"""The logit lens: what the output layer would say of every layer's latent (paper, section 3.2).

One nnsight trace runs a batch and reduces inside it: of the vocabulary-sized distribution of
every prompt and layer only a few numbers are kept, so memory does not grow with their product.
"""

from __future__ import annotations

import math
import threading
import warnings
import weakref
from collections.abc import Mapping, Sequence

import nnsight
import pandas as pd
import torch
from tqdm.auto import tqdm

from .architectures import block_output
from .decoded import Decoded
from .errors import TraceError
from .geometry import Gram, gram, token_energy
from .models import Model
from .prompts import PromptSet

# Two nnsight traces at once in one process give wrong numbers without an error.
TRACE_LOCK = threading.RLock()
_CHUNK_LOGITS = 2**25  # vocabulary entries read at once, about 130 MB of float32
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
    progress: bool = True,
) -> Decoded:
    """Read every layer of the model at the position that predicts the answer.

    ``prompts``: a ``PromptSet``, or texts with ``targets[i] = {language: token ids}`` for each
    (None follows no words). ``watch``: token ids whose log-probabilities are kept for all
    prompts. ``positions``: ``"all"``, or a number for so many of the last positions, of one
    prompt. ``include_embedding`` adds layer 0. ``batch_size``: None for about 2,000 tokens a batch; it changes speed, not numbers.

    Out of memory on a GPU, the batch is halved. Interrupted, the prompts finished so far are
    returned with a warning. Raises ``TraceError`` for a request that cannot be met.
    """
    texts, table, wanted = _requests(prompts, targets)
    several = positions != "last"
    _check_request(model, len(texts), positions, top_k, batch_size)
    watch = tuple(int(i) for i in watch or ())
    languages = tuple(wanted[0]) if wanted else ()
    _check_ids(model, [ids for row in wanted for ids in row.values()] + [watch])
    encoded = [model.tokenizer(text)["input_ids"] for text in texts]
    read = {"last": 1, "all": len(encoded[0])}.get(positions) or min(positions, len(encoded[0]))
    table_of_gram = _gram(model) if energy else None
    done: dict[int, dict[str, torch.Tensor]] = {}
    queue = _batches(encoded, batch_size)
    bar = tqdm(total=len(texts), unit="prompt", disable=not progress or len(texts) == 1, leave=False)
    try:
        while queue:
            rows = queue.pop(0)
            request = _Request([wanted[i] for i in rows], languages, watch, top_k, table_of_gram, keep_latents)
            try:
                found = _run(model, [encoded[i] for i in rows], request, read, include_embedding)
            except torch.OutOfMemoryError:
                if len(rows) == 1:
                    raise TraceError(
                        "One prompt alone does not fit in this GPU's memory: load the model in 8-bit, or a smaller one."
                    ) from None
                torch.cuda.empty_cache()
                queue[:0] = [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
                continue
            for place, i in enumerate(rows):
                done[i] = {name: tensor[place] for name, tensor in found.items()}
            bar.update(len(rows))
    except KeyboardInterrupt:
        if not done:
            raise
        warnings.warn(f"Stopped after {len(done)} of {len(texts)} prompts; the result holds these alone.", stacklevel=2)
    finally:
        bar.close()
    kept = sorted(done)
    parts = {name: torch.stack([done[i][name] for i in kept]) for name in done[kept[0]]}
    if not several:
        parts = {name: tensor[:, 0] for name, tensor in parts.items()}
    return Decoded(
        model=model.name,
        layers=tuple(range(0 if include_embedding else 1, model.n_layers + 1)),
        prompts=table.iloc[kept].reset_index(drop=True),
        probability={code: parts["probability"][..., n] for n, code in enumerate(languages)},
        rank={code: parts["rank"][..., n] for n, code in enumerate(languages)},
        watch=watch,
        position_tokens=tuple(encoded[0][-read:]) if several else (),
        **{name: parts[name] for name in parts if name not in ("probability", "rank")},
    )


class _Request:
    """What to keep of each row of a batch: token sets as padded ids, ids to watch, energy, latents."""

    def __init__(self, wanted, languages, watch, top_k, gram_, keep_latents) -> None:
        longest = max((len(row[code]) for row in wanted for code in languages), default=1)
        self.ids = torch.zeros(len(wanted), len(languages), longest, dtype=torch.long)
        self.real = torch.zeros(self.ids.shape, dtype=torch.bool)
        for i, row in enumerate(wanted):
            for n, code in enumerate(languages):
                ids = sorted(int(t) for t in row[code])
                self.ids[i, n, : len(ids)] = torch.tensor(ids)
                self.real[i, n, : len(ids)] = True
        self.watch = torch.tensor(watch, dtype=torch.long)
        self.top_k, self.gram, self.keep_latents = top_k, gram_, keep_latents


def _run(model: Model, encoded: list[list[int]], request: _Request, read: int, embedding: bool) -> dict[str, torch.Tensor]:
    """Trace one batch; return ``{name: [batch, read positions, layers, ...]}`` on the CPU."""
    inputs = model.tokenizer.pad({"input_ids": encoded}, padding_side="left", return_tensors="pt").to(model.device)
    lm, head = model.traced, model.head
    with TRACE_LOCK, torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="MatMul8bitLt: inputs will be cast")
        with lm.trace(dict(inputs)) as tracer:
            latents = []
            if embedding:
                latents.append(lm.layers[0].input)
            for block in lm.layers:
                latents.append(block_output(block.output))
            place = lm.lm_head.weight.device
            h = torch.stack([x[:, -read:].to(place) for x in latents], 2)
            kept = nnsight.save(_reduce(h, lm.final_norm, lm.lm_head, head, request))
            tracer.stop()
    return {name: tensor.cpu() for name, tensor in kept.items()}


def _reduce(h: torch.Tensor, final_norm, lm_head, head, request: _Request) -> dict[str, torch.Tensor]:
    """Reduce latents ``[batch, positions, layers, d_model]`` to what ``request`` keeps, a chunk of the vocabulary's rows at a time."""
    shape, place = h.shape[:-1], h.device
    flat = h.reshape(-1, h.shape[-1])
    owner = torch.arange(shape[0], device=place).repeat_interleave(shape[1] * shape[2])
    ids, real, watch = request.ids.to(place), request.real.to(place), request.watch.to(place)
    step = max(1, _CHUNK_LOGITS // lm_head.weight.shape[0])
    scratch = torch.empty(min(step, len(flat)), lm_head.weight.shape[0], device=place)
    chunks = []
    for start in range(0, len(flat), step):
        rows = slice(start, start + step)
        logits = head(lm_head(final_norm(flat[rows])).float())
        chunks.append(_read_rows(logits, scratch, ids[owner[rows]], real[owner[rows]], watch, request.top_k))
    kept = {name: torch.cat([c[name] for c in chunks]).reshape(*shape, *chunks[0][name].shape[1:]) for name in chunks[0]}
    if not len(watch):
        del kept["watched"]
    if request.gram is not None:
        kept["energy"] = token_energy(h, request.gram)
    if request.keep_latents:
        kept["latents"] = h.float()
    return kept


def _read_rows(logits, scratch, ids, real, watch, top_k: int) -> dict[str, torch.Tensor]:
    """Read ``[rows, V]`` logits, overwriting them: one exponential over the vocabulary (in ``scratch``) serves everything."""
    top, top_ids = logits.topk(top_k, dim=-1)
    peak = top[:, :1].clone()
    logits.sub_(peak)
    own = logits.gather(1, ids.flatten(1)).reshape(ids.shape)
    best = own.masked_fill(~real, -torch.inf).amax(-1) if ids.shape[1] else own.new_zeros(len(logits), 0)
    # Counting row by row is ten times faster on a CPU than along a dimension.
    rank = [1 + torch.count_nonzero(row > limit) for row, limits in zip(logits, best) for limit in limits]
    powers = torch.exp(logits, out=scratch[: len(logits)])
    total = powers.sum(-1, keepdim=True)
    log_total = total.log()
    watched = logits[:, watch] - log_total
    # A logit of -inf would give 0·inf, so it is made finite first.
    expected = powers.mul_(logits.clamp_(min=-1e30)).sum(-1, keepdim=True) / total
    return {
        "probability": (own.exp() / total[..., None]).masked_fill(~real, 0).sum(-1),
        "rank": torch.stack(rank).reshape(best.shape).int() if rank else best.int(),
        "entropy": ((log_total - expected) / math.log(2)).squeeze(-1),
        "top_ids": top_ids.int(),
        "top_probs": (top - peak).exp() / total,
        "watched": watched,
    }


def _requests(prompts, targets) -> tuple[list[str], pd.DataFrame, list[dict]]:
    """Return texts, the table of prompts, and the token sets of every prompt (with the languages that all share)."""
    if isinstance(prompts, PromptSet):
        if targets is not None:
            raise TraceError("A PromptSet carries its own targets: leave targets out.")
        rows = [p.token_ids for p in prompts]
        table = prompts.to_frame()[["concept", "task", "source", "target", "cognate", "text"]] if len(prompts) else pd.DataFrame()
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
        raise TraceError(f"{model.name} has been closed: load it again with ll.load_model().")
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


def _gram(model: Model) -> Gram:
    if model not in _grams:
        _grams[model] = gram(model.folded_unembedding())
    return _grams[model]
