"""A model whose weights are elsewhere: a class asks for its stored results, and nothing is computed.

A folder that ``python -m latentlang precompute`` has filled, and that ``LATENTLANG_CACHE`` names, holds the tokenizer and
the identity of the model beside the results, so that a machine without a GPU can build the same prompts and find them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .errors import TraceError
from .files import shared_cache

_FACTS = "model.json"


@dataclass(frozen=True, eq=False)
class StoredModel:
    """What of a ``Model`` needs no weights: ``name``, ``identity``, ``tokenizer``, ``n_layers``, ``d_model``, ``vocab_size``.

    ``run_experiment`` answers from what was computed beforehand; all else raises ``TraceError``.
    """

    name: str
    identity: dict[str, str]
    tokenizer: object
    n_layers: int
    d_model: int
    vocab_size: int
    module: None = None
    traced: None = None

    @property
    def unusable(self) -> str:
        """Why nothing can be computed with it, and what to do next."""
        return (
            f"The weights of {self.name} are not on this machine, and this was not computed beforehand: take another pair, every concept "
            "or the default seed, or a model that runs here, such as load_model('gemma-3-270m')."
        )

    def folded_unembedding(self, *_, **__) -> None:
        """Raise ``TraceError``: there are no weights."""
        raise TraceError(self.unusable)

    def close(self) -> None:
        """Do nothing: there are no weights to let go of."""


def store_model(model, folder: Path) -> None:
    """Write what a ``StoredModel`` needs of ``model`` into a shared cache folder."""
    place = _place(folder, model.name)
    place.mkdir(parents=True, exist_ok=True)
    model.tokenizer.save_pretrained(place)
    facts = {"name": model.name, "identity": model.identity}
    facts |= {"n_layers": model.n_layers, "d_model": model.d_model, "vocab_size": model.vocab_size}
    (place / _FACTS).write_text(json.dumps(facts, indent=1))


def stored_model(name: str) -> StoredModel | None:
    """Return the model of this name from the shared cache, or None where it has none."""
    shared = shared_cache()
    if shared is None or not (facts := _place(shared, name) / _FACTS).exists():
        return None
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(facts.parent, trust_remote_code=False)
    return StoredModel(tokenizer=tokenizer, **json.loads(facts.read_text()))


def _place(folder: Path, name: str) -> Path:
    return folder / "stored-models" / name.strip("/").replace("/", "--")
