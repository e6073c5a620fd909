# ---
# jupyter:
#   course:
#     you_will: 'ask for a word so that one token gives the language away'
#     figure: 'll.plots.bars(cut, x="name", y="tokens", title="Tokens per word, by language")'
#     alt: 'Bars: tokens per word, by language'
#     first_run: 0.7
#     again: 0.4
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1 · Build prompts that reveal a language
#
# **How can we ask a language model for a word so that a single token tells us which language it is thinking in?**
#
# Many large language models are trained mostly on English.
# When such a model translates from French to Chinese, does it go straight from one to the other, or does English appear on the way?
# Wendler, Veselovsky, Monea and West asked this in [Do Llamas Work in English?](https://aclanthology.org/2024.acl-long.820/) (ACL 2024).
# This course lets you look for yourself.

# %% [markdown]
# ## What you will do
#
# - read a list of concepts in several languages;
# - build the paper's three kinds of prompt: translation, repetition, cloze;
# - decide which **tokens** count as the beginning of a word;
# - see why some words have to be left out.
#
# **You need** a little Python.
# No knowledge of transformers yet.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 45 minutes to work through; the cells themselves run for about half a minute on two CPU cores, in 3 GB of memory.
# The default model is Gemma 3 270M.
# Its weights were stored with 4 bits per number (a format called Q4_K_M) and turned back into ordinary numbers, which costs a little precision.
# A GPU is not needed here.

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
source, target = "fr", "zh"  # two languages other than English
seed = 0

# %%
from IPython.display import display

model = ll.load_model(model)
model

# %% [markdown]
# ## 1. Concepts with a word in every language
#
# **Objective: know the material.**
#
# Each row is a *concept*, named by its English word.
# Each cell holds the words that a speaker would accept for it, the most usual one first.
# Chinese writes many everyday concepts with one character, and one character is often one token.
# That is why the paper asks for Chinese words.

# %%
words = ll.load_words()
print(len(words), "concepts in", words.shape[1], "languages")
some = words.loc[["book", "flower", "dog", "cloud", "mountain"]]
some[["en", "fr", "de", "ru", "zh"]].map(" | ".join)

# %% [markdown]
# ## 2. The translation prompt
#
# **Objective: read a prompt as the model does.**
#
# We show four words with their translations and ask for a fifth.
# The prompt stops right after the opening quotation mark, so the next token must begin the answer.
# Nothing in it is English: not the words, not even the names of the languages.
#
# **Predict:** which token should come next in the prompt below?

# %%
prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer, seed=seed)
flower = prompts["flower"] if "flower" in prompts else prompts[0]
print(flower.text)

# %% [markdown]
# **What to notice.** The four demonstrations tell the model the task, the two languages and the format.
# They are drawn at random, but from a seed: the same seed always gives the same prompts, so two people can compare their numbers.

# %%
print("accepted answers:", flower.answers)
prompts.to_frame()[["concept", "answer_en", f"answer_{target}", "demos"]].head()

# %% [markdown]
# ## 3. Two controls: repetition and cloze
#
# **Objective: know what the other two tasks rule out.**
#
# *Repetition* has the same shape, but both sides are in the target language.
# A model can copy.
# If English appeared here too, translating would not be the reason.
#
# *Cloze* defines a concept in one language and leaves the word out.
# There is no second language at all, so copying does not help.

# %%
for task in ("repetition", "cloze"):
    example = ll.build_prompts(task, target=target, tokenizer=model.tokenizer, seed=seed)[0]
    print(f"--- {task}\n{example.text}\n")

# %% [markdown]
# ## Exercise 01.1 · Write a query (2 minutes, easy)
#
# Write the last line of a prompt that asks **in German** for the **French** word for *Blume* (flower).
# Stop where the model should go on.

# %% tags=["stub"]
answer = ...  # a text, such as 'English: "..."'
ll.checks.exercise("01.1", answer)

# %% tags=["solution"]
# Each language is named in itself, and the line stops right after the opening quote.
answer = 'Deutsch: "Blume" - Français: "'
ll.checks.exercise("01.1", answer)

# %% tags=["wrong"]
[
    answer + "fleur",
    answer + " ",
    'German: "Blume" - French: "',
    'Deutsch: Blume - Français: "',
    7,
]

# %% [markdown]
# ## 4. The model reads tokens, not words
#
# **Objective: see what stands in for letters.**
#
# A *tokenizer* cuts text into entries of a fixed vocabulary.
# Frequent words are one token, rare ones several.
# A space before a word usually belongs to its token; we show it as ␣ and a new line as ⏎.

# %%
ids = model.tokenizer(flower.text)["input_ids"]
print(len(ids), "tokens of a vocabulary of", f"{model.vocab_size:,}")
print(" | ".join(ll.plots.token_text(i, model.tokenizer) for i in ids[-14:]))

# %% [markdown]
# How many tokens does a word take?
# That depends on how much of a language the tokenizer has seen.
# The number is called **fertility**.

# %%
cut = ll.data.fertility(model.tokenizer).sort_values("tokens").round(1).reset_index()
cut["name"] = cut["language"].map(ll.plots.language_label)

# %% tags=["predict"]
offered = cut[cut["language"].isin(("en", "zh", "fr", "ru", "hu"))].sort_values("language")
most = offered.loc[offered["tokens"].idxmax()]
told = f"{most['tokens']} tokens on average."
question = "Which of these needs the most tokens per word?"
ll.predict(question, offered["name"].tolist(), most["name"], told)

# %%
ll.plots.bars(cut, x="name", y="tokens", title="Tokens per word, by language")

# %% [markdown]
# **What to notice.** English comes first, and Chinese close behind, because its characters are tokens.
# Everything we measure about a language's *first token* says less where a word has many.

# %% [markdown]
# ## 5. Start(w): which tokens begin a word?
#
# **Objective: turn "the model says *fleur*" into a set of tokens.**
#
# The model may begin *fleur* with `fleur`, but also with `fle` or just `f`, with or without a space before it.
# The paper counts **every** entry that is a prefix of the word: call that set Start(w).
# The probability of a word is the sum over Start(w).
#
# In a vocabulary of a quarter of a million entries almost every short text is a token.
# Then `f` counts towards *fleur* and *flower* alike.
# So for large vocabularies we take the word's own token, where the word is one token after a quotation mark; otherwise the token that the tokenizer itself puts first.
# That is a compromise: this tokenizer spells *fleur* as `f` + `leur`, and `f` is the beginning of many words.

# %%
for word in ("fleur", "flower", "花"):
    for mode in ("prefix", "word", "first"):
        found = sorted(ll.start_ids(word, model.tokenizer, mode))
        print(f"{word:8}{mode:8}", " ".join(ll.plots.token_text(i, model.tokenizer) for i in found))

# %% [markdown]
# Try other words.
# **Question to answer with the widget:** can you find a French and an English word that no token can tell apart, in any of the three modes?

# %%
display(ll.explore.tokens(model.tokenizer, "fleur", "flower"))

# %% [markdown]
# ## Exercise 01.2 · Find Start("flower") by hand (4 minutes, easy)
#
# A tokenizer marks a leading space with `▁`.
# Its vocabulary has these entries:
#
# `f` `fl` `flow` `flower` `flowers` `lower` `ower` `fleur` `▁` `▁f` `▁flower` `▁flowery`
#
# Which of them are in Start("flower") by the paper's rule?
# Give them as a set of texts.

# %% tags=["stub"]
answer = ...  # a set, such as {"f", "fl"}
ll.checks.exercise("01.2", answer)

# %% tags=["solution"]
# Prefixes of the word, with or without the space. The bare space begins every word, so it does
# not count.
answer = {"f", "fl", "flow", "flower", "▁f", "▁flower"}
ll.checks.exercise("01.2", answer)

# %% tags=["wrong"]
[
    answer | {"▁"},
    answer | {"lower"},
    answer | {"flowers"},
    answer - {"▁f", "▁flower"},
    answer - {"f"},
    "flower",
    3,
]

# %% [markdown]
# ## 6. Which words are left?
#
# **Objective: know what a pair loses, and why.**
#
# We follow two languages: the **target**, which is asked for, and English, which nobody mentioned.
# If the model goes through English on its way, English is its **pivot**.
#
# A concept can't tell the two apart when one token begins both words, or when the English word stands inside the other (*arm* in German *Arm*).
# Such concepts are dropped and listed with the reason.

# %%
import pandas as pd

rows = []
for code in ("zh", "ru", "de", "fr"):
    for mode in ("prefix", "word", "first"):
        kept = ll.build_prompts("translation", "en", code, tokenizer=model.tokenizer, mode=mode)
        rows.append((ll.plots.language_label(code), mode, len(kept)))
kept = pd.DataFrame(rows, columns=["target", "mode", "concepts"])

# %% tags=["predict"]
by_prefix = kept[kept["mode"] == "prefix"].set_index("target")["concepts"]
question = "Which target loses the most concepts to the paper's prefix rule?"
told = f"{by_prefix.min()} concepts are left."
ll.predict(question, list(by_prefix.index), by_prefix.idxmin(), told)

# %%
kept.pivot(index="target", columns="mode", values="concepts")

# %%
title = "Concepts left with English as the pivot"
ll.plots.bars(kept, x="target", y="concepts", title=title, group="mode")

# %% [markdown]
# **What to notice.** The script matters most.
# Chinese and Russian share no letters with English and lose nothing to the prefix rule.
# French loses the most: with this vocabulary one shared first letter is a shared token.
# German loses less, because its nouns begin with a capital.
# Counting whole words only would drop, in every language, each word that takes more than one token.
#
# The table `dropped` names every concept that went, and why.

# %%
few = ll.build_prompts("translation", "zh", "de", tokenizer=model.tokenizer, mode="prefix")
few.dropped.head(6)

# %% [markdown]
# ## Exercise 01.3 · What is dropped? (4 minutes, medium)
#
# In which of these pairs does the English word stand inside the German one, so that the concept is dropped? (Capitals do not count.)
#
# *arm* / Arm, *dog* / Hund, *hand* / Hand, *tree* / Baum, *house* / Haus, *hunger* / Hungersnot (famine, offered by somebody as a translation)
#
# Give the concepts as a set.

# %% tags=["stub"]
answer = ...  # a set, such as {"tree"}
ll.checks.exercise("01.3", answer)

# %% tags=["solution"]
# Haus and house look alike, but the letters of "house" are not in "haus" in one piece.
answer = {"arm", "hand", "hunger"}
ll.checks.exercise("01.3", answer)

# %% tags=["wrong"]
[
    {"arm", "hand"},
    {"arm", "hand", "hunger", "house"},
    {"arm", "hand", "hunger", "tree"},
    {"hunger"},
    "arm",
]

# %% [markdown]
# ## Exercise 01.4 · Prompts of your own (6 minutes, open)
#
# Build translation prompts between two languages of your choice, neither of them English, French or Chinese, with at least 200 concepts left.
# `ll.languages()` lists what there is.
#
# Look at one of them: would *you* know what to answer?

# %% tags=["stub"]
answer = ...  # a set of prompts: ll.build_prompts(...)
ll.checks.exercise("01.4", answer)

# %% tags=["solution"]
# Different scripts lose few concepts. Between related languages look into `dropped`.
answer = ll.build_prompts("translation", "es", "ko", tokenizer=model.tokenizer)
print(answer[0].text)
ll.checks.exercise("01.4", answer)

# %% tags=["wrong"]
[
    prompts,
    ll.build_prompts("translation", "de", "ru", tokenizer=model.tokenizer)[:50],
    ll.build_prompts("repetition", target="ru", tokenizer=model.tokenizer),
    [prompts[0].text],
]

# %% [markdown]
# ## 7. Try it
#
# **Question to answer with the widget:** take *book*.
# From French to Chinese, and from Chinese to French: in which direction does the model's last layer (the top row) get the word right?
#
# A model computes in layers, one after the other, and only the last one speaks.
# The figures show what you will learn to read in the next notebook: the most probable token at every layer, and the probability of each language.

# %%
display(ll.explore.prompt(model, source=source, target=target, concept="book"))

# %% [markdown]
# No widget on your screen (on GitHub, in a PDF)?
# This figure shows its first state.

# %%
book = prompts["book"] if "book" in prompts else prompts[0]
ll.plots.heatmap(ll.decode(model, book, positions=10), model.tokenizer)

# %% [markdown]
# ## What this does not show
#
# A prompt with one right next token is a narrow keyhole.
# It says nothing yet about sentences, about words of several tokens beyond the first, or about what happens *inside* the model.
# And a list of concepts with one-word names is not a language.
#
# ## Recap
#
# - Translation, repetition and cloze prompts all end right before the answer.
# - Start(w) is the set of tokens that begin a word.
# - A concept that can't tell two languages apart is dropped, with its reason.
#
# **Further reading:** sections 3.3 and A.2 of the [paper](https://aclanthology.org/2024.acl-long.820/).
