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
#
# All notebooks run with one word changed.
# This one shows what the word may be, what it costs, and how to tell a finding about a model from an accident of its tokenizer or its number format.

# %% [markdown]
# ## What you will do
#
# - count what a model needs before you download it;
# - load a model in 8-bit and see what that changes;
# - read a model that has learned nothing, as a baseline;
# - measure a pair that this course has not shown;
# - name the parts of an architecture that the library does not know;
# - send the work to a server and get kilobytes back.
#
# **You need** notebooks 2 and 4.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 50 minutes to work through.
# The cells run for about two minutes on two CPU cores the first time, in 6 GB of memory (two copies of the model).
# The default model is Gemma 3 270M, from 4-bit weights (Q4_K_M) made dense again.

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
source, target = "it", "ja"  # not English; a pair that the other notebooks do not show
seed = 0
every = 8  # every 8th concept of the list

# %%
import tempfile

import torch
from IPython.display import display

model = ll.load_model(model)
ask = {"source": source, "target": target, "seed": seed, "every": every}
model

# %% [markdown]
# ## 1. What a model costs
#
# **Objective: know what fits, before gigabytes are on their way.**
#
# `ll.load_model` takes one of our names (`gemma-3-270m`, `llama-2-7b`, `llama-2-13b`, `llama-2-70b`), a repository id such as `Qwen/Qwen3-0.6B-Base`, or a folder.
# With one of our names it compares what the model needs with what is free *before* it downloads anything.

# %%
memory = ll.data.results("memory").set_index(["model", "way"])

# %% tags=["predict"]
size = memory.loc[("llama-2-7b", "8-bit"), "weights"]
question = "Llama-2 7B has 6.7 billion weights. How many GB are they in 8-bit?"
ll.predict(question, ["3.4", f"{size:.1f}", "13.5"], f"{size:.1f}")

# %%
memory.astype(object).fillna("")

# %% [markdown]
# *GB.
# `weights` are counted from the model's shape; `loaded` and `peak` were measured on two CPU cores by `make results`, with 118 prompts decoded, and include the libraries and the tokenizer (the row *on a server* is these alone); `asked_for` is what the library wants to see free.
# No GPU has run Llama-2 for this table.*
#
# **What to notice.** 8-bit touches only the matrices inside the blocks (so 6.7 billion weights are more than 6.7 GB).
# In a small model with a large vocabulary most weights are embeddings: the demo model needs *more* memory in 8-bit than in float32 while it runs on a CPU.
# On a server, a model costs you next to nothing.

# %% [markdown]
# **Llama-2 on a Colab T4.** (1) Accept the licence on the [model's page](https://huggingface.co/meta-llama/Llama-2-7b-hf).
# (2) Make a read token in your account there.
# (3) In Colab, open *Secrets* (the key at the left) and store it as `HF_TOKEN`.
# (4) Write `model = "llama-2-7b"` in the cell of parameters.
# Never put the token into a cell: notebooks get shared.

# %% [markdown]
# ## Exercise 06.1 · Will it fit? (2 minutes, easy)
#
# A model has 8 billion parameters, stored in 16 bits each.
# How many GB do its weights take?

# %% tags=["stub"]
answer = ...  # GB
ll.checks.exercise("06.1", answer)

# %% tags=["solution"]
# 16 bits are two bytes.
answer = 8 * 2
ll.checks.exercise("06.1", answer)

# %% tags=["wrong"]
[
    8,
    32,
    128,
    5,
]

# %% [markdown]
# ## 2. 8-bit
#
# **Objective: tell a finding from an effect of the number format.**
#
# LLM.int8 (bitsandbytes) stores the large matrices as whole numbers from −127 to 127, with a scale for each row, and computes the few giant dimensions separately.
# The paper's Llama-2 ran this way.

# %%
exact = ll.run_experiment(model, "translation", **ask)
small = ll.load_model(model.name, quantization="8bit")
coarse = ll.run_experiment(small, "translation", **ask)
small.close()
table = ll.headlines({model.name: exact, "in 8-bit": coarse})

# %% tags=["predict"]
same = (exact.top_ids[:, -1, 0] == coarse.top_ids[:, -1, 0]).float().mean().item()
choices = ["nearly all (over 95 %)", "most", "less than half"]
question = "How many prompts keep their most probable token at the last layer in 8-bit?"
found = choices[2] if same < 0.5 else choices[1]
if same > 0.95:
    found = choices[0]
ll.predict(question, choices, found, f"{same:.0%} of {len(exact)}.")

# %%
table.round(3)

# %%
print("largest change of a mean probability at any layer:")
for code in exact.languages:
    change = (exact.probability[code] - coarse.probability[code]).mean(0).abs().max()
    print(f"  {code} {change:.3f}")

# %% [markdown]
# **What to notice.** The mean curves hardly change, but about one answer in five does.
# So compare models in the same format, and say which; a stable mean does not make individual answers stable.
# This small model was stored in 4 bits before: what you compare is its dense copy with an 8-bit copy of that.

# %% [markdown]
# ## 3. A model that has learned nothing
#
# **Objective: know what the figures look like when there is nothing to find.**
#
# Any folder with a configuration, weights and a tokenizer is a model.
# Here is a small Llama with *random* weights, and your tokenizer.

# %%
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(seed)
shape = {"hidden_size": 64, "intermediate_size": 128}
shape |= {"num_hidden_layers": 6, "num_attention_heads": 4}
folder = tempfile.mkdtemp()
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
# What rises in a trained model rises by a factor of thousands.
# The rank of a word is that of its best token.
# The better of two random tokens ranks, on average, at a third of the vocabulary.
# So this rank also says "nothing".

# %% [markdown]
# ## 4. Another pair
#
# **Objective: look at the words before you look at the curves.**
#
# The tokenizer decides which concepts you can measure.
# First question for any pair: how many concepts are left, and what happened to the others?
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
choices = ["yes, and then the target leads", "yes, but the target never leads", "no"]
found = choices[2 if phases.concept_start is None else 1 if phases.target_start is None else 0]
told = (
    f"English peaks at {peak:.1%}; concept phase from layer {phases.concept_start}, "
    f"target phase from layer {phases.target_start}."
)
ll.predict("Your pair: does English get above 5 % and the lead on the way?", choices, found, told)

# %%
ll.plots.language_probability(exact)

# %%
without = exact.without_cognates()
control = ll.run_experiment(model, "translation", control="random", **ask)
both = {"English": without, "a random English word": control.without_cognates()}
ll.headlines(both).round(3)

# %% [markdown]
# **What to notice.** A pair is a finding only with its n, its interval and its control.
# If the target hardly leads at the end, the model cannot do the task, and what it does on the way says little about how it would.

# %% [markdown]
# ## Exercise 06.2 · Which concepts can be used? (6 minutes, medium)
#
# `usable(concepts)` gets a dictionary: concept → (tokens that begin the English word, tokens that begin the target word), two sets.
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

# %% tags=["wrong"]
[
    lambda concepts: list(concepts),
    lambda concepts: [c for c, (a, b) in concepts.items() if not a & b],
    lambda concepts: [c for c, (a, b) in concepts.items() if a and b],
    lambda concepts: [c for c, (a, b) in reversed(concepts.items()) if a and b and not a & b],
    ["book"],
]

# %% [markdown]
# ## 5. An architecture that the library does not know
#
# **Objective: tell it where to look.**
#
# The lens needs three parts: the blocks (`layers`), the normalisation before the output (`final_norm`) and the unembedding (`lm_head`).
# Most decoders keep them in places that the library knows.
# BioGPT does not (a random one again, to save you the download):

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
# If the parts were the wrong ones, or the model did something else to its logits, loading would fail with a sentence instead of a wrong figure later.

# %% [markdown]
# ## 6. Weights on a server
#
# **Objective: use a model that you do not own.**
#
# ```python
# model = ll.load_model("meta-llama/Llama-3.1-70B", remote=True)
# ```
#
# [NDIF](https://ndif.us) runs large models for researchers.
# With `remote=True` only the tokenizer and the model's shape are here.
# A trace is sent there, with the functions that reduce it, and the reductions come back.
# You need a key (`NDIF_API_KEY`; in Colab a secret) and a model that is deployed.
# `NDIF_HOST` names another server, such as your lab's.
#
# `remote="local"` sends a trace the same way, but to this very process: a free rehearsal.

# %%
rehearsal = ll.load_model(folder, remote="local")
sent = ll.decode(rehearsal, prompts[:4], progress=False)
here = ll.decode(untrained, prompts[:4], progress=False)
same = [torch.equal(sent.probability[code], here.probability[code]) for code in here.languages]
print("the same, bit for bit:", all(same))

# %% [markdown]
# **What to notice.** A remote run of the demo model, on a server on the same machine that does not have this library, also gives the same numbers; 119 prompts sent back 120 kB (`pytest tests/test_remote.py -s`).
# NDIF itself was not asked for this text.
#
# `decode`, `run_experiment`, the explorers and the sphere work remotely.
# What handles weights by hand does not: section 3 of notebook 2, and the rotation of notebook 5.

# %% [markdown]
# ## Exercise 06.3 · Why reduce on the server? (3 minutes, medium)
#
# Suppose the server sent back the whole distribution: for 118 prompts, all 32 layers and all 32,000 tokens of Llama-2 7B, at four bytes per number.
# How many MB?

# %% tags=["stub"]
answer = ...  # MB (millions of bytes)
ll.checks.exercise("06.3", answer)

# %% tags=["solution"]
# And with the demo model's 262,144 tokens and 18 layers it would be four and a half times as much.
answer = 118 * 32 * 32_000 * 4 / 1e6
ll.checks.exercise("06.3", answer)

# %% tags=["wrong"]
[
    120.8,
    15.1,
    4.096,
    60.4,
    1,
]

# %% [markdown]
# ## 7. What to watch
#
# | with another … | look at |
# |---|---|
# | tokenizer | how many concepts are left; tokens per word; whether `mode` is the paper's `prefix` |
# | language | the script (a shared alphabet means shared tokens), cognates, whether the model can do the task at all |
# | size | the *share* of layers, not their numbers: layer 13 of 18 is not layer 13 of 80 |
# | number format | means and layers in both formats, on the same prompts |
# | training | base models complete the pattern; chat models may answer in sentences |
# | server | which revision and format it runs: it is part of the result |

# %% [markdown]
# ## Exercise 06.4 · Report a finding (10 minutes, open)
#
# Choose a model and a pair.
# Measure English on the way, and a control (a random English word, or another language).
# Put into a dictionary what a reader needs to check you: `model`, `pair`, `n`, `peak`, `lower`, `upper`, `layer` and `control_peak`.
# Take them from `ll.headlines`.
#
# A finding against the detour counts as much as one for it.

# %% tags=["stub"]
answer = ...  # {"model": ..., "pair": ..., "n": ..., ...}
ll.checks.exercise("06.4", answer)

# %% tags=["solution"]
# The peak with its interval and layer, and beside it the same number for a word that should not
# rise.
found, other = ll.headlines(both).to_dict("records")
answer = {"model": model.name, "pair": f"{source} → {target}", "n": found["n"]}
answer |= {"peak": found["pivot_peak"], "lower": found["lower"], "upper": found["upper"]}
answer |= {"layer": found["at_layer"], "control_peak": other["pivot_peak"]}
for name, value in answer.items():
    print(name, round(value, 4) if isinstance(value, float) else value)
ll.checks.exercise("06.4", answer)

# %% tags=["wrong"]
[
    answer | {"peak": 3},
    answer | {"n": 5},
    answer | {"pair": ...},
    {},
    "a detour",
]

# %% [markdown]
# ## 8. Try it
#
# **Question to answer with the widget:** ask the untrained model for a word, then yours.
# What does the heatmap of a model that has learned nothing look like?

# %%
display(ll.explore.prompt(untrained, source=source, target=target, concept="book"))

# %% [markdown]
# No widget on your screen?
# This figure shows its first state.

# %%
book = prompts["book"] if "book" in prompts else prompts[0]
ll.plots.heatmap(ll.decode(untrained, book, positions=7), model.tokenizer)

# %% [markdown]
# ## What this does not show
#
# No GPU and no NDIF server took part in this text; the paths to them were tested on a CPU and on a server on the same machine.
# And a handful of models, however different, is not "language models".
#
# ## Recap
#
# - Count memory first; 8-bit changes single answers, hardly the means.
# - An untrained model, a random word and another language are baselines: use one.
# - What travels to a server is the question, and what comes back is the reduction.
#
# **Further reading:** Dettmers and others, [LLM.int8()](https://doi.org/10.48550/arXiv.2208.07339) (2022); Fiotto-Kaufman and others, [NNsight and NDIF](https://doi.org/10.48550/arXiv.2407.14561) (2025).
