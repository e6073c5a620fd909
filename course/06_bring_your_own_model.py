# ---
# jupyter:
#   course:
#     you_will: 'use another model, pair or server, in 8-bit too, and know what to watch'
#     figure: 'll.plots.language_probability(exact)'
#     alt: 'Curves for Italian to Japanese'
#     first_run: 1.7
#     again: 0.7
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 6 · Bring your own model
#
# **What changes when you use another model, another pair of languages or a server, and what must you watch?**

# %% [markdown]
# ## What you will do
#
# You count what a model needs, load one in 8-bit, read one that has learned nothing, measure a new pair, and rehearse a server.
#
# **You need** notebooks 2 and 4; new words stand in the [glossary](GLOSSARY.md).
#
# **Time** about 60 minutes to work through; the cells run for two minutes on two CPU cores the first time, in 2 GB of memory.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "load one in 8-bit": "the name of a number format",
    "about 60 minutes to work through": "an estimate for a lesson",
    "in 2 GB of memory": "run in a container of 2 GB",
    "Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number)": (
        "the name of a model, and what tests/test_packaged.py counts in its file"
    ),
}

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
source, target = "it", "ja"  # not English; a pair that the other notebooks do not show
seed = 0
every = 8  # every 8th concept of the list

# %%
import tempfile

import pandas as pd
import torch
from IPython.display import display

model = ll.load_model(model)
ask = {"source": source, "target": target, "seed": seed, "every": every}
model

# %% [markdown]
# ## 1. Three models, three answers
#
# **Objective: see how much the answer depends on the model.**
#
# Three models translate into Chinese, from German, French and Russian: Llama-2 7B, Qwen2.5-Coder 1.5B Instruct, and Gemma 3 270M.
# Of Llama-2's training text, about 90 % is English and 0.13 % Chinese (paper, section 3.1); for the others we know no such figures.
#
# You need no weights for the first two: their curves are published or stored.

# %% tags=["claims"]
{
    "Llama-2 7B, Qwen2.5-Coder 1.5B Instruct, and Gemma 3 270M": "names of models",
}

# %%
larger = ll.load_model("qwen2.5-coder-1.5b-instruct", stored=True)
pool = {"source": ["de", "fr", "ru"], "target": "zh"}
three = {
    "Llama-2 7B": ll.data.published("llama-2-7b"),
    "Qwen2.5-Coder 1.5B": ll.run_experiment(larger, "translation", **pool, every=4),
    model.name: ll.run_experiment(model, "translation", **pool, every=every),
}
peaks = ll.headlines(three)
limits = ["below 20 %", "20 to 50 %", "above 50 %"]


def height(each):
    mean = each.probability["en"].reshape(-1, len(each.layers)).mean(0)  # curves are means already
    return limits[int(mean.max() > 0.2) + int(mean.max() > 0.5)]


# %% tags=["predict"]
name = next(iter(three))
ll.predict(f"{name}: how high does English rise?", limits, height(three[name]))

# %% tags=["predict"]
name = list(three)[1]
ll.predict(f"{name}: how high does English rise?", limits, height(three[name]))

# %% tags=["predict"]
name = list(three)[2]
ll.predict(f"{name}: how high does English rise?", limits, height(three[name]))

# %%
ll.plots.anatomy(three)

# %% [markdown]
# **What to notice.** Llama-2 shows English above 60 %, and ahead of Chinese at layers 17 to 30 of 32.
# In the other two it stays below 10 %.
# English is ahead of Chinese at some layers in Llama-2 and in Gemma, and never in Qwen.
#
# So a finding about *one* model is not a finding about language models.
# Compare shapes, not decimals: tokenizers and word lists differ.

# %% tags=["claims"]
{
    "Llama-2 shows English above 60 %": peaks.pivot_peak["Llama-2 7B"] > 0.6,
    "ahead of Chinese at layers 17 to 30 of 32": (
        peaks.concept_start["Llama-2 7B"] == 17
        and peaks.target_start["Llama-2 7B"] - 1 == 30
        and three["Llama-2 7B"].layers[-1] == 32
    ),
    "In the other two it stays below 10 %": peaks.pivot_peak[1:].max() < 0.1,
    "at some layers in Llama-2 and in Gemma, and never in Qwen": (
        pd.isna(peaks.concept_start["Qwen2.5-Coder 1.5B"])
        and not pd.isna(peaks.concept_start[model.name])
    ),
}

# %% [markdown]
# ### Your word
#
# One word, two models: the word that you chose in notebook 1, in Qwen and in the model of this notebook.
# Qwen answers from [stored answers](GLOSSARY.md), which have a part of the words and pairs.
# If yours is not among them, the figure shows the model of this notebook only.

# %%
my_word = ll.my_word()  # on another machine: ll.my_word("the line that you copied")
my_runs, name = {}, "Qwen2.5-Coder 1.5B"
my_ask = {"source": my_word.source, "target": my_word.target, "concepts": my_word.concept}
my_runs[model.name] = ll.run_experiment(model, "translation", **my_ask)
try:
    my_runs[name] = ll.run_experiment(larger, "translation", **my_ask)
except ll.errors.LatentLangError:
    print("Qwen has no stored answer for this word.")
heights = {name: run.probability["en"].max() for name, run in my_runs.items()}
print(my_word.note(6, heights.get(name), peaks.pivot_peak[name]))
ll.plots.anatomy(my_runs)

# %% [markdown]
# **What to notice.** Do the two models take the same way to this word?
# The printed line has the highest P(English) in Qwen: for your word, and for the mean above; a hyphen means that the word is not stored.

# %% [markdown]
# ## 2. What a model costs
#
# **Objective: know what fits, before gigabytes are on their way.**
#
# `ll.load_model` takes one of our names (such as `llama-2-7b`), a repository id such as `Qwen/Qwen3-0.6B-Base`, or a folder.
# With one of our names it downloads nothing unless you pass `download=True`, and for Llama-2 it compares the memory first.

# %%
memory = ll.data.results("memory").set_index(["model", "way"])

# %% tags=["predict"]
size = memory.loc[("llama-2-7b", "8-bit"), "weights"]
question = "Llama-2 7B has 6.7 billion weights. How many GB are they in 8-bit?"
ll.predict(question, ["3.4", f"{size:.1f}", "13.5"], f"{size:.1f}")

# %%
memory[["weights", "peak", "asked_for"]].astype(object).fillna("")

# %% [markdown]
# *GB.
# `weights` are counted from the model's shape; `peak` was measured on two CPU cores by `make results`, with libraries and tokenizer, and `asked_for` is what the library wants to see free.*
#
# **What to notice.** 8-bit touches only the matrices inside the blocks.
# In a small model with a large vocabulary most weights are embeddings, so 8-bit saves little; on a CPU, the demo model even needs *more* memory in 8-bit than in float32.
# On a server, a model costs you next to nothing.

# %% tags=["claims"]
{
    "8-bit touches only the matrices inside the blocks": "how the library quantizes",
    "most weights are embeddings": (
        model.vocab_size * model.d_model * 4e-9 > memory.weights["gemma-3-270m", "float32"] / 2
    ),
    "so 8-bit saves little": (
        0.6
        < memory.weights["gemma-3-270m", "8-bit"] / memory.weights["gemma-3-270m", "float32"]
        < 1
    ),
    "the demo model even needs *more* memory in 8-bit than in float32": (
        memory.peak["gemma-3-270m", "8-bit"] > memory.peak["gemma-3-270m", "float32"]
        and memory.anonymous["gemma-3-270m", "8-bit"] > memory.anonymous["gemma-3-270m", "float32"]
    ),
    "On a server, a model costs you next to nothing": (
        memory.weights["gemma-3-270m", "on a server"] == 0
    ),
}

# %% [markdown]
# <details><summary>Llama-2 on a Colab T4</summary>
#
# First accept the licence on the [model's page](https://huggingface.co/meta-llama/Llama-2-7b-hf), and make a read token in your account there.
# Then, in Colab, open *Secrets* (the key at the left) and store the token as `HF_TOKEN`.
# Run `ll.load_model("llama-2-7b", download=True)` in a cell of its own: it compares the memory first, and then downloads the weights.
# (Colab gives its secrets to the notebook, but not to `!` commands.)
# Last, write `model = "llama-2-7b"` in the cell of parameters.
# Never put the token into a cell: notebooks get shared.
#
# </details>

# %% [markdown]
# ## Exercise 06.1 · Will it fit? (2 minutes, easy)
#
# A model has 8 billion parameters, stored in 16 bits each.
# How many GB do its weights take?

# %% tags=["claims"]
{
    "A model has 8 billion parameters, stored in 16 bits each": "an exercise",
}

# %% tags=["stub"]
answer = ...  # GB
ll.checks.exercise("06.1", answer)

# %% tags=["solution"]
# 16 bits are two bytes.
answer = 8 * 2
ll.checks.exercise("06.1", answer)

# %% tags=["right"]
[
    "16",
    8e9 * 16 / 8 / 1e9,
]

# %% tags=["wrong"]
{
    "8-bit": 8,
    "32 bits": 32,
    "in bits": 128,
    "gibibytes": 14.9,
    "in bytes": 16e9,
    "Multiply the parameters": 5,
}

# %% [markdown]
# ## 3. 8-bit
#
# **Objective: tell a finding from an effect of the number format.**
#
# LLM.int8 (bitsandbytes) stores the large matrices as whole numbers from −127 to 127, with a scale for each row, as the paper's Llama-2 (section 3.1).

# %% tags=["claims"]
{
    "## 3. 8-bit": "the name of a number format",
}

# %%
exact = ll.run_experiment(model, "translation", **ask)
control = ll.run_experiment(model, "translation", control="random", **ask)  # for section 5
model.close()  # its weights make room for the next ones; its tokenizer and the results stay
small = ll.load_model(model.name, quantization="8bit")
coarse = ll.run_experiment(small, "translation", **ask)
small.close()
table = ll.headlines({model.name: exact, "in 8-bit": coarse})

# %% tags=["predict"]
same = (exact.top_ids[:, -1, 0] == coarse.top_ids[:, -1, 0]).float().mean().item()
choices = ["all of them", "most, but not all", "less than half"]
question = "How many prompts keep their most probable token at the last layer in 8-bit?"
found = choices[2] if same < 0.5 else choices[1]
if same == 1:
    found = choices[0]
ll.predict(question, choices, found, f"{same:.0%} of {len(exact)}.")

# %%
table[["pivot_peak", "lower", "upper", "at_layer", "right"]].round(3)

# %%
print("largest change of a mean probability at any layer:")
for code in exact.languages:
    change = (exact.probability[code] - coarse.probability[code]).mean(0).abs().max()
    print(f"  {code} {change:.3f}")

# %% [markdown]
# **What to notice.** The mean curves hardly change, but some answers do: this model is unsure, and a small change decides between tokens that are nearly as probable.
# So compare models in the same format, and say which.

# %% tags=["claims"]
{
    "The mean curves hardly change": all(
        (exact.probability[code] - coarse.probability[code]).mean(0).abs().max() < 0.03
        for code in exact.languages
    ),
    "but some answers do": 0.5
    < (exact.top_ids[:, -1, 0] == coarse.top_ids[:, -1, 0]).float().mean()
    < 1,
    "this model is unsure": exact.entropy[:, -1].mean() > 5,
    "between tokens that are nearly as probable": (
        (exact.top_probs[:, -1, 0] - exact.top_probs[:, -1, 1])[
            exact.top_ids[:, -1, 0] != coarse.top_ids[:, -1, 0]
        ].max()
        < 0.1
    ),
}

# %% [markdown]
# ## 4. A model that has learned nothing
#
# **Objective: know what the figures look like when there is nothing to find.**
#
# Here is a small Llama with *random* weights, and your tokenizer.

# %%
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(seed)
shape = {"hidden_size": 64, "intermediate_size": 128}
shape |= {"num_hidden_layers": 6, "num_attention_heads": 4}
folder = f"{tempfile.mkdtemp()}/untrained"
LlamaForCausalLM(LlamaConfig(vocab_size=model.vocab_size, **shape)).save_pretrained(folder)
model.tokenizer.save_pretrained(folder)
untrained = ll.load_model(folder)
nothing = ll.run_experiment(untrained, "translation", **ask)

# %% tags=["predict"]
chance = nothing.probability["en"].mean().item()
choices = ["about one half", "about one in a hundred", "less than one in a thousand"]
found = choices[(chance < 0.1) + (chance < 0.001)]
question = "What will P(English) be in a model that knows nothing?"
ll.predict(question, choices, found, f"{chance:.1e} on average.")

# %%
rank = nothing.rank["en"].double().mean()
print(f"1 / vocabulary: {1 / model.vocab_size:.1e}; mean rank of the English word: {rank:.0f}")
ll.plots.language_probability(nothing)

# %% [markdown]
# **What to notice.** Read the axis: all curves lie about where chance puts them.
# In a trained model they rise by a factor of thousands.
# The printed rank is that of the word's best token: the better of two random tokens ranks, on average, at a third of the vocabulary.

# %% tags=["claims"]
{
    "all curves lie about where chance puts them": all(
        nothing.probability[code].mean(0).max() < 10 / untrained.vocab_size
        for code in nothing.languages
    ),
    "rise by a factor of thousands": (
        all(
            exact.probability[code].mean(0).max() > 2000 * nothing.probability[code].mean()
            for code in exact.languages
        )
    ),
    "at a third of the vocabulary": abs(rank / untrained.vocab_size - 1 / 3) < 0.05,
}

# %% [markdown]
# **Question.** This model knows nothing, and still Japanese is above English at every layer.
# Why?
#
# <details><summary>Answer</summary>
#
# More tokens count for a Japanese word: 3.8 on average, against 2.5 for an English one.
# Many Japanese words have two spellings.
# Under equal chances each accepted token adds the same.
# So a language with more accepted tokens starts higher, in every figure of this course.
# The yardstick *another word* starts higher in the same way, so compare each curve with its own.
#
# </details>

# %% tags=["claims"]
{
    "3.8 on average, against 2.5 for an English one": (
        [
            round(sum(len(prompt.token_ids[code]) for prompt in asked) / len(asked), 1)
            for asked in [
                ll.build_prompts("translation", "it", "ja", tokenizer=untrained.tokenizer)[::8]
            ]
            for code in ("ja", "en")
        ]
        == [3.8, 2.5]
    ),
    "The yardstick *another word* starts higher in the same way": (
        nothing.probability["other:ja"].mean() > 1.2 * nothing.probability["other:en"].mean()
    ),
    "Japanese is above English at every layer": (
        (nothing.probability["ja"].mean(0) > nothing.probability["en"].mean(0)).all()
    ),
}

# %% [markdown]
# ## 5. Another pair
#
# **Objective: look at the words before you look at the curves.**
#
# The tokenizer decides how many concepts are left.
# Here for your pair, and for some other targets:

# %%
import pandas as pd

prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer, seed=seed)
tokens, rows = ll.data.fertility(model.tokenizer)["tokens"].round(1), {}
for code in dict.fromkeys((target, "es", "sw", "hi", "ko")):
    found = ll.build_prompts("translation", source, code, tokenizer=model.tokenizer, seed=seed)
    reasons = found.dropped["reason"].tolist() or [""]
    rows[code] = {"kept": len(found), "dropped": len(found.dropped)}
    rows[code] |= {"tokens per word": tokens[code], "for example": reasons[0]}
pd.DataFrame(rows).T.rename_axis("target")

# %% tags=["predict"]
peak, phases = exact.probability["en"].mean(0).max().item(), ll.find_phases(exact)
choices = ["below 1 %", "from 1 % to 20 %", "above 20 %"]
found = choices[1]
if peak < 0.01:
    found = choices[0]
if peak > 0.2:
    found = choices[2]
told = f"It peaks at {peak:.1%}; target phase from layer {phases.target_start}."
ll.predict("Your pair: how high does mean P(English) get on the way?", choices, found, told)

# %%
ll.plots.language_probability(exact)

# %%
without = exact.without_cognates()
both = {"English": without, "a random English word": control.without_cognates()}
ll.headlines(both)[["pivot_peak", "lower", "upper", "at_layer", "pivot_leads"]].round(3)

# %% [markdown]
# **What to notice.** A pair is a finding only with its n, its interval and its control.
# The two rows have an error each: exercise 06.4 compares them prompt by prompt.
# If the target hardly leads at the end, the layer of the handover means little.

# %% [markdown]
# ## Exercise 06.2 · Which concepts can be used? (6 minutes, medium)
#
# `usable(concepts)` gets a dictionary: concept → (tokens that begin the English word, tokens that begin the target word), two sets.
# A set may be empty: then nothing can be seen of that word.
# Return the list of the concepts that can tell the two languages apart, in the same order.


# %% tags=["stub"]
def usable(concepts): ...


answer = ...  # write usable, then replace the dots here by: usable
ll.checks.exercise("06.2", answer)


# %% tags=["solution"]
def usable(concepts):
    kept = []
    for concept, (english, other) in concepts.items():
        if english and other and not english & other:
            kept.append(concept)
    return kept


# Both sets need a token, and no token may stand in both.
ll.checks.exercise("06.2", usable)

# %% tags=["right"]
[
    lambda concepts: tuple(usable(concepts)),
    lambda concepts: (c for c in usable(concepts)),
    lambda concepts: dict.fromkeys(usable(concepts)),
    lambda concepts: pd.Series(usable(concepts), dtype=object),
    lambda concepts: [c for c, (a, b) in concepts.items() if b and a and a.isdisjoint(b)],
]

# %% tags=["wrong"]
{
    "cannot tell the languages apart": lambda concepts: list(concepts),
    "An empty set": lambda concepts: [c for c, (a, b) in concepts.items() if not a & b],
    "in both sets": lambda concepts: [c for c, (a, b) in concepts.items() if a and b],
    "Keep the order": lambda concepts: usable(dict(reversed(concepts.items()))),
    "every concept that passes": lambda concepts: sorted(usable(concepts)),
    "A set has no order": lambda concepts: set(usable(concepts)),
    "usable returns nothing": lambda concepts: print(end=""),
    "is a function": ["book"],
}

# %% [markdown]
# ## 6. An architecture that the library does not know
#
# **Objective: tell it where to look.**
#
# The lens needs the blocks (`layers`), the normalisation before the output (`final_norm`) and the unembedding (`lm_head`).
# The library knows where most decoders keep them, but not BioGPT (with random weights here):

# %%
from transformers import BioGptConfig, BioGptForCausalLM

odd = tempfile.mkdtemp()
BioGptForCausalLM(BioGptConfig(vocab_size=model.vocab_size, **shape)).save_pretrained(odd)
model.tokenizer.save_pretrained(odd)
try:
    ll.load_model(odd)
except ll.errors.ModelError as error:
    print(error)

# %%
named = ll.load_model(odd, parts={"layers": "biogpt.layers", "final_norm": "biogpt.layer_norm"})
ll.decode(named, prompts[:2], progress=False)

# %% [markdown]
# **What to notice.** Whatever you load is checked: the lens on the *last* layer must give the model's own prediction.
# The order of the blocks before is yours to check.

# %% [markdown]
# ## 7. Weights on a server
#
# **Objective: use a model that you do not own.**
#
# ```python
# model = ll.load_model("meta-llama/Llama-3.1-70B", remote=True)
# ```
#
# [NDIF](https://ndif.us) runs large models for researchers.
# With `remote=True` only the tokenizer and the model's shape are here; a trace is sent there, and its results come back.
# You need a key (`NDIF_API_KEY`) and a model that is deployed; `NDIF_HOST` names another server.
#
# `remote="local"` sends a trace to this very process: a free rehearsal.

# %%
rehearsal = ll.load_model(folder, remote="local")
sent = ll.decode(rehearsal, prompts[:4], progress=False)
here = ll.decode(untrained, prompts[:4], progress=False)
same = [torch.equal(sent.probability[code], here.probability[code]) for code in here.languages]
print("the same, bit for bit:", all(same))

# %% [markdown]
# **What to notice.** On a server without this library the demo model gives the same numbers; 99 prompts sent back 118 kB (`pytest tests/test_remote.py -s`).
#
# Work by hand needs local weights: section 3 of notebook 2, and the rotation of notebook 5.

# %% tags=["claims"]
{
    "99 prompts sent back 118 kB": "printed by tests/test_remote.py",
}

# %% [markdown]
# ## Exercise 06.3 · Why reduce on the server? (3 minutes, medium)
#
# Suppose the server sent back the whole distribution: for 118 prompts, all 32 layers and all 32,000 tokens of Llama-2 7B, at four bytes per number.
# How many MB?

# %% tags=["claims"]
{
    "for 118 prompts, all 32 layers and all 32,000 tokens of Llama-2 7B": "an exercise",
}

# %% tags=["stub"]
answer = ...  # MB (millions of bytes)
ll.checks.exercise("06.3", answer)

# %% tags=["solution"]
# And with the demo model's 262,144 tokens and 18 layers it would be four and a half times as much.
answer = 118 * 32 * 32_000 * 4 / 1e6
ll.checks.exercise("06.3", answer)

# %% tags=["right"]
[
    "483.3",
    483,
]

# %% tags=["wrong"]
{
    "each takes four bytes": 120.8,
    "That is one layer": 15.1,
    "That is one prompt": 4.096,
    "not four bits": 60.4,
    "mebibytes": 460.9,
    "in bytes": 483328000,
    "x 4 bytes": 1,
}

# %% [markdown]
# ## 8. What to watch
#
# | with another … | look at |
# |---|---|
# | tokenizer | how many concepts are left; tokens per word |
# | language | the script, cognates, whether the model can do the task at all |
# | size | the *share* of layers, not their numbers: layer 13 of 18 is not layer 13 of 80 |
# | number format | means and layers in both formats |
# | training | base models complete the pattern; chat models may answer in sentences |
# | server | which revision and format it runs |

# %% tags=["claims"]
{
    "layer 13 of 18 is not layer 13 of 80": "an example",
}

# %% [markdown]
# ## Exercise 06.4 · Report a finding (10 minutes, open)
#
# Choose a model and a pair.
# Measure English on the way (the finding), and a control: a random English word, shuffled demonstrations, or another language.
# Fix *one* layer before you look at the curves, from another pair or another model.
# Compare the two runs there, prompt by prompt: `ll.metrics.paired_difference(finding, "en", other=control, layers=[layer])`.
# If the control follows another language, such as German, write `"en", "de", other=control`.
#
# Put into a dictionary what a reader needs to check you: the two runs `finding` and `control`, the `layer`, and from the table `difference`, `lower` and `upper`.
#
# A finding against the detour counts as much as one for it.

# %% tags=["stub"]
answer = ...  # {"finding": ..., "control": ..., "layer": ..., "difference": ..., ...}
ll.checks.exercise("06.4", answer)

# %% tags=["solution"]
# Notebook 2 shows another pair, with English highest at layer 16 of 18: the same share here.
layer = round(16 / 18 * exact.layers[-1])
finding, unrelated = both.values()
row = ll.metrics.paired_difference(finding, "en", other=unrelated, layers=[layer]).loc[layer]
answer = {"finding": finding, "control": unrelated, "layer": layer}
answer |= row[["difference", "lower", "upper"]].to_dict()
print(row)
ll.checks.exercise("06.4", answer)

# %% tags=["right"]
[
    pd.Series(answer, dtype=object),
    list(answer.items()),
    answer | {"difference": str(answer["difference"])},
    answer | {name: round(answer[name], 3) for name in ("difference", "lower", "upper")},
]

# %% tags=["wrong"]
{
    "other numbers at this layer": answer | {"lower": answer["lower"] + 0.01},
    "control minus finding": answer
    | {"difference": -row["difference"], "lower": -row["upper"], "upper": -row["lower"]},
    "at all layers at once": answer
    | ll.metrics.paired_difference(finding, "en", other=unrelated)
    .loc[layer, ["lower", "upper"]]
    .to_dict(),
    "the difference of two peaks": answer
    | {
        "difference": finding.probability["en"].mean(0).max()
        - unrelated.probability["en"].mean(0).max()
    },
    "also follows English": answer | {"control": finding},
    "another thing is followed": answer | {"finding": unrelated},
    "5 concepts": answer | {"control": unrelated[:5]},
    "begins at layer 2": answer | {"finding": finding.between(2, layer)},
    "name one of the layers": answer | {"layer": layer + 0.5},
    "fill in: control": answer | {"control": ...},
    "upper is 'high'": answer | {"upper": "high"},
    "difference is nan": answer | {"difference": float("nan")},
    "fill in: finding, control, layer": {},
    "is a run": answer | {"finding": 0.08},
    "is a dictionary": "a detour",
}

# %% [markdown]
# ## 9. Try it
#
# **Question to answer with the widget:** what does the grid of a model that has learned nothing look like?

# %%
display(ll.explore.prompt(untrained, source=source, target=target, concept="book"))

# %% [markdown]
# No widget on your screen?
# This grid shows its first state.

# %%
book = prompts["book"] if "book" in prompts else prompts[0]
ll.plots.grid(ll.decode(untrained, book, positions=7, top_k=10, follow=True))

# %% [markdown]
# Compare your answer:
#
# <details><summary>Answer</summary>
#
# Grey: no cell is in the colour of a language.
# Each cell shows some token of the vocabulary, with a tiny probability.
# Compare it with the lower rows of a trained model, which are grey as well, but sure of one token.
#
# </details>

# %% tags=["claims"]
{
    "no cell is in the colour of a language": all(
        nothing.rank[code].min() > 1 for code in nothing.languages
    ),
    "with a tiny probability": nothing.top_probs[:, :, 0].max() < 0.01,
    "but sure of one token": exact.between(3, 5).top_probs[:, :, 0].min() > 0.9,
}

# %% [markdown]
# ## What this does not show
#
# No GPU and no NDIF server took part in this text.
#
# ## Recap
#
# - Count memory first; in this small, unsure model 8-bit changed some answers and hardly the means.
# - An untrained model, a random word and another language are baselines: use one.
# - A question travels to a server, and its reduction comes back.

# %% tags=["claims"]
{
    "in this small, unsure model 8-bit changed some answers": (
        (exact.top_ids[:, -1, 0] != coarse.top_ids[:, -1, 0]).any()
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
    "Section 1, the panels of three models: which sentence do they support?",
    "The larger the model, the more English it shows.",
    "Qwen is larger than Gemma, and of these two English passes Chinese in Gemma alone.",
    "A model that has read little Chinese must go through English to reach Chinese.",
    "The models differ in more than their training text, and the panels show readings.",
    "English passes Chinese in some of these models, and not in all.",
    "It does in Llama-2 and in Gemma, and not in Qwen.",
    "Gemma and Llama-2 work in the same way.",
    "English passes Chinese in both, at very different heights.",
    supported="c",
)

# %% tags=["claims"]
{
    "It does in Llama-2 and in Gemma, and not in Qwen": (
        peaks.concept_start.notna().tolist() == [True, False, True]
    ),
    "at very different heights": (
        peaks.pivot_peak["Llama-2 7B"] > 5 * peaks.pivot_peak[model.name]
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 2, the table: which sentence does it support?",
    "Smaller weights do not always need less memory at the peak.",
    "In the demo model 8-bit makes the weights smaller than float32 does, and the peak higher.",
    "Llama-2 was run on this machine.",
    "Its rows hold weights that were counted, and no measured peak.",
    "A coarser number format always saves memory.",
    "In the demo model it saves some of the weights, and its peak is higher.",
    supported="a",
)

# %% tags=["claims"]
{
    "In the demo model 8-bit makes the weights smaller than float32 does, and the peak higher": (
        (memory.weights["gemma-3-270m", "8-bit"] < memory.weights["gemma-3-270m", "float32"])
        and (memory.peak["gemma-3-270m", "8-bit"] > memory.peak["gemma-3-270m", "float32"])
    ),
    "no measured peak": (
        memory.peak[[name.startswith("llama") for name, _ in memory.index]].isna().all()
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 3, the table: which sentence does it support?",
    "The coarse format is better, because more answers are right.",
    "One answer more or less is what a model that is unsure gives by chance.",
    "The coarse format hardly changes the means.",
    "The rows have nearly the same peak, at the same layer.",
    "Both formats give the same answers.",
    "The means agree, and some prompts have another token on top all the same.",
    "The interval says how far the format moves the peak.",
    "The interval is about the choice of words, and both rows have the same words.",
    supported="b",
)

# %% tags=["claims"]
{
    "The rows have nearly the same peak, at the same layer": (
        abs(table.pivot_peak.iloc[0] - table.pivot_peak.iloc[1]) < 0.01
        and table.at_layer.nunique() == 1
    ),
    "One answer more or less": (abs(table.right.iloc[0] - table.right.iloc[1]) * len(exact) < 1.5),
}

# %% tags=["quiz"]
ll.choose(
    "Section 4, the curves: which sentence do they support?",
    "A difference at every layer shows that the model has learned something.",
    "This model has learned nothing, and it shows one at every layer.",
    "This model prefers Japanese.",
    "Its weights are random: the difference comes from how many tokens are counted.",
    "The curves are at zero, so nothing can be compared with them.",
    "They lie where chance puts them, and that is what a finding is compared with.",
    "One curve can lie above another in a model that has learned nothing.",
    "More tokens count for a Japanese word, so chance alone puts its curve higher.",
    supported="d",
)

# %% tags=["claims"]
{
    "it shows one at every layer": (
        (nothing.probability["ja"].mean(0) > nothing.probability["en"].mean(0)).all()
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 5, the table with the random word: which sentence does it support?",
    "The peak of English is far above that of a random English word.",
    "The intervals of the two peaks lie far apart.",
    "The English word is above the random English word at every layer of the model.",
    "The table has one peak per row, and the peaks may stand at different layers.",
    "English is surely ahead of Japanese on the way.",
    "The column “pivot_leads” is empty: no layer has a sure lead.",
    supported="a",
)

# %% tags=["claims"]
{
    "The intervals of the two peaks lie far apart": (
        ll.headlines(both).pipe(
            lambda rows: rows.lower["English"] > 5 * rows.upper["a random English word"]
        )
    ),
    "no layer has a sure lead": (ll.headlines(both).pivot_leads.isna().all()),
}

# %% [markdown]
# ## Readings
#
# - Dettmers and others (2022), [LLM.int8()](https://doi.org/10.48550/arXiv.2208.07339): how 8-bit keeps the giants of notebook 3 apart.
# - Fiotto-Kaufman and others (2025), [NNsight and NDIF](https://doi.org/10.48550/arXiv.2407.14561): how a trace travels to a server.
# - Gemma Team (2025), [Gemma 3 Technical Report](https://doi.org/10.48550/arXiv.2503.19786): what its makers say about the demo model's family.
