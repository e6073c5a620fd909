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
# - see how the peak of English, and the first layer that leads with Chinese, depend on the lens;
# - compare more lenses, such as a [tuned lens](GLOSSARY.md) and the [Patchscope](GLOSSARY.md), and [controls](GLOSSARY.md);
# - ask which concept a latent holds, without an advantage for frequent words ([retrieval](GLOSSARY.md));
# - say which findings of this course survive every lens.
#
# **You need** notebooks 2 and 3, section 2 of notebook 4, and matrices times vectors; for section 6, derivatives.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 80 minutes to work through.
# The cells run for two to three minutes on two CPU cores the first time.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "about 80 minutes to work through": "an estimate for a lesson",
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
# **Objective: see why a lens may miss a word that is there.**
#
# The logit lens sends a latent of a middle layer through the final norm and the [unembedding](GLOSSARY.md), which were trained on the latents of the *last* layer.
# So it assumes that a middle layer writes a word in the same directions as the last layer does.
# If that is wrong, the word may be there, but the lens shows another word, or none.
#
# A fitted lens assumes less.
# It first multiplies the latent by a matrix M; each layer has its own.
# The norm and the unembedding stay as they are.

# %% [markdown]
# The **linear lens** takes many tokens of text.
# At each token, h is the latent of the middle layer and h(last) that of the last layer.
# M is the matrix for which M h is nearest to h(last): the sum of ‖M h − h(last)‖² over all tokens is smallest (least squares; Din and others, 2023).
#
# Which text?
# Here the lens is fitted on [cloze](GLOSSARY.md) sentences in all languages of the course, with their gaps filled.
# Sentences about the concepts of your prompts are left out (`exclude=prompts`), because the lens must not see the answers.

# %%
prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)
prompts = prompts.about(ll.load_words().index[::every])
lens = ll.lenses.fit_linear(model, exclude=prompts, progress=False)
table = lens.quality.round(2)
table.loc[10:]

# %% [markdown]
# The table is measured on text that was kept out of the fit (*held-out* text).
#
# - `logit lens` and `this lens` say how far each lens is from the model's own output, as a [KL divergence](GLOSSARY.md) in nats: 0 means the same as the output.
# - `between halves` compares two lenses, each fitted on one half of the text. A difference as small as this is noise of the fit.
# - `penalty` is a setting of the fit: a larger penalty keeps the numbers in M smaller.
#
# The linear lens is nearer to the output at each of these layers.

# %% tags=["claims"]
{
    "0 means the same as the output": "a definition",
    "The linear lens is nearer to the output at each of these layers": (
        (table["this lens"] < table["logit lens"]).loc[10:].all()
    ),
}

# %% [markdown]
# **Question.** Why does the text of the fit leave out the concepts of the prompts?
#
# <details><summary>Answer</summary>
#
# The matrix could learn to lead these latents to these very words.
# The lens would then show what it remembers of its text, and not what the latent of the prompt holds.
#
# </details>

# %% [markdown]
# ## 2. Watch the answer move
#
# **Objective: read one experiment through two lenses.**
#
# You know this experiment: from German to Chinese, where English rises in the middle layers.

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
# **What to notice.** The latents are the same, but the two panels differ.
# In each panel, the shading begins at the layer from which Chinese leads to the end.
# Through the linear lens English never gets above 4 %, and Chinese leads from layer 13 on, four layers earlier.
# Was the English of the first six notebooks only a product of the logit lens?
#
# That does not follow.
# The linear lens was fitted to predict the *last* layer, so it may do a part of the work that the later layers do.
# Through it Chinese leads at earlier layers, so Chinese *can be predicted* from their latents.
# This does not show that the Chinese word is already there.

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
# In the trace of notebook 2, a fitted lens needs one new line: the latent is multiplied by the matrix of its layer.
# Compare the two rows of the table: they should be the same, up to rounding.

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
# **Question.** Both panels read the same latents.
# Which of them shows what the model thinks?
#
# <details><summary>Answer</summary>
#
# Neither does, on its own.
# The logit lens shows what the output layer makes of a latent as it is.
# The linear lens shows what can be predicted from it.
# What the model *uses* is a question for notebooks 7 and 8.
#
# </details>

# %% [markdown]
# ## Exercise 09.1 · Fit a lens by hand (6 minutes, medium)
#
# Write `fit_by_hand(x, y)`.
# Both are tensors `[n_tokens, d_model]`: the latents of a layer, and those of the last layer at the same tokens.
# Return the matrix M, `[d_model, d_model]`, for which the sum of ‖M @ x[n] − y[n]‖² over all tokens n is smallest.
# Use x and y as they are: do not subtract their means.
#
# `torch.linalg.lstsq(a, b).solution` is the matrix s for which ‖a @ s − b‖² is smallest.
# In a @ s the matrix s stands on the right, and in M @ x[n] the matrix M stands on the left.


# %% tags=["stub"]
def fit_by_hand(x, y): ...


answer = ...  # write fit_by_hand, then replace the dots here by: fit_by_hand
ll.checks.exercise("09.1", answer)


# %% tags=["solution"]
def fit_by_hand(x, y):
    # The rows of x are latents, so lstsq finds s with x @ s ≈ y. M is the transpose of s.
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
    "smallest sum of squares": lambda x, y: torch.eye(3),
    "fit_by_hand returns nothing": lambda x, y: None,
    "is a function": 3,
}

# %% [markdown]
# ## 3. A lens has a language
#
# **Objective: find out how the text of the fit changes what a lens shows.**
#
# The linear lens was fitted on sentences in 24 languages, Chinese among them.
# Fit a second one on English sentences only, and read the same prompts through it.

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
texts = [" ".join(sentences[n : n + 4]) for n in range(0, 120, 4)]  # 120 sentences, to save time
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
# **What to notice.** The latents are the same, but the three panels differ.
# Through the lens fitted on English text, English rises far higher, and Chinese comes at the very end.
# The fit maps a latent to what usually follows in its *text*, and in this text all words are English.
# So a fitted lens tends to show the languages that it was fitted on.
# (This lens has also seen less text; the figure does not separate the two.)
# What would a lens fitted on all languages but Chinese show?
# Fit it in a cell of your own: `ll.load_cloze(code)` has the sentences of a language.
#
# The fit itself is sound: on held-out English text this lens is nearer to the output than the logit lens at each of the layers from 10 on.
# But it is not neutral.
# Neuronpedia's Jacobian lens of this very model was fitted on English text.

# %% tags=["claims"]
{
    "at each of the layers from 10 on": (
        (in_english.quality["this lens"] < in_english.quality["logit lens"]).loc[10:].all()
    ),
}

# %% [markdown]
# ### Could any matrix do this?
#
# A matrix of 640 × 640 numbers can be fitted to many things.
# Two controls show what such a matrix does if it knows nothing about the single latent:
#
# - *shuffled*: the same fit, but each latent must predict the last layer's latent at another token, drawn at random. This lens can only learn which latents are usual.
# - *rotated*: the matrices of the linear lens, with their directions turned at random. They stretch as much as before, but in random directions.

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
# **What to notice.** The first row is the linear lens itself, for comparison.
# Neither control shows either word with more than 1 %.
# So what the linear lens shows comes from what the fit has learned about these latents.

# %% tags=["claims"]
{
    "Neither control shows either word with more than 1 %": highest.iloc[1:].max().max() < 0.01,
}

# %% [markdown]
# **Question.** Someone fits a lens on Chinese sentences, and reports Chinese in the middle layers.
# What do you ask for?
#
# <details><summary>Answer</summary>
#
# A lens with text of other languages, over the same latents.
# If Chinese goes away with it, the finding belongs to the text of the fit.
#
# </details>

# %% [markdown]
# ## 4. More lenses
#
# **Objective: compare instruments that assume different things.**
#
# - **Tuned lens**: it also has a matrix per layer, and adds a vector (the *offset*). Both are trained until the *output* of the lens is near the model's output (Belrose and others, 2023).
# - **Patchscope**: it has no matrix. Another prompt asks the model to repeat a word, with lines such as `cat -> cat`. The latent replaces the latent of that prompt's last token, at the same layer. Then the model's own later layers run, and you read which word they write (Ghandeharioun and others, 2024).
#
# The tuned lens takes minutes to fit, so here are [stored answers](GLOSSARY.md) of the demo model.

# %%
names = [None, "linear", "tuned", "patchscope"]
german = [ll.run_experiment(demo, **ask, lens=name) for name in names]
ll.plots.lens_panel(german, ["de", "en", "zh"])

# %% [markdown]
# **What to notice.** Of these four lenses, all but the logit lens show Chinese from layer 13 on, and nearly no English.
# The Patchscope is not fitted: the model's own later layers, in another prompt, make the Chinese word from the latent of layer 13.
# This agrees with notebook 7: put into another prompt, the latent brings both the language and the concept from layer 13 on.
#
# Before layer 13 no lens shows any of the three words with more than 5 % (on average).

# %% tags=["claims"]
{
    "all but the logit lens show Chinese from layer 13 on": all(
        run.between(13, 18).probability["zh"].mean(0).min() > 0.1 for run in german[1:]
    ),
    "and nearly no English": all(run.probability["en"].mean(0).max() < 0.03 for run in german[1:]),
    "make the Chinese word from the latent of layer 13": (
        german[-1].probability["zh"].mean(0)[13 - 1] > 0.1
    ),
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
# How to read the table:
#
# - `target_start` is the layer from which Chinese is above English and above 5 % to the end, with its 95 % interval, from `target_lower` to `target_upper`.
# - `pivot_peak` is the highest mean of P(English), with its interval from `lower` to `upper`; `at_layer` is its layer.
#
# **What to notice.** The three pairs agree: each of the four lenses but the logit lens puts Chinese ahead at layer 13 or 14, and English below 2 %.
# Through the logit lens Chinese gets ahead later, at 15 or 17.
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
# ### Your word
#
# Read the word that you chose in notebook 1 through two lenses.
# The second one is the Patchscope: it is not fitted, so it has not seen your word in any text.

# %%
my_word = ll.my_word()  # on another machine: ll.my_word("the line that you copied")
my_ask = {"source": my_word.source, "target": my_word.target, "concepts": my_word.concept}
my_lenses = [
    ll.run_experiment(model, "translation", **my_ask, lens=name) for name in (None, "patchscope")
]
my_english = [run.probability["en"].mean(0).max() for run in (my_lenses[-1], german[-1])]
print(my_word.note(9, *my_english))
ll.plots.lens_panel(my_lenses, [my_word.source, "en", my_word.target])

# %% [markdown]
# **What to notice.** Do both lenses show the answer from the same layer on?
# The printed line has the highest P(English) in the Patchscope: for your word, and for the mean from German to Chinese.

# %% [markdown]
# ### A larger model
#
# From French to German, Qwen2.5-Coder 1.5B Instruct is the clearest case of the course for English in the middle (notebook 4).
# Here is the same, from stored answers, through four lenses.

# %% tags=["claims"]
{
    "Qwen2.5-Coder 1.5B Instruct is the clearest case": "the name of a model",
}

# %%
qwen = ll.load_model("qwen2.5-coder-1.5b-instruct", stored=True)
ask_qwen = {"task": "translation", "source": "fr", "target": "de", "every": 4}
qwen_runs = [ll.run_experiment(qwen, **ask_qwen, lens=name) for name in names]
ll.plots.lens_panel(qwen_runs, ["fr", "en", "de"])

# %%
qwen_table = ll.compare_lenses(qwen_runs)
qwen_table[columns].round(3)

# %% [markdown]
# **What to notice.** Through the logit lens English reaches 24 % and leads.
# Through the linear and the tuned lens it peaks at 5 % and is behind German there: German is ahead from layer 24 on, and not from 27.
# In the Patchscope there is no English at all (0.1 %), and German is nearly as probable from layer 21 on as at the end.
# So in this model too the height of English, and the layer of the handover, depend on the lens.

# %% tags=["claims"]
{
    "Through the logit lens English reaches 24 % and leads": (
        round(qwen_table.pivot_peak["logit"], 2) == 0.24
        and (qwen_runs[0].probability["en"] > qwen_runs[0].probability["de"]).double().mean() > 0
        and qwen_table.target_start["logit"] == 27
    ),
    "it peaks at 5 % and is behind German there": all(
        round(qwen_table.pivot_peak[lens], 2) == 0.05
        and (run.probability["en"] - run.probability["de"]).mean(0)[qwen_table.at_layer[lens] - 1]
        < 0
        for lens, run in zip(("linear", "tuned"), qwen_runs[1:3])
    ),
    "German is ahead from layer 24 on, and not from 27": (
        qwen_table.target_start[["logit", "linear", "tuned"]].tolist() == [27, 24, 24]
    ),
    "no English at all (0.1 %), and German is nearly as probable from layer 21 on": (
        round(qwen_table.pivot_peak["patchscope"], 3) == 0.001
        and qwen_table.target_start["patchscope"] == 21
        and qwen_runs[3].between(21, 28).probability["de"].mean(0).min()
        > 0.75 * qwen_runs[3].probability["de"].mean(0)[-1]
    ),
}

# %% [markdown]
# **Question.** The Patchscope is not fitted, and agrees with the fitted lenses.
# What does it not show?
#
# <details><summary>Answer</summary>
#
# It runs the model's own later layers, in another prompt.
# So it shows what these layers can make of the latent, and not that the word was there before them.
#
# </details>

# %% [markdown]
# ## 5. Without the preferences of the output layer
#
# **Objective: distinguish information from probability.**
#
# Every lens so far ends in the unembedding, and the unembedding may prefer frequent words.
# Perhaps English words win only because English is frequent.
#
# **Retrieval** takes this advantage away.
# Take a latent of a prompt about a flower, and the English words of all concepts.
# From the log-probability of each word, subtract the mean that the *same* word has in all other prompts.
# What is left says how much this prompt raises this word.
# If *flower* is raised more than every other word, the English words **tell the concept**: you can find the right concept with them.
# The same works with the Spanish words, or the Chinese ones.
#
# Retrieval is the share of prompts in which this happens.
# By chance it is one divided by the number of concepts.

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
# So late in the model English loses *probability*, but not *information*: the probability goes to Chinese words, and the differences between English words still tell the concept.
#
# A thin dotted line is the ceiling of a language: retrieval with repetition prompts, which show the word itself.
# The grey dotted line is chance.

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
# The table has retrieval by English words minus retrieval by Spanish words, taken inside each prompt.
# `lower` and `upper` are the ends of a band of 95 % for all layers at once (notebook 4, section 2).
# Where `lower` is above zero, English is ahead with certainty: at layers 11, 13, 17 and 18.
# So a lead of English over Spanish remains when the preferences of the output layer are taken away.
#
# But these are 45 words, and other words may say something else.
# Here is the same for all concepts of the list whose words differ in seven languages, measured once on the demo model.
# `en_minus` is retrieval by English words minus retrieval by Spanish words, with its band from `minus_lower` to `minus_upper`.

# %% tags=["claims"]
{
    "a band of 95 % for all layers at once": "the name of a band",
    "ahead with certainty: at layers 11, 13, 17 and 18": (
        found.difference("en", "es").query("lower > 0").index.tolist() == [11, 13, 17, 18]
    ),
    "But these are 45 words, and other": len(found) == 45,
    "whose words differ in seven languages": (
        ll.data.results("retrieval").groupby("pair").language.nunique() == 7
    ).all(),
}

# %%
wide = ll.data.results("retrieval").query("language == 'es' and layer >= 11")
columns = ["n", "en_minus", "minus_lower", "minus_upper"]
wide.pivot(index="layer", columns="pair", values=columns).swaplevel(axis=1).sort_index(axis=1)

# %% [markdown]
# **What to notice.** From Russian, with these words, English is surely ahead at layers 11, 12, 17 and 18, and its lead at 13 is gone (0.02).
# From German it is ahead at 11, 12, 14, 17 and 18.
# So English is ahead of Spanish from both sources, but a single layer of a single set of words is not a safe place to look for it.
#
# And the model has probably read far more English than Spanish.
# A lead in information does not show that English is a pivot.

# %% tags=["claims"]
{
    "ahead at layers 11, 12, 17 and 18, and its lead at 13 is gone (0.02)": (
        wide.query("pair == 'ru → zh' and minus_lower > 0").layer.tolist() == [11, 12, 17, 18]
        and wide.query("pair == 'ru → zh' and layer == 13").en_minus.round(2).item() == 0.02
    ),
    "From German it is ahead at 11, 12, 14, 17 and 18": (
        wide.query("pair == 'de → zh' and minus_lower > 0").layer.tolist() == [11, 12, 14, 17, 18]
    ),
}

# %% [markdown]
# **Question.** At some layers English words tell the concept better than Spanish ones.
# Which reason, other than a pivot, can you name?
#
# <details><summary>Answer</summary>
#
# The model has probably read far more English, so it may know these words better.
# Then they tell more concepts in any task: the ceilings show how well each language does when its word is in the prompt.
#
# </details>

# %% [markdown]
# ## Exercise 09.2 · Tell the concept (6 minutes, medium)
#
# Write `tell(scores)`.
# `scores[i, j]` is the log-probability of word j in prompt i, and word n is the right word of prompt n.
# So a row is a prompt, and a column is a word.
#
# First subtract from each number the mean of its word over all prompts.
# (The mean over all *other* prompts, as above, gives the same answers.)
# Then return a list with one value per prompt: True if the right word of the prompt now has the largest number of all words in this prompt, and False if not.


# %% tags=["stub"]
def tell(scores): ...


answer = ...  # write tell, then replace the dots here by: tell
ll.checks.exercise("09.2", answer)


# %% tags=["solution"]
def tell(scores):
    # The mean of a word over all prompts is the mean of its column.
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
# The [Jacobian lens](GLOSSARY.md) also has a matrix per layer, but does not fit it to a prediction.
# Its matrix says how the last latent changes if the latent of this layer changes a little: a derivative (for vectors, this is a matrix, the *Jacobian*).
#
# A block adds to its latent: h becomes h + f(h).
# If f(h) = W h with a matrix W, the derivative is I + W at every latent (I is the identity matrix).
# In a model f is not linear, so the derivative differs from latent to latent, and the lens takes the mean over many latents.

# %% [markdown]
# In this toy a latent is one number, the block makes h + 2 tanh(h) of it, and 40 latents lie in two groups.
# The linear lens is the line through zero that is nearest to all points.
# The Jacobian lens is the line through zero whose slope is the mean of the slopes at the points.

# %% tags=["claims"]
{
    "h + 2 tanh(h) of it, and 40 latents": "an example",
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
# **What to notice.** The line of the linear lens runs through both groups, so it predicts best where a latent goes.
# The line of the Jacobian lens has a smaller slope: inside a group, a small change before the block changes little after the block.
# Neither of them is wrong, because they answer different questions:
#
# - the linear lens: *what can be predicted from this latent?*
# - the Jacobian lens: *what happens later if this latent changes a little?*

# %% [markdown]
# ### The Jacobian lens of a whole model
#
# For the demo model it was fitted on a fifth of the text of section 1, sentences in 24 languages again.
# It multiplies the latent by the mean derivative; the norm and the unembedding follow, as for every lens.
# It was never asked to predict the output.
# The fit takes most of an hour, so here are [stored answers](GLOSSARY.md).

# %% tags=["claims"]
{
    "sentences in 24 languages again": "the languages of the word list",
}

# %%
jacobian = ll.run_experiment(demo, **ask, lens="jacobian")

# %% tags=["predict"]
height = jacobian.probability["en"].mean(0).max().item()
choices = ["lower than through the linear lens", "between linear and logit lens"]
choices += ["higher than through the logit lens"]
below_above = [run.probability["en"].mean(0).max().item() for run in (german[1], german[0])]
risen = choices[1]
if height < below_above[0]:
    risen = choices[0]
if height > below_above[1]:
    risen = choices[2]
question = "From German to Chinese, how high will English rise through the Jacobian lens?"
ll.predict(question, choices, risen, f"{height:.1%}.")

# %%
ll.plots.lens_panel([german[0], german[1], jacobian], ["de", "en", "zh"])

# %% [markdown]
# **What to notice.** Through the Jacobian lens English reaches 24 %, more than twice the height of the logit lens, and leads at layers 13 and 14.
# It is the right English word: the English words of other concepts stay below 0.2 %.
# Without near and identical cognates it is still 21 %.
#
# So a lens that has read 24 languages can show much English.
# The two lenses answer different questions, as in the toy.
# From layer 13 Chinese *can be predicted*, so the linear lens shows it.
# But a small step in the direction of the latent of layer 13 would, *by the mean derivative*, raise the English word at the end, so the Jacobian lens shows English.
# Neither says what the model does with these very latents: later layers may turn the English word into the Chinese one, or take it away.

# %% tags=["claims"]
{
    "reaches 24 %, more than twice the height of the logit lens, and leads at layers 13 and 14": (
        round(height, 2) == 0.24
        and height > 2 * german[0].probability["en"].mean(0).max().item()
        and [
            layer
            for layer, en, de, zh in zip(
                jacobian.layers, *(jacobian.probability[c].mean(0) for c in ("en", "de", "zh"))
            )
            if en > max(de, zh) and en > 0.05
        ]
        == [13, 14]
    ),
    "the English words of other concepts stay below 0.2 %": (
        jacobian.probability["other:en"].mean(0).max() < 0.002
    ),
    "Without near and identical cognates it is still 21 %": (
        round(jacobian.without_cognates().probability["en"].mean(0).max().item(), 2) == 0.21
    ),
    "that has read 24 languages can show": "the languages of the word list",
    "From layer 13 Chinese *can be predicted*": german[1].probability["zh"].mean(0)[13 - 1] > 0.1,
    "in the direction of the latent of layer 13 would": jacobian.probability["en"].mean(0)[13 - 1]
    > 0.2,
}

# %% [markdown]
# How far is each lens from the model's output?
# The table has the KL divergence on held-out text, as in section 1, and for two lenses also that between two fits on half of the text each (*halves*).

# %%
distances = ll.data.results("lenses").pivot(index="layer", columns="lens")
shown = distances["kl_lens"][["linear", "tuned", "jacobian"]]
shown.insert(0, "logit", distances["kl_logit"]["linear"])
shown["tuned, halves"] = distances["kl_halves"]["tuned"]
shown["jacobian, halves"] = distances["kl_halves"]["jacobian"]
shown.loc[9:].round(2)

# %% [markdown]
# **What to notice.** The Jacobian lens is not nearer to the output than the logit lens, except at layers 14 and 15: it is not made to be.
# From layer 12 on, two Jacobian lenses that were fitted on half of the text each differ far less than two such tuned lenses do.
# So this table says how well a lens predicts, and not whether it is right.
# (The Jacobian lens was measured on other held-out tokens than the rest.)

# %% tags=["claims"]
{
    "except at layers 14 and 15": (
        shown.index[(shown["jacobian"] < shown["logit"]) & (shown.index > 8)].tolist() == [14, 15]
    ),
    "From layer 12 on, two Jacobian lenses": (
        (shown["jacobian, halves"] < 0.2 * shown["tuned, halves"]).loc[12:].all()
    ),
}

# %% [markdown]
# **Question.** At one layer the linear lens shows Chinese, and the Jacobian lens shows English.
# Is one of them wrong?
#
# <details><summary>Answer</summary>
#
# Neither need be wrong, because they answer different questions.
# Chinese can be predicted from the latent, while a small step along it would raise English at the end.
#
# </details>

# %% [markdown]
# ## Exercise 09.3 · Two blocks (5 minutes, medium)
#
# Now a latent is a vector h of two numbers.
# The first block turns h into h + A h, and the second block turns what it gets, again called h, into h + B h, with A = [[0, 1], [0, 0]] and B = [[1, 0], [1, 0]].
# Give the Jacobian of both blocks together, a tensor of 2 × 2 numbers: the derivative of the latent after the second block with respect to the latent before the first block.

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
# The table below has one row per pair of section 4 and lens, the Jacobian lens among them, in the demo model, and one column per statement:
#
# - `English leads, above 5 %`: at some layer, English is above Chinese and above 5 %.
# - `source above target, layer 13`: at layer 13, the source word is above the Chinese word.
# - `below 5 % up to layer 11`: up to layer 11, both words stay below 5 %.
# - `peaks: source, English, target`: the source word peaks first, then English, then Chinese (or at the same layer).
#
# It says *yes* where the curves agree with the statement.
# Before you run the cells, guess which columns say *yes* in all rows.

# %% tags=["claims"]
{
    "English is above Chinese and above 5 %": "how a column is defined",
    "at layer 13, the source word is above the Chinese word": "how a column is defined",
    "up to layer 11, both words stay below 5 %": "how a column is defined",
}


# %%
def says(run):
    """Return which statements a run agrees with, by its mean curves below the last layer."""
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
    for name in [*names, "jacobian"]:
        run = ll.run_experiment(demo, **{**ask, "source": source}, lens=name)
        columns[f"{source} → zh", run.lens] = says(run)
survey = pd.DataFrame(columns).T
survey.replace({True: "yes", False: "no"})

# %% [markdown]
# **What to notice.** The main finding of the first notebooks depends on the lens: English leads the target through the logit lens and the Jacobian lens, for all three pairs, and through none of the other lenses.
# Whether the source word is above the target at layer 13 depends on the lens and on the pair.
#
# Two statements agree with all rows.
# (Their limits were chosen after we had seen the curves.)
# Up to layer 11 the source word and the Chinese one stay below 5 %, on average.
# And the *order* stays: the source word never peaks after English, and English never after Chinese.
# Through some lenses the peak of English is below 1 %, so this order does not show that English is important.

# %% tags=["claims"]
{
    "English leads the target through the logit lens and the Jacobian lens, for all three": all(
        survey.iloc[:, 0].xs(lens, level=1).eq(lens in ("logit", "jacobian")).all()
        for lens in survey.index.unique(1)
    ),
    "Whether the source word is above the target at layer 13 depends on the lens": (
        0 < survey["source above target, layer 13"].sum() < len(survey)
    ),
    "Two statements agree with all rows": survey.all().sum() == 2,
    "Up to layer 11 the source word": survey["below 5 % up to layer 11"].all(),
    "and the Chinese one stay below 5 %": "the statement of a column",
    "And the *order* stays": survey["peaks: source, English, target"].all(),
    "the peak of English is below 1 %": (agreement["pivot_peak"] < 0.01).any(),
}

# %% [markdown]
# Three sentences that you may write:
#
# > In this model the height of English depends on what the lens asks.
# > Lenses that were fitted on 24 languages to predict the output, and the Patchscope, show next to no English before Chinese.
# > The logit lens and the Jacobian lens show English above Chinese at some layer.
#
# They are about readings.
# In notebooks 7 and 8 you asked what the model *uses*.

# %% tags=["claims"]
{
    "fitted on 24 languages to predict the output": "the languages of the word list",
}

# %% [markdown]
# **Question.** Two statements agree with all lenses.
# Are they safe?
#
# <details><summary>Answer</summary>
#
# They are safer than the others, for these pairs and this model.
# All these lenses end in the same output layer, and the limits were chosen after the curves had been seen.
# Test them on a pair that you have not seen.
#
# </details>

# %% [markdown]
# ## Exercise 09.4 · Your own pair (10 minutes, open)
#
# Choose a pair of languages that this notebook does not show; neither of them is English.
# Read it through the logit lens, and through the linear lens of section 1 (`lens=lens`), with the same prompts, about at least ten concepts.
# `answer` is the list of the two runs.
# A warning may say that the lens was fitted on sentences about some of your concepts.
# Section 1 says why that matters.
#
# Which of the findings of section 2 do you see again, and which would you not report?

# %% tags=["claims"]
{
    "about at least ten concepts": "the rule of the check",
}

# %% tags=["stub"]
answer = ...  # [ll.run_experiment(model, "translation", "..", "..", every=every), ...]
ll.checks.exercise("09.4", answer)

# %% tags=["solution"]
# Report both lenses. What differs between them depends on the lens: do not say it of the model.
own = {"task": "translation", "source": "es", "target": "zh", "every": every}
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
# No widget on your screen?
# This figure shows one word through four lenses.

# %%
ll.plots.lens_panel([run["year"] for run in german], ["de", "en", "zh"])

# %% [markdown]
# **Question.** Which words changed with the lens, and which stayed?
#
# <details><summary>Answer</summary>
#
# Every lens reads the last layer as it is, so the top row stays.
# Below it, fewer words have English on top through the linear and the tuned lens than through the logit lens.
#
# </details>

# %% tags=["claims"]
{
    "the top row stays": (
        all((run.top_ids[:, -1, 0] == german[0].top_ids[:, -1, 0]).all() for run in german[1:3])
    ),
    "fewer words have English on top through the linear and the tuned lens than through the logit lens": (
        max((run.rank["en"][:, :-1] == 1).any(1).sum() for run in german[1:3])
        < (german[0].rank["en"][:, :-1] == 1).any(1).sum()
    ),
}

# %% [markdown]
# ## What this does not show
#
# - The linear and the tuned lens show what *can be predicted* from a latent. Whether the model uses it is another question (notebooks 7 and 8).
# - The Jacobian lens here ends at the last layer. Its authors' paper ends at the last but one, and that one may show other heights.
# - All lenses here end in the same unembedding. The fitted ones only multiply by a matrix and perhaps add a vector; a more flexible map may show more.
# - The text of the fit is the course's own sentences, with their words in quotation marks. Another text would give another lens (section 3). `between halves` does not show that, because both halves are text of the same kind.

# %% [markdown]
# ## Recap
#
# - The logit lens assumes that middle layers write as the last one does. A fitted lens assumes less, and depends on its text.
# - In Gemma, into Chinese: through the linear lens (fitted on 24 languages), the tuned lens and the Patchscope, Chinese leads from layer 13 or 14 on, with next to no English. Through the Jacobian lens, and a linear lens fitted on English only, English rises higher than through the logit lens.
# - Retrieval distinguishes information from probability: late in the model, English words tell the concept as well as Chinese ones.
# - Report a finding with its lens, and with at least one other.

# %% tags=["claims"]
{
    "(fitted on 24 languages)": "the languages of the word list",
    "Chinese leads from layer 13 or 14 on": (
        agreement.drop("logit", level="lens")["target_start"].isin([13, 14]).all()
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
    "Section 2, the two panels: which sentence do they support?",
    "How high English rises depends on the lens.",
    "The latents are the same, and the two lenses show different heights.",
    "English was made by the logit lens, and is not in the latents.",
    "A word that one lens does not show may be there all the same.",
    "The linear lens is right, because it is nearer to the output.",
    "Nearer to the output means that it predicts well, and not that it reads what is there.",
    "The Chinese word is in the latents earlier than the logit lens says.",
    "The linear lens predicts the last layer, so it may do a part of the later layers' work.",
    supported="a",
)

# %% tags=["claims"]
{
    "the two lenses show different heights": (
        two.pivot_peak.iloc[1] < 0.6 * two.pivot_peak.iloc[0]
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 3, the three panels: which sentence do they support?",
    "The lens fitted on English is broken.",
    "On English text it is nearer to the output than the logit lens at these layers.",
    "A lens that was fitted on English text shows more English.",
    "Its English line is the highest of the three, over the same latents.",
    "A lens that was fitted on many languages is neutral.",
    "It tends to show the languages of its text as well, and Chinese is one of them.",
    "This lens finds English that the other two miss.",
    "In its text all words are English, so it shows English whatever the prompt is about.",
    supported="b",
)

# %% tags=["claims"]
{
    "Its English line is the highest of the three": (
        through.probability["en"].mean(0).max()
        > max(run.probability["en"].mean(0).max() for run in (plain, linear))
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 4, the first table: which sentence does it support?",
    "The latents hold no English.",
    "A low peak says that these lenses do not show it, and not that it is not there.",
    "The pairs of languages differ more than the lenses do, so choose the pair first.",
    "In each pair the logit lens stands apart from the others in the same way.",
    "In each pair the logit lens puts Chinese ahead at the latest layer.",
    "Through each of the other lenses Chinese leads at an earlier layer.",
    "Three lenses agree, so they are right.",
    "Two were fitted to the output, and all end in one output layer: they may share a fault.",
    supported="c",
)

# %% tags=["claims"]
{
    "In each pair the logit lens puts Chinese ahead at the latest layer": (
        agreement.target_start.unstack("lens").pipe(
            lambda starts: (starts.drop(columns="logit").max(axis=1) < starts.logit).all()
        )
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 5, the curves: which sentence do they support?",
    "At the last layer the model has forgotten the English words.",
    "It does not say them, and they still tell the concept.",
    "English words tell the concept, so the model goes through English.",
    "Chinese words tell it as well, and information need not be used.",
    "English is read best because English words are frequent.",
    "Retrieval takes away what a word has in all prompts, and so its frequency.",
    "A language can lose its probability and still tell the concept.",
    "At the last layer P(English) is near zero, and English words tell the concept.",
    supported="d",
)

# %% tags=["claims"]
{
    "At the last layer P(English) is near zero, and English words tell the concept": (
        found.probability["en"].mean(0)[-1] < 0.01 and found.retrieved["en"].mean(0)[-1] > 0.5
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 7, the table: which sentence does it support?",
    "English is not important, because some lenses do not show it.",
    "The table is about readings: what the model uses is another question.",
    "English comes before Chinese in the work of the model.",
    "Through some lenses English hardly rises, so the order of its peak says little.",
    "Whether English leads on the way depends on the lens.",
    "It does through two of the lenses, and not through the others.",
    "A statement that holds in all rows is a fact about the model.",
    "All these lenses end in one output layer, so they may agree for this reason.",
    supported="c",
)

# %% tags=["claims"]
{
    "It does through two of the lenses, and not through the others": (
        survey.iloc[:, 0].groupby(level=1).all().sum() == 2
        and survey.iloc[:, 0].groupby(level=1).any().sum() == 2
    ),
}

# %% [markdown]
# ## Readings
#
# - Belrose and others (2023), [Eliciting Latent Predictions with the Tuned Lens](https://doi.org/10.48550/arXiv.2303.08112): where the logit lens misleads, and a lens that is trained.
# - Din and others (2023), [Jump to Conclusions](https://doi.org/10.48550/arXiv.2303.09435): the linear lens of section 1.
# - Ghandeharioun and others (2024), [Patchscopes](https://doi.org/10.48550/arXiv.2401.06102): the model itself says what a latent holds.
# - Gurnee and others (2026), [the Jacobian lens](https://doi.org/10.48550/arXiv.2607.15495): the lens of section 6, and what its authors read with it.
