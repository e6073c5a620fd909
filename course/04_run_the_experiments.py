# ---
# jupyter:
#   course:
#     you_will: 'repeat the paper''s experiments, test a difference, look at every pair, and try to break the finding'
#     figure: 'll.plots.difference(translation)'
#     alt: 'The difference of target and English, below zero and then above'
#     first_run: 5.3
#     again: 0.4
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 4 · Run the experiments
#
# **Does the detour hold for other tasks and other pairs, and when you try to break it?**
#
# One figure is a start.
# In this notebook you run the paper's experiments on your model, compare them with the published numbers for Llama-2, and then try controls: runs in which one ingredient is changed, so that you can say in advance what should happen to the finding.

# %% [markdown]
# ## What you will do
#
# - run the paper's three experiments: translation from three languages, repetition, cloze;
# - test the difference of two curves, instead of looking at two bands;
# - draw every pair of five languages in one grid;
# - apply four controls, and say what each of them rules out.
#
# **You need** notebooks 2 and 3.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 60 minutes to work through.
# The cells run for about five minutes on two CPU cores the first time, most of it in section 3; results are kept on disk, so a second run takes less than one.
# Memory: 4 GB.
# The default model is Gemma 3 270M, from 4-bit weights (Q4_K_M) made dense again.
# Llama-2 7B, the paper's smallest model, takes about 7.5 GB of GPU memory in 8-bit (not run for this text).

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
source, target = "fr", "zh"  # two languages other than English
seed = 0
every = 8  # every 8th concept of the list; 1 takes all of them, and eight times as long

# %%
import pandas as pd
from IPython.display import display

model = ll.load_model(model)
ask = {"target": target, "seed": seed, "every": every}
model

# %% [markdown]
# ## 1. The paper's three experiments
#
# **Objective: reproduce the experiments that started it all.**
#
# (a) Translation into Chinese from German, French and Russian, pooled.
# (b) Repetition of Chinese words.
# (c) Cloze: a sentence in Chinese with a gap.
#
# In (a) a concept comes up to three times, once per source language, and three answers about one concept are not three independent facts.
# So the intervals count *concepts*, not prompts: in statistics, a *clustered* interval.

# %%
sources = [code for code in ("de", "fr", "ru") if code != target]
translation = ll.run_experiment(model, "translation", sources, **ask)
repetition = ll.run_experiment(model, "repetition", **ask)
cloze = ll.run_experiment(model, "cloze", **ask)
runs = {f"translation {'+'.join(sources)} → {target}": translation}
runs |= {f"repetition {target}": repetition, f"cloze {target}": cloze}

# %% tags=["predict"]
peaks = {name: run.probability["en"].mean(0).max().item() for name, run in runs.items()}
told = ", ".join(f"{name}: {peak:.1%}" for name, peak in peaks.items())
question = "In which of the three will English rise highest?"
ll.predict(question, list(runs), max(peaks, key=peaks.get), told)

# %%
ll.plots.language_probability(translation)

# %%
ll.plots.language_probability(repetition)

# %%
ll.plots.language_probability(cloze)

# %% [markdown]
# Beside them, what the paper reports of Llama-2 (to Chinese; an empty cell there is a number that we did not find in its text).
# `pivot_peak` is the highest mean P(English) at any layer, `at_layer` says which; `target_last` the mean P(target) at the last layer, `right` the share of prompts with the right token on top.
# The other columns are layers at which something begins; empty where it never does.
# Two of these columns can mislead in low layers, where all probabilities are near zero.
# A `target_start` there only says that English never led.
# An `entropy_under_7` there only says that the lens is confident, not that it is right.

# %%
paper = ll.data.results("paper")
here = ll.headlines(runs).reset_index().assign(model=model.name)
pd.concat([here, paper]).set_index(["model", "experiment"]).round(3).astype(object).fillna("")

# %% [markdown]
# **What to notice.** English rises when translating and hardly at all when repeating.
# But look at its height: in the paper's models it peaks at two thirds or more, here at about a tenth.
# A detour, yes; how strongly it shows depends on the model.
#
# The cloze settles nothing here: the small model can hardly do it (see `right`), and what it does on the way to a wrong answer says little.
#
# Mind the comparison: the models have 18, 32, 40 and 80 layers, other vocabularies (what counts as "a token that begins the word" differs) and other word lists.

# %% [markdown]
# The number of usable words differs for the same reason.
# Here, beside the paper's count for Llama-2:

# %%
paper = ll.data.results("paper_words").set_index("language")
counts = paper.rename(columns={"words": "the paper's"})
ours = [ll.build_prompts("repetition", target=c, tokenizer=model.tokenizer) for c in counts.index]
counts["here"] = [len(prompts) for prompts in ours]
counts

# %% [markdown]
# ## 2. The difference, tested
#
# **Objective: compare two curves where the comparison belongs, inside each prompt.**
#
# Bands that overlap do not settle anything: the same prompts stand behind both curves.
# If some concepts are easy in both languages, both bands are wide, and the difference may still be the same for all of them.
# So take the difference target − English for every prompt *first*, and then its mean and interval.

# %%
table = ll.summarize(translation).query("quantity == 'difference'").set_index("layer")
below, above = table.index[table["upper"] < 0].tolist(), table.index[table["lower"] > 0].tolist()

# %% tags=["predict"]
choices = ["at none", "at one to three", "at more than three"]
found = choices[(len(below) > 0) + (len(below) > 3)]
question = "At how many layers will the whole band lie below zero, so that English leads?"
ll.predict(question, choices, found, f"At {len(below)}: {below}.")

# %%
ll.plots.difference(translation)

# %%
print("English leads, and zero lies outside the interval, at layers", below)
print("the target leads, and zero lies outside the interval, at layers", above)

# %% [markdown]
# **What to notice.** The interval of the difference may stay clear of zero where the two bands of the first figure overlap.
#
# One caution: you look at every layer, and with 95 % intervals one look in twenty goes wrong by chance.
# A claim about *the* layer where the lead changes hands needs its own interval:

# %%
found = ll.find_phases(translation)
if found.target_start is None:
    print("the target does not lead at the end, or ends below 5 %")
else:
    print("the target leads from layer", found.target_start, "to the end")
print(f"so in {found.target_share:.0%} of the resamples;")
print(f"95 % of these have the layer in {found.target_interval}")

# %% [markdown]
# ## Exercise 04.1 · The interval of a difference (5 minutes, medium)
#
# For four prompts a layer gives P(target) = 0.2, 0.4, 0.1, 0.3 and P(English) = 0.3, 0.5, 0.3, 0.2.
# Compute the half-width of the 95 % interval of the mean **paired** difference: 1.96 · s / √n, with the sample standard deviation s (divide by n − 1) of the four differences.

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("04.1", answer)

# %% tags=["solution"]
import statistics

# The differences are −0.1, −0.1, −0.2 and 0.1.
differences = [t - e for t, e in zip((0.2, 0.4, 0.1, 0.3), (0.3, 0.5, 0.3, 0.2))]
answer = 1.96 * statistics.stdev(differences) / len(differences) ** 0.5
ll.checks.exercise("04.1", answer)

# %% tags=["wrong"]
[
    0.2466,
    0.1068,
    0.1767,
    0.0629,  # the standard error
    1,
]

# %% [markdown]
# ## Exercise 04.2 · Pool without fooling yourself (6 minutes, medium)
#
# Someone pools three source languages and treats all prompts as independent: the half-width of the interval is ± 0.010.
# Suppose the three prompts about a concept always give *exactly* the same number.
# What is the honest half-width?

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("04.2", answer)

# %% tags=["solution"]
# Only a third of the prompts are independent facts, and the half-width goes with 1/√n: wider by
# the root of three.
answer = 0.010 * 3**0.5
ll.checks.exercise("04.2", answer)

# %% tags=["wrong"]
[
    0.03,
    0.01,
    0.00577,
    0.02,
    "wide",
]

# %% [markdown]
# ## 3. Every pair
#
# **Objective: look at all pairs before believing one.**
#
# Rows are sources, columns are targets.
# This runs all twenty pairs of five languages and takes about three minutes on two CPU cores the first time.

# %%
codes = ("en", "zh", "de", "fr", "ru")
pairs = {}
for a in codes:
    for b in codes:
        if a != b:
            pairs[a, b] = ll.run_experiment(model, "translation", a, b, seed=seed, every=every)

# %% tags=["predict"]
curves = {pair: run.probability["en"].mean(0) for pair, run in pairs.items() if pair[1] != "en"}
a, b = max(curves, key=lambda pair: curves[pair].max())
choices = ["English as the source", "into Chinese", "out of Chinese", "between two others"]
if a == "en":
    highest = "English as the source"
elif b == "zh":
    highest = "into Chinese"
else:
    highest = "out of Chinese" if a == "zh" else "between two others"
question = "Apart from English as the answer: where will the English curve be highest?"
ll.predict(question, choices, highest, f"{a} → {b}, {curves[a, b].max():.0%}.")

# %%
ll.plots.pair_grid(pairs)

# %% [markdown]
# **What to notice.** Mind the scales: every panel has its own.
# With English as the target, the pivot *is* the answer.
# With English as the source, its curve is mostly a copy of the prompt.
# What remains are twelve panels: in how many of them is there a hump of English before the target rises?
#
# The same from every fourth concept, made by `make results` on the demo model in float32:

# %%
ll.data.results("pairs").set_index("experiment")

# %% [markdown]
# ## 4. Controls
#
# **Objective: try to break the finding.**
#
# - `control="shuffled"`: every demonstration shows the answer of another one. They no longer say *translate*; does the model still do it, and does English still appear?
# - `control="random"`: follow another English word, of like length and frequency, instead of the right one. Does *any* English word rise?
# - `control="de"`: follow German instead of English. If German is the source or the target, follow Spanish. Is it English, or any related language?
# - English as the source: what does its curve look like when it stands in the prompt?
#
# All are compared on the same concepts, without those whose source word looks like the pivot's: a copy is not a pivot.

# %%
third = next(code for code in ("de", "es", "it") if code not in (source, target))
changes = {"none": None, "shuffled answers": "shuffled", "random English word": "random"}
changes[f"pivot {third}"] = third
controls = {}
for name, change in changes.items():
    controls[name] = ll.run_experiment(model, "translation", source, control=change, **ask)
controls["English as source"] = ll.run_experiment(model, "translation", "en", **ask)
without_cognates = [run.without_cognates().prompts["concept"] for run in controls.values()]
same = set.intersection(*map(set, without_cognates))
controls = {name: run[run.prompts["concept"].isin(same)] for name, run in controls.items()}
table = ll.headlines(controls)

# %% tags=["predict"]
left = (table["pivot_peak"] / table.loc["none", "pivot_peak"]).round(2)
kinds = {"random English word": "the random English word", f"pivot {third}": f"the pivot {third}"}
choices = ["none of them", *kinds.values(), "both"]
gone = [choice for name, choice in kinds.items() if left[name] < 0.2]
found = {0: "none of them", 2: "both"}.get(len(gone), "".join(gone))
parts = ", ".join(f"{name} {part:.0%}" for name, part in left[list(changes)].items())
question = "Which of these will fall below a fifth of the English peak?"
ll.predict(question, choices, found, f"Parts of the peak without a control: {parts}.")

# %%
table.round(3)

# %%
ll.plots.language_probability(controls["shuffled answers"])

# %% [markdown]
# **What to notice.** The random word stays at zero: it is the word for *this concept* that stands out.
# The third language, related to English as it is, stays far below it.
# One language is not all languages: try others in its place.
#
# The shuffled demonstrations make the answers worse, and English still appears, lower than before; with so few prompts the intervals overlap.
# The task seems to matter, but the languages and the form of the prompt carry part of it.

# %% [markdown]
# ## 5. Energy
#
# **Objective: see whether energy tells the tasks apart.**
#
# Notebook 3 measured how much of a latent the output layer can read.

# %% tags=["predict"]
apart = (translation.energy.mean(0) - repetition.energy.mean(0)).abs()
widest, half = int(apart.argmax()) + 1, "lower" if apart.argmax() < model.n_layers / 2 else "upper"
question = "In which half of the layers will translation and repetition differ most?"
ll.predict(question, ["lower", "upper"], half, f"At layer {widest}, by {apart.max():.3f}.")

# %%
ll.plots.energy(translation)

# %%
ll.plots.energy(repetition)

# %% [markdown]
# ## Exercise 04.3 · Looking often (4 minutes, medium)
#
# Suppose there is *no* difference at any of 18 layers, and you look at all 18 intervals of 95 %.
# If the layers were independent, what would be the chance that at least one interval leaves zero out?

# %% tags=["stub"]
answer = ...  # a probability
ll.checks.exercise("04.3", answer)

# %% tags=["solution"]
# All 18 hold with 0.95 ** 18; the rest is the chance of at least one false alarm.
answer = 1 - 0.95**18
ll.checks.exercise("04.3", answer)

# %% tags=["wrong"]
[
    0.9,
    0.05,
    0.95**18,
    0.5,
]

# %% [markdown]
# ## Exercise 04.4 · A control of your own (8 minutes, open)
#
# Follow another language instead of English, one that the notebook has not tried: `control="..."` with its code.
# Pass the run of at least 20 prompts.
#
# Before you run it: what would convince you that English is special, and what that it is not?

# %% tags=["stub"]
answer = ...  # ll.run_experiment(model, "translation", source, control="...", **ask)
ll.checks.exercise("04.4", answer)

# %% tags=["solution"]
# Spanish or Italian are closer to French than English is. If closeness to the source were all,
# they should rise as well.
other = next(code for code in ("it", "pt", "nl") if code not in (source, target))
answer = ll.run_experiment(model, "translation", source, control=other, **ask)
ll.checks.exercise("04.4", answer)

# %% tags=["wrong"]
[
    translation,
    translation[:5],
    0.1,
]

# %% [markdown]
# ## 6. Take the numbers with you
#
# `to_frame()` gives a tidy table, one row per prompt, layer, quantity and language; `to_csv` makes it a file for a report.
# `save` keeps everything in one file that `ll.Run.load` reads.

# %%
table = translation.to_frame()
table.to_csv("translation.csv", index=False)
print(f"translation.csv: {len(table):,} rows")
table.sample(3, random_state=0)

# %% [markdown]
# To run one configuration without opening the notebook, [papermill](https://papermill.readthedocs.io) fills in the parameters of the cell at the top:
#
# ```
# pip install papermill
# papermill notebooks/04_run_the_experiments.ipynb out.ipynb -p model llama-2-7b -p source fr -p target zh
# ```

# %% [markdown]
# ## 7. Try it
#
# **Question to answer with the widget:** find a pair in which English leads without cognates, and one in which it does not.

# %%
display(ll.explore.compare(model, source=source, target=target))

# %% [markdown]
# No widget on your screen?
# This figure has a menu that needs none; cognates are in it.

# %%
ll.explore.pair(model, source=source, target=target, backend="static")

# %% [markdown]
# ## What this does not show
#
# Concepts from one list, prompts of one form, one small model.
# The controls rule out some explanations, not all: a word can also rise because it stands near the right one in the model's space, without any step of the computation using it.
# And what holds on average may fail for the word you care about.
#
# ## Recap
#
# - Test differences inside prompts, and count concepts, not prompts.
# - A control belongs to the result: without it, a curve has many explanations.
# - How far English leads depends on the model; that it appears without being asked for does not need a large one.
#
# **Further reading:** section 4.1 and appendix A of the [paper](https://aclanthology.org/2024.acl-long.820/).
