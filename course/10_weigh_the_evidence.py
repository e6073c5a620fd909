# ---
# jupyter:
#   course:
#     you_will: 'hold four explanations against five experiments, say what the evidence supports and how surely, and write a report'
#     figure: 'll.plots.atlas(table)'
#     alt: 'Marks for the depth at which English peaks, one line per model'
#     first_run: 1.5
#     again: 0.7
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 10 · Weigh the evidence
#
# **Which explanation does the evidence support, how surely, and for which model?**
#
# You have seen English in the middle layers, tried to explain it away, moved latents and erased words.
# Now you put everything side by side, and say what follows.

# %% [markdown]
# ## What you will do
#
# - write down your own verdict before you see the one of the library;
# - see what four explanations predict, and find the experiments that tell them apart;
# - read a table of verdicts for several pairs of languages and two models;
# - ask whether the finding rests on some kinds of words;
# - ask how often a model has the right word in the middle and loses it at the end;
# - compare models that others have published, and write a report of two pages.
#
# **You need** notebooks 2, 4, 7, 8 and 9.
# For words you do not know there is a [glossary](GLOSSARY.md).
#
# **Time** about 60 minutes to work through, and two hours for the report.
# The cells run for about a minute on two CPU cores the first time.
# The default model is Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number) made dense again.

# %% tags=["claims"]
{
    "about 60 minutes to work through": "an estimate for a lesson",
    "for several pairs of languages and two models": len({name for name, _, _ in asked}) == 2,
    "a report of two pages": "a task",
    "Gemma 3 270M, from a quantized file (Q4_K_M, 7.4 bits per number)": (
        "the name of a model, and counted by a test"
    ),
}

# %% tags=["setup"]

# %% tags=["parameters"]
model = None  # None: the demo model, or what LATENTLANG_MODEL names; "llama-2-7b" on a GPU

# %%

model = ll.load_model(model)
model

# %% [markdown]
# ## 1. Your verdict first
#
# **Objective: say what you believe before you look.**
#
# Here are six statements about the demo model, translating from German to Chinese.
# For each of them, what does the evidence of notebooks 1 to 9 say: is it *for* the statement, *against* it, or *undecided*?
# Replace the question marks.
# Nothing is graded; section 4 puts your words beside those of the library.

# %%
mine = {
    "In the middle, English is more probable than Chinese.": "?",
    "In the middle, English is more probable than languages that nobody asks for.": "?",
    "The order of English and Chinese survives the linear lens.": "?",
    "English words tell the concept better than words of other languages.": "?",
    "German words tell the concept no better than English words.": "?",
    "The answer needs the English word more than any control.": "?",
}

# %% [markdown]
# ## 2. Four explanations
#
# **Objective: turn an explanation into predictions that can fail.**
#
# Many stories fit a curve of P(English).
# These four are the ones that researchers argue about:
#
# - **pivot**: the model computes the answer through the English word.
# - **hub**: the middle layers hold the meaning in no language's words. English shows because it is nearest.
# - **copy**: the middle layers carry the *source* word. What looks like meaning is its copy.
# - **artefact**: the lens shows English because the output layer prefers it.
#
# A story is worth something if it says in advance what an experiment will show.
# The table has a row for each quantity that can be measured, and a column for each explanation.
# An empty cell means that the explanation says nothing about it.

# %%
demo = ll.load_model("gemma-3-270m", stored=True)
judged = ll.verdict(demo, "de", "zh", every=4)
table = judged.table()
expected = table.pivot(index=["experiment", "compares"], columns="hypothesis", values="predicted")
expected = expected[["pivot", "hub", "copy", "artefact"]].fillna("")
expected

# %% [markdown]
# *above 0.01* means: the difference is at least 0.01.
# *not above*: it is smaller, zero or negative.
# *may be above*: a difference would speak for the explanation, and none would not speak against it.
#
# These predictions are ours.
# They were written down before the verdicts were computed, and tried on small models that were built to be a pivot, a hub, a copier, or a model with a biased output layer: the right explanation came out each time.
# A mixture of hub and copier was taken for a hub, so the table cannot tell those two apart.
# You may disagree with a prediction; then say what you would predict instead, and from which assumption.

# %% [markdown]
# ## Exercise 10.1 · Tell them apart (6 minutes, medium)
#
# Which experiments can tell a *pivot* from an *artefact*?
# An experiment can do so if the two predict different things of at least one of its quantities.
# (An empty cell predicts nothing.)
# Give the set of their names, as in the first column.

# %% tags=["stub"]
answer = ...  # {"...", "..."}
ll.checks.exercise("10.1", answer)

# %% tags=["solution"]
# Compare the two columns where both say something.
both = expected[(expected["pivot"] != "") & (expected["artefact"] != "")]
apart = both[both["pivot"] != both["artefact"]]
answer = set(apart.index.get_level_values("experiment"))
ll.checks.exercise("10.1", answer)

# %% tags=["right"]
[
    ["lenses", "retrieval", "erasing"],
]

# %% tags=["wrong"]
{
    "Of the readings both predict the same": {"readings", "lenses", "retrieval", "erasing"},
    "About patching the artefact predicts nothing": {"patching", "lenses", "retrieval", "erasing"},
    "Some are missing": {"lenses"},
    "is not an experiment of the table": {"lens"},
    "The answer is a set of texts": 3,
}

# %% [markdown]
# ## 3. For, against, or undecided
#
# **Objective: decide by a rule that stands before the numbers.**
#
# Each quantity is a mean over concepts, with an interval of 95 %.
# An interval that leaves zero out shows that there is an effect, but not that it matters.
# So each quantity also has a *smallest effect that counts*: 0.01 for probabilities, 0.1 for shares of concepts.
#
# For a prediction such as *above 0.01* the rule is:
#
# - **for**: the whole interval is above zero, and some of it reaches the smallest effect;
# - **against**: the whole interval is below the smallest effect;
# - **undecided**: everything else. There are too few concepts to tell.
#
# *Undecided* is not *against*: absence of evidence is not evidence of absence.

# %% tags=["claims"]
{
    "an interval of 95 %": "the name of an interval",
    "*smallest effect that counts*: 0.01 for probabilities, 0.1 for shares of concepts": (
        {row.quantity.least for row in judged.rows if row.quantity.experiment == "retrieval"}
        == {0.01, 0.1}
        and {row.quantity.least for row in judged.rows if row.quantity.experiment != "retrieval"}
        == {0.01}
    ),
    "For a prediction such as *above 0.01*": "an example",
}

# %% [markdown]
# ## Exercise 10.2 · The rule (6 minutes, medium)
#
# Write `says(lower, upper, least)` for a prediction *above*.
# `lower` and `upper` are the ends of the interval, and `least` is the smallest effect that counts.
# It returns `"for"`, `"against"` or `"undecided"`.


# %% tags=["stub"]
def says(lower, upper, least): ...


answer = ...  # write says, then replace the dots here by: says
ll.checks.exercise("10.2", answer)


# %% tags=["solution"]
def says(lower, upper, least):
    # First see whether the effect is ruled out: then it cannot be shown as well.
    if upper < least:
        return "against"
    return "for" if lower > 0 else "undecided"


ll.checks.exercise("10.2", says)

# %% tags=["right"]
[
    lambda lower, upper, least: (
        "for" if lower > 0 and upper >= least else "against" if upper < least else "undecided"
    ),
]

# %% tags=["wrong"]
{
    "with zero in it does not speak against": (
        lambda lower, upper, least: "for" if lower > 0 else "against"
    ),
    "surely too small does not count": (
        lambda lower, upper, least: "for" if lower > 0 else "against" if upper < 0 else "undecided"
    ),
    "The lower end need not reach": (
        lambda lower, upper, least: (
            "for" if lower >= least else "against" if upper < least else "undecided"
        )
    ),
    "the words are": lambda lower, upper, least: "yes",
    "it should be": lambda lower, upper, least: "for",
    "says returns nothing": lambda lower, upper, least: None,
    "is a function": "for",
}
