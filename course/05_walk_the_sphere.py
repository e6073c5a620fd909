# ---
# jupyter:
#   course:
#     you_will: 'follow the path layer by layer, draw the map, test the null hypothesis'
#     figure: 'll.plots.sphere(path)'
#     alt: 'A path over the layers on a sphere'
#     first_run: 1.0
#     again: 0.4
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 5 · Walk the sphere
#
# **How far does the paper's sketch hold: from the pole to the concept, then along the equator to the target?**
#
# You walk along the path of notebook 3, and test the paper's sketch and map.

# %% [markdown]
# ## What you will do
#
# You read the cosines of every layer, compare single words with the mean, draw the paper's Figure 3, and test a pure rotation.
#
# **You need** notebook 3; new words stand in the [glossary](GLOSSARY.md).
#
# **Time** about 60 minutes to work through; the cells run for about a minute on two CPU cores the first time, in 2 GB of memory.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "about 60 minutes to work through": "an estimate for a lesson",
    "in 2 GB of memory": "run in a container of 2 GB",
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
every = 4  # every 4th concept of the list

# %%
import pandas as pd
import torch
from IPython.display import display

from latentlang.prompts.tokens import tokenize_word

model = ll.load_model(model)
ask = {"seed": seed, "every": every, "keep_latents": True}
run = ll.run_experiment(model, "translation", source, target, **ask)
path = ll.sphere_path(model, run)
run

# %% [markdown]
# ## 1. Walk
#
# **Objective: connect every point of the figure with three numbers.**
#
# The sphere keeps three numbers of a latent: its cosine with the **language axis** (x grows towards the target, and falls towards English), with its own word's **concept axis** (y), and the rest (z).
# At the [pole](GLOSSARY.md) z is 1: nothing along these two axes.
#
# The grey cloud is the [yardstick](GLOSSARY.md): 99 paths, read with another word's concept axis and a language axis that mixes the two languages.

# %% tags=["claims"]
{
    "z is 1: nothing along these two axes": "a definition",
    "99 paths, read with another word's concept axis": (path.chance.shape[1] == 99),
}

# %% tags=["predict"]
table = path.to_frame()
farthest = int(table["radius"].idxmax())
degrees = torch.tensor(table["radius"].max()).asin().rad2deg().item()
choices = ["less than 5 degrees", "5 to 45 degrees", "more than 45 degrees"]
away = choices[0]
if degrees > 5:
    away = choices[1]
if degrees > 45:
    away = choices[2]
question = "How far from the pole does the mean path come at any layer, without magnification?"
ll.predict(question, choices, away, f"{degrees:.1f} degrees at layer {farthest}.")

# %%
ll.plots.sphere(path)

# %%
table = path.to_frame()
peak = int(table["concept"].idxmax())  # the layer where the concept is largest
table[["language", "language_lower", "language_upper", "concept", "rest"]].round(4)

# %% [markdown]
# **What to notice.** In the first layers x is not zero, but it is the same for all words, and no word can be read there: so the zero of x is arbitrary.
#
# Then, within one layer, y jumps: the concept becomes visible; in the last layer the target's token does.
#
# That says nothing about when the model decides: in other models, patching finds the language at an *earlier* layer than the concept ([Dumas and others, 2025](https://doi.org/10.18653/v1/2025.acl-long.1536)).

# %% tags=["claims"]
{
    "In the first layers x is not zero, but it is the same for all words": (
        table.loc[1:5].pipe(
            lambda t: (t.language.abs() > 5 * (t.language_upper - t.language_lower)).all()
        )
    ),
    "no word can be read there": (
        all(run.between(1, 8).probability[code].mean(0).max() < 0.001 for code in run.languages)
    ),
    "within one layer, y jumps": (table.concept[13] == table.concept.max() > 5 * table.concept[12]),
    "in the last layer the target's token does": (table.language[18] > 4 * table.language[17]),
}

# %% [markdown]
# ## Exercise 05.1 · How far is far? (4 minutes, easy)
#
# A latent has x = −0.012 and y = 0.016.
# The angle between it and the pole is arcsin √(x² + y²).
# How many degrees is it from the pole, on the *real* sphere, without the figure's magnification?

# %% tags=["claims"]
{
    "A latent has x = −0.012 and y = 0.016": "an exercise",
}

# %% tags=["stub"]
answer = ...  # degrees
ll.checks.exercise("05.1", answer)

# %% tags=["solution"]
import math

# √(0.012² + 0.016²) = 0.02, which is 0.02 radians. Drawn with k = 40 it would be at arcsin 0.8,
# 53 degrees.
answer = math.degrees(math.asin(math.hypot(-0.012, 0.016)))
ll.checks.exercise("05.1", answer)

# %% tags=["right"]
[
    "1.146",
]

# %% tags=["wrong"]
{
    "in radians": 0.02,
    "angle to the equator": 88.854,
    "not y alone": 0.9168,
    "not x alone": 0.6876,
    "Square x and y": 0.2292,
    "then math.degrees": 53.13,
}

# %% [markdown]
# ## 2. Single words
#
# **Objective: see what a mean hides.**
#
# `path.centred()` measures x from the mean of all words at each layer.
# Then the mean path has x = 0 by construction, and a word with x below 0 leans to English *more than the mean*.
#
# The legend names the six words with the highest P(English); click one to see its path.

# %%
centred = path.centred()
english = run.probability[path.pivot].amax(1)  # how high P(English) gets at any layer
chosen = [path.prompts["concept"][n] for n in english.argsort(descending=True)[:6].tolist()]
ll.plots.sphere(centred, concepts=chosen)

# %% tags=["claims"]
{
    "the mean path has x = 0 by construction": (
        centred.to_frame().language.abs().max().round(6) == 0 < table.language.abs().min()
    ),
    "x below 0": "a definition",
    "the six words": len(chosen) == 6,
}

# %% [markdown]
# One word alone:

# %%
ll.plots.sphere(centred[chosen[0]])

# %% [markdown]
# A **rank correlation** compares the order of the words by x with their order by P(English): −1 if one is the reverse of the other, 0 if they are unrelated.

# %% tags=["claims"]
{
    "−1 if one is the reverse of the other, 0 if they are unrelated": "a definition",
}


# %%
def standard_ranks(values):
    """Rank the words at every layer, and scale the ranks to mean 0 and spread 1."""
    ranks = values.argsort(0).argsort(0).float()
    return (ranks - ranks.mean(0)) / ranks.std(0, correction=0)


both = standard_ranks(centred.coordinates[..., 0]) * standard_ranks(run.probability[run.pivot])
rho, lower, upper = ll.metrics.mean_ci(both, "bootstrap", clusters=run.clusters)
columns = {"rank correlation": rho, "lower": lower, "upper": upper}
order = pd.DataFrame(columns, index=pd.Index(run.layers, name="layer"))

# %% tags=["predict"]
late = order.loc[peak : model.n_layers - 1, "rank correlation"]  # English can be read here
strongest = late.loc[late.abs().idxmax()]
choices = ["higher P(English), lower x (below −0.5)", "hardly any relation (−0.5 to 0.5)"]
choices += ["higher P(English), higher x (above 0.5)"]
relation = choices[1]
if strongest < -0.5:
    relation = choices[0]
if strongest > 0.5:
    relation = choices[2]
question = f"How are x and P(English) related in layers {peak} to {model.n_layers - 1}?"
ll.predict(question, choices, relation, f"The strongest correlation there: {strongest:+.2f}.")

# %%
order.loc[peak:].round(2)

# %% [markdown]
# **What to notice.** From layer 13 to layer 17, where English can be read, the intervals contain 0: for single words x is a poor reading.

# %% tags=["claims"]
{
    "From layer 13 to layer 17, where English can be read, the intervals contain 0": (
        ((order.lower < 0) & (order.upper > 0)).loc[13:17].all()
        and run.between(13, 17).probability["en"].mean(0).min() > 0.04
    ),
}

# %% [markdown]
# ### Your word
#
# The word that you chose in notebook 1 takes its own path.
# To draw it, the sphere needs other words of the same two languages: here every sixtieth of the list.
# The mean path in this figure is that of these words.

# %%
my_word = ll.my_word()  # on another machine: ll.my_word("the line that you copied")
my_prompts = ll.build_prompts("translation", *my_word.languages, tokenizer=model.tokenizer)
my_prompts = my_prompts.about([my_word.concept, *ll.load_words().index[::60]])
my_run = ll.decode(model, my_prompts, keep_latents=True, energy=False)
my_path = ll.sphere_path(model, my_run)
tables = [each.to_frame() for each in (my_path[my_word.concept], my_path)]
my_y = [each.loc[model.n_layers // 2 :, "concept"] for each in tables]
print(my_word.note(5, *(each.idxmax() for each in my_y)))
ll.plots.sphere(my_path, concepts=[my_word.concept])

# %% [markdown]
# **What to notice.** Does your word leave the pole where the mean path does?
# The printed line has the layer of the upper half where y, the cosine with the concept axis, is largest: for your word, and for the mean path of the figure.

# %% [markdown]
# ## 3. The equator
#
# **Objective: judge the paper's sketch by numbers.**
#
# In the sketch (paper, section 5 and Figure 4d) all tokens lie on the equator.
# Phase 2 rotates the latent from the pole into concept space, where English tokens win by a larger y.
# Phase 3 rotates it *along the equator* to the target.
#
# First test: y of the English tokens must be larger than y of the target's.

# %% tags=["claims"]
{
    "Phase 2 rotates": "a phase of the paper's sketch",
    "Phase 3 rotates": "a phase of the paper's sketch",
}

# %% tags=["predict"]
lead = path.token_lead().iloc[0]
choices = ["the English ones, by more than a tenth", "the target's, by more than a tenth"]
choices += ["neither: they are within a tenth"]
more = choices[2]
if abs(lead["difference"]) > 0.1 * lead["target"]:
    more = choices[int(lead["difference"] < 0)]
question = "Which tokens have the larger mean y?"
told = f"English {lead['pivot']:.3f}, target {lead['target']:.3f}."
ll.predict(question, choices, more, told)

# %%
path.token_lead().round(4)

# %% [markdown]
# **What to notice.** The interval of the difference contains 0: no advantage of English.
# This frame could hardly show one: its concept axis lies midway between the tokens of a word.
#
# Second test: along the equator the radius √(x² + y²) stays the same, and x gains what y loses.

# %% tags=["claims"]
{
    "The interval of the difference contains 0": (
        path.token_lead().pipe(lambda t: ((t.lower < 0) & (t.upper > 0)).all())
    ),
}

# %% tags=["predict"]
kept = table["radius"].iloc[-1] / table["radius"].loc[peak]
choices = ["it shrinks", "it stays the same (within a tenth)", "it grows"]
change = choices[1]
if kept < 0.9:
    change = choices[0]
if kept > 1.1:
    change = choices[2]
question = (
    f"From layer {peak}, where the concept is largest, to the last one: what does the radius do?"
)
ll.predict(question, choices, change, f"At the end it is {kept:.2f} times as large.")

# %%
table.loc[peak:, ["radius", "radius_lower", "radius_upper", "direction"]].round(4)

# %% [markdown]
# **What to notice.** `direction`, in degrees from the concept axis (0) towards the target (90), turns from 1 degree to 60, most of it in the last layer.
# The radius falls, with ups and downs, to two thirds, and then doubles: the path turns, but not on a circle.
#
# And the equator is far: every point of this path lies within two degrees of the pole.

# %% tags=["claims"]
{
    "from the concept axis (0) towards the target (90)": "a definition",
    "turns from 1 degree to 60": (
        round(table.direction[13]) == 1 and round(table.direction[18]) == 60
    ),
    "most of it in the last layer": (
        table.direction[18] - table.direction[17] > table.direction[17] - table.direction[13]
    ),
    "The radius falls, with ups and downs, to two thirds": (
        0.65 < table.radius[17] / table.radius[13] < 0.72 and table.radius[16] > table.radius[15]
    ),
    "then doubles": 1.9 < table.radius[18] / table.radius[17] < 2.1,
    "within two degrees of the pole": torch.tensor(table.radius.max()).asin().rad2deg() < 2,
}

# %% [markdown]
# ## 4. The map
#
# **Objective: draw the paper's Figure 3, and know what a flat map loses.**
#
# The map (paper, section 4.1) shows latents and tokens at the distance −log P(token); all other distances are equal to the largest one.
# Classical [multidimensional scaling](GLOSSARY.md) makes it flat.
#
# As in the authors' script it has the paths of 30 prompts, one of them drawn, and 2,400 tokens.

# %%
few = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer, seed=seed)
few = few[: 30 * every : every]
words = {token for p in few for code in run.pair for token in p.token_ids[code]}
others = [token for token in range(2400) if token not in words][: 2400 - len(words)]
mapped = ll.decode(model, few, watch=sorted(words) + others, energy=False).between(
    model.n_layers // 2, model.n_layers
)
log_probs = mapped.watched.flatten(0, 1)
flat = ll.geometry.latent_mds(log_probs)
ll.plots.latent_map(flat, mapped, model.tokenizer)

# %% tags=["claims"]
{
    "the paths of 30 prompts": len(few) == 30,
    "2,400 tokens": len(mapped.watch) == 2400,
}

# %% [markdown]
# The **stress** says how badly a flat map fails: 0 if it keeps every distance.
# For comparison: a map of shuffled distances.

# %% tags=["claims"]
{
    "0 if it keeps every distance": "a definition",
}

# %%
print(f"stress {flat.stress:.2f}, with shuffled distances {flat.shuffled_stress:.2f}")

# %% [markdown]
# **What to notice.** The stress is 0.90, and 0.94 for the map that means nothing: little of the distances is left.

# %% tags=["claims"]
{
    "The stress is 0.90, and 0.94 for the map that means nothing": (
        round(flat.stress, 2) == 0.90 and round(flat.shuffled_stress, 2) == 0.94
    ),
}

# %% [markdown]
# ## 5. The null hypothesis
#
# **Objective: ask whether a simple rotation would look the same.**
#
# Suppose a model turned input embeddings E into output embeddings U by one *rotation* R and nothing else: would it pass English (authors' script `R/embed_unembed.r`)?
# The best rotation (the **orthogonal [Procrustes](GLOSSARY.md) problem**) is R = A Bᵀ, with the singular value decomposition EᵀU = A Σ Bᵀ.
#
# Then rank all tokens by their product with the rotated word; rank 1 is the word's own token.

# %% tags=["claims"]
{
    "rank 1 is the word's own token": "a definition",
}

# %% [markdown]
# For Llama-2 (`R/data/logit_ranks`) the own token has median rank 1, the English one 16,000 to 25,000 of 32,000: chance or worse.
#
# Here input and output embeddings are *tied*: one matrix for both, but the final norm multiplies every dimension of U by a gain.

# %%
tokens = {}
for code in run.pair:  # the token that begins the word after the opening quote
    tokens[code] = [tokenize_word(word, model.tokenizer)[0] for word in run.spelling(code)]
# Every eighth token, and the words' own: all of them need more memory.
kept_ids = sorted({*range(0, model.vocab_size, 8), *tokens[run.pivot], *tokens[target]})
E = model.module.get_input_embeddings().weight.detach()[kept_ids].float().cpu()
U = model.folded_unembedding(kept_ids)
R = ll.geometry.procrustes(E, U)
tied = model.module.get_input_embeddings().weight is model.lm_head.weight
print(f"one matrix for both: {tied}")
print(f"R differs from the identity by {(R - torch.eye(len(R))).norm():.1f}")

# %% tags=["claims"]
{
    "the own token has median rank 1, the English one 16,000 to 25,000 of 32,000": "the authors' files R/data/logit_ranks",
    "*tied*: one matrix for both": tied,
}

# %%
row_of = {token: row for row, token in enumerate(kept_ids)}
rows = {code: [row_of[token] for token in ids] for code, ids in tokens.items()}
ranks = {code: ll.geometry.token_ranks(E[rows[target]] @ R, U, ids) for code, ids in rows.items()}
for code, found in ranks.items():
    print(f"{code}: median rank {found.median():,} of {len(U):,}")

# %% [markdown]
# **What to notice.** Each word's own token ranks first, and the English word is far behind: this rules out *one* simple explanation.
# It stands nearer than chance: words of one meaning have similar embeddings.

# %% tags=["claims"]
{
    "Each word's own token ranks first": ranks["zh"].median() == 1,
    "the English word is far behind": (ranks["en"].median() > 500),
    "It stands nearer than chance": (ranks["en"].median() < 0.1 * len(U)),
}

# %% [markdown]
# ## Exercise 05.2 · Write the rotation (8 minutes, medium)
#
# Write `rotation(E, U)`: the orthogonal matrix R that minimises ‖E R − U‖.
# `torch.linalg.svd(M)` returns A, the singular values, and Bᵀ.


# %% tags=["stub"]
def rotation(E, U): ...


answer = ...  # write rotation, then replace the dots here by: rotation
ll.checks.exercise("05.2", answer)


# %% tags=["solution"]
def rotation(E, U):
    A, _, Bt = torch.linalg.svd(E.T @ U)
    return A @ Bt


# Leaving out the singular values is what makes it a rotation (or a reflection) and not a stretch.
ll.checks.exercise("05.2", rotation)

# %% tags=["right"]
[
    lambda E, U: ll.geometry.procrustes(E, U),
    lambda E, U: rotation(E.double(), U.double()).numpy(),
    lambda E, U: rotation(E.mul_(2), U).tolist(),  # a scale changes no rotation
]

# %% tags=["wrong"]
{
    "its transpose": lambda E, U: ll.geometry.procrustes(U, E),
    "also stretches": lambda E, U: E.T @ U,
    "least-squares": lambda E, U: torch.linalg.lstsq(E, U).solution,
    "Bᵀ already": lambda E, U: torch.linalg.svd(E.T @ U)[0] @ torch.linalg.svd(E.T @ U)[2].T,
    "The steps are": lambda E, U: E,
    "a matrix [d_model, d_model]": lambda E, U: rotation(E, U) * float("nan"),
    "rotation returns nothing": lambda E, U: None,
    "return a tensor": lambda E, U: torch.linalg.svd(E.T @ U),
    "is a function": 3,
}

# %% [markdown]
# ## Exercise 05.3 · Lean by hand (4 minutes, medium)
#
# In two dimensions: the target word's token is (1, 0), the English one's (0, 1).
# The language axis is their difference (target − English), scaled to length 1.
# What is x for the latent (0.6, 0.8)?

# %% tags=["claims"]
{
    "In two dimensions: the target word's token is (1, 0), the English one's (0, 1)": "an exercise",
    "scaled to length 1. What is x for the latent (0.6, 0.8)": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("05.3", answer)

# %% tags=["solution"]
# The axis is (1, −1) / √2, and the latent has length 1 already.
answer = (0.6 - 0.8) / math.sqrt(2)
ll.checks.exercise("05.3", answer)

# %% tags=["right"]
[
    "-0.1414",
    -(0.02**0.5),
]

# %% tags=["wrong"]
{
    "divide (1, −1) by √2": -0.2,
    "Mind the sign": 0.1414,
    "their difference": 0.98995,
    "target's token alone": 0.6,
    "times the latent": 7,
}

# %% [markdown]
# ## Exercise 05.4 · Against the mean (6 minutes, open)
#
# Find a word that leans to English more than the mean: in the layer where its own y is largest (above 0.01), its x in `centred` is below 0.
# Pass its path: `centred["..."]`.
#
# Is one such word evidence that the model thinks in English?

# %% tags=["claims"]
{
    "(above 0.01), its x in `centred` is below 0": (
        (centred.coordinates[..., 1].amax(1) > 0.01) & (centred.coordinates[..., 0].amin(1) < 0)
    ).any(),
}

# %% tags=["stub"]
answer = ...  # centred["..."]
ll.checks.exercise("05.4", answer)

# %% tags=["solution"]
# For every word: the layer of its largest y, and x there. Around a mean some words lie on either
# side whatever the model does, so such a word proves nothing.
x, y = centred.coordinates[..., 0], centred.coordinates[..., 1]
at = y.argmax(1, keepdim=True)
fits = (x.gather(1, at)[:, 0] < 0) & (y.amax(1) > 0.01)
print(int(fits.sum()), "of", len(centred), "words")
answer = centred[centred.prompts["concept"][int(fits.int().argmax())]]
ll.checks.exercise("05.4", answer)

# %% tags=["wrong"]
{
    "One word": centred,
    "path.centred()": path[path.prompts["concept"][0]],
    "layer": centred[
        centred.prompts["concept"][
            int(((x.gather(1, at)[:, 0] >= 0) & (y.amax(1) > 0.01)).int().argmax())
        ]
    ],
    "is a path": "book",
}

# %% [markdown]
# ## 6. Try it
#
# **Question to answer with the widget:** walk through the layers of *repetition* in the target language.
# In which layer does the concept appear, compared with translation?

# %%
display(ll.explore.sphere(model, source=source, target=target))

# %% [markdown]
# No widget on your screen?
# The figure of section 1 has a slider.

# %% [markdown]
# Compare your answer:
#
# <details><summary>Answer</summary>
#
# At layer 13, as in translation, and there y is about twice as large.
# So the layer at which the concept becomes readable does not depend on translating.
#
# </details>

# %% tags=["claims"]
{
    "At layer 13, as in translation, and there y is about twice as large": (
        1.7
        < (
            ll.sphere_path(
                model,
                ll.run_experiment(model, "repetition", target=run.target, **ask, progress=False),
            )
            .to_frame()
            .concept.pipe(lambda y: y[13] if y[13] == y.max() > 5 * y[12] else 0)
            / path.to_frame().concept[13]
        )
        < 2.2
    ),
}

# %% [markdown]
# ## What this does not show
#
# A map with high stress, and a sphere of two directions out of hundreds, only suggest questions.
# A direction that we find need not be one that the model *uses*.
#
# ## Recap
#
# - Every point on the sphere is three measured numbers.
# - The zero of x is arbitrary: compare words with their mean.
# - The mean path turns from the concept axis to the target, but not on a circle.
# - A pure rotation does not put English on top, here or in Llama-2.

# %% [markdown]
# ## Quiz
#
# Choose the sentence that the figure or the table supports.
# The others are mistakes that readers make; each choice says why it follows, or why not.
# (With other parameters the figures may say something else.)

# %% tags=["quiz"]
ll.choose(
    "Section 1, the path and its table: which sentence do they support?",
    "The concept becomes visible in one step, and the target language later.",
    "First y jumps within one layer, and x jumps in the last layer.",
    "The path reaches the concept and is then nearly parallel to it.",
    "The globe magnifies: on the real sphere the path stays close to the pole.",
    "The model chooses the language in the last layer.",
    "The path shows when a word can be read, and not when the model decides.",
    "In the lowest layers the path leans to English first, and to Chinese one layer later.",
    "There x is the same for all words, and its zero is arbitrary: no word can be read yet.",
    supported="a",
)

# %% tags=["claims"]
{
    "First y jumps within one layer, and x jumps in the last layer": (
        table.concept[13] == table.concept.max() > 5 * table.concept[12]
        and table.language[18] > 4 * table.language[17]
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 2, the table of rank correlations: which sentence does it support?",
    "Words with much English lean to English at every layer.",
    "Before the last layer the intervals include zero.",
    "Where English can be read, the order of the words by x says little about English.",
    "At these layers each interval includes zero.",
    "The position x and P(English) have nothing to do with each other.",
    "An interval that includes zero does not rule out a weak relation.",
    supported="b",
)

# %% tags=["claims"]
{
    "At these layers each interval includes zero": (
        ((order.lower < 0) & (order.upper > 0)).loc[13:17].all()
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 3, the last table: which sentence does it support?",
    "The path turns along the equator, as in the paper's sketch.",
    "On such a turn the radius would stay the same, and here it does not.",
    "The paper's sketch is wrong.",
    "The table is of another model, and the sketch was drawn for Llama-2.",
    "The path turns towards the target, and not on a circle.",
    "The direction grows at nearly every layer, and the radius falls and then doubles.",
    "The path ends at the target's token.",
    "Its direction turns towards the target, and it stays close to the pole.",
    supported="c",
)

# %% tags=["claims"]
{
    "The path turns towards the target, and not on a circle": (
        table.direction[18] > table.direction[13] + 45
        and abs(table.radius[18] / table.radius[17] - 1) > 0.5
    ),
    "The direction grows at nearly every layer, and the radius falls and then doubles": (
        table.direction.loc[13:].is_monotonic_increasing
        and table.radius[17] < 0.75 * table.radius[13]
        and 1.9 < table.radius[18] / table.radius[17] < 2.1
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 4, the map: which sentence does it support?",
    "A flat map loses most of these distances.",
    "Its stress is nearly that of a map of shuffled distances, which means nothing.",
    "The map can be trusted, because the shuffled map has more stress.",
    "The difference is small, so little of the distances is kept.",
    "English and Chinese words lie in two places of the model.",
    "Distances between tokens were all set to one value, so their places on the map mean little.",
    supported="a",
)

# %% tags=["claims"]
{
    "Its stress is nearly that of a map of shuffled distances": (
        0 < flat.shuffled_stress - flat.stress < 0.1 * flat.shuffled_stress
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 5, the rows of median ranks: which sentence do they support?",
    "The model does not go through English on its way from German to Chinese.",
    "The ranks rule out one simple explanation, a rotation, and not every way.",
    "English tokens are as far away as any token.",
    "They rank much nearer than chance, because words of one meaning are similar.",
    "One rotation of the embeddings does not put the English word on top.",
    "The word's own token ranks first, and the English one far behind it.",
    "This model turns its embeddings in the same way as Llama-2.",
    "Its two matrices are one, so the rotation only has to undo the gain.",
    supported="c",
)

# %% tags=["claims"]
{
    "The word's own token ranks first, and the English one far behind it": (
        ranks["zh"].median() == 1 and ranks["en"].median() > 500
    ),
    "They rank much nearer than chance": (ranks["en"].median() < 0.1 * len(U)),
}

# %% [markdown]
# ## Readings
#
# - Wendler and others (2024), [Do Llamas Work in English?](https://aclanthology.org/2024.acl-long.820/): sections 4.1 and 5 have the map and the sketch; the authors' [`R/embed_unembed.r`](https://github.com/epfl-dlab/llm-latent-language/blob/main/R/embed_unembed.r) has the rotation.
# - Kruskal (1964), [Multidimensional Scaling by Optimizing Goodness of Fit](https://doi.org/10.1007/BF02289565): where stress comes from.
# - Schönemann (1966), [A Generalized Solution of the Orthogonal Procrustes Problem](https://doi.org/10.1007/BF02289451): the best rotation, in a few pages.
