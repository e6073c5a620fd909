"""The student's own word: one line, kept between notebooks, shown in each, collected on a slide."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import oracle
import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError, TraceError
from tools.scripts import Script, scripts

LINE = "es-zh-water 1:0.5/0.19 2:0.0118/0.126 3:16/- 7:-/13"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A folder for the user's data that is empty before each test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def kept(home: Path) -> list[str]:
    """Return the lines of all files in the user's data folder, but those of locks."""
    files = [path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return [line for path in sorted(files) for line in path.read_text("utf-8").splitlines()]


def warned(recorded: list) -> str:
    """Return the text of the one warning."""
    (warning,) = recorded
    return str(warning.message)


# The line


def test_without_a_choice_it_is_the_papers_flower_from_french_to_chinese(home):
    word = ll.my_word()
    assert (word.concept, word.source, word.target, dict(word.results)) == (
        "flower",
        "fr",
        "zh",
        {},
    )
    assert kept(home) == [], "nothing is written before there is a result"


def test_a_line_comes_back_as_it_was():
    word = ll.my_word(LINE)
    assert repr(word) == str(word) == LINE
    assert word.results == {1: (0.5, 0.19), 2: (0.0118, 0.126), 3: (16, None), 7: (None, 13)}
    assert repr(ll.my_word("  ES-zh-Water\n 7:-/13 3:16/- 2:0.0118/0.126 1:0.5/0.19 ")) == LINE


@pytest.mark.parametrize("value", [0, 1e-9, 0.123456, 1, 18, 80, torch.tensor(0.25), "0.5"])
def test_a_number_is_kept_to_three_digits_and_is_the_same_after_a_copy(value):
    word = ll.my_word().note(2, value, None)
    assert word.results[2][0] == pytest.approx(float(value), rel=5e-3)
    assert ll.my_word(repr(word)).results == word.results


@pytest.mark.parametrize(
    "line, said",
    {
        "": "write one as text, such as 'fr-zh-flower'",
        "flower": "with hyphens, such as 'fr-zh-flower'",
        "fr-zh-flowr": "Did you mean 'flower'?",
        "xx-zh-flower": "Unknown language 'xx'",
        "French-zh-flower": "Did you mean 'fr'?",
        "fr-en-flower": "languages other than English",
        "fr-fr-flower": "two different",
        "fr-zh-flower 2:0.1": "copy the whole line again",
        "fr-zh-flower 2:nan/1": "copy the whole line again",
        "fr-zh-flower 2:-1/1": "copy the whole line again",
        "fr-zh-flower 2:1e999/1": "not a number from 0 upwards",
        "fr-zh-flower 44:1/1": "Notebook 44 measures no word",
        "fr-zh-flower 2:１/1": "copy the whole line again",
        "fr-zh-<script>alert(1)</script>": "The word list has no concept",
        "fr-zh-../../etc/passwd": "The word list has no concept",
        "fr-zh-flower water": "copy the whole line again",
    }.items(),
)
def test_an_unfit_line_gets_one_sentence_that_says_what_to_do(line, said, home):
    with pytest.raises(DataError) as error:
        ll.my_word(line)
    assert said in str(error.value) and "\n" not in str(error.value)
    assert kept(home) == []


@pytest.mark.parametrize("line", [3, b"fr-zh-flower", ["fr-zh-flower"], float("nan")])
def test_anything_but_text_is_refused(line):
    with pytest.raises(DataError, match="write one as text"):
        ll.my_word(line)


def test_a_long_line_is_not_repeated_in_full():
    for line in ("x" * 9999, f"fr-zh-{'x' * 9999}", f"fr-zh-flower {'x' * 9999}"):
        with pytest.raises(DataError) as error:
            ll.my_word(line)
        assert len(str(error.value)) < 300


def test_a_concept_without_a_word_in_one_of_the_languages_is_named():
    words = ll.load_words()
    code, concept = next(
        (code, concept)
        for code in words.columns
        if code not in ("en", "fr")
        for concept in words.index[words[code].map(len) == 0]
    )
    with pytest.raises(DataError, match=f"no {ll.languages().name[code]} word for '{concept}'"):
        ll.my_word(f"fr-{code}-{concept}")


@pytest.mark.parametrize(
    "notebook, value", [(0, 1), (10, 1), ("2", 1), (2, "much"), (2, -1), (2, torch.ones(2))]
)
def test_a_note_takes_a_notebook_that_measures_and_a_number(notebook, value, home):
    with pytest.raises(DataError):
        ll.my_word().note(notebook, value, 0.5)
    assert kept(home) == []


# What is kept


def test_the_word_of_the_last_note_is_that_of_the_next_notebook(home):
    ll.my_word("es-zh-water").note(2, 0.25, 0.125)
    assert repr(ll.my_word()) == "es-zh-water 2:0.25/0.125"
    ll.my_word("fr-de-book").note(3, 16, None)
    assert repr(ll.my_word()) == "fr-de-book 3:16/-"
    back = ll.my_word("es-zh-water").note(3, 15, 16)
    assert repr(back) == repr(ll.my_word()) == "es-zh-water 2:0.25/0.125 3:15/16"
    assert kept(home) == ["fr-de-book 3:16/-", "es-zh-water 2:0.25/0.125 3:15/16"]


def test_a_second_run_of_a_notebook_replaces_its_result():
    ll.my_word().note(2, 0.25, 0.125)
    assert ll.my_word().note(2, 0.5, 0.125).results == {2: (0.5, 0.125)}


def test_a_copied_line_and_what_is_kept_here_are_put_together(home):
    ll.my_word("es-zh-water").note(9, 0.5, 0.25).note(7, 12, 13)
    assert repr(ll.my_word(LINE)) == f"{LINE} 9:0.5/0.25", "the copied line is the newer one"
    assert kept(home) == ["es-zh-water 7:12/13 9:0.5/0.25"], "a copied line alone is not kept"
    ll.my_word(LINE).note(8, 1, 1)
    assert kept(home) == [f"{LINE} 8:1/1 9:0.5/0.25"]


def test_a_note_of_another_notebook_in_the_meantime_is_not_lost():
    here = ll.my_word()
    ll.my_word().note(5, 13, 13)
    assert repr(here.note(2, 0.25, 0.125)) == "fr-zh-flower 2:0.25/0.125 5:13/13"


NOTE = """
import latentlang as ll
for _ in range(20):
    ll.my_word("fr-zh-flower").note({}, 0.5, 0.25)
"""


def test_several_processes_lose_no_result(home):
    environment = {**os.environ, "XDG_DATA_HOME": str(home)}
    running = [
        subprocess.Popen([sys.executable, "-c", NOTE.format(n)], env=environment) for n in (2, 3, 4)
    ]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    assert kept(home) == ["fr-zh-flower 2:0.5/0.25 3:0.5/0.25 4:0.5/0.25"]


@pytest.mark.parametrize("where", ["a file", "a closed folder"])
def test_a_folder_that_cannot_be_written_costs_a_warning_and_no_result(where, home, monkeypatch):
    if where == "a file":
        (home / "latentlang").write_text("")
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)  # as root, any folder can be written
    with pytest.warns(UserWarning) as recorded:
        word = ll.my_word("es-zh-water").note(2, 0.25, 0.125).note(3, 16, 17)
    assert repr(word) == "es-zh-water 2:0.25/0.125 3:16/17"
    assert len(recorded) == 2
    assert re.search(r"not kept: .* set XDG_DATA_HOME .* Copy its line", str(recorded[0].message))


def test_a_full_disk_costs_a_warning_and_leaves_what_was_kept(home, monkeypatch):
    ll.my_word().note(2, 0.25, 0.125)
    real = os.replace

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning) as recorded:
        word = ll.my_word().note(3, 16, 17)
    monkeypatch.setattr(os, "replace", real)
    assert "No space left" in warned(recorded.list) and 3 in word.results
    assert kept(home) == ["fr-zh-flower 2:0.25/0.125"]


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b"fr-zh-flower 2:0.\n", b"<b>\n"])
def test_a_damaged_line_is_left_out_with_a_warning_and_the_others_stay(damage, home):
    ll.my_word("es-zh-water").note(2, 0.25, 0.125)
    (path,) = (path for path in home.rglob("*.txt"))
    path.write_bytes(damage.rstrip(b"\n") + b"\n" + path.read_bytes())
    with pytest.warns(UserWarning) as recorded:
        word = ll.my_word()
    assert "left out" in warned(recorded.list)
    assert repr(word) == "es-zh-water 2:0.25/0.125"


def test_a_folder_in_the_place_of_the_file_costs_a_warning(home):
    ll.my_word().note(2, 0.25, 0.125)
    (path,) = (path for path in home.rglob("*.txt"))
    path.unlink()
    path.mkdir()
    with pytest.warns(UserWarning, match="rename it"):
        assert repr(ll.my_word()) == "fr-zh-flower"


def test_the_file_can_be_read_as_any_new_file_and_nothing_else_stays(home):
    ll.my_word().note(2, 0.25, 0.125)
    folder = home / "latentlang"
    assert {path.suffix for path in folder.iterdir()} == {".txt", ".lock"}
    (path,) = folder.glob("*.txt")
    (home / "new").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((home / "new").stat().st_mode)


# The slide


def test_the_slide_has_each_number_at_its_place_and_the_readers_sentence():
    figure = ll.my_word(LINE).slide("A single word <b>proves</b> nothing.")
    drawn = {}
    for trace in figure.data:
        for x, name in zip(trace.x, trace.y):
            if x == x:  # not a missing one
                drawn[int(name.partition(" ")[0]), trace.name] = x
    assert drawn == {
        (1, "this word"): 0.5,
        (1, "mean of many words"): 0.19,
        (2, "this word"): 0.0118,
        (2, "mean of many words"): 0.126,
        (3, "this word"): 16,
        (7, "mean of many words"): 13,
    }
    title = figure.layout.title.text
    assert "Water, Spanish → Chinese" in title and "&lt;b&gt;proves&lt;/b&gt;" in title
    assert "above the mean in 1 of 2 probabilities" in figure.layout.meta["message"]


def test_a_slide_without_results_says_so_and_has_a_row_per_notebook():
    figure = ll.my_word().slide("")
    assert "nothing is measured yet" in figure.layout.meta["message"]
    assert sum(len(set(trace.y)) for trace in figure.data if trace.name == "this word") == 9


def test_a_slide_needs_rows():
    with pytest.raises(DataError, match="to_frame"):
        ll.plots.slide(ll.my_word().to_frame()[:0], "flower", "")


# The notebooks


def cell_outputs(script: Script, executed) -> list[str]:
    """Return what the cells about the word printed in an executed notebook."""
    notebook = nbformat.read(executed(script, "student"), 4)
    outputs = [o for c in notebook.cells if "my_word" in c.source for o in c.get("outputs", [])]
    return "".join(o.get("text", "") for o in outputs).splitlines()


def result(script: Script, executed) -> tuple[float | None, float | None]:
    """Return what a notebook measured: for the word, and for the mean."""
    (line,) = [line for line in cell_outputs(script, executed) if line.startswith("fr-zh-flower")]
    results = ll.my_word(line).results
    assert [*results] == [int(script.number)], "a run of its own knows no other notebook's result"
    return results[int(script.number)]


class Flower:
    """The paper's word, measured by plain hooks and written-out formulas."""

    def __init__(self, model) -> None:
        self.model = model
        self.prompt = self.asked()["flower"]
        self.reading = oracle.read(model, self.prompt.text)
        self.english, self.chinese = (
            self.reading.probability(self.prompt.token_ids[code])[1:] for code in ("en", "zh")
        )

    def asked(self, **options):
        tokenizer = self.model.tokenizer
        return ll.build_prompts("translation", "fr", "zh", tokenizer=tokenizer, **options)

    def patched(self, text: str, ids) -> list[float]:
        """Return P(ids) at the end of a text that gets the word's latent after each layer."""
        last, found = self.reading.latents[1:], []
        for layer in range(1, self.model.n_layers + 1):
            _, own = oracle.changed(self.model, text, lambda h, n: last[n - 1].to(h), [layer])
            found.append(own[[*ids]].exp().sum().item())
        return found

    def answer(self) -> float:
        return self.chinese[-1].item()

    def highest(self) -> float:
        return self.english.max().item()

    def target_from(self) -> int:
        behind = (self.chinese <= self.english).nonzero().flatten().tolist()
        return max(behind, default=-1) + 2

    def another_word(self) -> float:
        ids = self.asked(control="random")["flower"].token_ids["en"]
        return self.reading.probability(ids)[1:].max().item()

    def concept_layer(self) -> int:
        every = self.asked().about(["flower", *ll.load_words().index[::60]])
        rows = {}
        for code in ("en", "zh"):
            firsts = [
                self.model.tokenizer(f'"{p.answers[code][0]}', add_special_tokens=False)
                for p in every
            ]
            rows[code] = torch.nn.functional.normalize(
                self.model.folded_unembedding([each["input_ids"][1] for each in firsts]).double()
            )
        middle = (rows["en"] + rows["zh"]) / 2
        own = [p.concept for p in every].index("flower")
        axis = middle[own] - middle.mean(0)
        language = torch.nn.functional.normalize((rows["zh"] - rows["en"]).mean(0), dim=0)
        axis = axis - (axis @ language) * language
        upper = self.reading.latents[self.model.n_layers // 2 :]  # 0 is the embedding
        unit = torch.nn.functional.normalize(upper.double())
        return int((unit @ axis).argmax()) + self.model.n_layers // 2

    def in_qwen(self) -> float | None:
        larger = ll.load_model("qwen2.5-coder-1.5b-instruct", stored=True)
        try:
            run = ll.run_experiment(larger, "translation", "fr", "zh", concepts="flower")
        except TraceError:
            return None
        return max(run.to_frame().query("language == 'en' and quantity == 'probability'").value)

    def patch(self) -> int:
        ids = self.prompt.token_ids["zh"]
        other = next(p for p in self.asked() if not p.token_ids["zh"] & ids)
        mine, theirs = (self.patched(other.text, p.token_ids["zh"]) for p in (self.prompt, other))
        return 1 + [a > b for a, b in zip(mine, theirs)].index(True)

    def left_without_english(self) -> float:
        rows = self.model.folded_unembedding(sorted(self.prompt.token_ids["en"])).double()
        basis = torch.linalg.qr(rows.T).Q

        def erase(h, _):
            return (h.double() - basis @ (basis.T @ h.double())).to(h)

        _, own = oracle.changed(self.model, self.prompt.text, erase, [13, 14])
        return own[[*self.prompt.token_ids["zh"]]].exp().sum().item() / self.answer()

    def in_the_patchscope(self) -> float:
        identity = "cat -> cat\n1135 -> 1135\nhello -> hello\n?"
        return max(self.patched(identity, self.prompt.token_ids["en"]))


MEASURED = {
    "01": Flower.answer,
    "02": Flower.highest,
    "03": Flower.target_from,
    "04": Flower.another_word,
    "05": Flower.concept_layer,
    "06": Flower.in_qwen,
    "07": Flower.patch,
    "08": Flower.left_without_english,
    "09": Flower.in_the_patchscope,
}


@pytest.fixture(scope="module")
def flower(model) -> Flower:
    return Flower(model)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    "script", [each for each in scripts() if each.number in MEASURED], ids=lambda each: each.name
)
def test_what_a_notebook_measures_for_the_word_is_what_plain_hooks_measure(
    script, executed, flower
):
    expected = MEASURED[script.number](flower)
    word, mean = result(script, executed)
    assert word is None if expected is None else word == pytest.approx(expected, rel=0.02, abs=1e-5)
    assert mean is not None


@pytest.mark.timeout(1500)
def test_the_last_notebook_shows_what_the_others_measured_and_writes_a_page(executed):
    """Without results of the reader's own, its slide shows those of the paper's word."""
    *others, last = scripts()
    shown = ll.my_word(cell_outputs(last, executed)[-1]).results
    assert sorted(shown) == [int(script.number) for script in others]
    for script in others:
        for found, said in zip(result(script, executed), shown[int(script.number)]):
            assert said is None if found is None else said == pytest.approx(found, rel=0.02)
    code = "\n".join(cell.source for cell in last.cells if cell.cell_type == "code")
    assert 'my_slide.write_html("my_word.html")' in code
