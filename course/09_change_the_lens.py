# ---
# jupyter:
#   course:
#     you_will: 'read the same latents through several lenses, and find out which findings are the lens''s own'
#     figure: 'll.plots.lens_panel([plain, linear], ["en", "zh"])'
#     alt: 'Two panels of curves, one per lens, over the layers'
#     first_run: 2.5
#     again: 0.8
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 9 · Change the lens
#
# **Is English in the latents, or in the instrument that you read them with?**
#
# All readings of notebooks 1 to 6 came from one instrument, the logit lens.
# Here you read the *same* latents with other lenses.
# A finding that changes with the lens may be a finding about the lens.

# %% [markdown]
# ## What you will do
#
# - say what the logit lens assumes, and fit a [linear lens](GLOSSARY.md) that assumes less;
# - watch the English peak and the first Chinese layer move;
# - compare it with a tuned lens and the Patchscope, and with [controls](GLOSSARY.md);
# - tell concepts by their words without the preferences of the output layer ([retrieval](GLOSSARY.md));
# - say which findings of this course survive every lens.
#
# **You need** notebooks 2 and 3, section 2 of notebook 4, and matrices times vectors.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 60 minutes to work through.
# The cells run for two to three minutes on two CPU cores the first time.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "about 60 minutes to work through": "an estimate for a lesson",
    "Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number)": (
        "the name of a model, and counted by a test"
    ),
}

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
every = 16  # ask about every 16th concept of the list

# %%
import pandas as pd
import plotly.graph_objects as go
import torch
from IPython.display import display

model = ll.load_model(model)
model

# %% [markdown]
# ## 1. What the logit lens assumes
#
# **Objective: see why a lens may be blind.**
#
# The logit lens sends a latent of a middle layer through the final norm and the [unembedding](GLOSSARY.md), which were made for the latents of the *last* layer.
# So it assumes that a middle layer writes a word in the same directions as the last one does.
# If it does not, the word may be there, and the lens shows another one, or none.
#
# A fitted lens assumes less.
# It first maps the latent, with a matrix per layer; the norm and the unembedding stay.
# The **linear lens** predicts the last layer's latent from that of the middle layer, over many tokens of ordinary text: M is the matrix with the smallest sum of ‖M h − h(last)‖² (least squares; Din and others, 2023).

# %% [markdown]
# Which text?
# Here it is the [cloze](GLOSSARY.md) sentences of all languages of the course, but none about a concept that you will ask about: the lens must not have seen the answer.

# %%
prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)
prompts = prompts.about(ll.load_words().index[::every])
lens = ll.lenses.fit_linear(model, exclude=prompts, progress=False)
table = lens.quality.round(2)
table.loc[10:]

# %% [markdown]
# The table is measured on text that was not used for the fit, in nats.
# `logit lens` and `this lens` say how far each is from the model's own output ([KL divergence](GLOSSARY.md)): 0 would be the output itself.
# `between halves` compares two lenses that were fitted on half of the text each; a difference as small as that is noise of the fit.
#
# The linear lens is nearer to the output at each of these layers.

# %% tags=["claims"]
{
    "The linear lens is nearer to the output at each of these layers": (
        (table["this lens"] < table["logit lens"]).loc[10:].all()
    ),
}

# %% [markdown]
# ## 2. Watch the answer move
#
# **Objective: read one experiment through two lenses.**
#
# The experiment is one that you know: from German to Chinese, where English rises in the middle layers.

# %%
plain = ll.run_experiment(model, "translation", "de", "zh", every=every)
linear = ll.run_experiment(model, "translation", "de", "zh", every=every, lens=lens)
two = ll.compare_lenses([plain, linear], [lens])

# %% tags=["predict"]
before, after = two["pivot_peak"]
choices = ["lower", "as high, within a tenth", "higher"]
found = choices[1]
if after < 0.9 * before:
    found = choices[0]
if after > 1.1 * before:
    found = choices[2]
question = "Through the linear lens, how high will the peak of English be?"
ll.predict(question, choices, found, f"{after:.1%}, and {before:.1%} through the logit lens.")

# %% tags=["predict"]
before, after = two["target_start"]
choices = ["at an earlier layer", "at the same layer", "at a later layer"]
found = choices[1]
if after != before:
    found = choices[0] if after < before else choices[2]
told = f"From layer {after} on, and from {before} through the logit lens."
ll.predict("And where will Chinese overtake English for good?", choices, found, told)

# %%
ll.plots.lens_panel([plain, linear], ["en", "zh"])

# %% [markdown]
# **What to notice.** The latents are the same, and the picture is another one.
# Through the linear lens English never gets above 4 %, and Chinese leads from layer 13 on, four layers earlier.
# Is the English of the first six notebooks an artefact, then?
#
# Not so fast.
# The linear lens was fitted to predict the *last* layer, so it may do a part of the work that the later layers do.
# That Chinese leads through it at layer 13 says: from this latent, Chinese *can be predicted*.
# It does not say that the Chinese word is there.

# %% tags=["claims"]
{
    "Through the linear lens English never gets above 4 %": (
        linear.probability["en"].mean(0).max() < 0.04
    ),
    "and Chinese leads from layer 13 on": two["target_start"]["linear"] == 13,
    "four layers earlier": two["target_start"].tolist() == [17, 13],
}

# %% [markdown]
# ### By hand
#
# A lens is one more line in the trace of notebook 2.

# %%
layer, first = 14, prompts[0]
with model.trace(first.text):
    output = model.traced.layers[layer - 1].output
    h = (output if isinstance(output, torch.Tensor) else output[0])[0, -1]
    mapped = lens.matrices[layer - 1].to(h) @ h  # the only new line
    logits = model.traced.lm_head(model.traced.final_norm(mapped[None, None]))
    logits = model.logit_transform(logits[0, 0]).float().cpu().save()
p = logits.softmax(-1)
rows = {"by hand": {code: p[sorted(ids)].sum().item() for code, ids in first.token_ids.items()}}
rows["library"] = {code: linear.probability[code][0, layer - 1].item() for code in rows["by hand"]}
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# ## Exercise 09.1 · Fit a lens by hand (6 minutes, medium)
#
# Write `fit_by_hand(x, y)`.
# Both are tensors `[n_tokens, d_model]`: the latents of a layer, and those of the last layer at the same tokens.
# Return the matrix M, `[d_model, d_model]`, for which M @ x[n] is nearest to y[n], by least squares over all n.
# `torch.linalg.lstsq(a, b).solution` is the s with the smallest ‖a s − b‖².


# %% tags=["stub"]
def fit_by_hand(x, y): ...


answer = ...  # write fit_by_hand, then replace the dots here by: fit_by_hand
ll.checks.exercise("09.1", answer)


# %% tags=["solution"]
def fit_by_hand(x, y):
    # The rows of x are latents, so lstsq finds s with x s ≈ y: M is s the other way round.
    return torch.linalg.lstsq(x, y).solution.T


ll.checks.exercise("09.1", fit_by_hand)

# %% tags=["right"]
[
    lambda x, y: torch.linalg.solve(x.T @ x, x.T @ y).T,
    lambda x, y: (torch.linalg.pinv(x) @ y).T.float(),
]

# %% tags=["wrong"]
{
    "the other way round": lambda x, y: torch.linalg.lstsq(x, y).solution,
    "from y to x": lambda x, y: torch.linalg.lstsq(y, x).solution.T,
    "with an intercept": lambda x, y: torch.linalg.lstsq(x - x.mean(0), y - y.mean(0)).solution.T,
    "the products alone": lambda x, y: x.T @ y,
    "no other matrix": lambda x, y: torch.eye(3),
    "fit_by_hand returns nothing": lambda x, y: None,
    "is a function": 3,
}

# %% [markdown]
# ## 3. A lens has a language
#
# **Objective: find out what the text of the fit decides.**
#
# The linear lens was fitted on sentences in 24 languages, Chinese among them.
# Fit it once more, on English sentences only, and read the same prompts.

# %% tags=["claims"]
{
    "sentences in 24 languages, Chinese among them": "the languages of the word list",
}

# %%
asked = {prompt.concept for prompt in prompts}
english = ll.load_words()["en"]
sentences = [
    sentence.replace("___", english[concept][0])
    for concept, sentence in ll.load_cloze("en").items()
    if concept not in asked
]
texts = [" ".join(sentences[n : n + 4]) for n in range(0, 120, 4)]  # 120 of them, to save time
in_english = ll.lenses.fit_linear(model, texts, progress=False)
through = ll.run_experiment(model, "translation", "de", "zh", every=every, lens=in_english)

# %% tags=["predict"]
height = through.probability["en"].mean(0).max().item()
choices = ["lower than through both", "between the two", "higher than through both"]
others = [run.probability["en"].mean(0).max().item() for run in (plain, linear)]
found = choices[1]
if height < min(others):
    found = choices[0]
if height > max(others):
    found = choices[2]
question = "Through the lens that knows English text only, how high will English rise?"
ll.predict(question, choices, found, f"{height:.1%}.")

# %%
fits = {"logit lens": plain, "fitted on 24 languages": linear, "fitted on English": through}
ll.plots.lens_panel(fits, ["en", "zh"])

# %% [markdown]
# **What to notice.** Three instruments, one set of latents, three stories.
# Through a lens that was fitted on English text, English rises far higher, and Chinese comes at the very end.
# The fit maps a latent to what usually follows in its *text*, and in this text all words are English.
# So a fitted lens speaks the languages that it was fitted on.
# What would you see through a lens that was fitted on all languages but Chinese?
# Fit it in a cell of your own: `ll.load_cloze(code)` has the sentences of a language.
#
# This is not a mistake in the fit: on held-out English text this lens is nearer to the output than the logit lens at each of the layers from 10 on.
# It is a mistake to take it as a neutral instrument.
# Published lenses are often fitted on English text alone.

# %% tags=["claims"]
{
    "at each of the layers from 10 on": (
        (in_english.quality["this lens"] < in_english.quality["logit lens"]).loc[10:].all()
    ),
}

# %% [markdown]
# ### Could any matrix do this?
#
# A matrix of 640 × 640 numbers has much freedom.
# Two controls show what it does without knowing anything:
#
# - *shuffled*: the same fit, but each latent is to predict the last latent of another token, drawn at random. This lens can only learn what is usual.
# - *rotated*: the maps of the linear lens, with all of their directions turned at random. They stretch as before, and point nowhere.

# %% tags=["claims"]
{
    "A matrix of 640 × 640 numbers": lens.matrices.shape[-1] == 640,
}

# %%
demo = ll.load_model("gemma-3-270m", stored=True)  # stored answers of the demo model
ask = {"task": "translation", "source": "de", "target": "zh", "every": 4}
turned = ll.decode(model, prompts[:10], lens=ll.lenses.rotated(lens), energy=False)
controls = [linear, turned, ll.run_experiment(demo, **ask, lens="linear-shuffled")]
highest = {}
for run in controls:  # the last layer is read as it is
    means = {code: run.probability[code].mean(0)[:-1] for code in ("en", "zh")}
    highest[run.lens] = {f"P({code}), highest": mean.max().item() for code, mean in means.items()}
highest = pd.DataFrame(highest).T
highest.round(4)

# %% [markdown]
# **What to notice.** Neither control shows either word with more than 1 %.
# So what the linear lens shows comes from what the fit has learned about these latents.

# %% tags=["claims"]
{
    "Neither control shows either word with more than 1 %": highest.iloc[1:].max().max() < 0.01,
}

# %% [markdown]
# ## 4. More lenses
#
# **Objective: compare instruments that assume different things.**
#
# - **Tuned lens**: a map per layer as well, with an offset, trained until its *output* is near the model's output (Belrose and others, 2023).
# - **Patchscope**: no map. The latent is put into another prompt, which asks the model to repeat a word, and the model's own later layers say what it is (Ghandeharioun and others, 2024).
#
# The tuned lens takes minutes to fit, so here are [stored answers](GLOSSARY.md) of the demo model.

# %%
names = [None, "linear", "tuned", "patchscope"]
german = [ll.run_experiment(demo, **ask, lens=name) for name in names]
ll.plots.lens_panel(german, ["de", "en", "zh"])

# %% [markdown]
# **What to notice.** All lenses but the logit lens show Chinese from layer 13 on, and nearly no English.
# For the Patchscope this is not a prediction of a fit: the model's own later layers, in another prompt, make the Chinese word from the latent of layer 13.
# You know this from notebook 7: put into another prompt, the latent brings both the language and the concept from layer 13 on.
#
# Before layer 13 no lens shows any of the three words with more than 5 %.

# %% tags=["claims"]
{
    "All lenses but the logit lens show Chinese from layer 13 on": all(
        run.between(13, 18).probability["zh"].mean(0).min() > 0.1 for run in german[1:]
    ),
    "and nearly no English": all(run.probability["en"].mean(0).max() < 0.03 for run in german[1:]),
    "from layer 13 on.\n": "notebook 7",
    "Before layer 13 no lens shows any of the three words with more than 5 %": all(
        run.between(1, 13 - 1).probability[code].mean(0).max() < 0.05
        for run in german
        for code in ("de", "en", "zh")
    ),
}

# %%
tables = {}
for source in ("de", "fr", "ru"):
    runs = [ll.run_experiment(demo, **{**ask, "source": source}, lens=name) for name in names]
    tables[f"{source} → zh"] = ll.compare_lenses(runs)
agreement = pd.concat(tables, names=["pair"])
columns = ["target_start", "target_lower", "target_upper"]
columns += ["pivot_peak", "lower", "upper", "at_layer"]
agreement[columns].round(3)

# %% [markdown]
# **What to notice.** `target_start` is the layer from which Chinese is above English and above 5 % to the end, with its 95 % interval; `pivot_peak` is the highest mean of P(English).
# The three pairs agree: every lens but the logit lens puts Chinese ahead at layer 13 or 14, and English below 2 %.
# The logit lens does so later, at 15 or 17.
# So *where Chinese overtakes* and *how high English rises* depend on the lens.

# %% tags=["claims"]
{
    "with its 95 % interval": "the name of an interval",
    "is above English and above 5 % to the end": "how a column is defined",
    "puts Chinese ahead at layer 13 or 14, and English below 2 %": (
        agreement.drop("logit", level="lens")["target_start"].isin([13, 14]).all()
        and agreement.drop("logit", level="lens")["pivot_peak"].max() < 0.02
    ),
    "later, at 15 or 17": (
        agreement.xs("logit", level="lens")["target_start"].isin([15, 17]).all()
    ),
}

# %% [markdown]
# ## 5. Without the preferences of the output layer
#
# **Objective: tell information from probability.**
#
# Every lens so far ends in the unembedding, which knows how frequent each word is.
# Perhaps English words win only because English is frequent.
#
# **Retrieval** takes this away.
# Take a latent of a prompt about a flower, and the English words of all concepts.
# From the log-probability of each word, subtract its mean over the prompts about *other* concepts.
# What is left says how much this prompt raises this word.
# If *flower* is raised the most, the concept is told by its English word.
# The same works with the Spanish words, or the Chinese ones.
# Chance is one over the number of concepts.

# %%
found = ll.run_retrieval(model, "translation", "ru", "zh", ["en", "es", "zh"], every=8)

# %% tags=["predict"]
last = found.to_frame().query("layer == layer.max()").set_index("language").retrieval
choices = ["in hardly more than by chance", "in fewer than half", "in more than half"]
answer = choices[2] if last["en"] > 0.5 else choices[1]
answer = choices[0] if last["en"] < 3 * found.chance else answer
question = (
    "At the last layer P(English) is near zero. In how many prompts do English words tell the "
)
question += f"concept there? (By chance in {found.chance:.0%}.)"
ll.predict(question, choices, answer, f"In {last['en']:.0%}; Chinese words in {last['zh']:.0%}.")

# %%
ll.plots.retrieval(found)

# %% [markdown]
# **What to notice.** At the last layer P(English) is near zero, and still the English words tell the concept in about 80 % of the prompts, as well as the Chinese words do.
# So late in the model English loses *probability*, and not *information*: the output layer is told to write Chinese, and the latent still tells the concept in any language.
#
# A thin dotted line is the ceiling of a language: how well its words tell the concept where the prompt shows the word itself.

# %% tags=["claims"]
{
    "At the last layer P(English) is near zero": found.probability["en"].mean(0)[-1] < 0.01,
    "the English words tell the concept in about 80 % of the prompts": (
        abs(found.retrieved["en"].mean(0)[-1] - 0.8) < 0.03
    ),
    "as well as the Chinese words do": (
        found.retrieved["en"].mean(0)[-1] > found.retrieved["zh"].mean(0)[-1] - 0.05
    ),
}

# %%
found.difference("en", "es").round(2).loc[10:]

# %% [markdown]
# Is English special among the languages that the prompt does not name?
# The table has retrieval by English words minus retrieval by Spanish words, inside each prompt, with a band of 95 % for all layers at once.
# English is ahead with certainty at layers 11, 13, 17 and 18.
# So a lead of English remains when the preferences of the output layer are taken away, at least over Spanish.
# It is one pair of languages and 45 prompts, and the model has read far more English than Spanish: a lead in information is not yet a pivot.

# %% tags=["claims"]
{
    "with a band of 95 % for all layers at once": "the name of a band",
    "ahead with certainty at layers 11, 13, 17 and 18": (
        found.difference("en", "es").query("lower > 0").index.tolist() == [11, 13, 17, 18]
    ),
    "one pair of languages and 45 prompts": len(found) == 45,
}

# %% [markdown]
# ## Exercise 09.2 · Tell the concept (6 minutes, medium)
#
# Write `tell(scores)`.
# `scores[i, j]` is the log-probability of word j in prompt i, and word n belongs to prompt n.
# Subtract from each word's numbers their mean over the prompts.
# Then return a list with one True or False per prompt: has its own word the largest number of all words?


# %% tags=["stub"]
def tell(scores): ...


answer = ...  # write tell, then replace the dots here by: tell
ll.checks.exercise("09.2", answer)


# %% tags=["solution"]
def tell(scores):
    # The mean of a word over prompts is the mean of its column.
    raised = scores - scores.mean(0)
    return [int(row.argmax()) == n for n, row in enumerate(raised)]


ll.checks.exercise("09.2", tell)

# %% tags=["right"]
[
    lambda scores: (scores - scores.mean(0)).argmax(1) == torch.arange(len(scores)),
    lambda scores: [
        bool(row.argmax() == n)
        for n, row in enumerate(scores - (scores.sum(0) - scores) / (len(scores) - 1))
    ],
]

# %% tags=["wrong"]
{
    "takes the most probable word": lambda scores: (
        scores.argmax(1) == torch.arange(len(scores))
    ).tolist(),
    "inside each prompt": lambda scores: (scores.argmax(0) == torch.arange(len(scores))).tolist(),
    "other way round": lambda scores: [
        int(row.argmax()) != n for n, row in enumerate(scores - scores.mean(0))
    ],
    "subtract from each column": lambda scores: [True],
    "return a list": lambda scores: 1.5,
    "returns nothing": lambda scores: None,
    "is a function": [True],
}

# %% [markdown]
# ## 6. The Jacobian lens on a toy
#
# **Objective: know what a mean of derivatives is.**
#
# A block adds to its latent: h becomes h + f(h).
# If f is a matrix W, the derivative of the whole is I + W, everywhere.
# In a model f is not linear, so the derivative differs from latent to latent, and the Jacobian lens takes the mean over many.
#
# Here is a block with latents of one number, h + 2 tanh(h), and 40 latents in two groups.
# The linear lens draws the line (through zero) that is nearest to all points.
# The Jacobian lens draws the line whose slope is the mean of the slopes at the points.

# %% tags=["claims"]
{
    "h + 2 tanh(h), and 40 latents": "an example",
}

# %%
noise = torch.randn(40, generator=torch.Generator().manual_seed(0))
h = 2 * torch.tensor([-1.0, 1.0]).repeat(20) + 0.4 * noise
after = h + 2 * h.tanh()
slopes = 1 + 2 / h.cosh() ** 2  # the derivative of h + 2 tanh(h)
by_lens = {"linear lens": (h @ after / (h @ h)).item(), "Jacobian lens": slopes.mean().item()}

# %%
toy = go.Figure(layout={"height": 360, "title": "The same latents, two slopes"})
points = {"mode": "markers", "name": "latents", "marker": {"color": "#5F6B7A"}}
toy.add_scatter(x=h.tolist(), y=after.tolist(), **points)
ends = [-3.0, 3.0]
for (name, slope), color in zip(by_lens.items(), ("#0072B2", "#C05200")):
    said = f"{name}: {slope:.2f}"
    toy.add_scatter(x=ends, y=[slope * end for end in ends], name=said, line={"color": color})
toy.update_xaxes(title_text="latent before the block")
toy.update_yaxes(title_text="latent after the block")
toy

# %% [markdown]
# **What to notice.** The linear lens runs through both groups, so it tells best where a latent goes.
# The Jacobian lens has a smaller slope: inside a group, a small change of the latent changes little behind the block.
# Neither of them is wrong, because they answer different questions.
# *What can be predicted from this latent?* is that of the linear lens, and *what would a small change of it change?* that of the Jacobian lens.

# %% [markdown]
# ## Exercise 09.3 · Two blocks (5 minutes, medium)
#
# The first block is h + A h, the second one is h + B h, with A = [[0, 1], [0, 0]] and B = [[1, 0], [1, 0]].
# Give the Jacobian of both together, a tensor of 2 × 2 numbers: how the latent after the second block changes with the latent before the first one.

# %% tags=["claims"]
{
    "with A = [[0, 1], [0, 0]] and B = [[1, 0], [1, 0]]": "an exercise",
    "a tensor of 2 × 2 numbers": "an exercise",
}

# %% tags=["stub"]
answer = ...  # torch.tensor([[.., ..], [.., ..]])
ll.checks.exercise("09.3", answer)

# %% tags=["solution"]
# The chain rule: the derivative of the second block times that of the first one.
A, B = torch.tensor([[0.0, 1.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
answer = (torch.eye(2) + B) @ (torch.eye(2) + A)
ll.checks.exercise("09.3", answer)

# %% tags=["wrong"]
{
    "B's factor stands at the left": torch.tensor([[3.0, 1.0], [1.0, 1.0]]),
    "A block adds to the latent": torch.tensor([[0.0, 1.0], [0.0, 1.0]]),
    "leaves out": torch.tensor([[2.0, 1.0], [1.0, 1.0]]),
    "the first block alone": torch.tensor([[1.0, 1.0], [0.0, 1.0]]),
    "the second block alone": torch.tensor([[2.0, 0.0], [1.0, 1.0]]),
    "Multiply the derivatives": torch.zeros(2, 2),
    "return a tensor": "I + A + B",
}

# %% [markdown]
# ## 7. What survives every lens
#
# **Objective: sort the findings of the course.**
#
# Here are four statements of this course, and whether each lens bears them out, in the demo model and for the pairs of section 4.
# Before you run the cell, guess which columns say *yes* in all rows.


# %%
def says(run):
    """Return which statements a run bears out, by its mean curves below the last layer."""
    codes = (run.source, "en", run.target)
    source, english, target = (run.probability[code].mean(0)[:-1] for code in codes)
    peaks = [curve.argmax().item() for curve in (source, english, target)]
    return {
        "English leads, above 5 %": bool(((english > target) & (english > 0.05)).any()),
        "source above target, layer 13": bool(source[12] > target[12]),
        "below 5 % up to layer 11": all(curve[:11].max() < 0.05 for curve in (source, target)),
        "peaks: source, English, target": peaks == sorted(peaks),
    }


# %%
columns = {}
for source in ("de", "fr", "ru"):
    for name in names:
        run = ll.run_experiment(demo, **{**ask, "source": source}, lens=name)
        columns[f"{source} → zh", run.lens] = says(run)
survey = pd.DataFrame(columns).T
survey.replace({True: "yes", False: "no"})

# %% [markdown]
# **What to notice.** The headline of the first notebooks is the one that does not survive: English leads the target through the logit lens alone.
# Whether the source word is above the target at layer 13 depends on the lens and on the pair.
#
# Two statements survive all four lenses and all three pairs.
# Up to layer 11 no lens reads either word.
# And the *order* stays: the source word peaks first or with English, and Chinese last.
# Through some lenses the peak of English is below 1 %, so this is an order, not an importance.

# %% tags=["claims"]
{
    "English leads the target through the logit lens alone": (
        survey.iloc[:, 0].xs("logit", level=1).all()
        and not survey.iloc[:, 0].drop("logit", level=1).any()
    ),
    "Whether the source word is above the target at layer 13 depends on the lens": (
        0 < survey["source above target, layer 13"].sum() < len(survey)
    ),
    "Up to layer 11 no lens reads either word": survey["below 5 % up to layer 11"].all(),
    "And the *order* stays": survey["peaks: source, English, target"].all(),
    "the peak of English is below 1 %": (agreement["pivot_peak"] < 0.01).any(),
}

# %% [markdown]
# A sentence that you may write: **in this model the English peak belongs to the logit lens and to a lens fitted on English; lenses fitted on many languages, Chinese among them, and the model's own later layers, go from the source word to the Chinese one, with next to no English between.**
# It is a sentence about readings.
# What the model *uses*, you asked in notebooks 7 and 8.

# %% [markdown]
# ## Exercise 09.4 · Your own pair (10 minutes, open)
#
# Read another pair of languages, not of English, through the logit lens and through the linear lens of section 1, about at least ten concepts.
# `answer` is the list of the two runs.
# Which of the findings of section 2 do you see again, and which would you not report?

# %% tags=["claims"]
{
    "about at least ten concepts": "the rule of the check",
}

# %% tags=["stub"]
answer = ...  # [ll.run_experiment(model, "translation", "..", "..", every=8), ...]
ll.checks.exercise("09.4", answer)

# %% tags=["solution"]
# Report both lenses. What differs between them is said of the lens, and not of the model.
own = {"task": "translation", "source": "es", "target": "zh", "every": 8}
answer = [ll.run_experiment(model, **own), ll.run_experiment(model, **own, lens=lens)]
ll.checks.exercise("09.4", answer)

# %% tags=["wrong"]
{
    "This notebook shows that pair": [plain, linear],
    "Two runs, please": [*answer, plain],
    "One run is of the logit lens": [answer[0], answer[0]],
    "too few to tell": [each[:4] for each in answer],
    "differ in their prompts": [answer[0], linear],
    "is a list of two runs": plain,
    "The answer is a run": [1, 2],
}

# %% [markdown]
# ## 8. Try it
#
# **Question to answer with the widget:** choose a word, then change the lens.
# Which of the words in the middle layers change, and which stay?

# %%
display(ll.explore.prompt(model, source="de"))

# %% [markdown]
# ## What this does not show
#
# - A lens that is fitted shows what *can be predicted* from a latent. That the model uses it is another question (notebooks 7 and 8).
# - The lenses here but for the Patchscope are linear or affine maps, and all end in the same unembedding.
# - The text of the fit is the course's own sentences, with their words in quotation marks. Another text would give another lens (section 3), and the difference `between halves` does not show that: both halves are of the same kind.

# %% [markdown]
# ## Recap
#
# - The logit lens assumes that middle layers write as the last one does. A fitted lens assumes less, and depends on its text.
# - Through lenses fitted on many languages, and through the Patchscope, Chinese leads from layer 13 on, with next to no English. Through a lens fitted on English text, English rises higher than ever.
# - Retrieval tells information from probability: late in the model, English words tell the concept as well as Chinese ones.
# - Report a finding with its lens, and with at least one other.
#
# **Further reading:** Belrose and others, [Eliciting Latent Predictions with the Tuned Lens](https://doi.org/10.48550/arXiv.2303.08112) (2023); Din and others, [Jump to Conclusions](https://doi.org/10.48550/arXiv.2303.09435) (2023); Ghandeharioun and others, [Patchscopes](https://doi.org/10.48550/arXiv.2401.06102) (2024); Gurnee and others, [the Jacobian lens](https://doi.org/10.48550/arXiv.2607.15495) (2026).

# %% tags=["claims"]
{
    "(2023)": "a year",
    "(2024)": "a year",
    "(2026)": "a year",
}
