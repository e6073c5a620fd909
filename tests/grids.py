"""Runs for the lens grid with probabilities that a test knows in full, without a model."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

import latentlang as ll
from latentlang.lens.followed import Followed
from latentlang.lens.reduce import union
from latentlang.prompts.setting import Setting
from latentlang.prompts.token_texts import TokenTexts

EAGLE, CHINESE, FRENCH, CAPITAL = 1, 2, 3, 4
WORDS = {EAGLE: b" eagle", CHINESE: "鹰".encode(), FRENCH: b"aigle", CAPITAL: b"Eagle"}
SETS = {"en": (EAGLE, CAPITAL), "zh": (CHINESE,), "fr": (FRENCH,)}
LEADS = {EAGLE: range(13, 17), CHINESE: range(17, 19)}  # layers of the last position
HOSTILE = (
    b"</b>",
    b"</script><script>window.ran = 1</script>",
    b'<img src="x" onerror="window.ran = 1">',
    b'"',
    b"'); window.ran = 1; ('",
    "\u202eevil".encode(),
    b"\xe4\xb8",
    b"<!--",
    b"=1+1",
    "\u2028".encode(),
    "شمس".encode(),
)


def prompts(concept: str, text: str, n: int = 1) -> pd.DataFrame:
    """Return the table of ``n`` like prompts."""
    row = {"concept": concept, "task": "translation", "source": "fr", "target": "zh"}
    return pd.DataFrame([row | {"pivot": "en", "cognate": "no", "text": text}] * n)


@dataclass(frozen=True)
class Planted:
    """A run of one prompt, and every log-probability behind it, ``[position, layer, token]``."""

    run: ll.Run
    log_probs: torch.Tensor


def planted(
    n_positions: int = 6,
    n_layers: int = 18,
    n_tokens: int = 60,
    *,
    top_k: int = 10,
    follow: bool = True,
    leads: dict[int, range] | None = None,
    seed: int = 0,
    **changed: Any,
) -> Planted:
    """Return a run whose last position reads ``LEADS``; anything else is made up."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n_positions, n_layers, n_tokens, generator=generator)
    logits[:, :, 20 : 20 + len(HOSTILE)] += 1  # so that the grid shows them
    logits[-1, :, :5] = -9
    for token, layers in (LEADS if leads is None else leads).items():
        for layer in layers:
            logits[-1, layer - 1, token] = logits[-1, layer - 1].max() + 1
    log_probs = logits.log_softmax(-1)
    top = log_probs.exp().topk(top_k)
    probability, rank = {}, {}
    for code, ids in SETS.items():
        own = log_probs[..., list(ids)]
        probability[code] = own.exp().sum(-1)[None]
        best = own.amax(-1, keepdim=True)
        rank[code] = (1 + (log_probs > best).sum(-1))[None].int()
    entropy = -(log_probs.exp() * log_probs).sum(-1)[None] / torch.log(torch.tensor(2.0))
    texts: dict[int, Any] = {token: f"t{token}".encode() for token in range(n_tokens)}
    texts |= WORDS | {20 + n: text for n, text in enumerate(HOSTILE)}
    texts[40], texts[41] = "<bos>", None
    fields: dict[str, Any] = {
        "model": "planted",
        "setting": Setting("translation", ("fr",), "zh", "en"),
        "prompts": prompts("eagle", 'Français: "aigle" - 中文: "'),
        "token_ids": (SETS,),
        "tokenizer": TokenTexts("planted", "plant it", [lambda: texts]),
        "position_tokens": tuple(range(20, 20 + n_positions)),
        "number_format": "float32",
    }
    tokens = union(top.indices[None]).long()
    own = log_probs[None].gather(-1, tokens.clamp(min=0)[:, :, None].expand(-1, -1, n_layers, -1))
    run = ll.Run(
        layers=tuple(range(1, n_layers + 1)),
        readings={"probability": probability, "rank": rank, "entropy": entropy},
        top_ids=top.indices[None],
        top_probs=top.values[None],
        followed=Followed.of(top.indices[None], own) if follow else None,
        **fields | changed,
    )
    return Planted(run, log_probs)


def unpacked(data: dict, number: int, name: str) -> np.ndarray:
    """Return an array of a page as its script reads it."""
    kind, start, shape = data["grids"][number]["arrays"][name]
    whole = base64.b64decode(data["bytes"])
    count = int(np.prod(shape))
    return np.frombuffer(whole, f"<{kind}", count, start).reshape(shape)
