# ---
# jupyter:
#   course:
#     you_will: 'read every layer with the logit lens, by hand and with the library; tell English from a mere copy'
#     figure: 'll.plots.language_probability(translation)'
#     alt: 'Curves of three languages over the layers'
#     first_run: 1.5
#     again: 0.3
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2 · Decode layer by layer
#
# **What would the model say if it had to answer after every layer?**
#
# A transformer does not jump from the prompt to the answer.
# It passes a vector from layer to layer and changes it a little each time.
# In this notebook you read that vector after every layer, with the model's own output layer, and watch which language it speaks.

# %% [markdown]
# ## What you will do
#
# - take the hidden states of a real model out of one forward pass, by hand;
# - turn each of them into a probability for every token: the **logit lens**;
# - draw which language leads at which layer, with its uncertainty;
# - compare translation with repetition.
#
# **You need** notebook 1, and to know what a matrix product and a softmax are.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 55 minutes to work through; the cells run for about a minute and a half on two CPU cores the first time, in 4 GB of memory.
# The default model is Gemma 3 270M, from 4-bit weights (Q4_K_M) made dense again.
# Llama-2 7B, the paper's smallest model, takes about 7.5 GB of GPU memory in 8-bit (not run for this text).

# %% tags=["claims"]
{
    "about 55 minutes to work through": "an estimate for a lesson",
    "in 4 GB of memory": "measured by hand",
    "Gemma 3 270M, from 4-bit weights": "the name of a model and of its file's format",
    "about 7.5 GB of GPU memory in 8-bit": (
        ll.data.results("memory").query("model == 'llama-2-7b'").asked_for.max() == 7.5
    ),
}

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
source, target = "fr", "zh"  # two languages other than English
seed = 0
every = 4  # average over every 4th concept of the list; 1 takes all of them, and four times as long

# %%
import torch
from IPython.display import display

model = ll.load_model(model)
prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer, seed=seed)
print(model, len(prompts), "prompts")

# %% [markdown]
# ## 1. The residual stream
#
# **Objective: know what we are about to read.**
#
# Every token starts as a vector of `d_model` numbers.
# Each of the model's `n_layers` blocks reads it and *adds* something to it: the vector is called the **residual stream**, and its value after a block a **latent** (or hidden state).
# After the last block the model normalises the latent, multiplies it by the *unembedding* matrix and gets one number per token, the **logits**.
# A softmax makes them probabilities.
#
# The last position of the prompt is the one that predicts the answer.
# We follow the latent there.
# Layer 1 is the output of the first block.

# %% tags=["claims"]
{
    "Layer 1 is the output of the first block": "a definition",
}

# %%
example = prompts["eagle"] if "eagle" in prompts else prompts[0]
print(example.text)
print("\nlayers:", model.n_layers, " d_model:", model.d_model)
print("answer:", example.answers[target][0])

# %% [markdown]
# ## 2. One trace by hand
#
# **Objective: take the latents out of the model yourself.**
#
# [nnsight](https://nnsight.net) lets us write down what to keep while the model runs.
# Inside the `with` block, `block.output` is the real tensor of shape `[batch, position, d_model]`; `.save()` keeps it after the block ends.
# We keep the last position of every layer.

# %%
latents = []
with model.trace(example.text):
    for block in model.traced.layers:
        latents.append(block.output[:, -1].save())

h = torch.cat(latents)
h.shape  # [n_layers, d_model]

# %% [markdown]
# ## 3. The logit lens by hand
#
# **Objective: read a middle layer with the output layer.**
#
# The trick is simple and bold: treat the latent after *any* layer as if it were the last one.
# Normalise it, apply the unembedding, take the softmax.
# For the last layer this is exactly what the model does.
# For earlier layers it asks: *what would you say now?*

# %%
with torch.no_grad():
    log_probs = torch.log_softmax(model.lm_head(model.final_norm(h)).float(), -1)

for language, ids in example.token_ids.items():
    by_layer = log_probs[:, sorted(ids)].exp().sum(-1)
    print(f"{language}: {by_layer[-1]:.3f} at the last layer")  # the other layers: soon

# %% [markdown]
# The library does the same in one call, for many prompts, and keeps only what is asked for instead of a quarter of a million numbers per layer.
# Both ways must agree:

# %%
one = ll.decode(model, example)
sets = [sorted(ids) for ids in example.token_ids.values()]
by_hand = torch.stack([log_probs[:, ids].exp().sum(-1) for ids in sets])
library = torch.stack([one.probability[language][0] for language in example.token_ids])
print("largest difference:", f"{(by_hand - library).abs().max():.1e}")

# %% tags=["claims"]
{
    "a quarter of a million numbers per layer": 240_000 < log_probs.shape[-1] < 270_000,
    "Both ways must agree": (by_hand - library).abs().max() < 1e-4,
}

# %% [markdown]
# ## Exercise 02.1 · Entropy (3 minutes, easy)
#
# How sure is the model at a layer?
# The **entropy** says it in bits: 0 when one token has all the probability, and more the more tokens share it.
# Suppose a layer gives every one of Gemma's 262,144 tokens the same probability.
# What is the entropy in bits?

# %% tags=["claims"]
{
    "0 when one token has all the probability": "a definition",
    "Gemma's 262,144 tokens": log_probs.shape[-1] == 262_144,
}

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("02.1", answer)

# %% tags=["solution"]
# n equally likely tokens: log2(n), and 262,144 = 2 ** 18.
import math

answer = math.log2(262_144)
ll.checks.exercise("02.1", answer)

# %% tags=["wrong"]
[
    18 * 0.6931,  # in nats
    2**18,
    -18,
    17,
    "many",
]

# %% [markdown]
# ## 4. What would it say now?
#
# **Objective: read a heatmap of top tokens.**
#
# Columns are the last tokens of the prompt, rows are layers, the top row is the model's real output.
# Each cell shows the most probable next token there, and its colour the probability.
# Hover for the next candidates.

# %% tags=["predict"]
named = {code: ll.plots.language_label(code) for code in one.languages}
table = one.to_frame().query("quantity == 'probability' and value > 0.1")
first = table.sort_values("layer").head(1)  # empty if no word gets there
found = [named[code] for code in first["language"]] or ["none of them"]
question = (
    "Going up the last column: in which language is the first word "
    f"for {example.concept} with more than 10 %?"
)
told = "".join(f"It is at layer {layer}." for layer in first["layer"])
ll.predict(question, [*named.values(), "none of them"], found[0], told)

# %%
seen = ll.decode(model, example, positions=10)
ll.plots.heatmap(seen, model.tokenizer)

# %% [markdown]
# **What to notice.** In the lower layers the lens shows tokens from anywhere: the latent does not yet point at any word.
# Then, in the last column, the English word comes up, though there is no English in the prompt; and at the top the Chinese one.
#
# We picked this concept because it shows the detour so well.
# A single prompt proves little: count many prompts.

# %% tags=["claims"]
{
    "the latent does not yet point at any word": all(
        one.between(1, 9).probability[code].max() < 0.01 for code in ("en", "zh", "fr")
    ),
    "Then, in the last column, the English word comes up": one.rank["en"].min() == 1,
    "there is no English in the prompt": not {*example.answers["en"]} & {*example.text.split('"')},
    "at the top the Chinese one": one.rank["zh"][0, -1] == 1,
}

# %% [markdown]
# ## 5. Which language leads?
#
# **Objective: read the paper's main figure.**
#
# For every prompt and layer we add up the probability of the tokens that begin the English word, the target word and the source word.
# The lines are means over prompts, the bands 95 % intervals (mean ± 1.96 · s/√n, with s the standard deviation over n prompts; the paper's).
# The strip on top is the entropy.
#
# `run_experiment` builds the prompts, decodes them and keeps the result on disk, so that the same question is answered at once next time.

# %%
translation = ll.run_experiment(model, "translation", source, target, seed=seed, every=every)

# %% tags=["predict"]
peaks = {code: values.mean(0).max().item() for code, values in translation.probability.items()}
choices = ["nowhere above 1 %", "above 1 %, but not the highest", "the highest of the three"]
found = 0 if peaks["en"] < 0.01 else 1 + (peaks["en"] == max(peaks.values()))
told = ", ".join(f"{code} {peak:.0%}" for code, peak in peaks.items())
question = "The prompt contains no English. How high will the English line get?"
ll.predict(question, choices, choices[found], f"The peaks: {told}.")

# %%
ll.plots.language_probability(translation)

# %%
summary = ll.summarize(translation)
shown = summary[(summary["quantity"] == "probability") & (summary["layer"] > model.n_layers - 7)]
shown.pivot(index="layer", columns="language", values=["mean", "lower", "upper"]).round(3)

# %% [markdown]
# **What to notice.** The loudest visitor is the *source* word: it stands in the prompt, and a model that has found it tends to copy it.
# The paper plots English and the target; we plot the source too, so that you can see copying and the pivot side by side.
#
# But the English word, which nobody mentioned, rises as well.
# In the first layers where it appears the target is still near zero; then the target catches up, and at the last layer it leads and English is gone.
# That is the detour the paper describes for Llama-2, in miniature.
# (Its reading: concepts lie in a space that leans to English; not: the model translates into English first.)

# %% tags=["claims"]
{
    "The loudest visitor is the *source* word": (
        translation.probability["fr"].mean(0).max() > translation.probability["en"].mean(0).max()
    ),
    "the English word, which nobody mentioned, rises as well": (
        translation.between(1, 12).probability["en"].mean(0).max() < 0.01
        and translation.between(13, 17).probability["en"].mean(0).min() > 0.05
    ),
    "In the first layers where it appears the target is still near zero": (
        translation.between(13, 14).probability["zh"].mean(0).max() < 0.02
    ),
    "then the target catches up": (
        translation.between(13, 18).probability["zh"].mean(0).diff().min() > 0
    ),
    "at the last layer it leads and English is gone": (
        translation.probability["zh"][:, -1].mean() > translation.probability["fr"][:, -1].mean()
        and translation.probability["en"][:, -1].mean() < 0.01
    ),
}

# %% [markdown]
# ## 6. English, or only a copy?
#
# **Objective: look for a simpler explanation before you believe a finding.**
#
# French *lion* is also an English word.
# When the model copies it, the lens counts that as English.
# Such words are **cognates**.
# The paper keeps them; let us leave them out.

# %%
cognates = translation.prompts["cognate"]
print(cognates.sum(), "of", len(translation), "concepts are cognates:")
print(", ".join(translation.prompts["concept"][cognates][:12]))
without = translation.without_cognates()

# %% tags=["claims"]
{
    "French *lion* is also an English word": (
        "lion" in translation.prompts["concept"][cognates].tolist()
    ),
}

# %% tags=["predict"]
before, after = (run.probability["en"].mean(0) for run in (translation, without))
top = int(before.argmax())
left = (after[top] / before[top]).item()
choices = ["most of it", "less than half", "nothing"]
found = choices[0 if left > 0.5 else 1 if left > 0.02 else 2]
question = f"Without cognates, what is left of the English peak (layer {top + 1})?"
ll.predict(question, choices, found, f"{left:.0%} of it.")

# %%
ll.plots.language_probability(without)

# %%
for name, run in (("all concepts", translation), ("without cognates", without)):
    english = ll.summarize(run).query("quantity == 'probability' and language == 'en'")
    peak = english.loc[english["mean"].idxmax()]
    height = f"{peak['mean']:.3f} [{peak['lower']:.3f}, {peak['upper']:.3f}]"
    print(f"{name:18} n = {len(run):3}  English peaks at {height}, layer {peak['layer']}")

# %% [markdown]
# **What to notice.** In the layer where English first appears, most of it *was* copying: the line falls by more than half there, and its peak moves to a later layer.
# But it does not go away.
#
# Compare the two bands layer by layer.
# In the first layer with English, its band lies above the target's.
# Then the bands come together, and in the last layer the target's lies clear above.
# A claim should go as far as its intervals, and no further.
# (Overlapping bands do not prove that two curves are alike, either: notebook 4 tests the difference itself.)
#
# Change `source` to `"de"` at the top and run again: German nouns begin with a capital, so a copied German word does not match an English token.

# %% tags=["claims"]
{
    "the line falls by more than half there": (
        without.between(13, 13).probability["en"].mean()
        < 0.5 * translation.between(13, 13).probability["en"].mean()
    ),
    "its peak moves to a later layer": (
        without.probability["en"].mean(0).argmax() > translation.probability["en"].mean(0).argmax()
    ),
    "But it does not go away": (
        ll.summarize(without)
        .query("quantity == 'probability' and language == 'en'")
        .lower.gt(0.02)
        .any()
    ),
    "In the first layer with English, its band lies above the target's": (
        ll.summarize(without)
        .query("quantity == 'probability'")
        .pivot(index="layer", columns="language")
        .pipe(lambda table: table.lower.en[13] > table.upper.zh[13])
    ),
    "Then the bands come together": (
        ll.summarize(without)
        .query("quantity == 'probability' and layer in (14, 15, 16)")
        .pivot(index="layer", columns="language")
        .pipe(lambda table: (table.lower.en < table.upper.zh) & (table.lower.zh < table.upper.en))
        .all()
    ),
    "in the last layer the target's lies clear above": (
        ll.summarize(without)
        .query("quantity == 'probability' and layer == 18")
        .pivot(index="layer", columns="language")
        .pipe(lambda table: table.lower.zh[18] > 0.1 + table.upper.en[18])
    ),
}

# %% [markdown]
# ## 7. The control: repetition
#
# **Objective: take the translating away, and see what stays.**
#
# If English appeared whenever Chinese is produced, copying included, translating would not be the reason.

# %%
repeated = ll.run_experiment(model, "repetition", target=target, seed=seed, every=every)

# %% tags=["predict"]
peak = repeated.probability["en"].mean(0).max().item()
question = "Chinese to Chinese: will English get above 5 % at any layer?"
ll.predict(question, ["yes", "no"], "yes" if peak > 0.05 else "no", f"It peaks at {peak:.1%}.")

# %%
ll.plots.language_probability(repeated)

# %%
for name, run in (("translation", without), ("repetition", repeated)):
    english, wanted = (run.probability[code].mean(0) for code in run.pair)
    ahead = [layer for layer, e, w in zip(run.layers, english, wanted) if e > w and e > 0.01]
    print(f"{name:12} English is ahead of the target, and above 1 %, at layers {ahead}")

# %% [markdown]
# **What to notice.** When repeating, the target is there as soon as any word is, and English never gets above a few per cent at any layer: no detour.

# %% tags=["claims"]
{
    "the target is there as soon as any word is": (
        repeated.probability["zh"].mean(0) > repeated.probability["en"].mean(0)
    )[repeated.probability["en"].mean(0) > 0.01].all(),
    "English never gets above a few per cent at any layer": (
        repeated.probability["en"].mean(0).max() < 0.05
    ),
}

# %% [markdown]
# ## 8. Other targets
#
# **Objective: see how far the finding carries.**
#
# This table was made by `make results` on the demo model in float32: from French (from German, where French is the target), every fourth concept.
# `n` prompts; `right`: the share of them whose top token begins the right word.
# `english_peak`: the highest mean P(English) at any layer, `lower` and `upper` its 95 % interval, `english_layer` where it stands; cognates are left out (`n_no_cognates`).
# `handover`: the first layer from which the target stays ahead of English to the end, empty when it does not.
#
# **Predict:** for which targets will the model be right most often, and for which least?

# %% tags=["claims"]
{
    "its 95 % interval": "the level of an interval, not a result",
    "from French (from German, where French is the target)": (
        ll.data.results("targets").query("target != 'fr'").source.eq("fr").all()
    ),
}

# %%
ll.data.results("targets").set_index("target").drop(columns="source")

# %% [markdown]
# **What to notice.** A handover in a low layer means that English never led at all: both lines are near zero there, and merely do not cross later.
# Where `right` is near zero, the model does not know the language well enough, and its handover layer means little.
# If the model cannot do the task, the curves say nothing about the language it uses.

# %% tags=["claims"]
{
    "A handover in a low layer": ll.data.results("targets").handover.min() == 1,
}

# %% [markdown]
# ## Exercise 02.2 · Write the lens yourself (8 minutes, medium)
#
# Write `lens(h, gain, U)` for a model with RMSNorm: `h` is a latent `[d_model]`, `gain` the norm's weights `[d_model]`, `U` the unembedding `[n_tokens, d_model]`.
# Return the probabilities `[n_tokens]`.
# RMSNorm divides a vector by the root of the mean of its squares, then multiplies by the gain.
# (In Gemma the gain is 1 + the stored weight.)

# %% tags=["claims"]
{
    "In Gemma the gain is 1 + the stored weight": "how the architecture is defined",
}


# %% tags=["stub"]
def lens(h, gain, U): ...


answer = ...  # write lens, then replace the dots here by: lens
ll.checks.exercise("02.2", answer)


# %% tags=["solution"]
def lens(h, gain, U):
    normed = h / h.square().mean().sqrt()
    return torch.softmax(U @ (gain * normed), -1)


# The most common slips: no norm at all, the length instead of the root mean square, logits
# instead of probabilities.
ll.checks.exercise("02.2", lens)

# %% tags=["wrong"]
[
    lambda h, gain, U: U @ (gain * h / h.square().mean().sqrt()),  # logits
    lambda h, gain, U: torch.softmax(U @ (gain * h), -1),  # not normalised
    lambda h, gain, U: torch.softmax(U @ (h / h.square().mean().sqrt()), -1),  # no gain
    lambda h, gain, U: torch.softmax(U @ (gain * h / h.norm()), -1),  # unit length
    lambda h, gain, U: h,
    lambda h, gain, U: h @ U,
    3,
]

# %% [markdown]
# ## Exercise 02.3 · The probability of a word (5 minutes, medium)
#
# Write `probability(logits, ids)`: from the logits of one layer `[n_tokens]` to the probability that one of the tokens in the list `ids` comes next.


# %% tags=["stub"]
def probability(logits, ids): ...


answer = ...  # write probability, then replace the dots here by: probability
ll.checks.exercise("02.3", answer)


# %% tags=["solution"]
def probability(logits, ids):
    return torch.softmax(logits, -1)[ids].sum()


# The tokens exclude one another, so their probabilities add up.
ll.checks.exercise("02.3", probability)

# %% tags=["wrong"]
[
    lambda logits, ids: torch.softmax(logits[ids], -1).sum(),
    lambda logits, ids: logits[ids].sum(),
    lambda logits, ids: torch.softmax(logits, -1)[ids].mean(),
    lambda logits, ids: torch.softmax(logits, -1)[ids].max(),
    0.3,
]

# %% [markdown]
# ## Exercise 02.4 · No detour (6 minutes, open)
#
# A mean over words hides the single ones.
# Find a concept that the model answers in the target language (above 50 % at the last layer) with English below 5 % in *every* layer.
# Pass its row: `translation[i]`.

# %% tags=["claims"]
{
    "above 50 % at the last layer) with English below 5 % in *every* layer": (
        (translation.probability["zh"][:, -1] > 0.5)
        & (translation.probability["en"].amax(1) < 0.05)
    ).any(),
}

# %% tags=["stub"]
answer = ...  # translation[i], with the number of a row
ll.checks.exercise("02.4", answer)

# %% tags=["solution"]
# The highest P(English) at any layer, and P(target) at the last one, for every prompt.
english = translation.probability["en"].amax(1)
straight = (english < 0.05) & (translation.probability[target][:, -1] > 0.5)
concepts = translation.prompts["concept"][straight.numpy()]
print(len(concepts), "of", len(translation), "words:", ", ".join(concepts[:10]))
answer = translation[int(straight.int().argmax())]
ll.checks.exercise("02.4", answer)

# %% tags=["wrong"]
[
    translation,
    translation[int(translation.probability["en"].amax(1).argmax())],  # English rises
    translation[int(translation.probability[target][:, -1].argmin())],  # not right at the end
    repeated[0],
    3,
]

# %% [markdown]
# ## 9. Try it
#
# **Question to answer with the widget:** find a concept that is not a cognate and whose English word has more than 20 % at some layer from French to Chinese.
# Is it there from German to Chinese as well?
#
# No widget on your screen?
# The heatmap of section 4 and the next figure show one state of it.

# %% tags=["claims"]
{
    "a concept that is not a cognate and whose English word has more than 20 %": (
        without.probability["en"].max() > 0.2
    ),
}

# %%
display(ll.explore.prompt(model, source=source, target=target, concept="snake"))

# %%
ll.plots.language_probability(one)

# %% [markdown]
# ## What this does not show
#
# The lens reads a middle layer with a decoder made for the last one.
# Low probability may mean "not there" or "there, but written in another way".
# And an English *token* at the top is not the same as thinking *in English*: the paper's reading is that concepts live in a space that lies closer to English, not that the model first translates.
#
# ## Recap
#
# - The logit lens is: norm, unembedding, softmax, at any layer.
# - English rises in between when translating, and not when repeating.
# - A small model also copies the source word on the way, and cognates make copying look like English.
#
# **Further reading:** section 4.1 of the [paper](https://aclanthology.org/2024.acl-long.820/); nostalgebraist, *interpreting GPT: the logit lens* (2020).

# %% tags=["claims"]
{
    "English rises in between when translating, and not when repeating": (
        without.probability["en"].mean(0).max() > 0.05 > repeated.probability["en"].mean(0).max()
    ),
    "A small model also copies the source word on the way": (
        translation.probability["fr"].mean(0).max() > 0.5
    ),
    "cognates make copying look like English": (
        translation.probability["en"].mean(0).max() > without.probability["en"].mean(0).max()
    ),
}
