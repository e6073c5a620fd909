# ---
# jupyter:
#   course:
#     you_will: 'read every layer with the logit lens, by hand and with the library; see why a word that is spelled alike settles nothing'
#     figure: 'll.plots.language_probability(translation)'
#     alt: 'Curves of three languages over the layers'
#     first_run: 2
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

# %% [markdown]
# ## What you will do
#
# You build the **logit lens** by hand, draw which language is read at which layer, and look for a simpler explanation.
#
# **You need** notebook 1, matrix products, the softmax, and the [glossary](GLOSSARY.md) for new words.
#
# **Time** about 75 minutes to work through; the cells run for two minutes on two CPU cores the first time, in 2 GB of memory.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "about 75 minutes to work through": "an estimate for a lesson",
    "in 2 GB of memory": "run in a container of 2 GB",
    "Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number)": (
        "the name of a model, and what tests/test_packaged.py counts in its file"
    ),
}

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
source, target = "fr", "zh"  # two languages other than English
seed = 0
every = 4  # average over every 4th concept of the list; 1 takes all of them, and four times as long

# %%
import pandas as pd
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
# Every token starts as a vector of `d_model` numbers, and each of the `n_layers` blocks *adds* something to it: the **residual stream**.
# Its value after a block is a **latent**.
# At the end the model normalises the latent and multiplies it by the *unembedding* matrix: one **logit** per token; a softmax makes them probabilities.
#
# We follow the last position of the prompt, which predicts the answer.
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
# **Question.** Why do we follow the last position, and not that of the word *aigle*?
#
# <details><summary>Answer</summary>
#
# At each position the model predicts the token that comes next.
# Only the last position predicts the answer.
# The position of *aigle* predicts the closing quotation mark; notebook 7 comes back to it.
#
# </details>

# %% [markdown]
# ## 2. One trace by hand
#
# **Objective: take the latents out of the model yourself.**
#
# [nnsight](https://nnsight.net) is a library that keeps what we ask for while a model runs, here a tensor `[batch, position, d_model]` per block.

# %%
latents = []
with model.trace(example.text):
    for block in model.traced.layers:
        output = block.output
        if not isinstance(output, torch.Tensor):  # in some models it is a tuple
            output = output[0]
        latents.append(output[:, -1].cpu().save())

h = torch.cat(latents)
h.shape  # [n_layers, d_model]

# %% [markdown]
# **Question.** What would `output[:, 0]`, the first position, tell about the word that is asked for?
#
# <details><summary>Answer</summary>
#
# Nothing.
# The model reads from left to right, so the first position has seen only the first token.
#
# </details>

# %% [markdown]
# ## 3. The logit lens by hand
#
# **Objective: read a middle layer with the output layer.**
#
# Treat the latent after *any* layer as if it were the last one: normalise it, apply the unembedding, take the softmax.
# For the last layer this is what the model does; for earlier ones it asks: *what would you say now?*

# %%
with torch.no_grad():
    normed = model.final_norm(h.to(model.device))
    logits = model.logit_transform(model.lm_head(normed).float())
    log_probs = torch.log_softmax(logits, -1).cpu()

for language, ids in example.token_ids.items():
    by_layer = log_probs[:, sorted(ids)].exp().sum(-1)
    print(f"{language}: {by_layer[-1]:.3f} at the last layer")  # the other layers: soon

# %% [markdown]
# The library does it in one call; both ways must agree:

# %%
one = ll.decode(model, example)
sets = [sorted(ids) for ids in example.token_ids.values()]
by_hand = torch.stack([log_probs[:, ids].exp().sum(-1) for ids in sets])
library = torch.stack([one.probability[language][0] for language in example.token_ids])
print("largest difference:", f"{(by_hand - library).abs().max():.1e}")

# %% tags=["claims"]
{
    "both ways must agree": ((by_hand - library).abs().max() < 1e-4),
}

# %% [markdown]
# **Question.** At the last layer the lens gives the model's own answer.
# Does that prove that it is right in a middle layer?
#
# <details><summary>Answer</summary>
#
# It does not.
# At the last layer the lens does what the model does.
# In the middle it *assumes* that a latent is written in the way that the last layer writes.
# Notebook 9 tries lenses that do not assume this.
#
# </details>

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

# %% tags=["right"]
[
    "18",
    math.log(262_144, 2),
]

# %% tags=["wrong"]
{
    "in nats": 18 * 0.6931,
    "the number of tokens": 2**18,
    "Mind the sign": -18,
    "log2(n)": 17,
    "is a number": "many",
    "The answer is a number": b"18",
    "such as 1.5.": 10**400,
    "not 2": [18, 18],
    "finite number": float("inf"),
}

# %% [markdown]
# ## 4. What would it say now?
#
# **Objective: read a grid of top tokens.**
#
# Columns are the last tokens of the prompt, rows are layers; the top row is the model's output.

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
seen = ll.decode(model, example, positions=10, top_k=10, follow=True)
ll.plots.grid(seen)

# %% [markdown]
# **What to do.** Click the first orange cell of the last column, choose *follow*, and find the layer at which the Chinese word overtakes it.
#
# **What to notice.** In layers 1 to 5 of the last column the lens is sure of one token, `␣'`, a space with a quotation mark.
# It is the same token for every prompt: the lens does not fit yet.
# Higher up the English word appears; at the top stands the Chinese one.

# %% tags=["claims"]
{
    "In layers 1 to 5 of the last column the lens is sure of one token, `␣'`": (
        ll.plots.token_text(one.top_ids[0, 0, 0].item(), model.tokenizer) == "␣'"
        and one.between(1, 5).top_ids[0, :, 0].unique().numel() == 1
        and one.between(1, 5).top_probs[0, :, 0].min() > 0.5
    ),
    "It is the same token for every prompt": (
        ll.run_experiment(
            ll.load_model("gemma-3-270m", stored=True), "translation", "fr", "zh", every=4
        )
        .between(1, 5)
        .top_ids[:, :, 0]
        .eq(one.top_ids[0, 0, 0])
        .all()
    ),
    "Higher up the English word appears": (one.rank["en"].min() == 1),
    "at the top stands the Chinese one": one.rank["zh"][0, -1] == 1,
}

# %% [markdown]
# **Question.** The lens is sure in the lowest layers.
# Does *sure* mean *right*?
#
# <details><summary>Answer</summary>
#
# It does not.
# The lens reads these latents with an output layer that was not made for them.
# A low entropy says that one token gets nearly everything, and not that the token fits.
#
# </details>

# %% [markdown]
# ### A larger model
#
# Qwen2.5-Coder 1.5B Instruct is more than five times as large; the library has [stored answers](GLOSSARY.md) of it.
# Rows are layers, and columns the ten most probable tokens (the first at the right) for *sky*, from French to German.

# %% tags=["claims"]
{
    "is more than five times as large": "1.5 billion weights against 0.27 billion",
    "Qwen2.5-Coder 1.5B Instruct is": "the name of a model",
}

# %%
larger = ll.load_model("qwen2.5-coder-1.5b-instruct", stored=True)
german = ll.run_experiment(larger, "translation", "fr", "de", every=4)
word = german["sky"]

# %% tags=["predict"]
leading = {code: word.rank[code][0].eq(1).nonzero().flatten() + 1 for code in ("en", "de")}
choices = ["German", "English, then German", "English, to the end"]
found = choices[0]
if len(leading["en"]):
    found = choices[2 if word.rank["en"][0, -1] == 1 else 1]
told = f"English is on top at layers {leading['en'].tolist()}, German at {leading['de'].tolist()}."
ll.predict(
    "Which language has the most probable token, going up the last column?", choices, found, told
)

# %%
ll.plots.heatmap(word, larger.tokenizer)

# %% [markdown]
# **What to notice.** *sky* is on top at layers 25 and 26; at the last one it is *H*, the first token of *Himmel*.
# Over all 87 words, P(English) at layer 25 is above 10 % in 47 % of them, and its mean is 24 %.

# %% tags=["claims"]
{
    "*sky* is on top at layers 25 and 26; at the last one it is *H*": (
        [n for n in german.layers if german["sky"].rank["en"][0, n - 1] == 1] == [25, 26]
        and german["sky"].rank["de"][0, -1] == 1
    ),
    "Over all 87 words, P(English) at layer 25 is above 10 % in 47 % of them": (
        len(german) == 87
        and round((german.probability["en"][:, 25 - 1] > 0.1).double().mean().item(), 2) == 0.47
    ),
    "and its mean is 24 %": (
        round(german.probability["en"].double().mean(0).max().item(), 2) == 0.24
        and german.probability["en"].mean(0).argmax() == 24
    ),
}

# %% [markdown]
# ## 5. Which language leads?
#
# **Objective: read the paper's main figure.**
#
# The lines are mean probabilities, the bands the paper's 95 % intervals (mean ± 1.96 · s/√n), and the strip on top is the entropy.

# %%
translation = ll.run_experiment(model, "translation", source, target, seed=seed, every=every)

# %% tags=["predict"]
means = {code: translation.probability[code].mean(0) for code in translation.languages}
peaks = {code: mean.max().item() for code, mean in means.items()}
choices = ["nowhere above 1 %", "above 1 %, but not the highest", "the highest of the three"]
found = 0 if peaks["en"] < 0.01 else 1 + (peaks["en"] == max(peaks.values()))
told = ", ".join(f"{code} {peak:.0%}" for code, peak in peaks.items())
question = "No word of the prompts is meant as English. How high will the English line get?"
ll.predict(question, choices, choices[found], f"The peaks: {told}.")

# %% [markdown]
# First, one dot per prompt: P(English) at the layer of its highest mean, against P(target) at the last layer.

# %%
ll.plots.words(translation)

# %% [markdown]
# Then the means; the [yardstick](GLOSSARY.md) is another concept's words.

# %%
ll.plots.language_probability(translation)

# %% [markdown]
# **What to notice.** Highest on the way is the *source* word: a copy of the prompt, or the concept in the source language.
# In Llama-2 it stays at zero (paper, caption of Figure 5).
#
# The English word, which nobody mentioned, rises as well.
# In the first layers where it appears the target is still near zero; at the last layer the target leads and English is gone.

# %% tags=["claims"]
{
    "Highest on the way is the *source* word": (
        translation.probability["fr"].mean(0).max() > translation.probability["en"].mean(0).max()
    ),
    "The English word, which nobody mentioned, rises as well": (
        translation.between(1, 12).probability["en"].mean(0).max() < 0.01
        and translation.between(13, 17).probability["en"].mean(0).min() > 0.03
    ),
    "In the first layers where it appears the target is still near zero": (
        translation.between(13, 14).probability["zh"].mean(0).max() < 0.02
    ),
    "at the last layer the target leads and English is gone": (
        translation.probability["zh"][:, -1].mean() > translation.probability["fr"][:, -1].mean()
        and translation.probability["en"][:, -1].mean() < 0.01
    ),
}

# %% [markdown]
# In the paper's models the English mean reaches 0.68 or more (`R/data/data_for_sphere_plots`).
# Here few words make the mean: one prompt in six has English above 10 %, and the median prompt has 0.2 %.

# %% tags=["claims"]
{
    "the English mean reaches 0.68 or more": (
        ll.data.results("paper").pivot_peak.min() == 0.68
        and ll.data.results("paper").pivot_peak.count() == 3
    ),
    "one prompt in six has English above 10 %": (
        0.14 < (translation.between(16, 16).probability["en"] > 0.1).float().mean() < 0.19
        and translation.probability["en"].mean(0).argmax() + 1 == 16
    ),
    "the median prompt has 0.2 %": (
        round(translation.between(16, 16).probability["en"].median().item(), 3) == 0.002
    ),
}

# %% [markdown]
# The model often answers another word:

# %%
wrong = translation[(translation.rank[target][:, -1] > 1).numpy()]
tops = [ll.plots.token_text(token, model.tokenizer) for token in wrong.top_ids[:, -1, 0].tolist()]
mistakes = pd.DataFrame({"asked for": wrong.prompts["concept"], "top token": tops})
some = ["chicken", "shirt", "shoulder", "brother", "blue", "treasure", "hill", "sleep"]
mistakes[mistakes["asked for"].isin(some)]

# %% [markdown]
# **What to notice.** Many wrong answers are near the right one: for *chicken* 肉 (meat), for *brother* 父親 (father), for *blue* 白 (white).
# Others are not: for *hill* 花 (flower).

# %% tags=["claims"]
{
    "for *chicken* 肉 (meat), for *brother* 父親 (father), for *blue* 白 (white)": (
        mistakes.set_index("asked for")["top token"][
            ["chicken", "shirt", "shoulder", "brother", "blue"]
        ].tolist()
        == ["肉", "裙", "腰", "父親", "白"]
    ),
    "for *hill* 花 (flower)": (
        mistakes.set_index("asked for")["top token"][["hill", "sleep"]].tolist() == ["花", "裤"]
    ),
}

# %% [markdown]
# **Question.** The French line is far above the English one.
# Why is the course about English?
#
# <details><summary>Answer</summary>
#
# French is in the prompt, so the model may just copy it.
# Nobody mentioned English.
# Its words need another reason, even if they are less probable.
#
# </details>

# %% [markdown]
# ### Your word
#
# Now look at the word that you chose in notebook 1.
# The printed line has its highest P(English), and after the slash that of the mean curve.
# In the figure, a star marks your word among the words of this section.
# If you chose other languages, the other dots are still those of the pair above.

# %%
my_word = ll.my_word()  # on another machine: ll.my_word("the line that you copied")
my_run = ll.run_experiment(model, "translation", *my_word.languages, concepts=my_word.concept)
highest = [run.probability["en"].mean(0).max() for run in (my_run, translation)]
print(my_word.note(2, *highest))

# %%
figure = ll.plots.words(translation)
layer = int(translation.probability["en"].mean(0).argmax()) + 1
figure.add_scatter(
    x=[my_run.probability[my_word.target][0, -1].item()],
    y=[my_run.probability["en"][0, layer - 1].item()],
    mode="markers",
    marker={"symbol": "star", "size": 18},
    name=f"your word: {my_word.concept}",
)
figure.update_yaxes(range=[-0.02, 1.02])
ll.plots.fit(figure)

# %% [markdown]
# **What to notice.** Is your word one of the few that make the mean of English, or one of the many that do not?
# And how probable is the right answer at the end?

# %% [markdown]
# ## 6. English, or a word that is spelled alike?
#
# **Objective: look for a simpler explanation before you believe a finding.**
#
# French *lion* is also an English word, and *bleu* is nearly one.
# We call such words [cognates](GLOSSARY.md): *identical* but for capitals and accents, or *near*: four letters or more, at most two in five of them different.

# %%
every_word = ll.build_prompts(
    "translation", source, target, tokenizer=model.tokenizer, overlap="paper", seed=seed
)
alike = every_word.cognates()
print(len(every_word), "concepts, of which", alike["concept"].nunique(), "are cognates")
alike.groupby("grade").head(5).round(2)

# %% tags=["claims"]
{
    "French *lion* is also an English word, and *bleu* is nearly one": (
        {("lion", "identical"), ("bleu", "near")} <= {*zip(alike["word"], alike["grade"])}
    ),
    "four letters or more, at most two in five of them different": (
        alike.query("grade == 'near'").pipe(
            lambda near: (
                near.similarity.min() >= 0.6
                and near[["word", "other"]].map(len).to_numpy().min() >= 4
            )
        )
    ),
}

# %% [markdown]
# The authors keep cognates (`Translation.ipynb`).
# Dropping shared tokens (notebook 1) removes nearly all identical words, and `without_cognates()` the near ones.

# %%
second = "de" if source != "de" else "fr"
published = ll.run_experiment(
    model, "translation", source, target, overlap="paper", seed=seed, every=every
)
other = ll.run_experiment(model, "translation", second, target, seed=seed, every=every)
without, other_without = translation.without_cognates(), other.without_cognates()

# %% tags=["claims"]
{
    "removes nearly all identical words, and `without_cognates()` the near ones": (
        (translation.prompts["cognate"] == "identical").sum()
        <= 0.1 * (published.prompts["cognate"] == "identical").sum()
        and not without.prompts["cognate"].eq("near").any()
    ),
}

# %% tags=["predict"]
before, after = (run.probability["en"].mean(0) for run in (published, without))
start = int((before > 0.05).int().argmax())  # 0 if it never gets there
left = (after[start] / before[start]).item()
choices = ["most of it", "less than half", "nothing"]
found = choices[1]
if left > 0.5:
    found = choices[0]
if left < 0.02:
    found = choices[2]
question = "In the first layer with English above 5 %: what is left of it without cognates?"
ll.predict(question, choices, found, f"{left:.0%} of it, at layer {start + 1}.")

# %%
ll.plots.language_probability(without)

# %%
compared = {
    f"{source}: as published": published,
    f"{source}: no shared tokens": translation,
    f"{source}: no cognates": without,
    f"{second}: no shared tokens": other,
    f"{second}: no cognates": other_without,
}
heights = ll.headlines(compared)
heights[["n", "pivot_peak", "lower", "upper", "at_layer"]].round(3)

# %% [markdown]
# **What to notice.** `pivot_peak` is the highest mean P(English), with its [bootstrap](GLOSSARY.md) interval.
# Without words spelled alike, the peak from French falls from 0.13 to 0.05 and moves to a later layer.
# From German it falls from 0.10 to 0.08.

# %% tags=["claims"]
{
    "the peak from French falls from 0.13 to 0.05 and moves to a later layer": (
        heights.loc[["fr: as published", "fr: no cognates"]].pipe(
            lambda rows: (
                rows.pivot_peak.round(2).tolist() == [0.13, 0.05]
                and rows.at_layer.is_monotonic_increasing
                and rows.at_layer.is_unique
            )
        )
    ),
    "From German it falls from 0.10 to 0.08": (
        heights.pivot_peak[["de: no shared tokens", "de: no cognates"]].round(2).tolist()
        == [0.1, 0.08]
    ),
}

# %% [markdown]
# **Question.** The lens shows *lion* on the way from French to Chinese.
# Is that evidence for English, or against it?
#
# <details><summary>Answer</summary>
#
# Neither.
# It may be the English word or a copy of the French one.
# Only words that are spelled differently can decide.
#
# </details>

# %% [markdown]
# ## 7. Repetition: the answer without translating
#
# **Objective: take the translating away, and compare with the paper.**

# %%
repeated = ll.run_experiment(model, "repetition", target=target, seed=seed, every=every)

# %% tags=["predict"]
means = {code: repeated.probability[code].mean(0) for code in repeated.languages}
peaks = {code: mean.max().item() for code, mean in means.items()}
above = {code: (mean > 0.1).tolist() for code, mean in means.items()}
firsts = {named[code]: reached.index(True) for code, reached in above.items() if True in reached}
earliest = [name for name, layer in firsts.items() if layer == min(firsts.values())]
found = earliest[0] if len(earliest) == 1 else "both at the same layer"
told = ", ".join(f"{code} {peak:.0%}" for code, peak in peaks.items())
choices = [*(named[code] for code in peaks), "both at the same layer"]
question = f"Only {named[target]} in the prompt: which language gets above 10 % first?"
ll.predict(question, choices, found, f"The peaks: {told}.")

# %%
ll.plots.language_probability(repeated)

# %%
asked = {"repetition": repeated, "translation": without, f"from {second}": other_without}
for name, run in asked.items():
    english, wanted = (run.probability[code].mean(0) for code in run.pair)
    ahead = [layer for layer, e, w in zip(run.layers, english, wanted) if e > w and e > 0.01]
    print(f"{name:12} English is ahead of the target, and above 1 %, at layers {ahead}")

# %% [markdown]
# **What to notice.** The target is there as soon as any word is, and English stays below 4 % in every layer.
# In Llama-2 English also rises when repeating (paper, section 4.1 and appendix B).
# So this is a comparison, not a test that English must fail.

# %% tags=["claims"]
{
    "The target is there as soon as any word is": (
        repeated.probability["zh"].mean(0) > repeated.probability["en"].mean(0)
    )[repeated.probability["en"].mean(0) > 0.01].all(),
    "English stays below 4 % in every layer": (
        0.02 < repeated.probability["en"].mean(0).max() < 0.04
    ),
}

# %% [markdown]
# **Question.** Suppose English had risen as high in repetition as in translation.
# Would English on the way then be an error of the lens?
#
# <details><summary>Answer</summary>
#
# It need not be.
# In Llama-2 English rises in both.
# It would mean that translating is not what brings English up.
# A concept space near English would explain it as well.
#
# </details>

# %% [markdown]
# ## 8. Other targets
#
# **Objective: see how far the finding carries.**
#
# The figure and the table were made by `make results` on the demo model, without cognates, from French (from German, where French is the target).
#
# `english_peak` is the highest mean P(English), `median` the median in that layer, and `right` the share of right answers; from the layer `handover` on the target's mean stays ahead of English.

# %% tags=["claims"]
{
    "The figure and the table were made by `make results` on the demo model": (
        heights.loc[
            "fr: no cognates",
            ["n", "pivot_peak", "lower", "upper", "at_layer", "median", "above_10"],
        ]
        .astype(float)
        .round(3)
        .tolist()
        == ll.data.results("targets")
        .query("target == 'zh'")
        .filter(
            [
                "n_no_cognates",
                "english_peak",
                "lower",
                "upper",
                "english_layer",
                "median",
                "above_10",
            ]
        )
        .astype(float)
        .to_numpy()[0]
        .tolist()
    ),
    "from French (from German, where French is the target)": (
        ll.data.results("targets").query("target != 'fr'").source.eq("fr").all()
    ),
}

# %%
targets = ll.data.results("targets")
targets["name"] = targets["target"].map(ll.plots.language_label)
title = "How high does English rise on the way to each target?"
ll.plots.bars(targets, x="name", y="english_peak", title=title)

# %%
shown = ["english_peak", "median", "right", "handover"]
targets.set_index("name")[shown].sort_values("right", ascending=False)

# %% [markdown]
# **What to notice.** For every target the median is far below the mean: few words make it.
# Every target has a handover, even where hardly an answer is right.

# %% tags=["claims"]
{
    "Every target has a handover, even where hardly an answer is right": (
        ll.data.results("targets").pipe(
            lambda table: table.handover.notna().all() and table.right.min() < 0.03
        )
    ),
    "For every target the median is far below the mean": (
        ll.data.results("targets").pipe(
            lambda table: (table["median"] < 0.25 * table.english_peak).all()
        )
    ),
}

# %% [markdown]
# **Question.** Into Arabic 5 % of the answers are right.
# Does its English curve then say nothing?
#
# <details><summary>Answer</summary>
#
# It may say something.
# A model can have the concept and fail to say it in the target language.
# In Llama-2 the paper sees this in Estonian: few answers are right, and the middle layers still decode the English words (appendix B.1).
# Here the intervals of the peaks into Arabic and into Chinese overlap.
#
# </details>

# %% tags=["claims"]
{
    "Into Arabic 5 % of the answers are right": (
        ll.data.results("targets").query("target == 'ar'").right.round(2).item() == 0.05
    ),
    "the intervals of the peaks into Arabic and into Chinese overlap": (
        ll.data.results("targets")
        .set_index("target")
        .pipe(lambda table: table.upper.ar > table.lower.zh and table.upper.zh > table.lower.ar)
    ),
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

# %% tags=["right"]
[
    lambda h, gain, U: (gain * h / h.square().mean().sqrt() @ U.T).softmax(0),
    lambda h, gain, U: torch.softmax(U @ (gain * h / (h.pow(2).mean() + 1e-6).sqrt()), 0).numpy(),
    lambda h, gain, U: torch.softmax(U.double() @ (gain * h / (h @ h / 16).sqrt()).double(), 0),
    lambda h, gain, U: torch.softmax(U @ h.div_(h.square().mean().sqrt()).mul_(gain), 0).tolist(),
]

# %% tags=["wrong"]
{
    "These are logits": lambda h, gain, U: U @ (gain * h / h.square().mean().sqrt()),
    "Normalise h": lambda h, gain, U: torch.softmax(U @ (gain * h), -1),
    "The gain is missing": lambda h, gain, U: torch.softmax(U @ (h / h.square().mean() ** 0.5), -1),
    "multiplies every dimension": lambda h, gain, U: torch.softmax(
        U @ h.div_(h.square().mean().sqrt()), -1
    ),  # in place
    "MEAN square": lambda h, gain, U: torch.softmax(U @ (gain * h / h.norm()), -1),
    "do not add 1": lambda h, gain, U: lens(h, 1 + gain, U),
    "These are logarithms": lambda h, gain, U: lens(h, gain, U).log(),
    "shape [16]": lambda h, gain, U: h,
    "The steps are": lambda h, gain, U: lens(h, gain, U) * float("nan"),
    "raised RuntimeError": lambda h, gain, U: h @ U,
    "lens returns nothing": lambda h, gain, U: None,
    "lens returns a str": lambda h, gain, U: "probabilities",
    "is a function": 3,
}

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

# %% tags=["right"]
[
    lambda logits, ids: sum(torch.softmax(logits, 0)[i].item() for i in ids),
    lambda logits, ids: (logits[ids].exp().sum() / logits.exp().sum()).numpy(),
    lambda logits, ids: torch.softmax(logits, 0)[ids].sum(0, keepdim=True),
]

# %% tags=["wrong"]
{
    "over the set alone": lambda logits, ids: torch.softmax(logits[ids], -1).sum(),
    "These are logits": lambda logits, ids: logits[ids].sum(),
    "instead of averaging": lambda logits, ids: torch.softmax(logits, -1)[ids].mean(),
    "not only the largest": lambda logits, ids: torch.softmax(logits, -1)[ids].max(),
    "One number, please": lambda logits, ids: torch.softmax(logits, -1)[ids],
    "then the sum over ids": lambda logits, ids: torch.softmax(logits, -1)[ids[:2]].sum(),
    "finite number": lambda logits, ids: logits.sum() * float("nan"),
    "probability returns nothing": lambda logits, ids: None,
    "is a function": 0.3,
}

# %% [markdown]
# ## Exercise 02.4 · No English on the way (6 minutes, open)
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
highest_english = translation.probability["en"].amax(1)  # at any layer, one number per prompt
final_target = translation.probability[target][:, -1]  # at the last layer
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
{
    "One prompt": translation,
    "rises to": translation[int(translation.probability["en"].amax(1).argmax())],
    "at the end": translation[int(translation.probability[target][:, -1].argmin())],
    "begins at layer 16": answer.between(16, 18),
    "Some of its values are not numbers": answer.with_readings(
        probability={code: p * float("nan") for code, p in answer.probability.items()}
    ),
    "this one repeats a word": repeated[0],
    "is the number of a row": 3,
    "is a run": "book",
}

# %% [markdown]
# ## 9. Try it
#
# **Question to answer with the widget:** find a concept that is not a cognate and whose English word has more than 20 % at some layer from French to Chinese.
# Is it there from German to Chinese as well?
#
# No widget on your screen?
# The next figure shows its first word.

# %% tags=["claims"]
{
    "a concept that is not a cognate and whose English word has more than 20 %": (
        without.probability["en"].max() > 0.2
    ),
}

# %%
display(ll.explore.prompt(model, source=source, target=target, concept="defeat"))

# %%
ll.plots.language_probability(translation["defeat" if "defeat" in translation else 0])

# %% [markdown]
# Compare your answer:
#
# <details><summary>Answer</summary>
#
# For example *defeat*: English reaches 97 % from French, and 75 % from German.
# *year* reaches 63 % from French, and 18 % from German.
# So the same concept can show English in one pair and hardly in the other.
#
# </details>

# %% tags=["claims"]
{
    "English reaches 97 % from French, and 75 % from German": (
        round(without["defeat"].probability["en"].max().item(), 2) == 0.97
        and round(other_without["defeat"].probability["en"].max().item(), 2) == 0.75
    ),
    "*year* reaches 63 % from French, and 18 % from German": (
        round(without["year"].probability["en"].max().item(), 2) == 0.63
        and round(other_without["year"].probability["en"].max().item(), 2) == 0.18
    ),
}

# %% [markdown]
# ## What this does not show
#
# The lens was made for the last layer: in the middle a low probability may mean "written differently".
# An English *token* at the top is not yet thinking *in English*: the paper's reading is a concept space that is biased toward English (section 6).
# A word that can be read need not be used.

# %% [markdown]
# ## Recap
#
# - The logit lens is: norm, unembedding, softmax, at any layer.
# - The English line rises before the target's when translating, and not when repeating; in Llama-2 it rises in both.
# - Words spelled alike cannot tell translating from copying; without them the English line is lower.

# %% tags=["claims"]
{
    "The English line rises before the target's when translating, and not when repeating": (
        all(
            run.probability["en"][:, 12].mean() > 0.02 > run.probability["zh"][:, 12].mean()
            for run in (without, other_without)
        )
        and (repeated.probability["zh"].mean(0) >= repeated.probability["en"].mean(0))[12:].all()
    ),
    "without them the English line is lower": (
        heights.loc["fr: no cognates", "pivot_peak"] < heights.loc["fr: as published", "pivot_peak"]
    ),
}

# %% [markdown]
# ## Quiz
#
# Choose the sentence that the figure or the table supports.
# The others are mistakes that readers make; each choice says why it follows, or why not.
# (With other parameters the figures may say something else.)

# %% tags=["quiz"]
ll.choose(
    "Section 4, the grid for “eagle”, its lowest rows: which sentence do they support?",
    "There the model has made up its mind about what it will say.",
    "The token is the same for every prompt, so it says nothing about this answer.",
    "There the model holds nothing about the word of this prompt.",
    "The lens reads with the last layer's decoder, so the word may be there in another form.",
    "There the lens is sure of a token that does not fit.",
    "Sure means that one token gets nearly everything, and not that the token is right.",
    "There the model thinks in quotation marks.",
    "The lens shows a token, and need not show what the model holds in these layers.",
    supported="c",
)

# %% tags=["claims"]
{
    "There the lens is sure of a token that does not fit": (
        one.between(1, 5).top_probs[0, :, 0].min() > 0.5
        and all(one.between(1, 5).rank[code].min() > 1 for code in one.languages)
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 5, the dots: which sentence do they support?",
    "A few words make the mean of English.",
    "Most dots lie near zero, and a few of them lie far above the mean.",
    "English on the way makes an answer right.",
    "A dot shows two readings of one word, and not that one of them causes the other.",
    "Each word is a little English on the way.",
    "Most dots lie near zero: the mean looks like a typical word, and is not one.",
    supported="a",
)

# %% tags=["claims"]
{
    "A few words make the mean of English": (
        (translation.probability["en"][:, 16 - 1] > 0.1).float().mean() < 0.2
        and translation.probability["en"][:, 16 - 1].median() < 0.01
    ),
    "a few of them lie far above the mean": (
        translation.probability["en"][:, 16 - 1].max()
        > 5 * translation.probability["en"][:, 16 - 1].mean()
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 5, the curves: which sentence do they support?",
    "French leads, so the model thinks in French.",
    "The French word stands in the prompt, so its line may show a copy.",
    "The model has made the English word before it makes the Chinese one.",
    "The lines show what can be read, and not that one word is made from the other.",
    "English is not used, because the French line is higher.",
    "How high a line is does not tell what the later layers use.",
    "English rises on the way, although no prompt asks for it.",
    "Its line leaves the yardstick in the upper layers, and is gone at the end.",
    supported="d",
)

# %% tags=["claims"]
{
    "Its line leaves the yardstick in the upper layers, and is gone at the end": (
        translation.between(13, 17).probability["en"].mean(0).min() > 0.03
        and translation.probability["en"][:, -1].mean() < 0.01
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 6, the table of peaks: which sentence does it support?",
    "Without words that are spelled alike, the peak of English is lower.",
    "It falls from both sources, and more from French.",
    "English on the way was only a copy of French words.",
    "Without such words a peak is left, from French and from German.",
    "English is ahead of Chinese, because its peak is above zero.",
    "A peak is not a lead: for a lead, take the difference inside each prompt.",
    "Words that are spelled alike show that the model uses English.",
    "Such a word may be English, or a copy of the source: it settles nothing.",
    supported="a",
)

# %% tags=["claims"]
{
    "Without words that are spelled alike, the peak of English is lower": (
        all(
            heights.pivot_peak[f"{code}: no cognates"]
            < heights.pivot_peak[f"{code}: no shared tokens"]
            for code in ("fr", "de")
        )
    ),
    "a peak is left, from French and from German": (
        min(heights.lower[f"{code}: no cognates"] for code in ("fr", "de")) > 0.02
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 7, the curves: which sentence do they support?",
    "Translating is what brings English up.",
    "Repeating also puts the answer into the prompt: two ingredients are changed at once.",
    "When this model repeats, English stays below half of its height in translation.",
    "Compare the highest point of the English line with that of section 5.",
    "Models show no English when they repeat a word.",
    "The figure is of one model, and in Llama-2 English rises when repeating as well.",
    "English would have to rise as high here as in translation if the model thought in English.",
    "The answer stands in the prompt, so the model may take it from there.",
    supported="b",
)

# %% tags=["claims"]
{
    "When this model repeats, English stays below half of its height in translation": (
        repeated.probability["en"].mean(0).max() < 0.5 * translation.probability["en"].mean(0).max()
    ),
}

# %% [markdown]
# ## Readings
#
# - Wendler and others (2024), [Do Llamas Work in English?](https://aclanthology.org/2024.acl-long.820/): sections 4.1 and 6 have the curves that you have just drawn, for Llama-2, and what the authors make of them.
# - nostalgebraist (2020), [interpreting GPT: the logit lens](https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens): the post that invented the lens.
# - Belrose and others (2023), [Tuned Lens](https://doi.org/10.48550/arXiv.2303.08112): where the logit lens misleads, and a lens that is trained.
