"""A model whose weights are elsewhere: it answers from stored results, and computes nothing.

``python -m latentlang precompute`` fills a folder, and ``LATENTLANG_CACHE`` names it. The folder
holds the tokenizer and the identity of the model beside the results, so that a machine without a
GPU can build the same prompts and find their results.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import ModelError
from ..files import shared_cache
from .catalogue import PACKAGED
from .model import Model
from .sessions import Session

_FACTS = "model.json"


def store_model(model: Model, root: Path) -> None:
    """Write the tokenizer and the facts of ``model`` into the shared cache folder ``root``."""
    folder = _folder(root, model.name)
    folder.mkdir(parents=True, exist_ok=True)
    model.tokenizer.save_pretrained(folder)
    facts = {"name": model.name, "n_layers": model.n_layers, "d_model": model.d_model}
    facts |= {"vocab_size": model.vocab_size, "number_format": model.number_format}
    facts |= {"quantization": model.quantization, "revision": model.revision}
    (folder / _FACTS).write_text(json.dumps(facts, indent=1))


def stored_model(name: str) -> Model | None:
    """Return the model of this name from the shared cache, without weights, or None."""
    shared = shared_cache()
    if shared is None or not (facts := _folder(shared, name) / _FACTS).exists():
        return None
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(facts.parent, trust_remote_code=False)
    reason = (
        f"The weights of {name} are not on this machine, and no stored result answers this "
        "question: use a precomputed pair with the default seed, or load a model that runs here, "
        f"such as ll.load_model('{PACKAGED}')."
    )
    try:
        return Model(tokenizer=tokenizer, session=Session(reason), **json.loads(facts.read_text()))
    except TypeError:
        raise ModelError(
            f"The results of {name} in {shared} come from another version of latentlang: run "
            "`python -m latentlang precompute` again."
        ) from None


def _folder(root: Path, name: str) -> Path:
    return root / "stored-models" / name.strip("/").replace("/", "--")
