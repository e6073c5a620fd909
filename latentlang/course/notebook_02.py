"""The exercises of notebook 2: the lens."""

from __future__ import annotations

import math

import torch

from .answers import (
    WrongAnswerError,
    check,
    close,
    follows_english,
    function,
    run,
    tensor,
    translates,
)


@check("02.1")
def uniform_entropy(answer: object) -> str:
    """Entropy in bits of the uniform distribution over Gemma's 262,144 tokens."""
    typical = {
        "That is in nats: use the logarithm to base 2 for bits.": 18 * math.log(2),
        "That is the number of tokens; the entropy is its logarithm to base 2.": 2**18,
        "Mind the sign: the logarithm of a probability is negative, the entropy is not.": -18,
    }
    praise = "262,144 is 2 to the 18th: eighteen yes-or-no questions single out one token."
    return close(
        answer, 18, praise, typical, "For n equally likely tokens the entropy is log2(n).", 0.01
    )


@check("02.2")
def own_lens(answer: object) -> str:
    """A function lens(h, gain, U) -> probabilities for an RMSNorm model."""
    lens = function(answer, "lens(h, gain, U)")
    generator = torch.Generator().manual_seed(0)
    h = 7 * torch.randn(16, generator=generator)
    gain = 1 + 0.5 * torch.randn(16, generator=generator)
    U = torch.randn(40, 16, generator=generator)
    normed = h / h.square().mean().sqrt()
    right = torch.softmax(U @ (gain * normed), -1)
    result = tensor(lens(h, gain, U), "lens")
    if result.shape != right.shape:
        raise WrongAnswerError(
            f"The result has shape {list(result.shape)}; "
            f"it should be one probability per token, {list(right.shape)}."
        )
    without_norm = torch.softmax(U @ (gain * h), -1)
    without_gain = torch.softmax(U @ normed, -1)
    unit_length = torch.softmax(U @ (gain * h / h.norm()), -1)
    one_more = torch.softmax(U @ ((1 + gain) * normed), -1)
    typical = {
        "These are logits: a softmax turns them into probabilities.": U @ (gain * normed),
        "Normalise h before the unembedding: divide it by its root mean square.": without_norm,
        "The gain is missing: the final norm multiplies every dimension by it.": without_gain,
        "RMSNorm divides by the root of the MEAN square, not by the length.": unit_length,
        "`gain` is the whole gain already: do not add 1.": one_more,
        "These are logarithms: a softmax gives the probabilities themselves.": right.log(),
    }
    if torch.allclose(result, right, atol=1e-4):
        return "Norm, gain, unembedding, softmax: that is the whole logit lens."
    for hint, wrong in typical.items():
        if torch.allclose(result, wrong, atol=1e-4):
            raise WrongAnswerError(hint)
    raise WrongAnswerError(
        "The steps are: divide by the root mean square, multiply by the gain, multiply by U, "
        "softmax."
    )


@check("02.3")
def word_probability(answer: object) -> str:
    """A function probability(logits, ids) -> P of a set of tokens."""
    probability = function(answer, "probability(logits, ids)")
    logits = torch.tensor([2.0, 0.0, 1.0, -1.0, 3.0])
    probs = torch.softmax(logits, -1)
    praise = "Softmax over all tokens, then the sum over the set: P(word)."
    way = "Softmax over the whole vocabulary, then the sum over ids."
    for ids in ([0, 2], [4, 1, 3]):
        value = tensor(probability(logits, ids), "probability")
        if value.numel() == len(ids):
            raise WrongAnswerError("One number, please: add the probabilities of the tokens.")
        mean, largest = probs[ids].mean().item(), probs[ids].max().item()
        typical = {
            "Softmax over the whole vocabulary first: over the set alone the sum is always 1.": 1.0,
            "These are logits: take the softmax before you add.": logits[ids].sum().item(),
            "Add the probabilities of all tokens in the set instead of averaging them.": mean,
            "The word may begin with any of its tokens: add all, not only the largest.": largest,
        }
        close(value, probs[ids].sum().item(), praise, typical, way, 1e-4)
    return praise


@check("02.4")
def no_detour(answer: object) -> str:
    """A run of one prompt that is answered in the target language without English on the way."""
    if isinstance(answer, int):
        raise WrongAnswerError(
            f"The answer is a run, and {answer} is the number of a row: pass translation[{answer}]."
        )
    answer_run = run(answer)
    if len(answer_run) != 1:
        raise WrongAnswerError(
            f"One prompt, please: this run has {len(answer_run)}; "
            "take run[i] with the number of a row."
        )
    if not translates(answer_run):
        raise WrongAnswerError("Take a prompt of the translation run: this one repeats a word.")
    follows_english(answer_run)
    pivot, target = answer_run.pair
    english = answer_run.probability[pivot].max().item()
    end = answer_run.probability[target][0, -1].item()
    if english >= 0.05:
        raise WrongAnswerError(
            f"P({pivot}) rises to {english:.1%} on the way: "
            "look for a prompt where it stays below 5 % in every layer."
        )
    if end <= 0.5:
        raise WrongAnswerError(
            f"P({target}) is {end:.1%} at the end: the answer should be right, above 50 %."
        )
    return (
        f"'{answer_run.prompts['concept'][0]}': P({target}) is {end:.0%} at the end, "
        f"and English never above {english:.1%}. A mean over words hides such cases."
    )
