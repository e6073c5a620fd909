# ---
# jupyter:
#   course:
#     you_will: 'steer the answer into another language, then erase the English word and see what each control leaves of the effect'
#     figure: 'll.plots.pivot_test(chinese)'
#     alt: 'Points with intervals: how far the answer falls when each word is erased'
#     first_run: 2.2
#     again: 1.2
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 8 · Steer the language
#
# **Is the English word that the lens shows used on the way to the answer, or only seen?**
#
# First you change the language of an answer with one vector.
# Then you put the pivot to its own test (a [pivot test](GLOSSARY.md)): you erase the English word, and ask what the answer loses.

# %% [markdown]
# ## What you will do
#
# - make a language vector from some words, and steer prompts about other words with it;
# - judge it by three measures: the right language, the right concept, the right form;
# - erase the English word where it leads, and compare with many [controls](GLOSSARY.md);
# - say in one sentence what is left of the effect.
#
# **You need** notebook 2, section 2 of notebook 4, section 3 of notebook 7, and the dot product of vectors.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 70 minutes to work through.
# The cells run for about two minutes on two CPU cores the first time.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "about 70 minutes to work through": "an estimate for a lesson",
    "Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number)": (
        "the name of a model, and counted by a test"
    ),
}

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
seed = 0
every = 12  # steer prompts about every 12th concept of the list

# %%
import pandas as pd
import torch

model = ll.load_model(model)
model

# %% [markdown]
# ## 1. A vector that changes the language
#
# **Objective: change the language of an answer and keep its concept.**
#
# Take prompts from English to Chinese, and prompts from English to French about the same words.
# At the last token, subtract the mean latent of the French ones from that of the Chinese ones.
# The result is the [language vector](GLOSSARY.md), one per layer.
# Add it to other prompts from English to French, at one layer after the other.
# This is [steering](GLOSSARY.md).
#
# The vector is made from one half of the words, and the prompts ask about the other half.
# So it cannot carry the answer itself.
# The sweep takes minutes, so that of the demo model is a [stored answer](GLOSSARY.md), as is the test of section 6.

# %%
demo = ll.load_model("gemma-3-270m", stored=True)
as_stored = (model.name, every, seed) == (demo.name, 12, 0)
sweeper = demo if as_stored else model  # with other parameters they are computed now
steered = ll.run_sweep(
    sweeper, "steer", ("en", "zh"), ("en", "fr"), every=every, continue_tokens=6, seed=seed
)
steered

# %% tags=["predict"]
late = {code: values[:, 13].mean().item() for code, values in steered.probability.items()}
choices = {
    "zh": "the right word in Chinese",
    "other:zh": "another word in Chinese",
    "fr": "the right word in French",
}
answer = choices[max(late, key=late.get)]
told = ", ".join(f"{choices[code]}: {value:.1%}" for code, value in late.items())
question = "The vector is added at layer 14. Which of these answers will be most probable?"
ll.predict(question, list(choices.values()), answer, told)

# %%
ll.plots.sweep(steered)

# %% [markdown]
# **What to notice.** Up to layer 7 the vector brings no Chinese.
# From layer 8 on Chinese is above French, from layer 10 on surely (so says the title).
# It is the word for the right concept: another concept's Chinese word stays below 0.2 %.
# The grey lines are controls: neither a random vector of the same length nor the vector to Spanish brings Chinese at any layer.
# The strip above the curves shows the fluency, which section 2 explains.

# %% tags=["claims"]
{
    "Up to layer 7 the vector brings no Chinese": (
        steered.probability["zh"][:, :7].mean(0).max() < 0.001
    ),
    "From layer 8 on Chinese is above French": all(
        zh > 2 * fr
        for zh, fr in zip(
            *(steered.between(8, 18).probability[code].mean(0) for code in ("zh", "fr"))
        )
    ),
    "from layer 10 on surely": (
        (ll.metrics.paired_difference(steered, "zh", "fr").leads.loc[10:] == "first").all()
    ),
    "another concept's Chinese word stays below 0.2 %": (
        steered.probability["other:zh"].mean(0).max() < 0.002
    ),
    "nor the vector to Spanish brings Chinese at any layer": all(
        steered.controls[name]["zh"].mean(0).max() < 0.001
        for name in ("random", "third language (es)")
    ),
}

# %% [markdown]
# **Question.** The vector comes from other words than the prompts that it steers.
# What would be wrong with the same words?
#
# <details><summary>Answer</summary>
#
# The mean latent would hold a part of the very answers.
# A rise of the right word could then be that word, put in by hand, and would show nothing about the language.
#
# </details>

# %% [markdown]
# ## 2. Success, meaning, fluency
#
# **Objective: judge a steered answer by more than one number.**
#
# - **Success:** the answer is in the new language. Here: the probability of the right Chinese word and of one other concept's Chinese word together.
# - **Meaning:** the share of this probability that the right word has. A third Chinese word would escape both numbers.
# - **Fluency:** the share of prompts whose continuation, at most six tokens, closes the quotation mark. A model that never closes it has lost the form of the answer.
#
# Compare them with real prompts from English to Chinese about the same words.

# %% tags=["claims"]
{
    "at most six tokens": "the argument of the cell above, and a limit of the library",
}

# %%
real = ll.run_experiment(model, "translation", "en", "zh", every=every, seed=seed)
shared = [concept for concept in steered.prompts["concept"] if concept in real]
right, other = (steered.probability[code].mean(0) for code in ("zh", "other:zh"))
table = pd.DataFrame({"success": right + other, "meaning": right / (right + other)})
table["fluency"] = steered.closed.double().mean(0)
table.index = pd.Index(steered.layers, name="layer")
print(f"real prompts to Chinese: {real[shared].probability['zh'][:, -1].mean():.2f}")
table.loc[8:].round(3)

# %% [markdown]
# **What to notice.** Between layers 14 and 18 the success of the steered prompts is about 0.4; in the real prompts, the right word has 0.48.
# Meaning and fluency stay near 1: in this model the vector changes the language and nothing else that these measures can see.
# In larger models late steering may spoil the form, so measure it.

# %% tags=["claims"]
{
    "Between layers 14 and 18 the success of the steered prompts is about 0.4": (
        (table.success.loc[14:18] - 0.4).abs().max() < 0.03
    ),
    "in the real prompts, the right word has 0.48": (
        round(real[shared].probability["zh"][:, -1].mean().item(), 2) == 0.48
    ),
    "Meaning and fluency stay near 1": all(
        0.9 < value <= 1 for value in table.loc[8:, ["meaning", "fluency"]].min()
    ),
}

# %% [markdown]
# **Question.** Suppose that a vector brings one other concept's Chinese word in all prompts.
# Which of the three measures shows it?
#
# <details><summary>Answer</summary>
#
# *Meaning* shows it: the right word has no share in the Chinese that comes.
# *Success* would be high, and *fluency* may be.
#
# </details>

# %% [markdown]
# ## 3. How much of it
#
# **Objective: change the scale.**
#
# The vector has a natural length: the distance of the two means.
# Multiply it by a scale, and add it at layer 14 to the prompts of section 1.

# %% tags=["claims"]
{
    "add it at layer 14": "a choice",
}

# %%
away, towards = (
    ll.build_prompts("translation", "en", code, tokenizer=model.tokenizer, seed=seed)
    for code in ("fr", "zh")
)
# The words of section 1, and other words for the vector.
tested = away.about(concept for concept in shared if concept in towards)
asked = [concept for concept in ll.load_words().index[::every] if concept not in tested]
vector = ll.language_vector(model, away.about(asked), towards.about(asked))

# %%
sets = {"zh": [towards[p.concept].token_ids["zh"] for p in tested]}
sets["fr"] = [p.token_ids["fr"] for p in tested]
by_scale = {}
for scale in (0.25, 0.5, 1, 2, 4):
    one = ll.sweep(model, tested, ll.Steer(vector, scale, layers=14), targets=sets, progress=False)
    by_scale[scale] = {code: values.mean().item() for code, values in one.probability.items()}
scales = pd.DataFrame(by_scale).T.rename(columns={"zh": "Chinese", "fr": "French"})
scales.rename_axis("scale").round(2)

# %% [markdown]
# **What to notice.** More is not better: at scale 4 the vector brings less than half of the Chinese that it brings at scale 1.
# Perhaps the latent is then too far from anything that a prompt would make.

# %% tags=["claims"]
{
    "at scale 4 the vector brings less than half of the Chinese that it brings at scale 1": (
        scales.Chinese[4] < scales.Chinese[1] / 2
    ),
}

# %% [markdown]
# **Question.** At the largest scale both Chinese and French are low.
# Where has the probability gone?
#
# <details><summary>Answer</summary>
#
# To tokens that neither column counts.
# The latent is then far from what a prompt makes, so the later layers may write anything.
# The table does not say what: for that, look at the top tokens.
#
# </details>

# %% [markdown]
# ## 4. The pivot's own test
#
# **Objective: erase one word from a latent.**
#
# Steering shows that a *language* can be changed.
# It does not show that the model goes through English.
# If it does, then a latent without the English word should lead to a worse answer.
#
# A token's direction is its row of the [unembedding](GLOSSARY.md), times the gain of the final norm; a word has one for each token that can begin it.
# [Erasing](GLOSSARY.md) projects the latent onto what is at right angles to them: h − (h·u)u for a single direction u of length 1.
# After that the lens gives these tokens the logit 0.
# The later layers may write the word again, so it is erased at several layers.

# %% tags=["claims"]
{
    "for a single direction u of length 1": "a definition",
    "gives these tokens the logit 0": "what follows from the definition",
}

# %%
prompt = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)["flower"]
english = model.folded_unembedding(sorted(prompt.token_ids["en"]))  # a row for each token
erase = ll.Erase(english, layers=[13, 14])
flower = {}
for name, changes in (("as it is", []), ("without English", [erase])):
    run = ll.decode(model, prompt, interventions=changes)
    flower[name] = [run.probability["en"][0, 13].item(), run.probability["zh"][0, -1].item()]
pd.DataFrame(flower, index=["P(English), layer 14", "P(Chinese), last layer"]).T.round(4)

# %% [markdown]
# **What to notice.** The lens loses the English word, and Chinese falls from 0.21 to 0.08 at the end.
# That is one prompt; section 5 takes many, and asks what the fall means.

# %% tags=["claims"]
{
    "The lens loses the English word": flower["without English"][0] < 0.001,
    "Chinese falls from 0.21 to 0.08 at the end": (
        [round(p, 2) for _, p in flower.values()] == [0.21, 0.08]
    ),
}

# %% [markdown]
# **Question.** After the erasure the lens does not show the English word.
# Is the word gone from the model?
#
# <details><summary>Answer</summary>
#
# It is gone from what the output layer reads in this latent.
# The earlier tokens still have it, later layers may write it again, and the model may keep it along other directions.
#
# </details>

# %% [markdown]
# ## Exercise 08.1 · Erase by hand (6 minutes, medium)
#
# Write a function `erase_by_hand(h, u)` that returns the latent `h` without its part along `u`.
# Both are vectors (torch tensors) of the same shape, and the length (norm) of `u` may be any number but zero.


# %% tags=["stub"]
def erase_by_hand(h, u): ...


answer = ...  # write erase_by_hand, then replace the dots here by: erase_by_hand
ll.checks.exercise("08.1", answer)


# %% tags=["solution"]
def erase_by_hand(h, u):
    # The part of h along u, divided by u·u because u may have any length.
    return h - (h @ u) / (u @ u) * u


ll.checks.exercise("08.1", erase_by_hand)

# %% tags=["wrong"]
{
    "any length": lambda h, u: h - (h @ u) * u,
    "the part along u itself": lambda h, u: (h @ u) / (u @ u) * u,
    "Divide by u·u once": lambda h, u: h - (h @ u) / u.norm() * u,
    "minus, not plus": lambda h, u: h + (h @ u) / (u @ u) * u,
    "returns nothing": lambda h, u: None,
}

# %% [markdown]
# ## 5. A fall, and what it means
#
# **Objective: measure the fall on words that did not help to choose the layers.**
#
# On one half of the concepts we look where English leads the target, in the logit lens.
# On the other half we erase the English word at all these layers, and read P(Chinese) at the end.
# [Cognates](GLOSSARY.md) are left out.
#
# If the model uses English, these controls should take less:
#
# - another concept's English word;
# - the word in German (the source), Japanese, Spanish and Russian;
# - as many random directions, and a random change of the same length.
#
# But the part of the English word *at right angles to the Chinese word* should still take some.
#
# Two more kinds of rows: the mean direction of a language (its mean latent minus that of others), and the Chinese word itself, the *ceiling* for a word.

# %%
chinese = ll.pivot_test(model, "de", "zh", every=4, seed=seed)
chinese

# %% tags=["predict"]
word = chinese.summarize().loc["en word"]
choices = ["to nearly nothing", "clearly, but not to nothing", "not clearly"]
found = choices[1] if word.upper < 0 else choices[2]
if word.after < word.before / 10:
    found = choices[0]
told = f"from {word.before:.1%} to {word.after:.1%}"
ll.predict("How far will Chinese fall without the English word?", choices, found, told)

# %% tags=["predict"]
changes = chinese.summarize()["difference"]
names = {
    "de word": "the German word, the source",
    "ja word": "the same word in Japanese",
    "en word orthogonal": "the part of the English word at right angles to the Chinese word",
}
least = names[max(names, key=lambda name: changes[name])]
told = ", ".join(f"{said}: {changes[name]:.3f}" for name, said in names.items())
ll.predict("Which of these erasures takes the least?", list(names.values()), least, told)

# %%
ll.plots.pivot_test(chinese)

# %% [markdown]
# **What to notice, row by row.** Without the English word Chinese falls by half.
# That is the naive number, and it looks like a pivot.
#
# - **At right angles.** The rows of the English and the Chinese word point in similar directions (cosine 0.67). Erase only the part of English that is at right angles to Chinese, and no fall is certain.
# - **Other words.** The German, Japanese and Russian words take about as much as the English one. The Spanish word and another English word take less, but not surely.
# - **Random changes.** As many random directions take as much, but they move the latent more than six times as far. A random change of the same length takes little.
# - **Languages.** The mean direction takes nearly everything, whether English, Japanese or Spanish, and Russian most of it. But these move the latent more than twenty times as far.

# %% tags=["claims"]
{
    "Without the English word Chinese falls by half": (
        0.45 < chinese.summarize().share["en word"] < 0.55
    ),
    "point in similar directions (cosine 0.67)": (
        round(chinese.summarize().cosine["en word"], 2) == 0.67
    ),
    "no fall is certain": chinese.summarize().upper["en word orthogonal"] > 0,
    "The German, Japanese and Russian words take about as much as the English one": all(
        chinese.summarize().beyond_lower[f"{code} word"]
        < 0
        < chinese.summarize().beyond_upper[f"{code} word"]
        and abs(chinese.summarize().beyond[f"{code} word"]) < 0.02
        for code in ("de", "ja", "ru")
    ),
    "The Spanish word and another English word take less, but not surely": all(
        chinese.summarize().beyond_lower[name] < 0 and chinese.summarize().beyond[name] > 0.02
        for name in ("es word", "another en word")
    ),
    "As many random directions take as much": (abs(chinese.summarize().beyond["random"]) < 0.02),
    "they move the latent more than six times as far": (
        chinese.summarize().moved["random"] > 6 * chinese.summarize().moved["en word"]
    ),
    "A random change of the same length takes little": (
        chinese.summarize().share["random, same length"] < 0.15
    ),
    "takes nearly everything, whether English, Japanese or Spanish": all(
        chinese.summarize().share[f"{code} language"] > 0.95 for code in ("en", "ja", "es")
    ),
    "and Russian most of it": 0.75 < chinese.summarize().share["ru language"] < 0.95,
    "these move the latent more than twenty times as far": all(
        chinese.summarize().moved[f"{code} language"] > 20 * chinese.summarize().moved["en word"]
        for code in ("en", "ja", "es", "ru")
    ),
}

# %%
columns = ["difference", "lower", "upper", "beyond", "beyond_lower", "beyond_upper"]
chinese.summarize()[[*columns, "cosine", "moved"]].round(3)

# %% [markdown]
# `difference` is P(Chinese) with the erasure minus without it, and `beyond` is how much *more* the English word takes than this row, compared inside each prompt.
# `cosine` compares what is erased with the Chinese word; `moved` is how far the first erasure moves the latent, as a part of the latent's length.
# Each interval of 95 % holds for one row alone: with so many rows, one that barely leaves zero out proves little.
#
# A sentence that you may write: **erasing the English word costs Chinese half of its probability, but no other language's word surely costs less, and the part of English at right angles to Chinese does not surely cost anything.**
# So the naive number does not speak for a pivot in this model.
# It does not rule one out either: the interval of that part reaches down to −0.04.

# %% tags=["claims"]
{
    "Each interval of 95 %": "the level of the intervals",
    "costs Chinese half of its probability": 0.45 < chinese.summarize().share["en word"] < 0.55,
    "no other language's word surely costs less": all(
        chinese.summarize().beyond_lower[f"{code} word"] < 0 for code in ("de", "ja", "es", "ru")
    ),
    "the interval of that part reaches down to −0.04": (
        round(chinese.summarize().lower["en word orthogonal"], 2) == -0.04
    ),
}

# %% [markdown]
# **Question.** Chinese falls by half without the English word.
# Why is this fall, on its own, not evidence for a pivot?
#
# <details><summary>Answer</summary>
#
# Erasing a word that resembles the answer takes a part of the answer with it.
# The words of other languages, which nobody calls a pivot, take about as much.
# And what English does not share with Chinese takes nothing for certain.
#
# </details>

# %% [markdown]
# ### Your word
#
# Erase the English word for one word: the one that you chose in notebook 1.
# The layers are those of the test above.

# %%
my_word = ll.my_word()  # on another machine: ll.my_word("the line that you copied")
my_prompts = ll.build_prompts("translation", *my_word.languages, tokenizer=model.tokenizer)
mine = my_prompts[my_word.concept]
rows = model.folded_unembedding(sorted(mine.token_ids["en"]))
changes_of = {"as it is": [], "without English": [ll.Erase(rows, layers=chinese.layers)]}
ends = chinese.summarize().loc["en word", ["before", "after"]]
answers = []
for (name, changes), mean in zip(changes_of.items(), ends):
    my_run = ll.decode(model, mine, interventions=changes)
    answers.append((name, my_word.concept, my_run.probability[my_word.target][0, -1].item()))
    answers.append((name, "mean", mean))

# %%
answers = pd.DataFrame(answers, columns=["English word", "whose", "P(answer)"])
left = answers.pivot(index="whose", columns="English word", values="P(answer)")
left = left["without English"] / left["as it is"]
print(my_word.note(8, left[my_word.concept], left["mean"]))
question = "What is left of the answer without the English word?"
ll.plots.bars(answers, "English word", "P(answer)", question, group="whose")

# %% [markdown]
# **What to notice.** Does the answer for your word fall more than the mean, or less?
# The printed line has the share of P(answer) that is left: for your word, and for the mean.
# As above, a fall alone does not show that the English word is used.

# %% [markdown]
# ## Exercise 08.2 · Where a naive number comes from (6 minutes, medium)
#
# An English row is (0.6, 0.8), a Chinese row is (1, 0), both of length 1.
# The latent is (2, 1).
# The dot product of the latent and a row stands for the logit of that row's word.
# How does this product change for the Chinese row when the English row is erased from the latent?
# Give it after the erasure minus before.

# %% tags=["claims"]
{
    "An English row is (0.6, 0.8), a Chinese row is (1, 0), both of length 1": "an exercise",
    "The latent is (2, 1)": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("08.2", answer)

# %% tags=["solution"]
# h·e = 1.2 + 0.8 = 2, so what is erased is 2e = (1.2, 1.6), and its dot product with z is 1.2.
latent, e, z = torch.tensor([2.0, 1.0]), torch.tensor([0.6, 0.8]), torch.tensor([1.0, 0.0])
answer = ((latent - (latent @ e) * e) @ z - latent @ z).item()
ll.checks.exercise("08.2", answer)

# %% tags=["wrong"]
{
    "is smaller": 1.2,
    "after the erasure": 0.8,
    "with the English row": -2.0,
    "the cosine": -0.6,
    "at right angles": 0.0,
    "is a number": "less",
}

# %% [markdown]
# ## 6. Another target
#
# **Objective: see whether the result depends on the script.**
#
# German shares its script with English.
# Here P(German) is low to begin with: translations from French to German are hard for this model.

# %%
german = ll.pivot_test(sweeper, "fr", "de", every=4, seed=seed)
ll.plots.pivot_test(german)

# %% [markdown]
# **What to notice.** Nearly the same picture: German falls from 6 % to 2 % without the English word.
# The French (source), Spanish and Japanese words take about as much; the Russian one takes a little less, with an interval of `beyond` that barely leaves zero out.
# Erase only the part of English at right angles to German, and no fall of German is certain.
# So, as far as these pairs can tell, the result does not depend on the script.

# %% tags=["claims"]
{
    "German falls from 6 % to 2 % without the English word": (
        round(german.summarize().before["en word"], 2) == 0.06
        and round(german.summarize().after["en word"], 2) == 0.02
    ),
    "The French (source), Spanish and Japanese words take about as much": all(
        german.summarize().beyond_lower[f"{code} word"] < 0
        and abs(german.summarize().beyond[f"{code} word"]) < 0.02
        for code in ("fr", "es", "ja")
    ),
    "with an interval of `beyond` that barely leaves zero out": (
        0 < german.summarize().beyond_lower["ru word"] < 0.005
    ),
    "no fall of German is certain": german.summarize().upper["en word orthogonal"] > 0,
}

# %% [markdown]
# **Question.** For the Russian word the interval of `beyond` barely leaves zero out.
# May you write that the model uses English more than Russian?
#
# <details><summary>Answer</summary>
#
# Better not: many rows are many looks, and one of them may leave zero out by chance.
# Choose this one row in advance, and test it on other words.
#
# </details>

# %% [markdown]
# ## 7. A larger model
#
# **Objective: see how large a naive number can be, and what one control leaves of it.**
#
# Here is Qwen2.5-Coder 1.5B Instruct, first from German to Chinese, from [stored answers](GLOSSARY.md).

# %% tags=["claims"]
{
    "Qwen2.5-Coder 1.5B Instruct": "the name of a model",
}

# %%
larger = ll.load_model("qwen2.5-coder-1.5b-instruct", stored=True)
qwen_chinese = ll.pivot_test(larger, "de", "zh", every=4)
ll.plots.pivot_test(qwen_chinese)

# %% [markdown]
# **What to notice.** In the lens English never leads Chinese here, so the layers are those around its peak.
# Without the English word Chinese falls from 54 % to 14 %, and *every* control clearly takes less: other languages' words, other English words, random changes.
# It looks like proof.
#
# But the English and the Chinese rows have a cosine of 0.55.
# Erase only the part of English at right angles to Chinese, which moves the latent about half as far, and Chinese does not fall: it *rises* by 4 points.
#
# A sentence that you may write: **in Qwen, from German to Chinese, erasing the English word costs 41 points of probability, and its part at right angles to the Chinese word costs nothing.**

# %% tags=["claims"]
{
    "English never leads Chinese here": not qwen_chinese.leads,
    "Chinese falls from 54 % to 14 %, and *every* control clearly takes less": (
        round(qwen_chinese.summarize().before["en word"], 2) == 0.54
        and round(qwen_chinese.summarize().after["en word"], 2) == 0.14
        and all(
            qwen_chinese.summarize().beyond_lower[name] > 0
            for name in qwen_chinese.conditions
            if name not in ("en word", "en word orthogonal", "zh word")
        )
    ),
    "a cosine of 0.55": round(qwen_chinese.summarize().cosine["en word"], 2) == 0.55,
    "which moves the latent about half as far": (
        0.45
        < qwen_chinese.summarize().moved["en word orthogonal"]
        / qwen_chinese.summarize().moved["en word"]
        < 0.55
    ),
    "it *rises* by 4 points": (
        round(100 * qwen_chinese.summarize().difference["en word orthogonal"]) == 4
        and qwen_chinese.summarize().lower["en word orthogonal"] > 0
    ),
    "erasing the English word costs 41 points of probability": (
        round(-100 * qwen_chinese.summarize().difference["en word"]) == 41
    ),
}

# %%
qwen_german = ll.pivot_test(larger, "fr", "de", every=4)
ll.plots.pivot_test(qwen_german)

# %% [markdown]
# **What to notice.** From French to German the same model gives another picture.
#
# - German falls from 21 % to 9 % without the English word, and nearly as far without its part at right angles to German: here the cosine is not the reason.
# - The French, Spanish, Russian and Japanese words all take clearly less, also less than this part. The mean directions of languages take next to nothing.
# - One control remains: a random change of the same length takes 0.07 of the 0.12, and the interval of `beyond` includes zero there. Erasing the English word moves the latent by a tenth of its length.

# %% tags=["claims"]
{
    "German falls from 21 % to 9 %": (
        round(qwen_german.summarize().before["en word"], 2) == 0.21
        and round(qwen_german.summarize().after["en word"], 2) == 0.09
    ),
    "nearly as far without its part at right angles to German": (
        qwen_german.summarize().upper["en word orthogonal"] < 0
        and abs(qwen_german.summarize().beyond["en word orthogonal"]) < 0.02
    ),
    "The French, Spanish, Russian and Japanese words all take clearly less": all(
        qwen_german.summarize().beyond_lower[f"{code} word"] > 0
        for code in ("fr", "es", "ru", "ja")
    ),
    "also less than this part": all(
        ll.metrics.mean_ci(
            qwen_german.erased[f"{code} word"] - qwen_german.erased["en word orthogonal"],
            "bootstrap",
        )[1]
        > 0
        for code in ("fr", "es", "ru", "ja")
    ),
    "The mean directions of languages take next to nothing": all(
        abs(qwen_german.summarize().difference[f"{code} language"]) < 0.01
        for code in ("en", "es", "ru", "ja")
    ),
    "takes 0.07 of the 0.12, and the interval of `beyond` includes zero there": (
        round(-qwen_german.summarize().difference["random, same length"], 2) == 0.07
        and round(-qwen_german.summarize().difference["en word"], 2) == 0.12
        and qwen_german.summarize().beyond_lower["random, same length"] < 0
    ),
    "moves the latent by a tenth of its length": (
        round(qwen_german.summarize().moved["en word"], 1) == 1 / 10
    ),
}

# %% [markdown]
# A sentence that you may write: **in Qwen, from French to German, erasing the English word, or its part at right angles to the German word, costs more than erasing the words of four other languages; it does not clearly cost more than a random change of the same size.**
# So English may be used here, but the size of the change may also be the reason.
#
# Here are all tests side by side, with a few of their rows; `n` is the number of prompts.

# %% tags=["claims"]
{
    "it does not clearly cost more than a random change of the same size": (
        qwen_german.summarize().beyond_lower["random, same length"] < 0
    ),
}

# %%
rows = []
tests = {"Gemma de → zh": chinese, "Gemma fr → de": german}
tests |= {"Qwen de → zh": qwen_chinese, "Qwen fr → de": qwen_german}
for name, test in tests.items():
    summary = test.summarize()
    for condition in ("en word", "en word orthogonal", "es word", "random, same length"):
        rows.append({"test": name, "erased": condition, **summary.loc[condition].round(3)})
pd.DataFrame(rows).set_index(["test", "erased"])[[*columns, "n"]]

# %% [markdown]
# **Question.** In Qwen, into Chinese, each control takes less than the English word.
# Which row still speaks against a use of English?
#
# <details><summary>Answer</summary>
#
# The part of English at right angles to the Chinese word: without it Chinese does not fall.
# So what the whole word takes lies along the Chinese word.
#
# </details>

# %% [markdown]
# ## Exercise 08.3 · Say no more than the test (5 minutes, easy)
#
# In a test, erasing the English word lowers P(target) by 0.11, with the interval [0.06, 0.16].
# The same word in Japanese and in Russian lowers it by 0.09 and 0.10, and the interval of `beyond` includes zero for both.
# Which sentence may you write?
# Answer with its letter.
#
# - a: The model thinks in English.
# - b: The model does not use English.
# - c: Erasing the English word harms the answer, and this test does not tell it from other languages.
# - d: Japanese and Russian are pivots as well.

# %% tags=["claims"]
{
    "lowers P(target) by 0.11, with the interval [0.06, 0.16]": "an exercise",
    "lowers it by 0.09 and 0.10": "an exercise",
}

# %% tags=["stub"]
answer = ...  # "a", "b", "c" or "d"
ll.checks.exercise("08.3", answer)

# %% tags=["solution"]
# The fall is certain; that it is English's own is not.
answer = "c"
ll.checks.exercise("08.3", answer)

# %% tags=["wrong"]
{
    "other languages do the same": "a",
    "the fall is certain": "b",
    "every word that is similar": "d",
    "one letter": 3,
}

# %% [markdown]
# ## Exercise 08.4 · A direction of your own (10 minutes, open)
#
# Steer between other languages than section 1 does, so that the right word of the new language surely leads at some layer.
# `answer` is the sweep of `ll.run_sweep(model, "steer", towards, into)`, with at least eight prompts.
# `into` are the languages of the prompts that are steered, such as `("en", "fr")`; `towards` are those of prompts that ask for the new language, such as `("en", "zh")`.
#
# Which of the three measures of section 2 would you report beside it, and why?

# %% tags=["claims"]
{
    "at least eight prompts": "the rule of the check",
}

# %% tags=["stub"]
answer = ...  # ll.run_sweep(model, "steer", ("..", ".."), ("..", ".."), every=12)
ll.checks.exercise("08.4", answer)

# %% tags=["solution"]
# Fluency as well (continue_tokens=6): a vector that is too long may give the right word, and then
# no end of the answer.
answer = ll.run_sweep(model, "steer", ("en", "zh"), ("en", "es"), every=12, seed=seed)
ll.checks.exercise("08.4", answer)

# %% tags=["wrong"]
{
    "This notebook shows": steered,
    "prompts, too few": answer[:5],
    "begins at layer": answer.between(9, 18),
    "This is a control": answer.control("random"),
    "is a sweep": "zh",
}

# %% [markdown]
# ## What this does not show
#
# Erasing at the last token leaves the word at all earlier positions.
# A direction of the unembedding is where the *lens* finds a word; the model may keep it elsewhere.
# So "no effect beyond the controls" is a statement about these directions, layers and models.

# %% [markdown]
# ## Recap
#
# - In Gemma, one vector turns French answers into Chinese ones and keeps the concept.
# - Erasing the English word harms the answer: that is the naive number.
# - In Gemma, into Chinese, no other language's word surely harms it less. In both models, the part of English at right angles to the Chinese word harms it little or not at all.
# - In Qwen, from French to German, that part harms it as well, but not clearly more than a random change of the same size.
# - As many directions need not be as large a change: compare lengths.

# %% [markdown]
# ## Quiz
#
# Choose the sentence that the figure or the table supports.
# The others are mistakes that readers make; each choice says why it follows, or why not.
# (With other parameters the figures may say something else.)

# %% tags=["quiz"]
ll.choose(
    "Section 1, the curves: which sentence do they support?",
    "The vector carries the Chinese word of the answer.",
    "The vector was made from other words than those that the prompts ask about.",
    "From some layer on, one vector turns French answers into Chinese ones.",
    "There Chinese is surely above French, with the right concept.",
    "Any vector of this length changes the language.",
    "A random vector of the same length brings no Chinese at any layer.",
    "The model goes through English, because the vector comes from English prompts.",
    "Both means are of prompts from English, so English cancels in their difference.",
    supported="b",
)

# %% tags=["claims"]
{
    "There Chinese is surely above French, with the right concept": (
        (ll.metrics.paired_difference(steered, "zh", "fr").leads.loc[10:] == "first").all()
        and steered.probability["other:zh"].mean(0).max() < 0.01
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 3, the table of scales: which sentence does it support?",
    "The longer the vector, the better it steers.",
    "Beyond the natural length the vector brings less Chinese.",
    "A longer vector brings French back.",
    "French stays near zero there: the model says something else.",
    "The natural length brings more Chinese than any other length in the table.",
    "Chinese is highest in the row of scale one, and falls on both sides.",
    supported="c",
)

# %% tags=["claims"]
{
    "The natural length brings more Chinese than any other length in the table": (
        scales.Chinese.idxmax() == 1
    ),
    "French stays near zero there": (scales.French.loc[2:].max() < 0.01),
}

# %% tags=["quiz"]
ll.choose(
    "Section 5, the points: which sentence do they support?",
    "The model does not use the English word.",
    "The interval of the part at right angles reaches below zero, so a use is not ruled out.",
    "No other language's word surely costs less than the English word.",
    "The points of these words lie near the English one, with wide intervals.",
    "Words do not matter, because random directions cost as much.",
    "The random directions move the latent several times as far, so the comparison is unfair.",
    "The model goes through English, because Chinese falls by half.",
    "Words of other languages cost about as much, so the fall is not English's own.",
    supported="b",
)

# %% tags=["claims"]
{
    "No other language's word surely costs less than the English word": (
        all(
            chinese.summarize().beyond_lower[f"{code} word"] < 0
            for code in ("de", "ja", "es", "ru")
        )
    ),
    "The interval of the part at right angles reaches below zero": (
        chinese.summarize().lower["en word orthogonal"] < 0
    ),
    "The random directions move the latent several times as far": (
        chinese.summarize().moved["random"] > 3 * chinese.summarize().moved["en word"]
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 7, the points for Chinese: which sentence do they support?",
    "Erasing English helps the model.",
    "Chinese rises without one part, and falls far without the whole word.",
    "The larger the fall of the answer's probability, the more the model uses the word.",
    "A large fall can come from what the word shares with the answer.",
    "English is used, because every control takes less.",
    "The words share a direction: erase only what is English alone, and nothing is lost.",
    "The part of English at right angles to the Chinese word costs nothing.",
    "Without this part Chinese even rises a little.",
    supported="d",
)

# %% tags=["claims"]
{
    "Without this part Chinese even rises a little": (
        0
        < qwen_chinese.summarize().lower["en word orthogonal"]
        < qwen_chinese.summarize().difference["en word orthogonal"]
        < 0.1
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 7, the points for German: which sentence do they support?",
    "The English word costs more than the words of four other languages.",
    "A random change of the same length may cost as much, so the size may be the reason.",
    "English is the pivot of this model.",
    "Into Chinese the same model shows another result, and one control here is not passed.",
    "The direction of the English language costs most.",
    "The mean directions of languages cost next to nothing here.",
    "The fall comes from the direction that the English and the German word share.",
    "The part at right angles to German costs nearly as much as the whole word.",
    supported="a",
)

# %% tags=["claims"]
{
    "The English word costs more than the words of four other languages": (
        sum(
            qwen_german.summarize().beyond_lower[f"{code} word"] > 0
            for code in ("fr", "es", "ru", "ja")
        )
        == 4
    ),
    "A random change of the same length may cost as much": (
        qwen_german.summarize().beyond_lower["random, same length"] < 0
    ),
    "The part at right angles to German costs nearly as much as the whole word": (
        qwen_german.summarize().difference["en word orthogonal"]
        < 0.8 * qwen_german.summarize().difference["en word"]
    ),
}

# %% [markdown]
# ## Readings
#
# - Lu and others (2025), [Paths Not Taken](https://doi.org/10.48550/arXiv.2505.20546): a causal case for a pivot, with a vector for each of its two steps.
# - Schut and others (2025), [Do Multilingual LLMs Think In English?](https://doi.org/10.48550/arXiv.2502.15603): steers answers in several languages with vectors made from English.
# - Gurgurov and others (2026), [CLaS-Bench](https://doi.org/10.48550/arXiv.2601.08331): compares ways of steering a language; differences of means, as in section 1, come first.
