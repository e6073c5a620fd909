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
# **How can we ask a language model for a word so that one token tells its language?**
#
# A model is asked in French for a Chinese word.
# Does English appear on the way?

# %% tags=["setup"]

# %%
demo = ll.load_model("gemma-3-270m", stored=True)  # stored answers: they need no weights
french = ll.run_experiment(demo, "translation", "fr", "zh", every=4)
year = french["year"]
print(year.prompts["text"][0])
ll.plots.grid(year)

# %% [markdown]
# **What to notice.** The prompt asks for the Chinese word for *année* (year).
# The model has 18 layers: each row shows the word that it would say after that layer, and the top row its real answer.
#
# Green is French, orange English, blue Chinese; the grey rows have nothing to do with the word.
# *Year* appears at layers 14 to 16, although no word of the prompt is English.
#
# We picked this word: of 99 words, 10 show an English word on top at some layer and the right answer at the end.

# %% tags=["claims"]
{
    "The model has 18 layers": (year.layers[-1] == 18),
    "*Year* appears at layers 14 to 16": (
        [layer for layer in year.layers if year.rank["en"][0, layer - 1] == 1] == [14, 15, 16]
    ),
    "no word of the prompt is English": (
        not {*ll.load_words()["en"].sum()} & {*year.prompts["text"][0].split('"')}
    ),
    "the grey rows have nothing to do with the word": (
        all(year.between(1, 12).probability[code].max() < 0.01 for code in ("en", "fr", "zh"))
    ),
    "of 99 words, 10 show an English word on top at some layer and the right answer at the end": (
        len(french) == 99
        and (french.rank["en"].eq(1).any(1) & french.rank["zh"][:, -1].eq(1)).sum() == 10
    ),
}

# %% [markdown]
# ## Your word
#
# Now choose your own word and your own languages.
# The next cells load the model, which takes a moment, and ask it.
#
# Write the language that the prompt is in, the language that it asks for, and the word, with hyphens.
# `"fr-zh-flower"` is the paper's *fleur*, asked from French (`fr`) to Chinese (`zh`).
# `ll.languages()` lists the codes: take two other than English.
# The word is the English name of a concept, such as *flower*, *water* or *friend*.
#
# Before you run it: which language do you expect in the rows below the answer?

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU
source, target = "fr", "zh"  # two languages other than English
seed = 0

# %%
from IPython.display import display

model = ll.load_model(model)
model

# %%
try:
    my_word = ll.my_word("fr-zh-flower")  # change it, and run the cell again
    my_prompts = ll.build_prompts("translation", *my_word.languages, tokenizer=model.tokenizer)
    my_run = ll.decode(model, my_prompts[my_word.concept], top_k=10, follow=True)
    display(ll.plots.grid(my_run))
    answer_at_end = [run.probability[run.target][:, -1].mean() for run in (my_run, french)]
    print(my_word.note(1, *answer_at_end))
except ll.errors.LatentLangError as error:  # it says what to change
    print(error)

# %% [markdown]
# Your word may show English, your own language, another one, or none.
# A single word proves nothing: notebook 2 counts many.
#
# The line below the figure is your word, with its first result: the probability of the right answer, and after the slash its mean over many words.
# The library keeps it, each notebook adds a result, and notebook 10 shows all of them on one slide.
# If the next notebook runs on another machine, as in Colab, copy the line and pass it to `ll.my_word`.

# %% [markdown]
# Wendler, Veselovsky, Monea and West asked this question in [Do Llamas Work in English?](https://aclanthology.org/2024.acl-long.820/) (ACL 2024).
# Their model, Llama-2, was trained mostly on English (89.70 %; paper, section 3.1).

# %% tags=["claims"]
{
    "(ACL 2024)": "the year of the paper",
}

# %% [markdown]
# ## What you will do
#
# You build the paper's three kinds of prompt, and decide which [tokens](GLOSSARY.md) count as the beginning of a word.
#
# **You need** a little Python; new words stand in the [glossary](GLOSSARY.md).
#
# **Time** about 60 minutes to work through; the cells run for about half a minute on two CPU cores, in 2 GB of memory.
# The model is Gemma 3 270M, from a quantized file (7.4 bits per number).

# %% tags=["claims"]
{
    "about 60 minutes to work through": "an estimate for a lesson",
    "for about half a minute on two CPU cores, in 2 GB of memory": "run in a container of 2 GB",
    "Gemma 3 270M": "the name of a model",
    "from a quantized file (7.4 bits per number)": "counted in the file (tests/test_packaged.py)",
}

# %% [markdown]
# ## 1. Concepts with a word in every language
#
# **Objective: know the material.**
#
# Each row is a *concept*, with the words that a speaker would accept for it.
# Chinese writes many everyday concepts with one character, and one character is often one token (paper, section 3.3).

# %%
words = ll.load_words()
print(len(words), "concepts in", words.shape[1], "languages")
some = words.loc[["book", "flower", "dog", "cloud", "mountain"]]
some[["en", "fr", "de", "ru", "zh"]].map(" | ".join)

# %% tags=["claims"]
{
    "Chinese writes many everyday concepts with one character": (
        words["zh"].map(lambda spellings: any(len(word) == 1 for word in spellings)).mean() > 0.3
    ),
    "one character is often one token": (
        words["zh"]
        .map(lambda spellings: [word for word in spellings if len(word) == 1])
        .explode()
        .dropna()
        .map(lambda word: len(model.tokenizer(word, add_special_tokens=False)["input_ids"]) == 1)
        .mean()
        > 0.9
    ),
}

# %% [markdown]
# **Question.** The cell for *flower* in Chinese holds two words, 花 and 花朵.
# What would go wrong if only the first one counted?
#
# <details><summary>Answer</summary>
#
# The model may answer with the other one, which a speaker would accept as well.
# (Here both begin with the same token, but 书 and 書, for *book*, do not.)
# The probability of the other one would be lost, and Chinese would look weaker than it is.
#
# </details>

# %% tags=["claims"]
{
    "The cell for *flower* in Chinese holds two words, 花 and 花朵.": (
        [*words.loc["flower", "zh"]] == ["花", "花朵"]
    ),
    "both begin with the same token, but 书 and 書, for *book*, do not": (
        {"书", "書"} <= {*words.loc["book", "zh"]}
        and {*ll.start_ids("花", model.tokenizer, "first")}
        <= {*ll.start_ids("花朵", model.tokenizer, "first")}
        and not {*ll.start_ids("书", model.tokenizer, "first")}
        & {*ll.start_ids("書", model.tokenizer, "first")}
    ),
}

# %% [markdown]
# ## 2. The translation prompt
#
# **Objective: read a prompt as the model does.**
#
# We show four words with their translations and ask for a fifth.
# The prompt stops right after the opening quotation mark: the next token must begin the answer.
# No word in it is meant as English.
#
# **Predict:** which token should come next?

# %%
prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer, seed=seed)
flower = prompts["flower"] if "flower" in prompts else prompts[0]
print(flower.text)

# %% tags=["claims"]
{
    "We show four words with their translations": len(flower.text.splitlines()) == 4 + 1,
    "The prompt stops right after the opening quotation mark": flower.text.endswith('"'),
}

# %%
print("accepted answers:", flower.answers)
prompts.to_frame()[["concept", "answer_en", f"answer_{target}", "demos"]].head()

# %% [markdown]
# **Question.** Suppose you leave out the four demonstrations and keep the last line.
# What does the model then not know?
#
# <details><summary>Answer</summary>
#
# It does not know the task.
# After an open quotation mark the text may go on with a name, a sentence or anything else.
# The demonstrations show that one word follows, and that it is a translation.
#
# </details>

# %% [markdown]
# ## 3. Two more tasks: repetition and cloze
#
# **Objective: know what each task asks of the model.**
#
# *Repetition* has the target language on both sides.
#
# *Cloze* describes a concept and leaves the word out (here, in English: *Every morning, the "___" rises in the east, and brings the earth light and warmth.*).

# %%
for task in ("repetition", "cloze"):
    example = ll.build_prompts(task, target=target, tokenizer=model.tokenizer, seed=seed)[0]
    print(f"--- {task}\n{example.text}\n")

# %% tags=["claims"]
{
    'Every morning, the "___" rises in the east': example.concept == "sun",
}

# %% [markdown]
# **Question.** In which of the three tasks could the model answer by copying a word of the prompt?
#
# <details><summary>Answer</summary>
#
# In repetition: the last line holds the answer.
# In translation it holds the source word, and a copy of that is wrong, unless both words are spelled alike.
# In cloze it holds neither.
#
# </details>

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

# %% tags=["right"]
[
    'Deutsch: "Blume" - Franc\u0327ais: "',  # ç typed as c and a cedilla
]

# %% tags=["wrong"]
{
    "must not contain the answer": answer + "fleur",
    "white space after": answer + " ",
    "named in itself": 'German: "Blume" - French: "',
    "or close the quote": answer + '"',
    "Open the quote": answer[:-1],
    "Only typesetting differs": "Deutsch: “Blume” – Français: “",
    "plain spaces": answer.replace(" ", "\u00a0"),
    "Only the last line": 'English: "water" - Français: "eau"\n' + answer,
    "German word stands first": 'Français: "fleur" - Deutsch: "',
    "Compare with": 'Deutsch: Blume - Français: "',
    "is a text": 7,
    "text in quotation marks": answer.encode(),
}

# %% [markdown]
# ## 4. The model reads tokens, not words
#
# **Objective: see what stands in for letters.**
#
# A *tokenizer* cuts text into entries of a fixed vocabulary; its **fertility** is their mean number per word.
# A space before a word belongs to its token; we show it as ␣ and a new line as ⏎.

# %%
ids = model.tokenizer(flower.text)["input_ids"]
print(len(ids), "tokens of a vocabulary of", f"{model.vocab_size:,}")
print(" | ".join(ll.plots.token_text(i, model.tokenizer) for i in ids[-14:]))

# %%
cut = ll.data.fertility(model.tokenizer).sort_values("tokens").reset_index()
cut["name"] = cut["language"].map(ll.plots.language_label)

# %% tags=["predict"]
offered = cut[cut["language"].isin(("en", "zh", "fr", "pl"))].sort_values("language")
most = offered.loc[offered["tokens"].idxmax()]
told = f"{most['tokens']:.1f} tokens on average."
question = "Which of these needs the most tokens per word?"
ll.predict(question, offered["name"].tolist(), most["name"], told)

# %%
ll.plots.bars(cut, x="name", y="tokens", title="Tokens per word, by language")

# %% [markdown]
# **What to notice.** English comes first, and Chinese close behind, because its characters are tokens.
# A *first token* says less about a word that has many.

# %% tags=["claims"]
{
    "English comes first, and Chinese close behind": (
        cut["language"].tolist()[:2] == ["en", "zh"] and cut["tokens"].iloc[1] < 1.5
    ),
    "because its characters are tokens": (
        cut.set_index("language")["single"]["zh"] > 0.7 * len(words)
    ),
}

# %% [markdown]
# **Question.** Polish words take more tokens than English ones.
# Does it follow that the model knows Polish less well?
#
# <details><summary>Answer</summary>
#
# It does not follow.
# The number says how the tokenizer cuts a word, not what the model knows about it.
# A model can know a word that it has to write in three pieces.
# (Both often go together, because a language with little training text gets few tokens.)
#
# </details>

# %% tags=["claims"]
{
    "Polish words take more tokens than English ones": (
        cut.set_index("language").tokens.pipe(lambda tokens: tokens.pl > tokens.en)
    ),
}

# %% [markdown]
# ## 5. Start(w): which tokens begin a word?
#
# **Objective: turn "the model says *fleur*" into a set of tokens.**
#
# The model may begin *fleur* with `fleur`, `fle` or just `f`, with or without a space before it.
# The paper adds up the probabilities of **every** entry that is a prefix of the word: the set Start(w) (appendix A.2).
# Then `f` counts towards *fleur* and *flower*, and the paper drops such words: of 139 French ones it keeps 56 (section 3.3).
#
# This course takes the word's own token, if the word is one token (`word`), and otherwise the token that the tokenizer puts first (`first`).

# %%
for word in ("fleur", "flower", "花"):
    for mode in ("prefix", "word", "first"):
        found = sorted(ll.start_ids(word, model.tokenizer, mode))
        print(f"{word:8}{mode:8}", " ".join(ll.plots.token_text(i, model.tokenizer) for i in found))

# %% [markdown]
# **What to notice.** Our rule is a compromise: this tokenizer spells *fleur* as `f` + `leur`, and many words begin with `f`.
# `⟨E8⟩` is a byte ([byte fallback](GLOSSARY.md)).

# %% tags=["claims"]
{
    "this tokenizer spells *fleur* as `f` + `leur`": (
        model.tokenizer.tokenize('"fleur')[1:] == ["f", "leur"] and len(prompts) > 0
    ),
}

# %% [markdown]
# **Question to answer with the widget:** can you find a French and an English word that no token can tell apart, in any mode?

# %%
display(ll.explore.tokens(model.tokenizer, "fleur", "flower"))

# %% [markdown]
# Compare your answer:
#
# <details><summary>Answer</summary>
#
# Any word that both languages spell alike, such as *lion* or *table*.
# It is cut into the same tokens in both languages, by every rule.
#
# </details>

# %% tags=["claims"]
{
    "spell alike, such as *lion* or *table*": all(
        {word} <= {*words.loc[word, "fr"]} & {*words.loc[word, "en"]} for word in ("lion", "table")
    ),
}

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

# %% tags=["right"]
[
    {entry.replace("▁", "␣") for entry in answer},  # the sign that this notebook shows
    {entry.replace("▁", "_") for entry in answer},
    {entry.replace("▁", " ") for entry in answer},
]

# %% tags=["wrong"]
{
    "bare space": answer | {"▁"},
    "begins every word": answer | {"␣"},
    "must stand at the start": answer | {"lower"},
    "must stop within the word": answer | {"flowers"},
    "keep its letters": answer | {"fleur"},
    "with a space in front": answer - {"▁f", "▁flower"},
    "1 entries are missing": answer - {"f"},
    "6 entries are missing": set(),
    "'flo', 'flowe': not an entry": answer | {"flo", "flowe"},
    "This is one text": "flower",
    "set of texts": 3,
    "Something else stands in it": {("f", "fl")},
}

# %% [markdown]
# ## 6. Which words are left?
#
# **Objective: know what a pair loses, and why.**
#
# We follow the **target**, which is asked for, and English: the **pivot**, if the model goes through it.
#
# A concept is dropped when one token begins its words in two languages, or when the English word stands inside the target's, capitals aside (*arm* in German *Arm*; the authors' rule, `Translation.ipynb`).
#
# Here the source is English, so the numbers depend on the target alone.

# %%
import pandas as pd

rows = []
for code in ("zh", "ru", "de", "fr"):
    for mode in ("prefix", "word", "first"):
        kept = ll.build_prompts("translation", "en", code, tokenizer=model.tokenizer, mode=mode)
        rows.append((ll.plots.language_label(code), mode, len(kept)))
kept = pd.DataFrame(rows, columns=["target", "mode", "concepts"])
table = kept.pivot(index="target", columns="mode", values="concepts")

# %% tags=["predict"]
by_prefix = kept[kept["mode"] == "prefix"].set_index("target")["concepts"]
question = "Which target loses the most concepts to the paper's prefix rule?"
told = f"{by_prefix.min()} concepts are left."
ll.predict(question, list(by_prefix.index), by_prefix.idxmin(), told)

# %%
title = "How many concepts are left with English as the pivot?"
meaning = {
    "prefix": "every token that is a beginning of the word (the paper's rule)",
    "word": "the tokens that spell the whole word",
    "first": "the token that the tokenizer puts first",
}
ll.plots.bars(kept, x="target", y="concepts", title=title, group="mode", meaning=meaning)

# %% [markdown]
# **What to notice.** To the paper's rule, `prefix`, Chinese and Russian lose nothing: they share no letter with English.
# French loses the most.

# %% tags=["claims"]
{
    "To the paper's rule, `prefix`, Chinese and Russian lose nothing": (
        table.loc[[ll.plots.language_label(code) for code in ("zh", "ru")], "prefix"].eq(476).all()
    ),
    "French loses the most": table["prefix"].idxmin() == ll.plots.language_label("fr"),
}

# %%
few = ll.build_prompts("translation", "zh", "de", tokenizer=model.tokenizer, mode="prefix")
few.dropped.head(6)

# %% [markdown]
# **Question.** From French some concepts are dropped that are kept from German.
# What must you do before you compare the two pairs?
#
# <details><summary>Answer</summary>
#
# Take the concepts that both pairs keep.
# Otherwise you compare words, not languages: some words are easier than others.
#
# </details>

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

# %% tags=["right"]
[
    {"Arm", "Hand", " hunger "},
]

# %% tags=["wrong"]
{
    "at the beginning of a longer German one": {"arm", "hand"},
    "'house' is not in 'Haus'": {"arm", "hand", "hunger", "house"},
    "A shared meaning": {"arm", "hand", "hunger", "tree"},
    "only the letters count": {"arm", "hand", "hunger", "dog"},
    "ask whether the German one contains it": {"hunger"},
    "hungersnot: give the concept": {"arm", "hand", "hungersnot"},
    "foot: not a concept": {"arm", "hand", "hunger", "foot"},
    "This is one text": "arm",
    "Something else": {1, 2},
}

# %% [markdown]
# ## Exercise 01.4 · Prompts of your own (6 minutes, open)
#
# Build translation prompts between two languages of your choice, neither of them English, French or Chinese, with at least 200 concepts left.
# `ll.languages()` lists what there is.
#
# Look at one of them: would *you* know what to answer?

# %% tags=["claims"]
{
    "with at least 200 concepts left": "an exercise",
}

# %% tags=["stub"]
answer = ...  # a set of prompts: ll.build_prompts(...)
ll.checks.exercise("01.4", answer)

# %% tags=["solution"]
# Different scripts lose few concepts. Between related languages look into `dropped`.
answer = ll.build_prompts("translation", "es", "ko", tokenizer=model.tokenizer)
print(answer[0].text)
ll.checks.exercise("01.4", answer)

# %% tags=["wrong"]
{
    "English, French or Chinese (fr": prompts,
    "50 concepts are left": answer[:50],
    "199 concepts are left": answer[[*range(199), 0]],
    "these prompts mix es → ko, it → ko": answer
    + ll.build_prompts("translation", "it", "ko", tokenizer=model.tokenizer),
    "Leave out control=": ll.build_prompts(
        "translation", "es", "ko", tokenizer=model.tokenizer, control="shuffled"
    ),
    "Take the translation task": ll.build_prompts(
        "repetition", target="ru", tokenizer=model.tokenizer
    ),
    "is a set of prompts": [prompts[0].text],
}

# %% [markdown]
# ## 7. Try it
#
# **Question to answer with the widget:** take *book*, from French to Chinese and from Chinese to French.
# In which direction is the answer (the top row, at the right) correct?
# Which word appears on the way to Chinese, and what does that say about "the model thinks in English"?

# %%
display(ll.explore.prompt(model, source=source, target=target, concept="book"))

# %% [markdown]
# No widget on your screen?
# This grid shows its first state.

# %%
book = prompts["book"] if "book" in prompts else prompts[0]
seen = ll.decode(model, book, positions=7, top_k=10, follow=True)
ll.plots.grid(seen)

# %% [markdown]
# Compare your answer:
#
# <details><summary>Answer</summary>
#
# From French to Chinese the answer is right: 书.
# From Chinese to French it is wrong: the top row says *book*, in English.
#
# On the way to Chinese, *libro* is on top, which is Spanish and Italian.
# The grid leaves it grey, because it follows French, English and Chinese only.
# So English is not the only language that can appear uninvited.
# One prompt cannot tell how often that happens.
#
# </details>

# %% tags=["claims"]
{
    "*libro* is on top": all(
        ll.plots.token_text(token, model.tokenizer) == "libro"
        for token in seen.between(14, 16).top_ids[0, -1, :, 0].tolist()
    ),
    "From French to Chinese the answer is right": seen.rank["zh"][0, -1, -1] == 1,
    "the top row says *book*, in English": (
        ll.decode(
            model,
            ll.build_prompts("translation", "zh", "fr", tokenizer=model.tokenizer)[book.concept],
            progress=False,
        ).rank["en"][0, -1]
        == 1
    ),
}

# %% [markdown]
# ## What this does not show
#
# One next token says nothing yet about sentences, about words of several tokens, or about what happens *inside* the model.
#
# ## Recap
#
# - Translation, repetition and cloze prompts all end right before the answer.
# - Start(w) is the set of tokens that begin a word.
# - A concept that can't tell two languages apart is dropped, with its reason.

# %% [markdown]
# ## Quiz
#
# Choose the sentence that the figure or the table supports.
# The others are mistakes that readers make; each choice says why it follows, or why not.
# (With other parameters the figures may say something else.)

# %% tags=["quiz"]
ll.choose(
    "The first grid, for “année”: which sentence does it support?",
    "The model thinks in English.",
    "One word, picked because it shows English, says nothing about the other words.",
    "For this word, the lens shows “year” before it shows the Chinese word.",
    "The rows with “year” lie below the row with 年.",
    "The model translates the word into English first, and then from English into Chinese.",
    "The grid shows what the lens reads, and not what the later layers use.",
    "In the lowest rows the model thinks of something else.",
    "Their tokens have nothing to do with the word, because the lens does not fit there yet.",
    supported="b",
)

# %% tags=["claims"]
{
    "For this word, the lens shows “year” before it shows the Chinese word": (
        year.rank["en"][0].eq(1).nonzero().max() < year.rank["zh"][0].eq(1).nonzero().min()
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 4, the bars: which sentence do they support?",
    "A language with a high bar cannot be measured.",
    "Its words can be measured by their first token, which then says less.",
    "Chinese words mean less than Polish words, because they have fewer tokens.",
    "The bars depend on the tokenizer, which has most of these Chinese words as one token.",
    "Of all languages here, English needs the fewest tokens per word.",
    "Its bar is the lowest: nearly every English word of the list is one token.",
    "The model knows Polish less well than English.",
    "The bars count the pieces of a word, and not what the model knows about it.",
    supported="c",
)

# %% tags=["claims"]
{
    "Of all languages here, English needs the fewest tokens per word": (
        cut.set_index("language").tokens.idxmin() == "en"
    ),
    "nearly every English word of the list is one token": (
        cut.set_index("language").single["en"] > 0.9 * len(words)
    ),
    "which has most of these Chinese words as one token": (
        cut.set_index("language").single["zh"] > 0.5 * len(words)
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 6, the bars: which sentence do they support?",
    "The rule “prefix” drops French words because they are rare.",
    "It drops words that share a token with the English word, rare or not.",
    "By the rule “prefix”, French loses more concepts than German.",
    "Its bar is lower: many French words share their first letters with the English ones.",
    "The rule “word” is the best, because it loses the fewest concepts.",
    "It loses the most in Russian, where many words are more than one token.",
    "The model translates into French less well than into Russian.",
    "A concept is dropped because of shared tokens, and not because the model fails.",
    supported="b",
)

# %% tags=["claims"]
{
    "By the rule “prefix”, French loses more concepts than German": (
        table.loc[ll.plots.language_label("fr"), "prefix"]
        < table.loc[ll.plots.language_label("de"), "prefix"]
    ),
    "It loses the most in Russian": (
        table["word"].idxmin() == ll.plots.language_label("ru")
        and table["word"].min() == table.to_numpy().min()
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 6, the table of dropped concepts: which sentence does it support?",
    "A concept can be dropped although only the beginning of its words is shared.",
    "“ash” and “Asche” differ, and share their first token.",
    "Only words that are spelled exactly alike in both languages are dropped from the list.",
    "“ash” and “Asche” are in the table, and they are not spelled alike.",
    "“Wind” is dropped because the model cannot translate it.",
    "The reason in the table is the spelling: the English word stands in the German one.",
    supported="a",
)

# %% tags=["claims"]
{
    "“ash” and “Asche” differ, and share their first token": (
        few.dropped.set_index("concept").reason["ash"] == "shared first token: ash / Asche"
    ),
    "the English word stands in the German one": (
        "in the target word" in few.dropped.set_index("concept").reason["wind"]
    ),
}

# %% tags=["quiz"]
ll.choose(
    "Section 7, the grid for “book”: which sentence does it support?",
    "The model thinks in Spanish.",
    "One word on the way, in one prompt, does not tell in which language a model thinks.",
    "English never appears on the way to Chinese.",
    "This prompt does not show it, and the first grid of the notebook does.",
    "The answer of the model is wrong, because words of other languages stand in the middle rows.",
    "The top row is the answer of the model, and here it is right.",
    "A language that nobody asked for can appear, and it need not be English.",
    "Rows below the top show “libro”, which is Spanish and Italian.",
    supported="d",
)

# %% tags=["claims"]
{
    "Rows below the top show “libro”": (
        ll.plots.token_text(seen.top_ids[0, -1, 15 - 1, 0].item(), model.tokenizer) == "libro"
    ),
    "and here it is right": (seen.rank["zh"][0, -1, -1] == 1),
    "This prompt does not show it": (seen.rank["en"][0, -1].min() > 1),
}

# %% [markdown]
# ## Readings
#
# - Wendler and others (2024), [Do Llamas Work in English?](https://aclanthology.org/2024.acl-long.820/): section 3.3 and appendix A.2 describe the prompts and Start(w) that you have just built.
# - Touvron and others (2023), [Llama 2](https://doi.org/10.48550/arXiv.2307.09288): the paper's model, and how little of its training text was not English.
# - Gemma Team (2025), [Gemma 3 Technical Report](https://doi.org/10.48550/arXiv.2503.19786): the family of this course's model, and its large vocabulary.

# %%
print(ll.checks.check_environment())  # versions and memory: send these lines with a question
