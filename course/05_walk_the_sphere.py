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
# **How far does the paper's picture hold: from the pole into a region that leans to English, then along the equator to the target?**
#
# Notebook 3 ended with a path on a sphere.
# Here you walk along it, layer by layer and word by word, draw the paper's map of latents and tokens, and put the simplest rival explanation to the test: that the model does nothing but rotate.

# %% [markdown]
# ## What you will do
#
# - move a slider over the layers and read the cosines behind every point;
# - compare the mean path with the paths of single words;
# - draw the map of the paper's Figure 3, and say how much to trust a flat map;
# - test a null hypothesis: a pure rotation from input to output embeddings.
#
# **You need** notebook 3.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 55 minutes to work through; the cells run for about a minute on two CPU cores the first time, in 5 GB of memory.
# The default model is Gemma 3 270M, from 4-bit weights (Q4_K_M) made dense again.
# Llama-2 7B, the paper's smallest model, takes about 7.5 GB of GPU memory in 8-bit (not run for this text).

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
# Not English; German nouns begin with a capital, so a copied one is not an English token.
source, target = "de", "zh"
seed = 0
every = 4  # every 4th concept of the list

# %%
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
# Every latent, scaled to length 1, is a point on a sphere of `d_model` dimensions.
# Three numbers are kept: its cosine with the **language axis** (x: below 0 towards English, above 0 towards the target), its cosine with its own word's **concept axis** (y), and what is left (z).

# %% tags=["predict"]
mean = path.to_frame()
jump = int(mean["concept"].idxmax())
x, low, high = mean.loc[jump, ["language", "language_lower", "language_upper"]]
choices = ["towards English (x < 0)", "on neither side", "towards the target (x > 0)"]
found = choices[int(high >= 0) + int(low > 0)]
question = "In the layer where the concept is largest, on which side will the mean path stand?"
y = mean.loc[jump, "concept"]
told = f"At layer {jump}: x = {x:.4f} [{low:.4f}, {high:.4f}], y = {y:.4f}."
ll.predict(question, choices, found, told)

# %%
ll.plots.sphere(path)

# %%
path.to_frame().round(4)

# %% [markdown]
# **What to notice.** In the first layers x is not zero, but it is the same for all words (look at the interval): a property of the position, not of the answer.
# Then, within one layer, y jumps: the concept has arrived.
# After it x grows a little from layer to layer, and jumps in the last one: the language is chosen last.
#
# Does the path lean to English in between?
# In the layers after the jump x stays close to 0, and slightly *above* it.
# Notebook 2 found the English word there by its probability.
# Both are true: probability looks at the one token that sticks out, the language axis at a mean direction of all words.

# %% [markdown]
# ## Exercise 05.1 · How far is far? (4 minutes, easy)
#
# A latent has x = −0.012 and y = 0.016.
# The angle between it and the pole is arcsin √(x² + y²).
# How many degrees is it from the pole, on the *real* sphere, without the figure's magnification?

# %% tags=["stub"]
answer = ...  # degrees
ll.checks.exercise("05.1", answer)

# %% tags=["solution"]
import math

# √(0.012² + 0.016²) = 0.02, which is 0.02 radians. Drawn with k = 40 it would be at arcsin 0.8,
# 53 degrees.
answer = math.degrees(math.asin(math.hypot(-0.012, 0.016)))
ll.checks.exercise("05.1", answer)

# %% tags=["wrong"]
[
    0.02,
    88.854,  # the angle to the pole's other side
    0.9168,
    0.2292,
    53.13,
]

# %% [markdown]
# ## 2. Single words
#
# **Objective: see what a mean hides.**
#
# The legend names the six words whose English token gets the highest probability on the way.
# Click one to see its path in the same frame and with the same magnification (a path that would leave the sphere is drawn at its rim).

# %% tags=["predict"]
jump = int(path.coordinates[..., 1].mean(0).argmax())  # where the concept is largest, on average
share = (path.coordinates[:, jump, 0] < 0).float().mean().item()
choices = ["hardly any (under 10 %)", "a minority", "most"]
leaning = "a minority" if share >= 0.1 else "hardly any (under 10 %)"
if share > 0.5:
    leaning = "most"
question = (
    f"At layer {path.layers[jump]}, where the concept is largest: "
    "how many single words lean to English (x < 0)?"
)
ll.predict(question, choices, leaning, f"{share:.0%} of {len(path)}.")

# %%
english = run.probability[path.pivot].amax(1)  # how high P(English) gets at any layer
chosen = [path.prompts["concept"][n] for n in english.argsort(descending=True)[:6].tolist()]
ll.plots.sphere(path, concepts=chosen)

# %% [markdown]
# One word alone, with its two tokens written at the rim:

# %%
ll.plots.sphere(path[chosen[0]])

# %%
lean = path.coordinates[..., 0]  # the cosine with the language axis, [n_prompts, n_layers]
for layer in range(model.n_layers - 5, model.n_layers + 1):
    share = (lean[:, layer - 1] < 0).float().mean().item()
    print(f"layer {layer:2}: {share:.0%} of the words lean to English")

# %% [markdown]
# **What to notice.** The mean hides a spread.
# At the jump almost half of them have x below 0; two layers later hardly any do.
# (Mind the zero: in low layers x is the same for all words and not 0, so a small lean may belong to the position and not to the word.)

# %% [markdown]
# ## 3. The equator
#
# **Objective: judge the paper's picture by numbers.**
#
# In the paper's cartoon the last phase runs *along the equator*: the concept stays, and only the language changes.
# On the sphere that would mean: y keeps its size while x goes from English to the target.

# %%
table = path.to_frame()
peak = table["concept"].idxmax()

# %% tags=["predict"]
kept = float(table["concept"].iloc[-1] / table["concept"].max())
choices = ["it keeps its size (within a tenth)"]
choices += ["it loses less than half", "it loses more than half"]
question = "From the layer where the concept is largest to the last one: what does y do?"
ll.predict(question, choices, choices[(kept < 0.9) + (kept < 0.5)], f"{kept:.0%} of it are left.")

# %%
table.loc[peak:, ["language", "concept", "concept_lower", "concept_upper"]].round(4)

# %% [markdown]
# **What to notice.** Here y does not keep its size: it falls by about a third after its peak, and most of x comes in a single step at the end.
# Whether that is "along the equator" is a matter of drawing: on the true sphere, without magnification, every point of this path lies within two degrees of the pole.

# %% [markdown]
# ## 4. The map
#
# **Objective: draw the paper's Figure 3, and know what a flat map loses.**
#
# Another picture of the same thing: put latents and tokens on one map, a latent near the tokens it predicts.
# The distance of a latent and a token is −log P(token); all other distances are equal to the largest one.
# *Classical multidimensional scaling* finds the flat map that keeps these distances best.
#
# As in the paper: the paths of 30 prompts, and 2,400 tokens, the words' own and those with the lowest ids.
# We draw the upper half of the layers: the lowest ones are so far from every token that they would squeeze the rest into a dot.

# %%
few = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer, seed=seed)
few = few[: 30 * every : every]
words = {token for p in few for code in run.pair for token in p.token_ids[code]}
others = [token for token in range(2400) if token not in words][: 2400 - len(words)]
mapped = ll.decode(model, few, watch=sorted(words) + others, energy=False).between(
    model.n_layers // 2, model.n_layers
)
found = ll.geometry.latent_mds(mapped.watched.flatten(0, 1))
ll.plots.latent_map(found, mapped, model.tokenizer)

# %% [markdown]
# **What to notice.** The stress says how badly the flat map fails: 0 would be perfect, and 1 means that it keeps nothing.
# Thousands of points that are all equally far from one another cannot lie in a plane.
# So trust a map like this only where you can check it: is a late latent really near the words that the table of probabilities names?

# %% [markdown]
# ## 5. The null hypothesis
#
# **Objective: ask whether a simple rotation would look the same.**
#
# A model turns input embeddings E into output embeddings U. Suppose it did so by one *rotation* R and nothing else.
# On the way, would it pass English?
# The best rotation is known (the **orthogonal Procrustes problem**): with the singular value decomposition EᵀU = A Σ Bᵀ, R = A Bᵀ.
#
# Then rank all tokens by their product with the rotated word.
# Rank 1: the rotation leads to the word's own token.
# If English were on the way, its word would also rank high.
#
# First a made-up model, where we know the truth: random embeddings, turned.

# %%
torch.manual_seed(0)
E = torch.randn(2000, 64)
turn, _ = torch.linalg.qr(torch.randn(64, 64))
U = E @ turn + 0.3 * torch.randn(2000, 64)
own, other = list(range(100)), list(range(1000, 1100))
rotated = E[own] @ ll.geometry.procrustes(E, U)
for name, ids in (("own token", own), ("another word", other)):
    print(f"{name:12} median rank {ll.geometry.token_ranks(rotated, U, ids).median():.0f} of 2000")

# %% [markdown]
# For Llama-2 the paper finds the same: the own token at median rank 1, the English one between 16,000 and 25,000 of 32,000.
# Now the real model:

# %%
E = model.module.get_input_embeddings().weight.float().cpu()
U = model.lm_head.weight.float().cpu()
print("input and output embeddings are the same numbers:", torch.equal(E, U))
R = ll.geometry.procrustes(E, U)
tokens = {}
for code in run.pair:  # the token that begins the word after the opening quote
    tokens[code] = [tokenize_word(word, model.tokenizer)[0] for word in run.spelling(code)]
rotated = E[tokens[target]] @ R
for code, ids in tokens.items():
    rank = ll.geometry.token_ranks(rotated, U, ids).median()
    print(f"{code}: median rank {rank:.0f} of {model.vocab_size:,}")

# %% [markdown]
# **What to notice.** In the demo model the input and output embeddings are *tied*: one matrix for both.
# The best rotation of a matrix onto itself is the identity, so each word's own token ranks first, and the test is trivial.
# The English word is thousands of ranks away, though nearer than chance (half the vocabulary): words of one meaning have similar embeddings.
#
# The test says something about models with two matrices, such as Llama-2.
# There, by the paper's numbers, it rules out *one* simple explanation: a rotation alone does not put the English word on top.

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

# %% tags=["wrong"]
[
    lambda E, U: ll.geometry.procrustes(U, E),
    lambda E, U: E.T @ U,
    lambda E, U: torch.linalg.lstsq(E, U).solution,
    lambda E, U: torch.linalg.svd(E.T @ U)[0] @ torch.linalg.svd(E.T @ U)[2].T,
    lambda E, U: E,
    3,
]

# %% [markdown]
# ## Exercise 05.3 · Lean by hand (4 minutes, medium)
#
# In two dimensions: the target word's token is (1, 0), the English one's (0, 1).
# The language axis is their difference (target − English), scaled to length 1.
# What is x for the latent (0.6, 0.8)?

# %% tags=["stub"]
answer = ...  # a number
ll.checks.exercise("05.3", answer)

# %% tags=["solution"]
# The axis is (1, −1) / √2, and the latent has length 1 already.
answer = (0.6 - 0.8) / math.sqrt(2)
ll.checks.exercise("05.3", answer)

# %% tags=["wrong"]
[
    -0.2,
    0.1414,
    0.98995,
    0.6,
    7,
]

# %% [markdown]
# ## Exercise 05.4 · Against the mean (6 minutes, open)
#
# The mean path does not lean to English where the concept is largest.
# Find a word that *does*: in the layer where its own y is largest (above 0.01), its x is below 0.
# Pass its path: `path["..."]`.
#
# Is one such word evidence for the paper's picture?

# %% tags=["stub"]
answer = ...  # path["..."]
ll.checks.exercise("05.4", answer)

# %% tags=["solution"]
# For every word: the layer of its largest y, and x there. With hundreds of words some lean one
# way by chance alone, so one proves little.
x, y = path.coordinates[..., 0], path.coordinates[..., 1]
at = y.argmax(1, keepdim=True)
fits = (x.gather(1, at)[:, 0] < 0) & (y.amax(1) > 0.01)
print(int(fits.sum()), "of", len(path), "words")
answer = path[path.prompts["concept"][int(fits.int().argmax())]]
ll.checks.exercise("05.4", answer)

# %% tags=["wrong"]
[
    path,
    path[path.prompts["concept"][int((~fits).int().argmax())]],
    "book",
]

# %% [markdown]
# ## 6. Try it
#
# **Question to answer with the widget:** walk through the layers of *repetition* in the target language.
# In which layer does the concept appear, compared with translation?

# %%
display(ll.explore.sphere(model, source=source, target=target))

# %% [markdown]
# No widget on your screen?
# The figure of section 1 has a slider that needs none.

# %% [markdown]
# ## What this does not show
#
# A map with high stress, and a sphere of two directions out of hundreds, are pictures: they suggest questions, and the cosines answer them.
# The language axis is a mean over words: for a single word it may be a poor one.
# And a direction that we find is not yet a direction that the model *uses*.
#
# ## Recap
#
# - Every point on the sphere is three measured numbers; the magnification is a drawing aid.
# - Means hide how much single words differ.
# - A pure rotation from input to output embeddings, one simple rival explanation, does not put English on top in Llama-2 (the paper's test); for a model with one matrix the test says nothing.
#
# **Further reading:** section 4.2, Figure 3 and the appendix on Procrustes of the [paper](https://aclanthology.org/2024.acl-long.820/).
