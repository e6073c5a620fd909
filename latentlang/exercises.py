"""The checks of the course's exercises, by number. Each is tested against typical wrong answers."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch


class WrongAnswerError(Exception):
    """Raised inside a check with the hint to show."""


CHECKS: dict[str, Callable[[object], str]] = {}


def register(number: str) -> Callable:
    """Enter a check under its number: a function that returns praise or raises ``WrongAnswerError`` with a hint."""

    def enter(function: Callable[[object], str]) -> Callable[[object], str]:
        CHECKS[number] = function
        return function

    return enter


def _number(answer: object) -> float:
    """Return a numeric answer, or say that a number is wanted."""
    try:
        return float(answer)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise WrongAnswerError("The answer is a number, such as 1.5.") from None


@register("01.1")
def query_line(answer: object) -> str:
    """The query that asks in German for the French word for Blume."""
    right = 'Deutsch: "Blume" - Français: "'
    if not isinstance(answer, str):
        raise WrongAnswerError("The answer is a text in quotation marks.")
    if answer == right:
        return "The prompt stops right after the opening quote, so the next token must begin the answer."
    if answer.rstrip() == right:
        raise WrongAnswerError("There is white space after the opening quote: the model would be asked to go on after a space.")
    if answer.startswith(right):
        raise WrongAnswerError("The query must not contain the answer, nor close the quote: stop right after the opening one.")
    if "English" in answer or "German" in answer or "French" in answer:
        raise WrongAnswerError("Each language is named in itself: Deutsch, Français.")
    raise WrongAnswerError(
        'Compare with `Français: "fleur" - 中文: "`: endonym, colon, space, quoted word, space, hyphen, space, endonym, colon, space.'
    )


@register("01.2")
def start_of_flower(answer: object) -> str:
    """Which of the given vocabulary entries begin the word flower."""
    right = {"f", "fl", "flow", "flower", "▁f", "▁flower"}
    try:
        given = set(answer)  # type: ignore[call-overload]
    except TypeError:
        raise WrongAnswerError("The answer is a set of entries, such as {'f', 'fl'}.") from None
    if isinstance(answer, str):
        raise WrongAnswerError("The answer is a set of entries, such as {'f', 'fl'}, not one text.")
    if given == right:
        return "Six tokens can begin the word; P(flower) is the sum over all of them."
    if "▁" in given:
        raise WrongAnswerError("The bare space begins every word, so it tells nothing about this one.")
    if given & {"lower", "ower"}:
        raise WrongAnswerError("A token must stand at the start of the word: 'lower' is its end.")
    if given & {"flowers", "▁flowery", "fleur"}:
        raise WrongAnswerError("A token may not go beyond the word or leave it: only prefixes of 'flower' count.")
    if given > right:
        raise WrongAnswerError(f"{', '.join(sorted(given - right))}: not an entry of this vocabulary.")
    if right - given and all(entry.startswith("▁") for entry in right - given):
        raise WrongAnswerError("With a space in front (▁) the word begins just as well.")
    raise WrongAnswerError(f"{len(right - given)} entries are missing: every prefix counts, short ones too.")


@register("02.1")
def uniform_entropy(answer: object) -> str:
    """Entropy in bits of the uniform distribution over Gemma's 262,144 tokens."""
    value, right = _number(answer), 18.0
    if math.isclose(value, right, abs_tol=0.01):
        return "262,144 is 2 to the 18th: eighteen yes-or-no questions single out one token."
    if math.isclose(value, right * math.log(2), abs_tol=0.01):
        raise WrongAnswerError("That is in nats: use the logarithm to base 2 for bits.")
    if math.isclose(value, 2**18, rel_tol=1e-6):
        raise WrongAnswerError("That is the number of tokens; the entropy is its logarithm to base 2.")
    if math.isclose(value, -right, abs_tol=0.01):
        raise WrongAnswerError("Mind the sign: the logarithm of a probability is negative, the entropy is not.")
    raise WrongAnswerError("For n equally likely tokens the entropy is log2(n).")


@register("02.2")
def own_lens(answer: object) -> str:
    """A function lens(h, gain, U) -> probabilities for an RMSNorm model."""
    if not callable(answer):
        raise WrongAnswerError("The answer is a function: define lens(h, gain, U) and pass lens.")
    generator = torch.Generator().manual_seed(0)
    h = 7 * torch.randn(16, generator=generator)
    gain, U = 1 + 0.5 * torch.randn(16, generator=generator), torch.randn(40, 16, generator=generator)
    normed = h / h.square().mean().sqrt()
    right = torch.softmax(U @ (gain * normed), -1)
    given = torch.as_tensor(answer(h, gain, U)).float()
    if given.shape != right.shape:
        raise WrongAnswerError(f"The result has shape {list(given.shape)}; it should be one probability a token, {list(right.shape)}.")
    typical = {
        "These are logits: a softmax turns them into probabilities.": U @ (gain * normed),
        "Normalise h before the unembedding: divide it by the root of its mean square.": torch.softmax(U @ (gain * h), -1),
        "The gain is missing: the final norm multiplies every dimension by it.": torch.softmax(U @ normed, -1),
        "RMSNorm divides by the root of the MEAN square, not by the length.": torch.softmax(U @ (gain * h / h.norm()), -1),
    }
    if torch.allclose(given, right, atol=1e-4):
        return "Norm, gain, unembedding, softmax: that is the whole logit lens."
    for hint, wrong in typical.items():
        if torch.allclose(given, wrong, atol=1e-4):
            raise WrongAnswerError(hint)
    raise WrongAnswerError("The steps are: divide by the root mean square, multiply by the gain, multiply by U, softmax.")


@register("03.1")
def energy_by_hand(answer: object) -> str:
    """Energy of (1, 0, 1) for the four tokens (±1, 0, 0) and (0, ±1, 0)."""
    value = _number(answer)
    if math.isclose(value, math.sqrt(0.5), abs_tol=0.005):
        return "Half of h's squared length lies in the plane of the tokens, so E² = 0.25 / 0.5 = 0.5."
    if math.isclose(value, 0.5, abs_tol=0.005):
        raise WrongAnswerError("That is E²: take its square root.")
    if math.isclose(value, 1.0, abs_tol=0.005):
        raise WrongAnswerError("Divide by the squared length of h, which is 2.")
    if math.isclose(value, 0.25, abs_tol=0.005):
        raise WrongAnswerError("That is the mean squared cosine: divide it by the tokens' own, 0.5, then take the root.")
    raise WrongAnswerError("Mean squared cosine between h and the four tokens, divided by the tokens' own (0.5), then the square root.")


@register("03.2")
def handover(answer: object) -> str:
    """A function handover(p_english, p_target) -> the layer from which the target leads to the end, or None."""
    if not callable(answer):
        raise WrongAnswerError("The answer is a function: define handover(p_english, p_target) and pass handover.")
    cases = (
        ([0.0, 0.3, 0.5, 0.2, 0.1], [0.0, 0.0, 0.1, 0.4, 0.6], 4, "Layers count from 1: index 3 is layer 4."),
        (
            [0.0, 0.2, 0.5, 0.1, 0.0],
            [0.1, 0.1, 0.2, 0.3, 0.9],
            4,
            "Look for the layer from which the target leads to the END, not the first time it leads.",
        ),
        ([0.5, 0.5, 0.5], [0.1, 0.2, 0.3], None, "Where the target never takes over, return None."),
        ([0.0, 0.0, 0.1], [0.2, 0.3, 0.9], 1, "When the target leads from the start, the answer is layer 1."),
    )
    for english, target, right, hint in cases:
        if answer(english, target) != right:
            raise WrongAnswerError(f"For English {english} and target {target} it should be {right}. {hint}")
    return "You can now read the handover off any pair of curves."


@register("04.1")
def paired_interval(answer: object) -> str:
    """Half-width of the 95 % interval of a mean paired difference of four prompts: -0.1, -0.1, -0.2, 0.1."""
    value = _number(answer)
    target, english = torch.tensor([0.2, 0.4, 0.1, 0.3]), torch.tensor([0.3, 0.5, 0.3, 0.2])
    paired = (target - english).std().item()
    typical = {
        "That is 1.96 · s: the mean of n prompts varies less than one prompt, so divide by √n.": 1.96 * paired,
        "Divide the squared deviations by n − 1, not by n: this is a sample.": 1.96 * (target - english).std(correction=0).item() / 2,
        "That adds up the spread of both columns: take the difference for every prompt first.": 1.96
        * (target.var() + english.var()).sqrt().item()
        / 2,
        "That is the standard error: multiply it by 1.96.": paired / 2,
    }
    if math.isclose(abs(value), 1.96 * paired / 2, abs_tol=0.001):
        return "The differences vary less than the two columns together: pairing takes away what makes a prompt easy in both languages."
    for hint, wrong in typical.items():
        if math.isclose(abs(value), wrong, abs_tol=0.001):
            raise WrongAnswerError(hint)
    raise WrongAnswerError("Four differences first, then their sample standard deviation s, then 1.96 · s / √4.")


@register("04.2")
def pooled_interval(answer: object) -> str:
    """The honest half-width when three identical prompts a concept were taken for independent ones, which gave 0.010."""
    value = _number(answer)
    if math.isclose(value, 0.010 * math.sqrt(3), abs_tol=0.0002):
        return "A third of the facts, so √3 times the width. Real prompts about one concept are only alike: the truth lies between."
    if math.isclose(value, 0.030, abs_tol=0.0002):
        raise WrongAnswerError("The width goes with 1/√n, not with 1/n.")
    if math.isclose(value, 0.010 / math.sqrt(3), abs_tol=0.0002):
        raise WrongAnswerError("Fewer independent facts make an interval wider, not narrower.")
    if math.isclose(value, 0.010, abs_tol=0.0002):
        raise WrongAnswerError("Saying the same thing three times adds no certainty: how many independent facts are there?")
    raise WrongAnswerError("Only every third prompt is a new fact. The half-width is 1.96 · s/√n: what does a third of n do to it?")


@register("05.1")
def degrees_from_the_pole(answer: object) -> str:
    """Degrees between the pole and a latent with x = -0.012, y = 0.016."""
    value = _number(answer)
    if math.isclose(value, math.degrees(math.asin(0.02)), abs_tol=0.01):
        return "A little over one degree: without magnification the whole path would be a dot at the pole."
    if math.isclose(value, 0.02, abs_tol=0.0005):
        raise WrongAnswerError("That is in radians: math.degrees turns them into degrees.")
    if math.isclose(value, math.degrees(math.acos(0.02)), abs_tol=0.02):
        raise WrongAnswerError("That is the angle to the equator: 0.02 is the distance from the pole's axis, so take the arcsine.")
    if math.isclose(value, math.degrees(math.asin(0.016)), abs_tol=0.01) or math.isclose(
        value, math.degrees(math.asin(0.012)), abs_tol=0.01
    ):
        raise WrongAnswerError("Both coordinates count: √(x² + y²).")
    if math.isclose(value, math.degrees(math.asin(0.004)), abs_tol=0.01):
        raise WrongAnswerError("Square x and y before adding them: the minus sign of x does not bring the point nearer to the pole.")
    raise WrongAnswerError("√(x² + y²) first, then math.asin, then math.degrees.")


@register("05.2")
def own_rotation(answer: object) -> str:
    """A function rotation(E, U) -> the orthogonal R that minimises ‖E R − U‖."""
    if not callable(answer):
        raise WrongAnswerError("The answer is a function: define rotation(E, U) and pass rotation.")
    generator = torch.Generator().manual_seed(0)
    E, U = torch.randn(30, 6, generator=generator), torch.randn(30, 6, generator=generator)
    given = torch.as_tensor(answer(E.clone(), U.clone())).float()
    left, _, right = torch.linalg.svd(E.T @ U)
    if given.shape == (6, 6) and torch.allclose(given, left @ right, atol=1e-4):
        return "Rotations and reflections only: no direction is stretched."
    typical = {
        "That is its transpose, which turns U into E: mind the order, A first, then Bᵀ.": (left @ right).T,
        "EᵀU also stretches. Keep A and Bᵀ of its singular value decomposition and leave the singular values out.": E.T @ U,
        "That is the least-squares solution, which may stretch: a rotation may not.": torch.linalg.lstsq(E, U).solution,
        "torch.linalg.svd returns Bᵀ already: do not transpose it once more.": left @ right.T,
    }
    for hint, wrong in typical.items():
        if given.shape == wrong.shape and torch.allclose(given, wrong, atol=1e-4):
            raise WrongAnswerError(hint)
    raise WrongAnswerError("The steps are: M = EᵀU, its singular value decomposition A Σ Bᵀ, and R = A Bᵀ, a matrix [d_model, d_model].")
