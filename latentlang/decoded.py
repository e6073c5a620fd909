"""``Decoded``: what ``lens.decode`` keeps of a run, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from .errors import DataError

_FORMAT = 1


@dataclass(frozen=True)
class Decoded:
    """Layer-by-layer readings of ``n_prompts`` prompts, on the CPU.

    ``layers``: the layer numbers of the layer axis (1 is the output of the first block; 0, the
    embedding, only on request). ``prompts``: one row a prompt (concept, task, source, target, cognate,
    text, and ``answer_<lang>``, the accepted spellings joined by `` | ``). Tensors ``[n_prompts, n_layers]``
    (with ``positions="all"`` an axis of positions before the layers, and their tokens in ``position_tokens``):

    ``probability[lang]``, ``rank[lang]``: of the tokens that begin the word in that language
    (the rank is the best token's; 1 is the most probable). ``entropy``: bits. ``energy``: token
    energy E, or None. ``top_ids``, ``top_probs`` ``[..., k]``. ``watched`` ``[..., n_watch]``:
    natural log-probabilities of the tokens in ``watch``, or None. ``latents`` ``[..., d_model]``,
    or None.
    """

    model: str
    layers: tuple[int, ...]
    prompts: pd.DataFrame
    probability: dict[str, torch.Tensor]
    rank: dict[str, torch.Tensor]
    entropy: torch.Tensor
    top_ids: torch.Tensor
    top_probs: torch.Tensor
    energy: torch.Tensor | None = None
    watch: tuple[int, ...] = ()
    watched: torch.Tensor | None = None
    latents: torch.Tensor | None = None
    position_tokens: tuple[int, ...] = field(default=())

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages whose words were followed, the pivot first."""
        return tuple(self.probability)

    @property
    def pivot_and_target(self) -> tuple[str, str]:
        """The pivot and the target language; both are the same when the pivot is what the prompts ask for.

        Of bare texts, whose prompts name no target, these are the first two languages of their ``targets``.
        """
        targets = list(self.prompts["target"].unique())
        if len(targets) > 1:
            one = f"decoded[decoded.prompts['target'] == '{targets[0]}']"
            raise DataError(f"These prompts ask for several languages ({', '.join(targets)}): take one of them, {one}.")
        target = next(iter(targets), "")
        pair = (self.languages[0], target) if target in self.languages else self.languages[:2]
        if len(pair) < 2:
            raise DataError("This needs a pivot and a target language, and the run followed fewer than two: pass targets with both.")
        return pair

    def words(self, code: str) -> list[str]:
        """Return the word of every prompt in a language, the spelling that prompts use."""
        if f"answer_{code}" not in self.prompts or self.prompts[f"answer_{code}"].isna().any():
            advice = "decode a PromptSet of that language, or refresh a run that an older version stored"
            raise DataError(f"This run does not know its words in '{code}': {advice}.")
        return [answers.split(" | ")[0] for answers in self.prompts[f"answer_{code}"]]

    def __len__(self) -> int:
        return len(self.prompts)

    def __repr__(self) -> str:
        return f"Decoded({len(self)} prompts x {len(self.layers)} layers of {self.model}; languages: {', '.join(self.languages) or 'none'})"

    def __getitem__(self, rows) -> Decoded:
        """Return the readings of some prompts: a row number or several, a slice, or a mask such as ``~decoded.prompts["cognate"]``."""
        chosen = np.atleast_1d(np.arange(len(self))[rows])
        parts = {name: tensor[chosen] for name, tensor in self._tensors().items()}
        return replace(self._with(parts), prompts=self.prompts.iloc[chosen].reset_index(drop=True))

    @classmethod
    def concatenate(cls, parts: Sequence[Decoded]) -> Decoded:
        """Return the readings of several runs of one kind, one after the other, with the languages that all of them followed.

        Raises ``DataError`` where model, layers, pivot, target or what was kept differ: their mean would mean nothing.
        """
        if not parts:
            raise DataError("There is nothing to put together: pass at least one run.")
        kinds = [
            {"model": part.model, "layers": part.layers, "pivot": part.languages[:1], "target": tuple(part.prompts["target"].unique())}
            | {"watch": part.watch, "latents": part.latents is None, "energy": part.energy is None}
            for part in parts
        ]
        for name, value in kinds[0].items():
            if any(kind[name] != value for kind in kinds):
                raise DataError(f"These runs differ in {name}: put only runs of one kind together.")
        shared = [code for code in parts[0].languages if all(code in part.languages for part in parts)]
        parts = [part._following(shared) for part in parts]
        tensors = {name: torch.cat([part._tensors()[name] for part in parts]) for name in parts[0]._tensors()}
        prompts = pd.concat([part.prompts for part in parts], ignore_index=True)
        return replace(parts[0]._with(tensors), prompts=prompts)

    def between(self, first: int, last: int) -> Decoded:
        """Return the readings of the layers from ``first`` to ``last``, both included."""
        chosen = [n for n, layer in enumerate(self.layers) if first <= layer <= last]
        if not chosen:
            raise DataError(f"There is no layer from {first} to {last}: this run has layers {self.layers[0]} to {self.layers[-1]}.")
        axis = 2 if self.position_tokens else 1
        parts = {name: tensor.index_select(axis, torch.tensor(chosen)) for name, tensor in self._tensors().items()}
        return replace(self._with(parts), layers=tuple(self.layers[n] for n in chosen))

    def last_position(self) -> Decoded:
        """Return the readings at the last of several positions alone, the one that predicts the answer."""
        if not self.position_tokens:
            return self
        return replace(self._with({name: tensor[:, -1] for name, tensor in self._tensors().items()}), position_tokens=())

    def checked(self) -> Decoded:
        """Return these readings, or raise ``DataError`` where a mean over prompts makes no sense: no prompt, or several positions."""
        if not len(self):
            raise DataError("No prompt is left to average over: choose fewer filters, or more concepts.")
        if self.position_tokens:
            raise DataError("Means are over prompts at one position: take decoded.last_position().")
        return self

    def to_frame(self) -> pd.DataFrame:
        """Return the readings as a tidy table: prompt, concept, layer, quantity, language, value.

        ``quantity`` is probability, rank, entropy (bits) or energy; ``language`` is empty for the
        last two. ``frame.to_csv(path)`` makes it a file. Only for readings at the last position.
        """
        if self.position_tokens:
            raise DataError("A table needs one position a prompt: decode with positions='last'.")
        blocks = []
        for quantity, language, values in self.curves():
            frame = pd.DataFrame(values.numpy(), columns=list(self.layers))
            frame = frame.assign(prompt=range(len(frame)), concept=self.prompts["concept"].to_numpy())
            tidy = frame.melt(id_vars=["prompt", "concept"], var_name="layer", value_name="value")
            blocks.append(tidy.assign(quantity=quantity, language=language))
        table = pd.concat(blocks, ignore_index=True)
        return table[["prompt", "concept", "layer", "quantity", "language", "value"]]

    def curves(self) -> list[tuple[str, str, torch.Tensor]]:
        """Return ``(quantity, language, [n_prompts, n_layers])`` for everything that was followed."""
        found = [("probability", code, values) for code, values in self.probability.items()]
        found += [("rank", code, values) for code, values in self.rank.items()]
        found.append(("entropy", "", self.entropy))
        if self.energy is not None:
            found.append(("energy", "", self.energy))
        return found

    def save(self, path: str | Path) -> Path:
        """Write everything to one safetensors file (the table travels in its metadata) and return its path."""
        from safetensors.torch import save_file

        facts = {
            "format": _FORMAT,
            "model": self.model,
            "layers": self.layers,
            "languages": self.languages,
            "watch": self.watch,
            "position_tokens": self.position_tokens,
            "prompts": self.prompts.to_dict("list"),
        }
        tensors = {name: tensor.contiguous() for name, tensor in self._tensors().items()}
        save_file(tensors, path, metadata={"latentlang": json.dumps(facts, ensure_ascii=False)})
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Decoded:
        """Read what ``save`` wrote. Raises ``DataError`` when the file is not such a file."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                facts = json.loads((file.metadata() or {})["latentlang"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (the file is no dict)
            if facts["format"] != _FORMAT:
                raise DataError(f"{path} has format {facts['format']} and this version reads {_FORMAT}: decode again.")
            empty = cls(
                model=facts["model"], layers=tuple(facts["layers"]), prompts=pd.DataFrame(facts["prompts"]),
                probability=dict.fromkeys(facts["languages"]), rank=dict.fromkeys(facts["languages"]),
                entropy=tensors["entropy"], top_ids=tensors["top_ids"], top_probs=tensors["top_probs"],
                watch=tuple(facts["watch"]), position_tokens=tuple(facts["position_tokens"]),
            )  # fmt: skip
            return empty._with(tensors)
        except FileNotFoundError:
            raise DataError(f"There is no file {path}: check the path.") from None
        except (SafetensorError, KeyError, json.JSONDecodeError) as error:
            raise DataError(f"{path} is not a file that Decoded.save wrote, or it is damaged: decode again.") from error

    def _following(self, codes: Sequence[str]) -> Decoded:
        """Return the same readings with some of the languages."""
        return replace(self, probability={c: self.probability[c] for c in codes}, rank={c: self.rank[c] for c in codes})

    def _tensors(self) -> dict[str, torch.Tensor]:
        """Return every tensor by a flat name, as the file has it."""
        named = {f"{q}.{code}": values for q, code, values in self.curves() if code}
        for name in ("entropy", "energy", "top_ids", "top_probs", "watched", "latents"):
            if getattr(self, name) is not None:
                named[name] = getattr(self, name)
        return named

    def _with(self, tensors: dict[str, torch.Tensor]) -> Decoded:
        """Return a copy that holds ``tensors`` (flat names) in place of its own."""
        by_language = {q: {code: tensors[f"{q}.{code}"] for code in self.languages} for q in ("probability", "rank")}
        rest = {name: tensor for name, tensor in tensors.items() if "." not in name}
        return replace(self, **by_language, **rest)
