# ---
# jupyter:
#   course:
#     you_will: 'measure token energy, find the phases, turn the sphere'
#     figure: 'll.plots.phases(run, phases)'
#     alt: 'Entropy, energy and probability with three phases shaded'
#     first_run: 1.3
#     again: 0.4
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3 · Trace the three phases
#
# **Where does the latent travel, before it speaks the target language?**

# %% [markdown]
# ## What you will do
#
# You look at the latents themselves: their **energy**, the paper's **three phases**, and a sphere with the measured path on it.
#
# **You need** notebook 2, and the dot product of vectors; new words stand in the [glossary](GLOSSARY.md).
#
# **Time** about 70 minutes to work through; the cells run for about a minute and a half on two CPU cores the first time, in 2 GB of memory.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "about 70 minutes to work through": "an estimate for a lesson",
    "in 2 GB of memory": "tests/test_small_machine.py",
    "Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number)": (
        "the name of a model, and what tests/test_packaged.py counts in its file"
    ),
}

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
# Not English; German nouns begin with a capital, so a copied one is not an English token.
source, target = "de", "zh"
seed = 0
every = 4  # average over every 4th concept of the list

# %%
import torch
from IPython.display import display

model = ll.load_model(model)
ask = {"seed": seed, "every": every, "keep_latents": True}
run = ll.run_experiment(model, "translation", source, target, **ask)
run

# %% [markdown]
# ## 1. An extreme case
#
# **Objective: see that a latent can hold what no token shows.**
#
# Take a model with three dimensions and four tokens: (1, 0, 0), (−1, 0, 0), (0, 1, 0) and (0, −1, 0).
# The latent (0, 0, 5) is at right angles to every token, so all logits are 0.
# What stands *outside* the tokens' plane cannot change the logits (paper, section 4.2).
#
# **Predict** the logits of the other two latents below.

# %% tags=["claims"]
{
    "a model with three dimensions and four tokens: (1, 0, 0), (−1, 0, 0), (0, 1, 0) and (0, −1, 0)": "a made-up case",
    "The latent (0, 0, 5) is at right angles to every token, so all logits are 0": "a made-up case, computed in the next cell",
}

# %%
tokens = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
for latent in ([0.0, 0, 5], [3.0, 0, 0], [1.0, 0, 1]):
    logits = tokens @ torch.tensor(latent)
    print(latent, "-> logits", logits.tolist())

# %% [markdown]
# **Question.** Two latents give the same logits.
# Are they the same latent?
#
# <details><summary>Answer</summary>
#
# They need not be.
# They can differ in what is at right angles to all tokens.
# The lens does not see that part, but later layers can use it.
#
# </details>

# %% [markdown]
# ## 2. Token energy
#
# **Objective: put a number on it.**
#
# The paper's **token energy** E (its Eq. 2) compares how near a latent points to the tokens with how near they point to one another.

# %%
ll.plots.vectors([(0, 0, 5), (1, 0, 1), (2, 2, 0)], tokens)

# %% [markdown]
# **What to notice.** The nearer a latent comes to the plane of the tokens, the higher its energy; its length does not matter.
#
# $$E^2 = \frac{\text{mean}\,\cos^2(\text{latent},\,\text{token})}{\text{mean}\,\cos^2(\text{token},\,\text{token}')} = \frac{\lVert\hat{U}h\rVert^2/(v\lVert h\rVert^2)}{\lVert\hat{U}^{\mathsf{T}}\hat{U}\rVert_F^2/v^2}$$
#
# $\hat{U}$ has the $v$ tokens as rows of length one; $\lVert\cdot\rVert_F$ is the root of the summed squares of all entries.
#
# E = 0: the latent is at right angles to every token.
# E = 1: the latent is as close to the tokens as they are to one another, on average.
# E can be above 1.

# %% tags=["claims"]
{
    r"$$E^2 = \frac{\text{mean}\,\cos^2(\text{latent},\,\text{token})}{\text{mean}\,\cos^2(\text{token},\,\text{token}')} = \frac{\lVert\hat{U}h\rVert^2/(v\lVert h\rVert^2)}{\lVert\hat{U}^{\mathsf{T}}\hat{U}\rVert_F^2/v^2}$$": (
        "a definition"
    ),
    "E = 0: the latent": "follows from the formula, and from the figure above it",
    "E = 1: the latent": "follows from the formula, and from the figure above it",
    "can be above 1": "follows from the formula, for the direction that most tokens share",
}

# %% [markdown]
# ## Exercise 03.1 · Energy by hand (5 minutes, medium)
#
# Compute E for the latent (1, 0, 2) and the four tokens above.
#
# Steps: its four squared cosines with the tokens, and their mean; the mean squared cosine between tokens (over all 16 ordered pairs, a token with itself included); the quotient; the root.

# %% tags=["claims"]
{
    "for the latent (1, 0, 2) and the four tokens": "an exercise",
    "over all 16 ordered pairs": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("03.1", answer)

# %% tags=["solution"]
# cos² with the first two tokens is 1/5, with the others 0: mean 1/10. Between tokens: each has two
# of four at cos² = 1: mean 1/2.
answer = ((1 / 10) / (1 / 2)) ** 0.5
ll.checks.exercise("03.1", answer)

# %% tags=["right"]
[
    "0.447",
    1 / 5**0.5,
]

# %% tags=["wrong"]
{
    "That is E²": 0.2,
    "squared length of h": 1.0,
    "mean squared cosine: divide": 0.1,
    "Before you take the root": 0.316,
    "then the square root": 2,
    "is a number": "half",
    "in per cent": 44.7,
}

# %% [markdown]
# ## 3. Energy, measured
#
# **Objective: see, layer by layer, how near the latent points to the tokens.**
#
# The tokens are now the rows of the unembedding, times the final norm's gain, scaled to length 1.

# %% tags=["claims"]
{
    "scaled to length 1.": "a definition",
}

# %% tags=["predict"]
mean = run.energy.mean(0)
high = int(mean.argmax()) + 1
thirds = {"first": 1, "middle": 2, "last": 3}
third = next(name for name, part in thirds.items() if high <= part * model.n_layers / 3)
question = "In which third of the layers will the energy be highest?"
told = f"At layer {high}, E = {mean.max():.3f}; at the last layer {mean[-1]:.3f}."
ll.predict(question, list(thirds), third, told)

# %%
ll.plots.energy(run)

# %% [markdown]
# **What to notice.** Energy stays far below 1 at every layer; from layer 2 on it is below the energy of *random directions*, 0.142 in this model.
#
# For Llama-2 70B the paper reports about 20 %, and 30 % at the end (section 4.2).

# %% tags=["claims"]
{
    "Energy stays far below 1 at every layer": (1 - run.energy).min() > 0.8,
    "the energy of *random directions*, 0.142 in this model": (
        round(run.chance["energy"], 3) == 0.142
    ),
    "from layer 2 on it is below the energy": (
        run.energy.mean(0)[0] > run.chance["energy"] > run.between(2, 18).energy.mean(0).max()
    ),
}

# %% [markdown]
# **Question.** What does this curve do that the paper's does not?
#
# <details><summary>Answer</summary>
#
# It begins high, above the dotted line, at layer 1, and falls at once.
# It is not flat: it falls to its lowest values at layers 11 to 14.
# From layer 15 on it is higher again, and highest at the last layer: like the paper's rise, but lower.
#
# </details>

# %% tags=["claims"]
{
    "above the dotted line, at layer 1, and falls at once": (
        run.energy.mean(0)[0] > run.chance["energy"] > 2 * run.energy.mean(0)[1]
    ),
    "its lowest values at layers 11 to 14": (
        sorted(run.energy.mean(0).argsort()[:4].tolist()) == [11 - 1, 11, 12, 14 - 1]
    ),
    "From layer 15 on it is higher again, and highest at the last layer": (
        run.between(15, 18).energy.mean(0).min() > 1.5 * run.between(11, 14).energy.mean(0).max()
        and run.between(2, 18).energy.mean(0).argmax() == 16
    ),
}

# %% [markdown]
# ## 4. A few giant dimensions
#
# **Objective: know what makes the energy low.**

# %% tags=["predict"]
size = run.latents[:, model.n_layers // 2 - 1].square().mean(0)
held = (size.topk(3).values.sum() / size.sum()).item()
choices = {"less than 10 %": 0.1, "10 to 50 %": 0.5, "more than half": 1}
part = next(choice for choice, most in choices.items() if held <= most)
question = (
    "In the middle layer, what part of the squared length do the three largest "
    f"of {model.d_model} dimensions hold?"
)
ll.predict(question, list(choices), part, f"{held:.0%}.")

# %%
import pandas as pd

parts = [slice(n, n + 10_000) for n in range(0, model.vocab_size, 10_000)]  # fits in memory
gram = ll.geometry.gram(model.folded_unembedding(part) for part in parts)
rows = []
for h in run.latents.unbind(1):  # layer by layer
    size = h.square().mean(0)
    three = size.topk(3).indices
    rest = h.index_fill(1, three, 0)
    kinds = {"energy": h, "without the three": rest, "without the mean latent": h - h.mean(0)}
    row = {name: ll.geometry.token_energy(x, gram).mean().item() for name, x in kinds.items()}
    rows.append({"share of three": (size[three].sum() / size.sum()).item()} | row)
shares = pd.DataFrame(rows, index=pd.Index(run.layers, name="layer"))

# %%
shares.iloc[:: model.n_layers // 6].round(2)  # some of the layers

# %% [markdown]
# **What to notice.** Three dimensions of 640 hold most of the squared length in every layer of the demo model, and lower the energy nearly everywhere.
#
# Without what all prompts share, much of the rise of the first curve goes.

# %% tags=["claims"]
{
    "Three dimensions of 640 hold most of the squared length in every layer of the demo model": (
        model.d_model == 640 and (shares["share of three"] > 0.5).all()
    ),
    "and lower the energy nearly everywhere": (
        (shares["without the three"] > shares["energy"]).sum() >= 16
    ),
    "much of the rise of the first curve goes": (
        (shares.loc[18] - shares.loc[14]).pipe(
            lambda rise: rise["without the mean latent"] < 0.5 * rise["energy"]
        )
    ),
}

# %% [markdown]
# ### Does the model use the giants?
#
# In the middle layer each giant has a similar value for every prompt.
#
# Overwrite the giants there: with zero, and with their mean over all prompts.
# As a control, set three random other dimensions to zero.

# %%
layer = model.n_layers // 2
h = run.latents[:, layer - 1]
mean = h.mean(0)
giants = h.square().mean(0).topk(3).indices
shuffled = torch.randperm(model.d_model, generator=torch.Generator().manual_seed(seed))
others = shuffled[~torch.isin(shuffled, giants)][:3]
values = pd.DataFrame({"mean over prompts": mean, "standard deviation": h.std(0)})
values.loc[[*giants.tolist(), *others.tolist()]].round(1)  # three giants, three others


# %%
def next_token(text, dimensions, new):
    """Return log P of the next token, with some dimensions of one latent overwritten."""
    with model.trace(text):
        output = model.traced.layers[layer - 1].output
        if not isinstance(output, torch.Tensor):  # in some models it is a tuple
            output = output[0]
        output[:, -1, dimensions] = new.to(output)
        logits = model.traced.output.logits[0, -1].cpu().save()
    return torch.log_softmax(logits.float(), -1)


# %%
texts = run.prompts["text"][:8]
plain = [next_token(text, giants[:0], mean[:0]) for text in texts]  # no dimension is changed
changes = {
    "giants = 0": (giants, torch.zeros(3)),
    "giants = their mean": (giants, mean[giants]),
    "three others = 0": (others, torch.zeros(3)),
}

# %%
rows = []
for name, (dimensions, new) in changes.items():
    for text, before in zip(texts, plain):
        after = next_token(text, dimensions, new)
        moved = (before.exp() * (before - after)).sum().item()
        another = bool(before.argmax() != after.argmax())
        rows.append({"change": name, "other answers": another, "KL divergence (nats)": moved})
sums = pd.DataFrame(rows).groupby("change", sort=False)
effects = sums.agg({"other answers": "sum", "KL divergence (nats)": "mean"})

# %% tags=["predict"]
names = list(changes)
choices = ["none of them", *(", ".join(names[:n]) for n in (1, 2, 3))]
found = ", ".join(effects.index[effects["other answers"] > len(texts) / 2]) or "none of them"
question = f"Which of the three changes more than half of the {len(texts)} answers?"
counted = [f"{count} with {name}" for name, count in effects["other answers"].items()]
ll.predict(question, choices, found, "Other answers: " + ", ".join(counted) + ".")

# %%
effects.round(4)

# %% [markdown]
# **What to notice.** The KL divergence says how far the whole next-token distribution moves.
# Set to 0, the giants take nearly all answers with them; replaced by their mean they take none, and the distribution hardly moves.
# So the giants are close to a constant that the model needs.
#
# The control leaves all answers as they are, but it is weak: the three others are small.

# %% tags=["claims"]
{
    "Set to 0, the giants take nearly all answers with them": (
        effects.loc["giants = 0", "other answers"] >= 7
    ),
    "replaced by their mean they take none, and the distribution hardly moves": (
        effects.loc["giants = their mean", "other answers"] == 0
        and effects.loc["giants = their mean", "KL divergence (nats)"]
        < 0.001 * effects.loc["giants = 0", "KL divergence (nats)"]
    ),
    "So the giants are close to a constant": ((h.std(0) / mean.abs())[giants].max() < 0.25),
    "The control leaves all answers as they are": (
        effects.loc["three others = 0", "other answers"] == 0
    ),
    "the three others are small": (mean[others].abs().max() < 0.1 * mean[giants].abs().min()),
}

# %% [markdown]
# **Question.** The giants say nearly nothing about the answer.
# Could you remove them?
#
# <details><summary>Answer</summary>
#
# You could not.
# Set to zero, they take nearly every answer with them.
# Replaced by their mean, they take none.
# The model needs that they are there, and not that they vary.
#
# </details>

# %% [markdown]
# ## Exercise 03.2 · One giant (3 minutes, easy)
#
# A latent has 640 dimensions.
# One of them is 100, the other 639 are 1.
# What share of its squared length does the giant hold?

# %% tags=["claims"]
{
    "A latent has 640 dimensions. One of them is 100, the other 639 are 1.": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a number between 0 and 1
ll.checks.exercise("03.2", answer)

# %% tags=["solution"]
# 10,000 of 10,639.
answer = 100**2 / (100**2 + 639)
ll.checks.exercise("03.2", answer)

# %% tags=["right"]
[
    "94 %",
    0.94,
]

# %% tags=["wrong"]
{
    "SQUARED length": 100 / 739,
    "counts for its size": 1 / 640,
    "by all 640": 10000 / 639,
    "take the rest": 639 / 10639,
    "in per cent": 94,
    "is a number": "most",
}

# %% [markdown]
# ## 5. Three phases
#
# **Objective: read entropy, energy and probability together.**
#
# The paper divides the forward pass of Llama-2 70B in three (section 4.2 and abstract):
#
# - **input space**, layers 1 to 40: high entropy (14 of 15 bits), low energy, no language ahead;
# - **concept space**, layers 41 to 70: low entropy (1 to 2 bits), low energy, English ahead;
# - **output space**, layers 71 to 80: low entropy, high energy, Chinese ahead.
#
# Our rule reads two curves only.
# Its *concept phase* begins at the first layer with P(English) > 5 % and above the target, its *target phase* where the target takes the lead to the end (if it ends above 5 %).

# %% tags=["claims"]
{
    "layers 1 to 40: high entropy (14 of 15 bits)": "the paper's list in section 4.2",
    "layers 41 to 70: low entropy (1 to 2 bits)": "the paper's list in section 4.2",
    "layers 71 to 80: low entropy": "the paper's list in section 4.2",
    "the first layer with P(English) > 5 %": "the rule of ll.find_phases",
    "ends above 5 %": "the rule of ll.find_phases",
}

# %%
phases = ll.find_phases(run)

# %% tags=["predict"]
start, n = phases.concept_start, model.n_layers
thirds = ["first third", "second third", "last third"]
if start is None:
    third = "never"
else:
    third = next(name for name, part in zip(thirds, (1, 2, 3)) if start <= part * n / 3)
question = f"From {ll.plots.language_label(source)}, where will the concept phase begin?"
told = f"Concept phase from layer {start}, target phase from layer {phases.target_start}, of {n}."
ll.predict(question, [*thirds, "never"], third, told)

# %%
ll.plots.phases(run, phases)

# %%
print("in brackets: 95 % of the resamples that have the phase")
print("concept phase from layer", phases.concept_start, phases.concept_interval)
print("target phase from layer ", phases.target_start, phases.target_interval)
print(f"resamples of the concepts with a concept phase: {phases.concept_share:.0%}")

# %% [markdown]
# **What to notice.** In the first ten layers the lens gives most of the probability to a few tokens that have nothing to do with the answer; in the paper's first phase no token is likely.
# Where the rule's concept phase begins, the *source* word is about seven times as likely as the English one.
# So the rule finds a layer where English leads the target, not a concept space.

# %% tags=["claims"]
{
    "In the first ten layers the lens gives most of the probability to a few tokens that have nothing to do with the answer": (
        run.between(1, 10).entropy.mean(0).max() < 2
        and all(rank.min() > 1 for rank in run.between(1, 10).rank.values())
    ),
    "the *source* word is about seven times as likely as the English one": (
        6 < run.probability[source].mean(0)[12] / run.probability["en"].mean(0)[12] < 8.5
        and phases.concept_start == 13
    ),
}

# %% [markdown]
# Where an interval is wide, or some resamples of the concepts have no concept phase, the data settle nothing.

# %% [markdown]
# ### The same rule on three models
#
# The authors' curves for Llama-2 70B, stored answers of Qwen2.5-Coder 1.5B Instruct, and this model, by *depth*: the layer's number, divided by the number of layers.

# %% tags=["claims"]
{
    "curves for Llama-2 70B, stored answers of Qwen2.5-Coder 1.5B Instruct": "names of models",
}

# %%
larger = ll.load_model("qwen2.5-coder-1.5b-instruct", stored=True)
qwen = ll.run_experiment(larger, "translation", ["de", "fr", "ru"], "zh", every=4)
german = ll.run_experiment(larger, "translation", "fr", "de", every=4)
models = {
    "Llama-2 70B": ll.data.published("llama-2-70b"),
    "Qwen2.5 1.5B": qwen,
    "Qwen2.5 1.5B, fr → de": german,
    model.name: run,
}

# %% tags=["predict"]
leads = {name: ll.find_phases(each).concept_start is not None for name, each in models.items()}
choices = ["in none", "in some", "in all"]
found = choices[(any(leads.values())) + all(leads.values())]
told = ", ".join(name for name, lead in leads.items() if lead)
ll.predict(
    "In how many of the four panels does English pass the target?",
    choices,
    found,
    f"In: {told or 'none'}.",
)

# %%
ll.plots.anatomy(models)

# %% [markdown]
# **What to notice.** In Llama-2 70B English leads through nearly half of the depth.
# In Qwen, English leads from French to German, at layers 23 to 26 of 28; into Chinese it never leads.
# So a concept phase depends on the model and on the pair.

# %% tags=["claims"]
{
    "In Llama-2 70B English leads through nearly half of the depth": (
        0.4
        < (
            ll.find_phases(models["Llama-2 70B"]).target_start
            - ll.find_phases(models["Llama-2 70B"]).concept_start
        )
        / 80
        < 0.5
    ),
    "English leads from French to German, at layers 23 to 26 of 28": (
        ll.find_phases(german).concept_start == 23
        and ll.find_phases(german).target_start - 1 == 26
        and german.layers[-1] == 28
    ),
}

# %% [markdown]
# **Question.** A pair of languages has no concept phase by our rule.
# Does the model then have no concept of the word?
#
# <details><summary>Answer</summary>
#
# The rule cannot tell.
# Its *concept phase* is a layer where English leads the target, above 5 %.
# A concept that shows in other words, or in none, is not counted.
# The name is the paper's; the rule looks at English only.
#
# </details>

# %% tags=["claims"]
{
    "English leads the target, above 5 %": "the rule of ll.find_phases",
}

# %% [markdown]
# ### Your word
#
# The rule can also be applied to a single word.
# The left panel is the word that you chose in notebook 1, the right one the mean of this notebook.
# Before you look: will your word have a concept phase?

# %%
my_word = ll.my_word()  # on another machine: ll.my_word("the line that you copied")
my_run = ll.run_experiment(model, "translation", *my_word.languages, concepts=my_word.concept)
print(my_word.note(3, ll.find_phases(my_run).target_start, phases.target_start))
ll.plots.anatomy({my_word.concept: my_run, f"the mean, {source} → {target}": run})

# %% [markdown]
# **What to notice.** The printed line has the layer from which the target leads to the end, for your word and for the mean; a hyphen means that it does not lead.
# A single word has no interval, so a layer more or less means little.

# %% [markdown]
# ## Exercise 03.3 · Find the handover (8 minutes, medium)
#
# Write `handover(p_english, p_target)` for two lists with one probability per layer.
# Return the number of the first layer (counting from 1) from which the target is larger than English **to the end**, or `None` when there is none.

# %% tags=["claims"]
{
    "(counting from 1)": "an exercise",
}


# %% tags=["stub"]
def handover(p_english, p_target): ...


answer = ...  # write handover, then replace the dots here by: handover
ll.checks.exercise("03.3", answer)


# %% tags=["solution"]
def handover(p_english, p_target):
    layer = None
    # From the last layer down, as long as the target leads.
    for number in range(len(p_target), 0, -1):
        if p_target[number - 1] <= p_english[number - 1]:
            break
        layer = number
    return layer


ll.checks.exercise("03.3", handover)

# %% tags=["right"]
[
    lambda e, t: handover(e, t) and float(handover(e, t)),
    lambda e, t: handover(e, t) and torch.tensor(handover(e, t)),
    lambda e, t: (e.reverse(), t.reverse(), handover(e[::-1], t[::-1]))[2],  # in place
]

# %% tags=["wrong"]
{
    "not for its first lead": lambda e, t: next(
        (n + 1 for n in range(len(e)) if t[n] > e[n]), None
    ),
    "index 3 is layer 4": lambda e, t: (handover(e, t) or 1) - 1,  # counted from 0
    "never takes over": lambda e, t: handover(e, t) or len(e),  # never None
    "does not lead": lambda e, t: handover([x - 1e-9 for x in e], t),  # equal counts as a lead
    "returns None for any lists": lambda e, t: None,
    "for any lists": lambda e, t: ...,
    "is a number": lambda e, t: "layer 4",
    "is a function": 4,
}

# %% [markdown]
# ## Exercise 03.4 · A pair without a concept phase (8 minutes, open)
#
# Find a *translation* in which our rule finds no concept phase, although the target leads at the end.
# `ll.data.results("pairs")` may tell you where to look.
# Pass the run, with `every=4` as in that table (about twenty seconds): with other concepts the rule may decide otherwise.
#
# What else could be the reason, apart from "this pair does not go through English"?

# %% tags=["claims"]
{
    "a *translation* in which our rule finds no concept phase, although the target leads": (
        ll.data.results("pairs")
        .pipe(lambda pairs: pairs.concept_start.isna() & pairs.target_start.notna())
        .any()
    ),
}

# %% tags=["stub"]
answer = ...  # ll.run_experiment(model, "translation", ...)
ll.checks.exercise("03.4", answer)

# %% tags=["solution"]
# English stays under the threshold of 5 % here. That may as well be a matter of the threshold, or
# of a model that is weak in this pair.
answer = ll.run_experiment(model, "translation", "ru", "fr", every=4)
ll.checks.exercise("03.4", answer)

# %% tags=["wrong"]
{
    "begins at layer": run,  # it has a concept phase
    "3 concepts": run[:3],
    "3 concepts, too few": run[[0, 1, 2] * 10],
    "begins at layer 17: take every layer": answer.between(17, 18),
    "(translation ru → fr · control: it)": ll.run_experiment(
        model, "translation", "ru", "fr", control="it", every=8
    ),
    "Use a translation": ll.run_experiment(model, "repetition", target=target, every=every),
    "is a run": "none",
}

# %% [markdown]
# ## 6. A path on a sphere
#
# **Objective: know what is measured and what is picture.**
#
# Scaled to length 1, a latent is a point on a sphere of `d_model` dimensions; we look along two measured directions.
# The **language axis** is the mean difference between the target words' tokens and the English ones'.
# The **concept axis** of a word is what its two tokens share, and other words' tokens do not.

# %% tags=["claims"]
{
    "Scaled to length 1": "a definition",
    "what its two tokens share": "a definition",
}

# %% [markdown]
# So x grows towards the target language and falls towards English; its zero is arbitrary.
# The coordinate y grows towards the word in either language, and z is the rest: x² + y² + z² = 1.
#
# The **pole** is z = 1, and the **equator** z = 0.

# %% tags=["claims"]
{
    "x² + y² + z² = 1": "a definition",
    "The **pole** is z = 1": "a definition",
    "the **equator** z = 0": "a definition",
}

# %% [markdown]
# The cosines are small, so the globe magnifies the distance from the pole; true cosines stand beside it.

# %%
path = ll.sphere_path(model, run)

# %% tags=["predict"]
half = path.to_frame().loc[model.n_layers // 2 :]  # in the lower half no word is in sight
concept = (half["concept"] > half["concept"].max() / 2).idxmax()
language = (half["language"] > half["language"].max() / 2).idxmax()
choices = ["the word in either language (y)", "the target language (x)", "both in one layer"]
first = choices[0] if concept < language else choices[1]
if concept == language:
    first = choices[2]
question = "In the upper half of the layers, which of the two will become visible first?"
told = f"y passes half of its largest value at layer {concept}, x at layer {language}."
ll.predict(question, choices, first, told)

# %%
ll.plots.sphere(path)

# %%
path.to_frame()[["language", "concept", "rest"]].round(4)

# %% tags=["claims"]
{
    "The cosines are small": (
        path.to_frame()[["language", "concept"]].abs().to_numpy().max() < 0.02
    ),
}

# %% [markdown]
# **What to notice.** Turn the globe, and press *play*.
# The grey cloud is the [yardstick](GLOSSARY.md): the same path, read with the axes of *other* words.
# The first layers swing along the language axis, for all prompts alike and with no word in sight.
# Then the path comes back to the pole, steps out along the concept axis in a single layer, and in the last one turns to the target.

# %% tags=["claims"]
{
    "The first layers swing along the language axis, for all prompts alike": (
        path.coordinates[:, 0, 0].max() < 0 < path.coordinates[:, 1, 0].min()
    ),
    "with no word in sight": all(
        run.between(1, 8).probability[code].mean(0).max() < 0.001 for code in run.languages
    ),
    "Then the path comes back to the pole": (
        path.to_frame().loc[8:11, ["language", "concept"]].abs().to_numpy().max() < 0.003
    ),
    "steps out along the concept axis in a single layer": (
        path.to_frame().concept.pipe(lambda y: y[13] == y.max() > 5 * y[12])
    ),
    "in the last one turns to the target": (
        path.to_frame().language.pipe(lambda x: x[18] == x.max() > 4 * x[17])
    ),
}

# %% [markdown]
# [Notebook 5](05_walk_the_sphere.ipynb) compares this with the paper's sketch (section 5, Figure 4d).

# %% [markdown]
# **Question.** Does this path lean to English (x below zero) where the word appears?
# And is 0.015 on the concept axis much?
#
# <details><summary>Answer</summary>
#
# It does not lean to English.
# At layer 13 x is about zero, and at layers 14 to 17 it is slightly on the side of the target.
#
# 0.015 is small: the latent is nearly at right angles to the axis.
# But it is far outside the grey cloud, which shows what the axes of other words give.
#
# </details>

# %% tags=["claims"]
{
    "is 0.015 on the concept axis": path.to_frame().concept.max().round(3) == 0.015,
    "At layer 13 x is about zero": (
        path.to_frame().loc[13, ["language_lower", "language_upper"]].prod() < 0
    ),
    "at layers 14 to 17 it is slightly on the side of the target": (
        path.to_frame().language.loc[14:17].between(0, 0.005).all()
    ),
    "0.015 is small": path.to_frame().concept.max().round(3) == 0.015,
    "it is far outside the grey cloud": (
        path.coordinates[:, 12, 1].mean() > 2 * path.chance.mean(0)[:, 12, 1].max()
    ),
}

# %% [markdown]
# ## 7. Try it
#
# **Question to answer with the widget:** choose *repetition*, and then translation again.
# Which phase goes missing, and in which of the two?

# %%
display(ll.explore.pair(model, source=source, target=target))

# %% [markdown]
# No widget on your screen?
# This figure has a menu.

# %%
ll.explore.pair(model, source=source, target=target, backend="static")

# %% [markdown]
# Compare your answer:
#
# <details><summary>Answer</summary>
#
# When Chinese is repeated, the concept phase is missing: English never passes 5 % and the target at once.
# That fits both readings: nothing has to be translated, and the answer is in the prompt.
#
# </details>

# %% tags=["claims"]
{
    "English never passes 5 % and the target at once": (
        ll.find_phases(
            ll.run_experiment(model, "repetition", target=run.target, seed=0, every=4)
        ).concept_start
        is None
        and 0.05 > 0
    ),
}

# %% [markdown]
# ## What this does not show
#
# The sphere keeps two directions out of hundreds, and a mean hides how much words differ.
# Phases found by a threshold move with it.
# Only the experiment with the giants intervenes.
#
# ## Recap
#
# - Token energy: how near a latent points to the tokens.
# - A few giant dimensions are nearly constant, and the model needs them.
# - Our rule finds where each language leads; the first layers here do not fit the paper's phases.
# - The sphere is measured; the mean path does not lean to English here.

# %% [markdown]
# ## Quiz
#
# Choose the sentence that the figure or the table supports.
# The others are mistakes that readers make; each choice says why it follows, or why not.
# (With other parameters the figures may say something else.)

# %% tags=["quiz"]
ll.choose(
    "Section 3, the curve of the energy: which sentence does it support?",
    "At the last layer the latent points straight at the token of its answer, and at nothing else.",
    "Energy is a mean over all tokens, and it is far below one at the last layer as well.",
    "These latents hold little information.",
    "Energy says how near a latent points to the tokens, and not how much it holds.",
    "Above the lowest layer, the latents point less to the tokens than random directions do.",
    "From the second layer on the curve lies below the dotted line.",
    supported="c",
)

# %% tags=["claims"]
{
    "From the second layer on the curve lies below the dotted line": (
        run.between(2, 18).energy.mean(0).max() < run.chance["energy"] < run.energy.mean(0)[0]
    ),
    "it is far below one at the last layer as well": (run.energy[:, -1].max() < 0.2),
}

# %% tags=["quiz"]
ll.choose(
    "Section 4, the last table: which sentence does it support?",
    "The giants are noise, because they say nothing about the answer.",
    "Set to zero, they take most answers with them.",
    "The model needs the giants, but not that they differ from prompt to prompt.",
    "Set to zero they change most answers, and replaced by their mean they change none.",
    "Other dimensions are not used, because setting three of them to zero changes no answer.",
    "These three are small, so the change is small: the control is weak.",
    "The giants hold the answer.",
    "Replaced by their mean, which is the same for all prompts, they change no answer.",
    supported="b",
)

# %% tags=["claims"]
{
    "Set to zero they change most answers, and replaced by their mean they change none": (
        effects["other answers"]["giants = 0"] > 4
        and effects["other answers"]["giants = their mean"] == 0
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 5, the figure of the phases: which sentence does it support?",
    "In the concept phase the model thinks in English.",
    "The phase says that English is above the target, and German is above English.",
    "The phases of the paper are found again.",
    "In the paper's first phase no token is likely, and here the lens is sure from the start.",
    "Before the concept phase the model has no concept of the word.",
    "The rule looks at English only: a concept may show in other words, or in none.",
    "English passes Chinese at layers where the German word is higher than both.",
    "The rule of the figure compares two languages, and the source is above them.",
    supported="d",
)

# %% tags=["claims"]
{
    "English passes Chinese at layers where the German word is higher than both": (
        phases.concept_start == 13
        and run.probability["de"].mean(0)[13 - 1]
        > 2 * run.probability["en"].mean(0)[13 - 1]
        > 2 * run.probability["zh"].mean(0)[13 - 1]
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 5, the four panels: which sentence do they support?",
    "In Llama-2 the later layers use the English word, because it leads through so many layers.",
    "A lead in the lens is a reading, and does not show a use.",
    "Whether English passes the target depends on the model and on the pair.",
    "Qwen shows it from French to German, and not into Chinese.",
    "The larger the model, the more it thinks in English.",
    "Qwen is larger than Gemma, and into Chinese its English line never leads.",
    "Where blue begins, the model says the target word.",
    "Blue says that the target is above English, even if both are near zero.",
    supported="b",
)

# %% tags=["claims"]
{
    "Qwen shows it from French to German, and not into Chinese": (
        ll.find_phases(german).concept_start is not None
        and ll.find_phases(qwen).concept_start is None
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 6, the path: which sentence does it support?",
    "The latent is close to the concept axis.",
    "The globe magnifies: the cosine with this axis is small, and is beyond chance all the same.",
    "Where the word appears, the path leans to English.",
    "There x is about zero, or slightly on the side of the target.",
    "The model decides on the language in the last layer.",
    "The path shows when a language can be read, and not when the model decides.",
    "The step along the concept axis is far beyond what other words' axes give.",
    "The point lies outside the grey cloud, which is drawn with the axes of other words.",
    supported="d",
)

# %% tags=["claims"]
{
    "The step along the concept axis is far beyond what other words' axes give": (
        path.coordinates[:, 12, 1].mean() > 2 * path.chance.mean(0)[:, 12, 1].max()
    ),
    "There x is about zero, or slightly on the side of the target": (
        path.to_frame().language_upper[13] > 0 and path.to_frame().language.loc[14:17].min() > 0
    ),
}

# %% [markdown]
# ## Readings
#
# - Wendler and others (2024), [Do Llamas Work in English?](https://aclanthology.org/2024.acl-long.820/): sections 4.2 and 5 define energy and the phases, and sketch the sphere.
# - Sun and others (2024), [Massive Activations](https://doi.org/10.48550/arXiv.2402.17762): giants that hardly vary, and that models cannot do without.
# - Timkey and van Schijndel (2021), [All Bark and No Bite](https://doi.org/10.18653/v1/2021.emnlp-main.372): how a few dimensions spoil a comparison by cosines.
