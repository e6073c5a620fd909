"""Measure the paths of a run on the sphere."""

from __future__ import annotations

from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from ..models.model import Model, require_model
from ..progress import interruptible
from ..prompts.tokens import tokenize_word
from .axes import sphere_axes, sphere_coordinates
from .chance import chance_paths
from .intervals import cluster_codes
from .phases import find_phases
from .sphere import SpherePath


@interruptible
def sphere_path(model: Model, run: Run) -> SpherePath:
    """Return the measured path of every prompt of a run on the sphere.

    The axes come from the first tokens of the target and pivot words of all its prompts
    (``sphere_axes``).

    Args:
        model: the model that was read.
        run: a run with latents (``keep_latents=True``).

    Returns:
        One path per prompt, with the words' tokens in the same frame.

    Raises:
        DataError: for a run of another model or without latents, and when pivot and target are one
            language.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "fr", "de", tokenizer=model.tokenizer)
    >>> path = ll.sphere_path(model, ll.decode(model, prompts[:2], keep_latents=True))
    >>> path
    SpherePath(2 paths x 18 layers of gemma-3-270m: translation fr → de)
    >>> path.coordinates.shape
    torch.Size([2, 18, 3])
    """
    require_model(model)
    latents = require_run(run).latents
    if latents is None:
        raise DataError(
            "The sphere needs latents, which this run did not keep: "
            "decode or run_experiment with keep_latents=True."
        )
    if run.model != model.name:
        raise DataError(
            f"This is a run of {run.model}, and the words' tokens would come from {model.name}: "
            "pass the model that was read."
        )
    pivot, target = run.pair
    require_two_languages(pivot, target)
    spellings = {code: run.spelling(code) for code in (pivot, target)}
    rows = {}
    for code, spelled in spellings.items():
        tokens = [_first_token(model, word) for word in spelled]
        rows[code] = model.folded_unembedding(tokens).cpu()
    axes = sphere_axes(rows[target], rows[pivot])
    words = {code: sphere_coordinates(points[:, None], axes)[:, 0] for code, points in rows.items()}
    table = run.prompts.assign(**{f"word_{code}": spelled for code, spelled in spellings.items()})
    pair = (rows[target], rows[pivot])
    return SpherePath(
        coordinates=sphere_coordinates(latents, axes),
        chance=chance_paths(latents, pair, axes, cluster_codes(run.clusters)),
        words=words,
        layers=run.layers,
        prompts=table,
        model=run.model,
        setting=run.setting,
        number_format=run.number_format,
        lens=run.lens,
        copy=find_phases(run).copy,
    )


def require_two_languages(pivot: str, target: str) -> None:
    """Raise ``DataError`` if pivot and target are one language: no axis lies between them."""
    if pivot == target:
        raise DataError(
            f"The sphere lies between two languages, and '{target}' is both pivot and target here: "
            "choose another target."
        )


def _first_token(model: Model, word: str) -> int:
    """Return the token that begins ``word`` after the opening quote of a prompt."""
    ids = tokenize_word(word, model.tokenizer)
    if not ids:
        raise DataError(
            f"{model.name}'s tokenizer cannot spell '{word}', so it has no place on the sphere: "
            "leave the concept out."
        )
    return ids[0]
