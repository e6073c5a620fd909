"""Questions to answer before looking: what they say, that they need no kernel, and their answers.

No answer turns on less than about twice its own error: 95 % of the resamples of the concepts give
the same one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from statistics import NormalDist

import pandas as pd
import pytest
import torch

import latentlang as ll
from latentlang.prompts.setting import Setting
from tools import predictions, resample, store
from tools.predictions import steps
from tools.scripts import Script, scripts

every_script = pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)

LEAST = 0.95
# What rests on no sample of several concepts has no sampling error in this sense. Why it is sure:
FIXED = {
    "Which language has the most probable token": "one fixed prompt",
    "Llama-2 7B: how high does English rise?": "published curves, far from a limit",
    "Qwen2.5-Coder 1.5B: how high does English rise?": "stored, far from a limit",
    "gemma-3-270m: how high does English rise?": "far from a limit",
    "Going up the last column: in which language is the first word for eagle": "one fixed prompt",
    "Which of these needs the most tokens per word?": "the words are resampled below",
    "Which target loses the most concepts": "the words are resampled below",
    "Llama-2 7B has 6.7 billion weights.": "counted from the model's shape",
    "The lens first has the English word eagle on top at layer": "one fixed pair of prompts",
    "Both patched: which answer will be the most frequent?": "15 of 17, and dear to repeat",
    "Which of the three changes more than half": "7, 0 and 0 of 8: far from 4, and dear to repeat",
    "At the last layer P(English) is near zero.": "36 of 45: far from the half",
    "Which of the four will have a prediction for it": "each has one against it",
    "Of the prompts into Russian that a middle layer solves": "103 of 128: far from two thirds",
}


def test_every_choice_is_answered_with_what_was_measured():
    asked = ll.predict("Which is larger?", ["one", "two", "<b>"], "two", "2 > 1")
    page = asked._repr_html_()
    told = re.findall(r"<div class='ll-\d'>(.*?)</div>", page)
    assert len(told) == 4 and "Correct." in told[1] and "2 &gt; 1" in told[1]
    assert (
        all("Measured here: two." in told[n] for n in (0, 2, 3))
        and "&lt;b&gt;" in told[2]
        and "<i><b>" not in page
    )
    assert page.count("type='radio'") == 4 == page.count("<label for=")
    assert "2 > 1" not in repr(asked)  # what a log shows does not give the answer away
    assert "two" in repr(asked)


def test_a_surprise_is_told_with_every_choice():
    told = re.findall(
        r"<div class='ll-\d'>(.*?)</div>", ll.predict("Which?", ["a", "b"], "neither")._repr_html_()
    )
    assert all("Measured here: neither." in text for text in told) and len(told) == 3


def test_who_only_looks_is_told_without_being_judged():
    page = ll.predict("Which?", ["a", "b"], "b", "b = 2")._repr_html_()
    (number,) = re.findall(r"id='\w+-(\d)'[^>]*><label for='[\w-]+'>show anyway<", page)
    (told,) = re.findall(rf"<div class='ll-{number}'>(.*?)</div>", page)
    assert told == "<b>Measured here: b.</b> b = 2"


def test_one_choice_is_no_question():
    with pytest.raises(ll.errors.DataError, match="at least two"):
        ll.predict("Which?", ["a", "a"], "a")


def test_two_questions_do_not_share_their_buttons():
    one, other = (
        ll.predict(question, ["a", "b"], "a")._repr_html_() for question in ("Which?", "Who?")
    )
    names = [set(re.findall(r"name='(\w+)'", page)) for page in (one, other)]
    assert len(names[0]) == len(names[1]) == 1 and not names[0] & names[1]


# How sure the answers are


def asked_in(script: Script) -> list[predictions.Prediction]:
    return predictions.predictions(script, store.answers(script, "student"))


def listed(question: str, beginnings: Iterable[str]) -> bool:
    return question.startswith(tuple(beginnings))


@pytest.mark.timeout(1500)
@every_script
def test_no_answer_turns_on_less_than_its_own_error(script):
    for asked in asked_in(script):
        assert listed(asked.question, FIXED) == (asked.share is None), asked
        assert asked.share is None or asked.share >= LEAST, asked


@pytest.mark.timeout(6000)
def test_what_is_listed_is_asked():
    questions = [asked.question for script in scripts() for asked in asked_in(script)]
    for beginning in FIXED:
        assert any(question.startswith(beginning) for question in questions), beginning


def resamples(table: pd.DataFrame, answer) -> float:
    """Return how often tables of as many rows, drawn with replacement, give the same answer."""
    draws = [table.sample(frac=1, replace=True, random_state=seed) for seed in range(100)]
    return sum(answer(draw) == answer(table) for draw in draws) / len(draws)


def test_the_most_tokens_per_word_do_not_turn_on_few_words(tokenizer):
    words = ll.load_words()[["en", "zh", "fr", "pl"]]
    quote = len(tokenizer.encode('"', add_special_tokens=False))

    def length(cell):
        if not cell:
            return math.nan
        return len(tokenizer.encode(f'"{cell[0]}', add_special_tokens=False)) - quote

    lengths = words.map(length)
    assert lengths.mean().idxmax() == "pl"
    assert resamples(lengths, lambda drawn: drawn.mean().idxmax()) >= LEAST


def test_the_target_that_loses_most_does_not_turn_on_few_words(tokenizer):
    concepts = ll.load_words().index
    kept = {}
    for code in ("zh", "ru", "de", "fr"):
        prompts = ll.build_prompts("translation", "en", code, tokenizer=tokenizer, mode="prefix")
        kept[code] = concepts.isin([prompt.concept for prompt in prompts])
    table = pd.DataFrame(kept, index=concepts)
    assert table.sum().idxmin() == "fr"
    assert resamples(table, lambda drawn: drawn.sum().idxmin()) >= LEAST


@pytest.fixture
def run():
    """40 concepts, each asked from two languages; P(en) is 0.4, give or take 0.1 by concept."""
    noise = torch.randn(40, generator=torch.Generator().manual_seed(1))
    noise = ((noise - noise.mean()) / noise.std()).repeat(2)
    prompts = pd.DataFrame({"concept": [f"c{n}" for n in range(40)] * 2, "task": "translation"})
    prompts = prompts.assign(source=["de"] * 40 + ["fr"] * 40, target="zh", text="")
    english = (0.4 + 0.1 * noise)[:, None]
    return ll.Run(
        model="planted",
        setting=Setting("translation", ("de", "fr"), "zh", "en"),
        layers=(1,),
        prompts=prompts,
        readings={"probability": {"en": english, "zh": torch.full_like(english, 0.4)}},
        top_ids=torch.zeros(80, 1, 1, dtype=torch.int32),
        top_probs=torch.zeros(80, 1, 1),
    )


QUESTION = 'll.predict("Is it above?", ["yes", "no"], "yes" if height > bound else "no")'
MEAN = 'height = run.probability["en"].mean().item()'


def agreement(run, cell, before="", later=(), **others):
    here = {"ll": ll, "run": run, **others}
    return resample.agreement(here, steps(before), steps(cell), list(later))


def test_the_share_is_that_of_a_normal_mean(run, monkeypatch):
    """Four in five bounds by the formula: the mean of 40 concepts has the error 0.1 / √40."""
    monkeypatch.setattr(resample, "TIMES", 2000)
    error = 0.1 * math.sqrt(39 / 40) / math.sqrt(40)
    for distance in (0.0, 0.5, 1.0, 2.0):
        bound = 0.4 - distance * error - 1e-6
        _, answer, share = agreement(run, f"{MEAN}\n{QUESTION}", bound=bound)
        assert answer == "yes"
        assert share == pytest.approx(NormalDist().cdf(distance), abs=0.03)


def test_an_answer_on_the_edge_is_seen_and_a_sure_one_passes(run):
    sure, edge = (agreement(run, f"{MEAN}\n{QUESTION}", bound=bound) for bound in (0.3, 0.398))
    assert sure == ("Is it above?", "yes", 1.0)
    assert edge[:2] == sure[:2] and edge[2] < LEAST


def test_what_was_made_of_a_run_is_made_again(run):
    """Through a table, a condition and a dict of runs, as in the cell itself."""
    direct = agreement(run, f"{MEAN}\n{QUESTION}", bound=0.398)
    before = """
table = ll.summarize(runs["one"]).query("quantity == 'probability' and language == 'en'")
scale = 2
if scale > 1:
    height = table["mean"].item()
else:
    height = 0
unused = missing(runs)
"""
    runs = {"one": run, "other": run[:40]}
    # The notebook went on, and made other tables.
    others = {"runs": runs, "bound": 0.398, "scale": 2, "table": 0}
    after = agreement(run, QUESTION, before, ["table", "height"], **others)
    assert after == direct


@pytest.mark.parametrize(
    "before",
    [
        f"{MEAN}\nrows = []\nfor n in range(3):\n    rows.append(height)\nheight = sum(rows) / 3",
        f"{MEAN}\nrows = {{}}\nrows['a'] = height\nheight = rows['a'] / len(rows)",
        f"{MEAN}\nrows = {{}}\nrows.update(a=height)\nheight = rows['a'] / len(rows)",
        f"rest = 0\n{MEAN}\nrest = rest + height\nheight = rest",
    ],
)
def test_what_is_filled_step_by_step_starts_anew_and_stays_in_the_notebook(run, before):
    direct = agreement(run, f"{MEAN}\n{QUESTION}", bound=0.398)
    here = {"ll": ll, "run": run, "bound": 0.398}
    exec(before, here)
    rows = repr(here.get("rows"))
    assert resample.agreement(here, steps(before), steps(QUESTION), []) == direct
    assert repr(here.get("rows")) == rows


def test_the_same_concepts_are_drawn_for_all_runs(run):
    """A paired difference of nothing stays nothing, in every resample."""
    cell = 'height = (run.probability["en"] - same.probability["en"]).abs().max().item()'
    assert agreement(run, f"{cell}\n{QUESTION}", same=run[:], bound=1e-9)[1:] == ("no", 1.0)


def test_copies_of_a_concept_count_as_concepts(run):
    times = Counter({"c1": 2, "c7": 3})
    drawn = resample.drawn([run], times)[0]
    assert len(drawn) == 10 and len(set(drawn.clusters)) == 5
    values = run.probability["en"][[1, 1, 7, 7, 7]].double()
    _, lower, upper = ll.metrics.mean_ci(drawn.probability["en"], clusters=drawn.clusters)
    width = 2 * 1.96 * values.std().item() / math.sqrt(5)
    assert (upper - lower).item() == pytest.approx(width, rel=1e-3)


def test_a_later_cell_may_not_change_what_an_answer_rests_on(run):
    for name in ("run", "bound"):
        with pytest.raises(NameError, match=f"later cell changes {name}"):
            agreement(run, f"{MEAN}\n{QUESTION}", later=[name], bound=0.3)


def test_one_concept_has_no_share(run):
    assert agreement(run["c1"], f"{MEAN}\n{QUESTION}", bound=0.3)[2] is None
    assert agreement(run, f"height = 1\n{QUESTION}", bound=0.3)[2] is None


def test_two_runs_of_one_concept_each_have_no_share(run):
    cell = f'height = min(run.probability["en"].min(), there.probability["en"].min())\n{QUESTION}'
    assert agreement(run["c1"], cell, there=run["c2"], bound=0.0)[1:] == ("yes", None)


def test_what_traces_the_model_is_not_repeated(run):
    """Its answer is the notebook's own: nothing is run again, not even once."""
    before = """
def ask(texts):
    with model.trace(texts):
        raise AssertionError("run again")
rows = []
for n in range(2):
    rows.append(ask(run.prompts["text"]))
height = sum(rows)
"""
    others = {"rows": [0.2, 0.2], "height": 0.4, "bound": 0.398}
    assert agreement(run, QUESTION, before, **others) == ("Is it above?", "yes", None)
    with pytest.raises(NameError, match="later cell changes height"):
        agreement(run, QUESTION, before, ["height"], **others)


PREDICTIONS = """# %%
import pandas as pd
import torch
from latentlang.prompts.setting import Setting

n = 40
english = torch.linspace(0.2, 0.6, n)[:, None]
prompts = pd.DataFrame({"concept": range(n), "source": "fr"}).astype(str)
one = torch.zeros(n, 1, 1)
setting, readings = Setting("translation", ("fr",), "zh", "en"), {"probability": {"en": english}}
run = ll.Run("planted", setting, (1,), prompts, readings, one.int(), one)

# %% tags=["predict"]
above = run.probability["en"].mean() > 0.3
ll.predict("Above 0.3?", [True, False], above.item())

# %% tags=["predict"]
above = run.probability["en"].mean() > 0.399
ll.predict("Above 0.399?", [True, False], above.item())

# %% [markdown]
# That is all.
"""


def test_a_notebook_is_asked_at_its_end(small_course):
    script = small_course(PREDICTIONS)
    sure, edge = predictions.predictions(script, store.answers(script, "student"))
    assert (sure.question, sure.answer, sure.share) == ("Above 0.3?", "True", 1.0)
    assert edge.answer == "True" and edge.share < LEAST
    changed = small_course(PREDICTIONS.replace("# That is all.", "# So.\n\n# %%\nrun = None\n"))
    with pytest.raises(ValueError, match="later cell changes run"):
        predictions.predictions(changed, store.answers(changed, "student"))


def test_a_cell_that_ends_otherwise_is_refused(small_course):
    script = small_course(PREDICTIONS.replace("above.item())\n", "above.item())\nprint(n)\n", 1))
    with pytest.raises(SystemExit, match="end the prediction's cell"):
        predictions.questions(script)
