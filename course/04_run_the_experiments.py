# ---
# jupyter:
#   course:
#     you_will: 'repeat the paper''s experiments, test a difference, look at every pair, and try to break the finding'
#     figure: 'll.plots.difference(distinct)'
#     alt: 'The difference of target and English, below zero and then above'
#     first_run: 3.3
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

# %% [markdown]
# ## What you will do
#
# You say what five rivals predict, test a difference, see every pair, and apply three controls.
#
# **You need** notebooks 2 and 3; new words stand in the [glossary](GLOSSARY.md).
#
# **Time** about 90 minutes to work through; the cells run for three minutes on two CPU cores the first time, in 2 GB of memory.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "about 90 minutes to work through": "an estimate for a lesson",
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
every = 8  # every 8th concept of the list; 1 takes all of them, and eight times as long

# %%
import pandas as pd
from IPython.display import display

model = ll.load_model(model)
ask = {"target": target, "seed": seed, "every": every}
model

# %% [markdown]
# ## Rivals
#
# **Objective: say what each explanation predicts, before you look.**
#
# Notebook 2 showed English words on the way to Chinese.
#
# - **lingua franca**: the model translates into English first.
# - **shared [hub](GLOSSARY.md)**: the middle layers belong to no language.
# - **copy**: the middle layers hold the source word.
# - **biased decoder**: the output layer makes English words probable.
# - **shared spelling**: the word that you see is both English and French.

# %% [markdown]
# ## Exercise 04.1 · What would you see? (5 minutes, medium)
#
# Each outcome below is predicted by one of the five explanations:
#
# - **A**: the English word of *another* concept rises as high as the right English word.
# - **B**: without words that are spelled alike, English is gone.
# - **C**: the right word in Spanish, Russian and Japanese, which nobody mentions, rises as high as the English one.
# - **D**: on the way, the source word is more probable than the English word.
# - **E**: the English word of this concept rises, and no other word that nobody mentions.
#
# Which explanation predicts which outcome?
# Replace the dots by letters, such as `"A"`.

# %% tags=["stub"]
answer = {
    "lingua franca": ...,
    "shared hub": ...,
    "copy": ...,
    "biased decoder": ...,
    "shared spelling": ...,
}
ll.checks.exercise("04.1", answer)

# %% tags=["solution"]
# Ask of each explanation: which word does it make probable, and which other word would do as well?
answer = {
    "lingua franca": "E",
    "shared hub": "C",
    "copy": "D",
    "biased decoder": "A",
    "shared spelling": "B",
}
ll.checks.exercise("04.1", answer)

# %% tags=["right"]
[
    {name: letter.lower() for name, letter in answer.items()},
    list(answer.items()),
]

# %% tags=["wrong"]
{
    "which word of the prompt": answer | {"copy": "B", "shared spelling": "D"},
    "words of that kind are left out": answer | {"shared spelling": "A", "biased decoder": "B"},
    "also for a wrong one": answer | {"biased decoder": "E", "lingua franca": "A"},
    "belongs to no language": answer | {"shared hub": "E", "lingua franca": "C"},
    "fill in: copy": answer | {"copy": ...},
    "write one of the letters": answer | {"copy": "F"},
    "E stands for two": answer | {"shared hub": "E"},
    "fill in: copy, shared spelling": {},
    "is a dictionary": "E",
}

# %% [markdown]
# ## 1. The paper's three experiments
#
# **Objective: reproduce the experiments that started it all.**
#
# (a) Translation into Chinese from German, French and Russian, pooled (so without a curve of the source); (b) repetition; (c) cloze.
#
# In (a) a concept comes up to three times, so the intervals are *clustered*: they count concepts.

# %%
sources = [code for code in ("de", "fr", "ru") if code != target]
translation = ll.run_experiment(model, "translation", sources, **ask)
repetition = ll.run_experiment(model, "repetition", **ask)
cloze = ll.run_experiment(model, "cloze", **ask)
runs = {f"translation {'+'.join(sources)} → {target}": translation}
runs |= {f"repetition {target}": repetition, f"cloze {target}": cloze}

# %% tags=["claims"]
{
    "a concept comes up to three times": translation.prompts["concept"].value_counts().max() == 3,
}

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
# The table adds stored runs of Qwen2.5-Coder 1.5B Instruct, and the paper's Llama-2 (figure 2; `R/data/data_for_sphere_plots`).
#
# - `pivot_peak` is reached at `at_layer`, and `median` is the median there (notebook 2).
# - `pivot_leads` is the first layer at which English is surely ahead (section 2).
# - `right` is the share of right answers.

# %%
paper = ll.data.results("paper")
here = ll.headlines(runs).reset_index().assign(model=model.name)
larger = ll.load_model("qwen2.5-coder-1.5b-instruct", stored=True)
stored = {
    "translation de+fr+ru → zh": ll.run_experiment(
        larger, "translation", ["de", "fr", "ru"], "zh", every=4
    ),
    "translation fr → de": ll.run_experiment(larger, "translation", "fr", "de", every=4),
}
qwen = ll.headlines(stored).reset_index().assign(model="qwen2.5-coder-1.5b")

# %%
shown = ["pivot_peak", "at_layer", "median", "pivot_leads", "right"]
table = pd.concat([here, qwen, paper]).set_index(["model", "experiment"])[shown]
table.round(3).astype(object).fillna("")

# %% [markdown]
# **What to notice.** In this model English rises when translating and hardly at all when repeating; in Llama-2 it rises in both (paper, section 4.1).
#
# In the paper's models English peaks at two thirds or more when translating, here at less than a tenth.
#
# The cloze has few prompts and few right answers here.

# %% tags=["claims"]
{
    "English rises when translating and hardly at all when repeating": (
        repetition.probability["en"].mean(0).max() < translation.probability["en"].mean(0).max() / 3
    ),
    "when translating, here at less than a tenth": (
        0.05 < translation.probability["en"].mean(0).max() < 0.1
    ),
    "In the paper's models English peaks at two thirds or more": (
        ll.data.results("paper").pivot_peak.min() > 2 / 3
    ),
    "few prompts and few right answers": (
        len(cloze) < 30 and here.set_index("experiment").right["cloze zh"] < 0.25
    ),
}

# %% [markdown]
# In Qwen, into Chinese, P(English) reaches 8 %, and English is never surely ahead.
# From French to German, P(English) reaches 24 %: English leads from layer 23, and German takes over at layer 27.

# %% tags=["claims"]
{
    "P(English) reaches 8 %, and English is never surely ahead": (
        round(qwen.pivot_peak[0], 2) == 0.08 and pd.isna(qwen.pivot_leads[0])
    ),
    "P(English) reaches 24 %: English leads from layer 23, and German takes over at layer 27": (
        round(qwen.pivot_peak[1], 2) == 0.24
        and (qwen.pivot_leads[1], qwen.target_start[1]) == (23, 27)
    ),
}

# %% [markdown]
# **Question.** English hardly rises when this model repeats.
# Does that show that translating brings it up?
#
# <details><summary>Answer</summary>
#
# It fits, but it does not show it.
# Repetition differs in more than one ingredient: nothing is translated, *and* the answer is in the prompt.
# A good control changes one ingredient only.
#
# </details>

# %% [markdown]
# ## 2. The difference, tested
#
# **Objective: compare two curves where the comparison belongs, inside each prompt.**
#
# Bands that overlap settle nothing, because the same prompts stand behind both curves.
# So take the difference target − English in every prompt *first*, then its mean.
#
# Of 18 intervals, one often leaves zero out by chance (exercise 04.4).
# So `ll.metrics.paired_difference` gives a wider band, which holds at *all layers at once*.
#
# Cognates are left out (notebook 2, section 6).
#
# <details><summary>When is the band too narrow?</summary>
#
# Where few words make a mean, as here for English.
# A sample that misses some of these words puts English too low.
# So trust a lead of English more than a lead over English.
#
# </details>

# %% tags=["claims"]
{
    "Of 18 intervals, one often": "the exercise has the number",
}

# %%
distinct = translation.without_cognates()
band = ll.metrics.paired_difference(distinct, target, "en")
ahead = {name: band.index[band["leads"] == name].tolist() for name in ("first", "second")}
print(f"{len(distinct)} of {len(translation)} prompts are left")

# %% tags=["predict"]
english = len(ahead["second"])
choices = ["at two or fewer", "at three to nine", "at ten or more"]
found = choices[0]
if english > 2:
    found = choices[1]
if english > 9:
    found = choices[2]
question = "At how many layers will the whole band lie below zero, so that English is ahead?"
ll.predict(question, choices, found, f"Layers {ahead['second']}." if english else "At none.")

# %%
ll.plots.difference(distinct)

# %%
print("the band lies below zero (English is ahead) at layers", ahead["second"])
print("the band lies above zero (the target is ahead) at layers", ahead["first"])
for code in sources:
    one = distinct[distinct.prompts["source"] == code]
    leads = ll.metrics.paired_difference(one, "en", target)["leads"]
    layers = leads.index[leads == "first"].tolist()
    print(f"from {code} alone (n = {len(one)}) English is ahead at layers", layers)

# %% [markdown]
# **What to notice.** English is surely ahead at one layer, 13, and the band ends close to zero there.
# At layer 16, where English is highest, the band includes zero.
#
# From one source alone English is ahead at no layer.
#
# The layer of the handover needs its own interval:

# %% tags=["claims"]
{
    "English is surely ahead at one layer, 13": ahead["second"] == [13],
    "the band ends close to zero there": -0.01 < band.upper[13] < 0,
    "At layer 16, where English is highest, the band includes zero": (
        distinct.probability["en"].mean(0).argmax() == 15 and not band.survives[16]
    ),
    "English is ahead at no layer": not any(
        (
            ll.metrics.paired_difference(
                distinct[distinct.prompts["source"] == code], "en", "zh"
            ).leads
            == "first"
        ).any()
        for code in ("de", "fr", "ru")
    ),
}

# %%
found = ll.find_phases(distinct)
if found.target_start is None:
    print("the target does not lead at the end, or ends below 5 %")
else:
    print("the target leads from layer", found.target_start, "to the end")
print(f"so in {found.target_share:.0%} of the resamples;")
print(f"95 % of these have the layer in {found.target_interval}")

# %% [markdown]
# **Question.** At layer 16 the band includes zero.
# May you say that English and Chinese are equally probable there?
#
# <details><summary>Answer</summary>
#
# You may not.
# The band shows no lead, and does not rule one out.
# Look at its ends: they say how large a difference these prompts cannot rule out.
#
# </details>

# %% tags=["claims"]
{
    "At layer 16 the band includes zero.": band.lower[16] < 0 < band.upper[16],
}

# %% [markdown]
# ## Exercise 04.2 · The interval of a difference (5 minutes, medium)
#
# For four prompts a layer gives P(target) = 0.2, 0.4, 0.1, 0.3 and P(English) = 0.3, 0.5, 0.3, 0.2.
# Compute the half-width of the 95 % interval of the mean **paired** difference: 1.96 · s / √n, with the sample standard deviation s (divide by n − 1) of the four differences.

# %% tags=["claims"]
{
    "For four prompts a layer gives P(target) = 0.2, 0.4, 0.1, 0.3 and P(English) = 0.3, 0.5, 0.3, 0.2": (
        "an exercise"
    ),
    "95 % interval of the mean **paired** difference: 1.96": "an exercise",
    "divide by n − 1": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("04.2", answer)

# %% tags=["solution"]
import statistics

# The differences are −0.1, −0.1, −0.2 and 0.1.
differences = [t - e for t, e in zip((0.2, 0.4, 0.1, 0.3), (0.3, 0.5, 0.3, 0.2))]
answer = 1.96 * statistics.stdev(differences) / len(differences) ** 0.5
ll.checks.exercise("04.2", answer)

# %% tags=["right"]
[
    "0.1233",
    round(answer, 2),
    0.2001,  # with t instead of 1.96
]

# %% tags=["wrong"]
{
    "varies less": 0.2466,
    "by n − 1": 0.1068,
    "spread of both columns": 0.1767,
    "the standard error": 0.0629,
    "it is not negative": -answer,
    "Four differences first": 1,
    "and not 2": (-answer, answer),
}

# %% [markdown]
# ## Exercise 04.3 · Pool without fooling yourself (6 minutes, medium)
#
# Someone pools three source languages and treats all prompts as independent: the half-width of the interval is ± 0.010.
# Suppose the three prompts about a concept always give *exactly* the same number.
# What is the honest half-width?

# %% tags=["claims"]
{
    "the interval is ± 0.010": "an exercise",
    "the three prompts about a concept": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("04.3", answer)

# %% tags=["solution"]
# Only a third of the prompts are independent facts, and the half-width goes with 1/√n: wider by
# the root of three.
answer = 0.010 * 3**0.5
ll.checks.exercise("04.3", answer)

# %% tags=["right"]
[
    0.0173,
]

# %% tags=["wrong"]
{
    "not to 1/n": 0.03,
    "adds no certainty": 0.01,
    "wider, not narrower": 0.00577,
    "Only every third": 0.02,
    "is a number": "wide",
    "in per cent": 1.73,
}

# %% [markdown]
# ## 3. Every pair
#
# **Objective: look at all pairs before believing one.**
#
# The demo model's pairs are [stored answers](GLOSSARY.md).

# %%
demo = ll.load_model("gemma-3-270m", stored=True)
as_stored = (model.name, seed) == (demo.name, 0)
asked = {"model": demo, "every": 4} if as_stored else {"model": model, "every": every}
codes = ("en", "zh", "de", "fr", "ru")
pairs = {
    (a, b): ll.run_experiment(task="translation", source=a, target=b, seed=seed, **asked)
    for a in codes
    for b in codes
    if a != b
}

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
# **What to notice.** With English as the target, the pivot *is* the answer; with English as the source, it stands in the prompt.
# What remains are twelve panels.

# %% tags=["claims"]
{
    "What remains are twelve panels": len([pair for pair in pairs if "en" not in pair]) == 12,
}

# %% [markdown]
# **Question.** In how many of these twelve panels does English pass 5 % and lead the target, before the target takes over? (Cognates are included.)
#
# <details><summary>Answer</summary>
#
# In ten.
# The two others are Chinese → French and Russian → French.
# So English is not tied to one pair of languages.
# But a lead of two mean curves is not yet a sure lead (section 2).
#
# </details>

# %% tags=["claims"]
{
    "In how many of these twelve panels does English pass 5 %": "the rule of ll.find_phases",
    "In ten. The two others are Chinese → French and Russian → French": (
        ll.data.results("pairs")
        .set_index("experiment")
        .concept_start.pipe(
            lambda start: (
                [name for name in start.index[start.isna()] if "en" not in name]
                == ["translation zh → fr", "translation ru → fr"]
                and start.notna()[[name for name in start.index if "en" not in name]].sum() == 10
            )
        )
    ),
}

# %% [markdown]
# ## 4. Controls
#
# **Objective: change one ingredient of the finding, and see whether it breaks.**
#
# - `control="shuffled"`: every demonstration shows the answer of another one.
# - `control="random"`: follow another English word, of like length and rank in the vocabulary.
# - `control="es"`: follow Spanish instead of English.
#
# `paired_difference` compares two runs (`other=`) inside each prompt.
# Fix *one* layer before you look.
# In Llama-2 7B, English is highest at layer 23 of 32 (section 1); the same share of this model's 18 layers is layer 13.

# %%
third = next(code for code in ("es", "it", "nl") if code not in (*sources, target))
changes = {"shuffled answers": "shuffled", "random English word": "random"}
changes[f"pivot {third}"] = third
controls = {}
for name, change in changes.items():
    control = ll.run_experiment(model, "translation", sources, control=change, **ask)
    controls[name] = control.without_cognates()

# %%
layer = round(23 / 32 * len(translation.layers))
rows = {
    name: ll.metrics.paired_difference(distinct, "en", control.pivot, other=control, layers=[layer])
    for name, control in controls.items()
}
compared = pd.concat(rows, names=["control"])

# %% tags=["claims"]
{
    "In Llama-2 7B, English is highest at layer 23": paper.at_layer[0] == 23,
    "of 32 (section 1)": "the configuration of Llama-2",
    "the same share of this model's 18 layers is layer 13": (
        layer == 13 and len(translation.layers) == 18
    ),
}

# %% tags=["predict"]
parts = (compared["second"] / compared["first"]).droplevel("layer")
names = list(parts.index)
found = " and ".join(name for name in names if parts[name] >= 0.5) or "none"
choices = ["none", names[0], f"{names[0]} and {names[2]}", " and ".join(names)]
told = ", ".join(f"{name} {part:.0%}" for name, part in parts.items())
question = f"At layer {layer}: which of the three reaches at least half of English's height?"
ll.predict(question, choices, found, f"Parts of English's height: {told}.")

# %%
print("first: English in section 2; second: the control")
compared[["first", "second", "difference", "lower", "upper"]].round(3)

# %%
ll.plots.language_probability(controls["shuffled answers"])

# %% [markdown]
# **What to notice.** The random word stays at zero: it is the word for *this concept* that rises.
# Spanish reaches about a fifth of English's height, and the interval of the difference leaves zero out.
#
# With shuffled demonstrations the right answer at the end falls from 21 % to 12 %, and English is even a little *higher* at this layer.

# %% tags=["claims"]
{
    "The random word stays at zero": (
        controls["random English word"].probability["en"].mean(0).max() < 0.001
    ),
    "Spanish reaches about a fifth of English's height": (
        0.15 < (compared.second / compared.first)["pivot es"].item() < 0.25
    ),
    "the interval of the difference leaves zero out": compared.leads["pivot es"].item() == "first",
    "the right answer at the end falls from 21 % to 12 %": (
        round(distinct.probability["zh"][:, -1].mean().item(), 2) == 0.21
        and round(controls["shuffled answers"].probability["zh"][:, -1].mean().item(), 2) == 0.12
        and ll.metrics.paired_difference(
            distinct, "zh", other=controls["shuffled answers"], layers=[18]
        ).leads[18]
        == "first"
    ),
    "English is even a little *higher* at this layer": (
        compared.leads["shuffled answers"].item() == "second"
    ),
}

# %% [markdown]
# **Question.** With shuffled answers English is as high as before.
# Does the task not matter?
#
# <details><summary>Answer</summary>
#
# It matters for the answer, which becomes rarer.
# For English it seems to matter little: the source word and the two languages are still in the prompt.
# So what you see at that layer need not be a step of this translation.
#
# </details>

# %% [markdown]
# ### Your word
#
# The same controls for one word: the one that you chose in notebook 1.
# Each row has the highest probability at any layer, for your word and for the mean.

# %%
my_word = ll.my_word()  # on another machine: ll.my_word("the line that you copied")
names = {None: "right word", "random": "random word", "shuffled": "right word, shuffled answers"}
means = [distinct, controls["random English word"], controls["shuffled answers"]]
rows = []
for (change, name), mean in zip(names.items(), means):
    my_run = ll.run_experiment(
        model, "translation", *my_word.languages, concepts=my_word.concept, control=change
    )
    for who, run in {my_word.concept: my_run, "mean": mean}.items():
        rows.append((name, who, run.probability["en"].mean(0).max().item()))

# %%
my_controls = pd.DataFrame(rows, columns=["control", "whose", "highest P"])
random_word = my_controls[my_controls["control"] == "random word"]
print(my_word.note(4, *random_word["highest P"]))
question = "Does a random English word rise as high as the right one?"
ll.plots.bars(my_controls, "control", "highest P", question, group="whose")

# %% [markdown]
# **What to notice.** If a random English word rises as high as the right one, then the English of your word is nothing special.
# The printed line has the random word: for your word, and for the mean.

# %% [markdown]
# ### Three other languages, and the source
#
# Stored answers from German to Chinese follow five languages on the same concepts.

# %%
followed = ["en", "de", "ja", "es", "ru"]
five = ll.run_retrieval(demo, "translation", "de", "zh", followed, every=4)
height = {code: five.probability[code][:, 13 - 1].mean().item() for code in followed}
rivals = pd.DataFrame({"P at layer 13": height}).rename_axis("language").reset_index()
rivals["language"] = rivals["language"].map(ll.plots.language_label)
ll.plots.bars(
    rivals, "language", "P at layer 13", "Which language rises at layer 13, into Chinese?"
)

# %% [markdown]
# **What to notice.** The source word is by far the highest: German reaches 59 %.
# English reaches 6 %; Spanish, Russian and Japanese stay below 1 %.
# For each of the three the interval of the difference to English leaves zero out, although these are only 26 concepts.

# %% tags=["claims"]
{
    "German reaches 59 %": round(height["de"], 2) == 0.59,
    "English reaches 6 %; Spanish, Russian and Japanese stay below 1 %": (
        round(height["en"], 2) == 0.06 and max(height[code] for code in ("es", "ru", "ja")) < 0.01
    ),
    "For each of the three the interval of the difference to English leaves zero out": all(
        ll.metrics.mean_ci(
            (five.probability["en"] - five.probability[code])[:, 12:13], "bootstrap"
        )[1]
        > 0
        for code in ("es", "ru", "ja")
    ),
    "these are only 26 concepts": (len(five) == 26),
}

# %% [markdown]
# ### Back to the rivals
#
# | explanation | measured on this model |
# |---|---|
# | biased decoder | a random English word stays at zero |
# | shared spelling | without such words the peak from German falls from 0.10 to 0.08, from French from 0.13 to 0.05 (notebook 2) |
# | shared hub | Spanish reaches a fifth, Russian and Japanese less |
# | copy | German reaches 59 %, English 6 % |
# | lingua franca | the English word rises; other words hardly, see Spanish |

# %% tags=["claims"]
{
    "a random English word stays at zero": (
        controls["random English word"].probability["en"].mean(0).max() < 0.001
    ),
    "from German falls from 0.10 to 0.08, from French from 0.13 to 0.05": (
        ll.data.results("headlines")
        .set_index(["pair", "words"])
        .pivot_peak.round(2)
        .pipe(
            lambda peak: [
                peak["de → zh", "as published"],
                peak["de → zh", "no cognates"],
                peak["fr → zh", "as published"],
                peak["fr → zh", "no cognates"],
            ]
        )
        == [0.1, 0.08, 0.13, 0.05]
    ),
    "Spanish reaches a fifth, Russian and Japanese less": (
        0.15 < (compared.second / compared.first)["pivot es"].item() < 0.25
        and max(height["ru"], height["ja"]) < 0.1 * height["en"]
    ),
    "German reaches 59 %, English 6 %": (
        (round(height["de"], 2), round(height["en"], 2)) == (0.59, 0.06)
    ),
}

# %% [markdown]
# Two explanations are left, and both can be true: a copy of the source word, and English.
#
# Still, the output layer may prefer the English one of all words with the right meaning (notebook 9), and no curve shows that the English word is *used* (notebooks 7 and 8).

# %% [markdown]
# **Question.** Which outcome would have made you give up the lingua franca?
#
# <details><summary>Answer</summary>
#
# For example A or C: if any English word rises, or the words of many languages, then English is nothing special.
# Outcome B as well: then nothing is left to explain.
# D alone does not refute it: the source word may come first and the English word second.
#
# </details>

# %% [markdown]
# ## Exercise 04.4 · Looking often (4 minutes, medium)
#
# Suppose there is *no* difference at any of 18 layers, and you look at all 18 intervals of 95 %.
# If the layers were independent, what would be the chance that at least one interval leaves zero out?

# %% tags=["claims"]
{
    "at any of 18 layers, and you look at all 18 intervals of 95 %": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a probability
ll.checks.exercise("04.4", answer)

# %% tags=["solution"]
# All 18 hold with 0.95 ** 18; the rest is the chance of at least one false alarm.
answer = 1 - 0.95**18
ll.checks.exercise("04.4", answer)

# %% tags=["right"]
[
    "60.3 %",
    0.6,
]

# %% tags=["wrong"]
{
    "do not add up": 0.9,
    "for one layer": 0.05,
    "none of them misses": 0.95**18,
    "all of them miss": 0.05**18,
    "what is left": 0.5,
    "in per cent": 60.3,
}

# %% [markdown]
# ## Exercise 04.5 · A control of your own (8 minutes, open)
#
# Follow another language instead of English, one that the notebook has not tried: `control="..."` with its code.
# Pass the run of at least 20 prompts.
#
# Before you run it: what would convince you that English is special, and what that it is not?

# %% tags=["claims"]
{
    "at least 20 prompts": "an exercise",
}

# %% tags=["stub"]
answer = ...  # ll.run_experiment(model, "translation", source, control="...", **ask)
ll.checks.exercise("04.5", answer)

# %% tags=["solution"]
# Italian is closer to French than English is. If closeness to the source were all, it should rise
# as well.
other = next(code for code in ("it", "pt", "nl") if code not in (source, target))
answer = ll.run_experiment(model, "translation", source, control=other, **ask)
ll.checks.exercise("04.5", answer)

# %% tags=["wrong"]
{
    "English is still followed": translation,
    "5 concepts": translation[:5],
    "begins at layer 17": answer.between(17, 18),
    "follows no language of your own": ll.run_experiment(
        model, "translation", source, control="random", **ask
    ),
    "is a run": 0.1,
}

# %% [markdown]
# ## 5. Take the numbers with you
#
# `to_frame()` gives a tidy table for a report, and `save` a file for `ll.Run.load`.

# %%
tidy = translation.to_frame()
tidy.to_csv("translation.csv", index=False)
print(f"translation.csv: {len(tidy):,} rows")
tidy.sample(3, random_state=0)

# %% [markdown]
# <details><summary>Run another model or pair without opening the notebook</summary>
#
# [Papermill](https://papermill.readthedocs.io) fills in the parameters of the cell at the top:
#
# ```
# pip install papermill
# papermill notebooks/04_run_the_experiments.ipynb out.ipynb -p model llama-2-7b -p source fr -p target zh
# ```
#
# </details>

# %% [markdown]
# ## 6. Try it
#
# **Question to answer with the widget:** in which pair does English lead without cognates, and in which not?

# %%
display(ll.explore.compare(model, source=source, target=target))

# %% [markdown]
# No widget on your screen?
# This figure has a menu, with cognates.

# %%
ll.explore.pair(model, source=source, target=target, backend="static")

# %% [markdown]
# Compare your answer:
#
# <details><summary>Answer</summary>
#
# For example German to Chinese: without cognates English leads at layer 13.
# From French to Chinese, without cognates, it leads at no layer.
#
# </details>

# %% tags=["claims"]
{
    "without cognates English leads at layer 13": (
        ll.data.results("headlines")
        .query("pair == 'de → zh' and words == 'no cognates'")
        .english_ahead.astype(str)
        .str.strip()
        .item()
        in ("13", "13.0")
    ),
    "it leads at no layer": (
        ll.data.results("headlines")
        .query("pair == 'fr → zh' and words == 'no cognates'")
        .english_ahead.isna()
        .item()
    ),
}

# %% [markdown]
# ## What this does not show
#
# This is one small model, and a word can also rise because it stands near the right one in the model's space.
#
# ## Recap
#
# - Test differences inside prompts, at one layer fixed in advance or at all at once.
# - Say what each explanation predicts before you run its control.

# %% [markdown]
# ## Quiz
#
# Choose the sentence that the figure or the table supports.
# The others are mistakes that readers make; each choice says why it follows, or why not.
# (With other parameters the figures may say something else.)

# %% tags=["quiz"]
ll.choose(
    "Section 1, the table of three models: which sentence does it support?",
    "The demo model shows the paper's finding in full size.",
    "Its peak is far below those of the paper, and a few prompts make it.",
    "The typical prompt shows English as high as the mean does.",
    "The median is far below the mean: a few prompts make the peak.",
    "Whether English is surely ahead depends on the model and on the pair.",
    "Qwen has a lead from French to German, and none into Chinese.",
    "English must stay low in repetition if it belongs to translating.",
    "In Llama-2 it rises when repeating as well, so this is a comparison and not a test.",
    supported="c",
)

# %% tags=["claims"]
{
    "Qwen has a lead from French to German, and none into Chinese": (
        pd.isna(qwen.pivot_leads[0]) and not pd.isna(qwen.pivot_leads[1])
    ),
    "The median is far below the mean: a few prompts make the peak": (
        (here["median"] < 0.25 * here.pivot_peak).all()
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 2, the curve of the difference: which sentence does it support?",
    "Where the band includes zero, English and Chinese are equally probable.",
    "The band shows no difference there, and does not rule one out.",
    "English is ahead at the layer of its peak.",
    "There the band includes zero, so no lead is shown.",
    "From each source alone, English is ahead at this layer.",
    "One source alone has fewer prompts, and shows no sure lead at any layer.",
    "English is surely ahead at one layer, and Chinese at the last one.",
    "At these layers the whole band lies on one side of zero.",
    supported="d",
)

# %% tags=["claims"]
{
    "English is surely ahead at one layer, and Chinese at the last one": (
        len(ahead["second"]) == 1 and ahead["first"] == [18]
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 3, the panels of all pairs: which sentence do they support?",
    "The panels with English as the source show the detour best.",
    "There English stands in the prompt, so its line may show a copy.",
    "The panels with English as the target show the detour best.",
    "There English is the answer, and not a detour.",
    "English passes the target in most of the panels that have English on neither side.",
    "Only Chinese to French and Russian to French do not show it.",
    "English passes the target in every pair, so it is a law.",
    "Some panels do not show it, and all panels are of one model.",
    supported="c",
)

# %% tags=["claims"]
{
    "Only Chinese to French and Russian to French do not show it": (
        ll.data.results("pairs")
        .set_index("experiment")
        .concept_start.pipe(
            lambda start: (
                [name for name in start.index[start.isna()] if "en" not in name]
                == ["translation zh → fr", "translation ru → fr"]
            )
        )
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 4, the table of controls: which sentence does it support?",
    "The English word of this concept rises, and not any English word.",
    "The random English word stays at zero.",
    "Without the task English is gone.",
    "With shuffled answers English is as high, and the answer becomes rarer.",
    "Of all languages in the table English alone rises, so English is the pivot of the model.",
    "Spanish rises as well, less high, and a reading does not show a use.",
    "The controls rule out every other explanation.",
    "A copy of the source word, with English beside it, passes all of them.",
    supported="a",
)

# %% tags=["claims"]
{
    "The random English word stays at zero": (
        controls["random English word"].probability["en"].mean(0).max() < 0.001
    ),
    "Spanish rises as well, less high": (
        0.1 < (compared.second / compared.first)["pivot es"].item() < 0.5
    ),
    "With shuffled answers English is as high": (
        (compared.second / compared.first)["shuffled answers"].item() > 1
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 4, the bars: which sentence do they support?",
    "English is not special, because German is far higher.",
    "German stands in the prompt: compare English with languages that do not.",
    "English is above every language that nobody mentions.",
    "The figure has three of them, and none is as near to German as English is.",
    "The model goes from German through English to Chinese.",
    "Bars of one layer show neither an order nor a use.",
    "At this layer English is above Spanish, Russian and Japanese.",
    "For each of the three the interval of the difference leaves zero out.",
    supported="d",
)

# %% tags=["claims"]
{
    "For each of the three the interval of the difference leaves zero out.": (
        all(
            ll.metrics.mean_ci(
                (five.probability["en"] - five.probability[code])[:, 13 - 1 : 13], "bootstrap"
            )[1]
            > 0
            for code in ("es", "ru", "ja")
        )
    ),
}

# %% [markdown]
# ## Readings
#
# - Wendler and others (2024), [Do Llamas Work in English?](https://aclanthology.org/2024.acl-long.820/): section 4.1 and appendix B have these experiments on Llama-2 and Mistral.
# - Wu and others (2024), [The Semantic Hub Hypothesis](https://doi.org/10.48550/arXiv.2411.04986): argues for the hub, for languages, code and pictures.
# - Schut and others (2025), [Do Multilingual LLMs Think In English?](https://doi.org/10.48550/arXiv.2502.15603): argues for English, and steers with English vectors.
# - Dumas and others (2025), [Separating Tongue from Thought](https://doi.org/10.18653/v1/2025.acl-long.1536): tells two rivals apart by moving latents, as notebook 7 does.
