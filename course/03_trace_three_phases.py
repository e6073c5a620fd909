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
#
# Probabilities show only what the output layer can read.
# In this notebook you measure *how much* of the latent it can read, find the layers at which one phase ends and the next begins, and see the forward pass as a path on a sphere.

# %% [markdown]
# ## What you will do
#
# - compute by hand how much of a vector a set of tokens can see: **token energy**;
# - measure it layer by layer on a real model, and see what a few giant dimensions do to it;
# - find the **three phases** of the forward pass and their uncertainty;
# - turn a sphere with the measured path on it.
#
# **You need** notebook 2, and the dot product of vectors.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 55 minutes to work through; the cells run for about a minute and a half on two CPU cores the first time, in 5 GB of memory.
# The default model is Gemma 3 270M, from 4-bit weights (Q4_K_M) made dense again.

# %% tags=["claims"]
{
    "about 55 minutes to work through": "an estimate for a lesson",
    "in 5 GB of memory": "measured by hand",
    "Gemma 3 270M, from 4-bit weights": "the name of a model and of its file's format",
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
# All of them lie in a plane.
# A latent (0, 0, 5) is at right angles to every token: all logits are 0, whatever its length.
# What stands *outside* the tokens' plane cannot change the prediction; it can carry information that the prediction does not show.
#
# The paper starts from this case: if all tokens lay in a smaller subspace, the latent could carry anything at right angles to it, unseen.
# Real tokens do not lie in a plane, but they do not fill all directions evenly either.
#
# **Predict** the logits of the other two latents below before you run the cell.

# %% tags=["claims"]
{
    "a model with three dimensions and four tokens: (1, 0, 0), (−1, 0, 0), (0, 1, 0) and (0, −1, 0)": "a made-up case",
    "A latent (0, 0, 5) is at right angles to every token: all logits are 0": "a made-up case, computed in the next cell",
}

# %%
tokens = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
for latent in ([0.0, 0, 5], [3.0, 0, 0], [1.0, 0, 1]):
    logits = tokens @ torch.tensor(latent)
    print(latent, "-> logits", logits.tolist())

# %% [markdown]
# ## 2. Token energy
#
# **Objective: put a number on it.**
#
# The squared cosine between a latent and a token says how much they point the same way.
# Average it over all tokens, divide by the same average *between tokens*, and take the root: that is the paper's **token energy** E (its Eq. 2).
#
# In symbols, with unit-length tokens as the rows of Û (v of them): E² = (‖Ûh‖² / v‖h‖²) / (‖ÛᵀÛ‖² / v²), where the last norm is the root of the summed squares of all entries.
#
# E = 0: the output layer sees nothing of the latent.
# E = 1: the latent is as close to the tokens as they are to one another.

# %% tags=["claims"]
{
    "E = 0: the output layer": "follows from the formula, and from the cell below it",
    "E = 1: the latent": "follows from the formula, and from the cell below it",
}

# %%
for latent in ([0.0, 0, 5], [3.0, 0, 0], [1.0, 1, 0]):
    print(latent, "-> E =", round(ll.geometry.token_energy(torch.tensor(latent), tokens).item(), 3))

# %% [markdown]
# ## Exercise 03.1 · Energy by hand (5 minutes, medium)
#
# Compute E for the latent (1, 0, 1) and the four tokens above.
#
# Steps: its four squared cosines with the tokens; their mean; the mean squared cosine between tokens (over all 16 ordered pairs, a token with itself included); the quotient; the root.

# %% tags=["claims"]
{
    "for the latent (1, 0, 1) and the four tokens": "an exercise",
    "over all 16 ordered pairs": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("03.1", answer)

# %% tags=["solution"]
# cos² with the first two tokens is 1/2, with the others 0: mean 1/4. Between tokens: each has two
# of four at cos² = 1: mean 1/2.
answer = ((1 / 4) / (1 / 2)) ** 0.5
ll.checks.exercise("03.1", answer)

# %% tags=["wrong"]
[
    0.5,  # E²
    1.0,
    0.25,
    2,
    "half",
]

# %% [markdown]
# ## 3. Energy, measured
#
# **Objective: see how much of the latent is turned towards words.**
#
# For the real model, the tokens are the rows of the unembedding with the final norm's gain folded in, scaled to length 1.

# %% tags=["claims"]
{
    "scaled to length 1.": "a definition",
}

# %% tags=["predict"]
mean = run.energy.mean(0)
low = int(mean.argmin()) + 1
thirds = {"first": 1, "middle": 2, "last": 3}
third = next(name for name, part in thirds.items() if low <= part * model.n_layers / 3)
question = "In which third of the layers will the energy be lowest?"
told = f"At layer {low}, E = {mean.min():.3f}; at the last layer {mean[-1]:.3f}."
ll.predict(question, list(thirds), third, told)

# %%
ll.plots.energy(run)

# %% [markdown]
# **What to notice.** Energy stays far below 1 at every layer: most of the latent's direction has nothing to do with the next token.
# For Llama-2 the paper finds a low plateau and a rise in the last layers.
# Compare: where does this model's energy begin to rise, and what does the first layer do that the paper's picture does not have?
#
# The library does not multiply every latent with every token.
# ‖Ûh‖² = hᵀ(ÛᵀÛ)h, and ÛᵀÛ is only `d_model` x `d_model`: built once, it serves all latents.
# Is it the same number?

# %%
some = run.latents[:3].double()
tokens = torch.nn.functional.normalize(model.folded_unembedding(), dim=-1)
# ‖Ûh‖², every token visited
seen = torch.stack([(tokens @ h.float().T).double().square().sum(0) for h in some])
between = (tokens.T @ tokens).double().square().sum() / len(tokens) ** 2
direct = (seen / (len(tokens) * some.square().sum(-1)) / between).sqrt()
print("largest relative difference:", f"{((direct - run.energy[:3]) / direct).abs().max():.1e}")
del tokens

# %% tags=["claims"]
{
    "Energy stays far below 1 at every layer": run.energy.max() < 0.2,
    "Is it the same number?": ((direct - run.energy[:3]) / direct).abs().max() < 1e-5,
}

# %% [markdown]
# The curve is the mean of E, as in the paper's figures; its text says the root of the mean of E².
# For latents as alike as these it makes little difference:

# %%
for layer in (1, model.n_layers // 2, model.n_layers):
    e = run.energy[:, layer - 1]
    root = e.square().mean().sqrt()
    print(f"layer {layer:2}   mean of E {e.mean():.4f}   root of the mean of E² {root:.4f}")

# %% tags=["claims"]
{
    "it makes little difference": (
        run.energy.square().mean(0).sqrt() < 1.02 * run.energy.mean(0)
    ).all(),
}

# %% [markdown]
# ## 4. A few giant dimensions
#
# **Objective: know what the low energy is made of.**
#
# Energy depends on the *direction* of a latent, and the largest dimensions of the residual stream have the largest say in it.

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

gram = ll.geometry.gram(model.folded_unembedding())
rows = []
for h in run.latents.unbind(1):  # layer by layer
    size = h.square().mean(0)
    three = size.topk(3).indices
    rest = h.index_fill(1, three, 0)
    kinds = {"energy": h, "without the three": rest, "without the mean latent": h - h.mean(0)}
    row = {name: ll.geometry.token_energy(x, gram).mean().item() for name, x in kinds.items()}
    rows.append({"share of three": (size[three].sum() / size.sum()).item()} | row)
shares = pd.DataFrame(rows, index=pd.Index(run.layers, name="layer"))
shares.round(3)

# %% [markdown]
# **What to notice.** Three dimensions of 640 hold most of the length in every layer of the demo model, for nearly every prompt; other models have such giants too, though not at every position ([Sun and others, 2024](https://doi.org/10.48550/arXiv.2402.17762)).
# Without them the energy is higher nearly everywhere, so they account for a part of what the output layer cannot read.
#
# The last column takes away what all prompts have in common at that layer.
# What is left is the part that differs between words.
# In the last layers it has about half the energy, and rises less: much of the rise of the first curve comes from what the prompts *share*.
# A curve of energy needs such controls before you read a meaning into its shape.

# %% tags=["claims"]
{
    "Three dimensions of 640 hold most of the length in every layer of the demo model": (
        model.d_model == 640 and (shares["share of three"] > 0.5).all()
    ),
    "for nearly every prompt": all(
        (squares[:, squares.mean(0).topk(3).indices].sum(-1) > 0.5 * squares.sum(-1)).sum()
        > 0.95 * len(run)
        for squares in run.latents.square().unbind(1)
    ),
    "Without them the energy is higher nearly everywhere": (
        (shares["without the three"] > shares["energy"]).sum() >= 16
    ),
    "In the last layers it has about half the energy": (
        (shares["without the mean latent"] / shares["energy"])[-4:].between(0.4, 0.6).all()
    ),
    "and rises less: much of the rise of the first curve comes from what the prompts *share*": (
        (shares.loc[18] - shares.loc[14]).pipe(
            lambda rise: rise["without the mean latent"] < 0.5 * rise["energy"]
        )
    ),
}

# %% [markdown]
# ## 5. Three phases
#
# **Objective: read entropy, energy and probability together.**
#
# The paper describes the forward pass in three phases: an **input** phase, in which neither word is in sight; a **concept** phase, in which the right meaning appears, leaning to English; and a **target** phase, in which the target language takes over.
#
# (Low entropy in the first layers does not mean that the model knows the answer: the lens is sure of a token that has nothing to do with it.)
#
# We call the first layer with P(English) > 5 % and above the target the start of the concept phase, and the first layer from which the target stays ahead, and ends above 5 %, the start of the target phase.

# %% tags=["claims"]
{
    "the first layer with P(English) > 5 %": "the rule of ll.find_phases",
    "ends above 5 %": "the rule of ll.find_phases",
    "Low entropy in the first layers does not mean that the model knows the answer": (
        run.between(1, 5).entropy.mean(0).max() < 2
        and all(rank.min() > 1 for rank in run.between(1, 5).rank.values())
    ),
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
print("95 % of the resamples:")
print("concept phase from layer", phases.concept_start, phases.concept_interval)
print("target phase from layer ", phases.target_start, phases.target_interval)
print(f"resamples of the concepts with a concept phase: {phases.concept_share:.0%}")

# %% [markdown]
# **What to notice.** The boundaries are estimates.
# We draw the concepts again, with replacement, a thousand times, and find the phases each time.
# Where an interval is wide, or the concept phase is missing from some of the resamples, the data do not settle the question.
#
# The same rule applied to the paper's published curves for Llama-2, to Chinese (concept, then target): layers 17 and 31 of 32 for 7B, 18 and 39 of 40 for 13B, 42 and 76 of 80 for 70B.

# %% tags=["claims"]
{
    "a thousand times": "how ll.find_phases works",
    "layers 17 and 31 of 32 for 7B, 18 and 39 of 40 for 13B, 42 and 76 of 80 for 70B": (
        ll.data.results("paper")
        .dropna(subset="concept_start")[["concept_start", "target_start"]]
        .to_numpy()
        .tolist()
        == [[17, 31], [18, 39], [42, 76]]
    ),
}

# %% [markdown]
# ## Exercise 03.2 · Find the handover (8 minutes, medium)
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
ll.checks.exercise("03.2", answer)


# %% tags=["solution"]
def handover(p_english, p_target):
    layer = None
    # From the last layer down, as long as the target leads.
    for number in range(len(p_target), 0, -1):
        if p_target[number - 1] <= p_english[number - 1]:
            break
        layer = number
    return layer


ll.checks.exercise("03.2", handover)

# %% tags=["wrong"]
[
    lambda e, t: next((n + 1 for n in range(len(e)) if t[n] > e[n]), None),  # the first lead
    lambda e, t: (handover(e, t) or 1) - 1,  # counted from 0
    lambda e, t: handover(e, t) or len(e),  # never None
    4,
]

# %% [markdown]
# ## Exercise 03.3 · One giant (3 minutes, easy)
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
ll.checks.exercise("03.3", answer)

# %% tags=["solution"]
# 10,000 of 10,639.
answer = 100**2 / (100**2 + 639)
ll.checks.exercise("03.3", answer)

# %% tags=["wrong"]
[
    100 / 739,  # not squared
    1 / 640,
    10000 / 639,
    639 / 10639,
    "most",
]

# %% [markdown]
# ## Exercise 03.4 · A pair without a concept phase (8 minutes, open)
#
# Find a *translation* in which our rule finds no concept phase, although the target leads at the end.
# `ll.data.results("pairs")` may tell you where to look.
# Pass the run (with `every=8` it takes about ten seconds).
#
# What else could be the reason, apart from "this pair does not go through English"?

# %% tags=["claims"]
{
    "about ten seconds": "measured by hand",
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
answer = ll.run_experiment(model, "translation", "ru", "fr", every=8)
ll.checks.exercise("03.4", answer)

# %% tags=["wrong"]
[
    run,  # it has a concept phase
    run[:3],
    ll.run_experiment(model, "repetition", target=target, every=every),
    "none",
]

# %% [markdown]
# ## 6. A path on a sphere
#
# **Objective: know what is measured and what is picture.**
#
# Scale every latent to length 1: now it is a point on a sphere of `d_model` dimensions.
# We look at it from two measured directions.
# The **language axis** is the mean difference between the target words' tokens and the English ones'.
# The **concept axis** of a word is what its two tokens share, apart from what all words share.
#
# So x < 0 leans to English, x > 0 to the target; y grows when the right concept appears, in any language; z is everything else.
# Every layer is a point with x² + y² + z² = 1.
# Where z = 1 is the **pole**: nothing of the words; z = 0 is the **equator**, the rim of the figure.

# %% tags=["claims"]
{
    "Scale every latent to length 1": "a definition",
    "what its two tokens share": "a definition",
    "x < 0 leans to English, x > 0 to the target": "a definition",
    "x² + y² + z² = 1": "a definition",
    "Where z = 1 is the **pole**: nothing of the words; z = 0 is the **equator**": "a definition",
}

# %% [markdown]
# The cosines are small: in a space of hundreds of dimensions one word is a tiny part of a latent.
# Drawn to scale the whole path would be a dot at the pole.
# So the figure magnifies the distance from the pole; the factor is printed.

# %% tags=["predict"]
path = ll.sphere_path(model, run)
half = path.to_frame().loc[model.n_layers // 2 :]  # in the lower half no word is in sight
concept = (half["concept"] > half["concept"].max() / 2).idxmax()
language = (half["language"] > half["language"].max() / 2).idxmax()
choices = ["the concept (y)", "the language (x)", "both in one layer"]
first = "the concept (y)" if concept < language else "the language (x)"
if concept == language:
    first = "both in one layer"
question = "In the upper half of the layers, what will the path choose first?"
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
# **What to notice.** Turn the sphere, and press *play*.
# Red is the first layer, violet the last; the dots at the rim are the words' tokens, of which only the direction is drawn.
# The first layers swing from one side of the language axis to the other, where no word is in sight yet: what they share with the words' tokens is not about this answer.
# Then the path comes back to the pole, steps out along the concept axis in a single layer, and in the last one turns to the target.
#
# The paper draws a cartoon of this: from the pole into a region that leans to English, then along the equator to the target.
# Judge from the numbers: does *this* model lean to English (x < 0) in its concept phase?
# [Notebook 5](05_walk_the_sphere.ipynb) takes the walk step by step.

# %% tags=["claims"]
{
    "does *this* model lean to English (x < 0)": "a question",
    "The first layers swing from one side of the language axis to the other": (
        path.to_frame().pipe(lambda table: table.language_upper[1] < 0 < table.language_lower[2])
    ),
    "no word is in sight yet": all(
        curve.mean(0).max() < 0.001 for curve in run.between(1, 8).probability.values()
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
# ## 7. Try it
#
# **Question to answer with the widget:** choose *repetition*, and then a pair of two European languages.
# In which of the two does a phase go missing?

# %%
display(ll.explore.pair(model, source=source, target=target))

# %% [markdown]
# No widget on your screen?
# This figure has a menu that needs none.

# %%
ll.explore.pair(model, source=source, target=target, backend="static")

# %% [markdown]
# ## What this does not show
#
# The sphere keeps two directions out of hundreds.
# Another way to choose the axes gives another picture, and a mean path hides how much single words differ.
# Phases found by a threshold move when the threshold does.
# None of this proves *why* the model takes the way it takes: to test that, you have to intervene, not only look.
#
# ## Recap
#
# - Token energy measures how much of a latent the output layer can read.
# - The paper's three phases, input, concept and target, can be found by a rule, and their boundaries carry uncertainty.
# - The sphere is made of measurements; its magnification is a drawing aid.
#
# **Further reading:** sections 4.2 and 5 of the [paper](https://aclanthology.org/2024.acl-long.820/).
