"""Explorers without a browser: controls are set as a browser sets them.

The numbers in the figures are recomputed.
"""

from __future__ import annotations

import base64
import gc
import io
import math
import re
import threading
import time
import weakref
from dataclasses import replace

import ipywidgets as widgets
import oracle
import pandas as pd
import pytest
import torch
from explorers import find, followed, part, settled, status, texts, walk
from grids import unpacked
from plotly.callbacks import Points

import latentlang as ll
from latentlang.explore import worker
from latentlang.explore.panel import Panel
from latentlang.explore.room import GAP, STACKED, Room
from latentlang.lenses.recipes import LENSES
from latentlang.models.store_files import write_facts
from latentlang.models.stored import facts_of, shared_store, stored_model
from latentlang.plots.text import language_label
from latentlang.runs.fitted import fitted
from latentlang.runs.stored import keep_answer


@pytest.fixture(scope="module")
def one(tiny):
    return tiny("llama")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "explore"))


def looks_current(root) -> bool:
    """Whether what is drawn looks like the current choice: not grey, and with its numbers."""
    columns = next(w for w in walk(root) if "latentlang-columns" in getattr(w, "_dom_classes", ()))
    boxes = [box for column in columns.children for box in column.children]
    grey = ["latentlang-outdated" in box._dom_classes for box in boxes]
    assert len(set(grey)) == 1, "one part is grey and another is not"
    text = "".join(texts(root))
    assert grey[0] == ("not the current choice" in text)
    assert grey[0] != ("Save the numbers" in text)
    return not grey[0]


def curve(figure, name: str) -> list[float]:
    return next(list(t.y) for t in figure.data if t.name == name and t.mode == "lines+markers")


def numbers(root) -> pd.DataFrame:
    """Return the table behind the link that offers it."""
    link = next(text for text in texts(root) if "Save the numbers" in text)
    content = base64.b64decode(re.search("base64,([^']+)'", link).group(1))
    assert content.startswith(b"\xef\xbb\xbf")  # else Excel takes UTF-8 for Latin-1
    return pd.read_csv(io.BytesIO(content))


HALF = 5e-4  # how exact the numbers of a grid are


def expected(model, source: str, target: str, concept: str) -> list[float]:
    prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer).about(
        [concept]
    )
    return ll.decode(model, prompts, progress=False).probability[target][0].tolist()


def test_prompt_explorer_follows_its_controls(model):
    root = ll.explore.prompt(model)
    assert followed(root, "zh") == pytest.approx(expected(model, "fr", "zh", "flower"), abs=HALF)
    find(root, "From").value = "de"
    settled(root)
    assert followed(root, "zh") == pytest.approx(expected(model, "de", "zh", "flower"), abs=HALF)
    find(root, "Concept").value = "book"
    settled(root)
    assert followed(root, "zh") == pytest.approx(expected(model, "de", "zh", "book"), abs=HALF)
    table = numbers(root)
    offered = table.query("quantity == 'probability' and language == 'zh'")["value"].tolist()
    assert offered == pytest.approx(expected(model, "de", "zh", "book"), abs=1e-5)


def test_swap_turns_the_pair_round(model):
    root = ll.explore.prompt(model, source="de", target="fr", concept="book")
    find(root, "⇄ swap").click()
    settled(root)
    assert (find(root, "From").value, find(root, "To").value) == ("fr", "de")
    assert followed(root, "de") == pytest.approx(expected(model, "fr", "de", "book"), abs=HALF)


def patched(model, layer: int, source=("fr", "en"), into=("de", "zh"), concepts=("book", "flower")):
    """Return the answers of the explorer of a patch, from calls of the library, by label."""
    sets = [
        ll.build_prompts("translation", *pair, tokenizer=model.tokenizer) for pair in (source, into)
    ]
    given, asked = sets[0][concepts[0]], sets[1][concepts[1]]
    change = ll.Patch(ll.latents_at(model, given), layers=[layer])
    words = {
        f"{letter} in {prompts.target}": prompts[concept].token_ids[prompts.target]
        for prompts in sets
        for letter, concept in zip("AB", concepts)
    }
    ids = sorted({token for tokens in words.values() for token in tokens})
    run = ll.decode(model, asked, interventions=[change], watch=ids, progress=False)
    last = dict(zip(ids, run.watched[0, -1].exp().tolist()))
    return {label: sum(last[token] for token in tokens) for label, tokens in words.items()}


def test_the_explorer_of_a_patch_follows_its_controls(model):
    root = ll.explore.patch(model)
    layer = find(root, "Layer").value
    assert list(part(root, "bars").data[0].x) == pytest.approx(
        list(patched(model, layer).values()), abs=1e-4
    )
    assert "A in English<br>book" in part(root, "bars").data[0].y
    assert "is highest" in status(root)
    find(root, "Layer").value = 9
    settled(root)
    assert list(part(root, "bars").data[0].x) == pytest.approx(
        list(patched(model, 9).values()), abs=1e-4
    )
    changed = patched(model, 9)
    assert followed(root, "zh")[-1] == pytest.approx(changed["B in zh"], abs=HALF)
    find(root, "Concept A").value, find(root, "B to").value = "sun", "fr"
    settled(root)
    swept = list(part(root, "bars").data[0].x)
    wanted = patched(model, 9, into=("de", "fr"), concepts=("sun", "flower"))
    assert swept == pytest.approx(list(wanted.values()), abs=1e-4)
    assert swept != pytest.approx(list(changed.values()), abs=1e-4)
    assert followed(root, "fr")[-1] == pytest.approx(wanted["B in fr"], abs=HALF)
    assert set(numbers(root)["language"]) == set(wanted)


def test_an_impossible_patch_is_one_sentence_and_the_explorer_goes_on(model):
    root = ll.explore.patch(model)
    find(root, "Concept B").value = "book"
    assert "Both prompts ask about 'book'" in settled(root) and not looks_current(root)
    find(root, "Concept B").value = "no such word"
    assert "There is no concept" in settled(root)
    find(root, "Concept B").value = "sun"
    assert "With layer" in settled(root) and looks_current(root)


def test_a_patch_without_widgets_is_a_menu_of_layers(model):
    menu = ll.explore.patch(model, layer=14, backend="static")
    labels = [button.label for button in menu.layout.updatemenus[0].buttons]
    assert labels == [f"layer {n}" for n in (1, 3, 6, 9, 12, 14, 15, 18)]
    shown = [trace for trace in menu.data if trace.type == "bar"][5]
    assert list(shown.x) == pytest.approx(list(patched(model, 14).values()), abs=1e-4)


def test_what_a_reader_chose_in_the_grid_stays_where_it_fits(model):
    root = ll.explore.prompt(model)
    grid = part(root, "grid")
    data = grid.data
    shown = "by=rank.zh;at=0.14.2;scale=log;layers=3-18"
    grid.state = shown  # as the page sets it
    find(root, "Concept").value = "book"
    settled(root)
    assert grid.state == shown and grid.data != data
    own = _followable(data) - _followable(grid.data)
    both = _followable(data) & _followable(grid.data)
    find(root, "Concept").value = "flower"
    settled(root)
    for token, kept in ((min(both), f"by=follow.1;follow=en,0t{min(both)};"), (min(own), "")):
        grid.state = f"by=follow.1;follow=en,0t{token};layers=3-18"
        find(root, "Concept").value = "book"
        settled(root)
        assert grid.state == f"{kept}layers=3-18"
        find(root, "Concept").value = "flower"
        settled(root)
    find(root, "From").value = "de"
    settled(root)
    assert grid.state == "", "other languages"


def _followable(data: dict) -> set[int]:
    """Return the ids of the tokens that a grid can follow at the last position."""
    ids, places = data["grids"][0]["ids"], unpacked(data, 0, "traceIds")[-1]
    return {ids[place] for place in places if place < len(ids)}


def test_a_click_in_the_explorer_finds_ten_candidates_that_can_be_followed(model):
    """The numbers are those of hooks: ``test_grid.py`` has them."""
    data = part(ll.explore.prompt(model, concept="book"), "grid").data
    candidates = unpacked(data, 0, "topIds")
    assert candidates.shape == (7, model.n_layers, 10)
    ids = data["grids"][0]["ids"]
    assert {ids[place] for place in candidates[-1].flatten()} == _followable(data)


def test_a_typed_prompt_is_read_as_it_is(model):
    root = ll.explore.prompt(model)
    find(root, "Prompt").value = "The <b>sea</b> is"
    settled(root)
    entropy = ll.decode(model, ["The <b>sea</b> is"], progress=False).entropy[0].tolist()
    read = unpacked(part(root, "grid").data, 0, "entropy")[-1]
    assert read.tolist() == pytest.approx(entropy, rel=1e-3)
    assert "&lt;b&gt;sea" in part(root, "text").value and "<b>sea" not in part(root, "text").value


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"From": "zh"}, "choose two languages"),
        ({"Concept": "flowr"}, "Did you mean 'flower'"),
        ({"Concept": ""}, "no concept '' here"),
    ],
)
def test_an_impossible_choice_is_one_sentence_and_the_explorer_lives_on(model, change, sentence):
    root = ll.explore.prompt(model)
    for name, value in change.items():
        find(root, name).value = value
    said = settled(root)
    assert said.startswith("⚠") and sentence in said and "Error" not in said
    assert not looks_current(root)
    find(root, "From").value, find(root, "Concept").value = "ru", "book"
    assert not settled(root).startswith("⚠")
    assert followed(root, "zh") == pytest.approx(expected(model, "ru", "zh", "book"), abs=HALF)
    assert looks_current(root)


def test_an_unexpected_failure_is_shown_and_survived():
    """A panel of our own whose computation has a mistake for one choice."""
    number, shown = widgets.IntSlider(value=1, max=9, description="n"), widgets.HTML()

    def show(result: float) -> str:
        shown.value = str(result)
        return f"6 / n = {result}"

    root = Panel("quotient", {"n": number}, [{"result": shown}], lambda _, n: 6 / n, show).first()
    number.value = 0
    box = next(w for w in walk(root) if shown in getattr(w, "children", ()))
    assert "ZeroDivisionError" in settled(root) and shown.value == "6.0"
    assert "latentlang-outdated" in box._dom_classes
    number.value = 3
    assert settled(root) == "6 / n = 2.0"
    assert "latentlang-outdated" not in box._dom_classes


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("prompt", {"To": "fr"}, {"To": "de"}),
        ("pair", {"To": "fr"}, {"To": "de"}),
        ("sphere", {"To": "en"}, {"To": "zh"}),
        ("tokens", {"Word": " "}, {"Word": "eau"}),
    ],
)
def test_no_explorer_passes_an_old_figure_off_as_the_current_choice(one, name, bad, good):
    options = {} if name in ("prompt", "tokens") else {"every": 40}
    root = getattr(ll.explore, name)(one.tokenizer if name == "tokens" else one, **options)
    assert looks_current(root)
    for change, current in ((bad, False), (good, True), (bad, False)):
        for control, value in change.items():
            find(root, control).value = value
        assert settled(root, 120).startswith("⚠") != current
        assert looks_current(root) == current


def test_thirty_quick_changes_end_on_the_last(model):
    root = ll.explore.prompt(model, concept="book")
    codes = ["de", "ru", "fr", "es", "it"] * 6
    for code in codes:
        find(root, "From").value = code
    settled(root)
    time.sleep(0.5)  # a straggler would show by now
    assert followed(root, "zh") == pytest.approx(expected(model, "it", "zh", "book"), abs=HALF)
    assert "it → zh" in part(root, "grid").data["facts"][1]


def test_all_explorers_share_one_thread(model):
    roots = [ll.explore.prompt(model), ll.explore.prompt(model, source="de")]
    for root in roots:
        find(root, "Concept").value = "book"
    for root in roots:
        settled(root)
    assert [t.name for t in threading.enumerate()].count("latentlang-explorers") == 1


def test_pair_explorer_follows_its_controls(one):
    root = ll.explore.pair(one)
    find(root, "From").value = "de"
    said = settled(root, 120)
    run = ll.run_experiment(one, "translation", "de", "zh", every=16, progress=False)
    assert f"n = {len(run)}" in said
    figure = part(root, "phases")
    assert curve(figure, language_label("zh")) == pytest.approx(
        run.probability["zh"].mean(0).tolist(), abs=1e-5
    )
    assert curve(figure, "token energy") == pytest.approx(run.energy.mean(0).tolist(), abs=1e-5)
    find(root, "with cognates").value = False
    settled(root)
    without = run[run.prompts["cognate"] == "no"]
    assert curve(figure, language_label("zh")) == pytest.approx(
        without.probability["zh"].mean(0).tolist(), abs=1e-5
    )
    assert set(numbers(root)["n"]) == {len(without)} and len(without) < len(run)


def test_the_status_of_a_pair_says_where_a_copy_leads(model):
    """In the demo model the French word is ahead of English and German in the middle layers."""
    root = ll.explore.pair(model, source="fr", target="de", every=64)
    said = settled(root, 120)
    run = ll.run_experiment(model, "translation", "fr", "de", every=64, progress=False)
    source, *others = (run.probability[code].mean(0) for code in ("fr", "en", "de"))
    leads = (source > torch.stack([*others, torch.full_like(source, 0.05)]).amax(0)).tolist()
    layers = [layer for layer, lead in zip(run.layers, leads) if lead]
    assert len(layers) > 2
    spelled = said.partition("; copy of the source leads in layers ")[2].split(", ")
    ends = [[int(n) for n in span.split("–")] for span in spelled]
    assert [n for end in ends for n in range(end[0], end[-1] + 1)] == layers


def test_a_long_computation_can_be_stopped(one):
    root = ll.explore.pair(one)
    before = list(part(root, "phases").data[-1].y)
    find(root, "Concepts").value = 1
    end = time.monotonic() + 60
    while "prompts …" not in status(root) and time.monotonic() < end:
        time.sleep(0.005)
    assert re.search(r"\d+ of \d+ prompts", status(root)), status(root)
    assert find(root, "Stop").layout.display != "none"
    find(root, "Stop").click()
    assert settled(root).startswith("Stopped")
    assert looks_current(root), "the figures and their numbers are those of the last result"
    assert (
        list(part(root, "phases").data[-1].y) == before
        and find(root, "Stop").layout.display == "none"
    )
    find(root, "Concepts").value = 8
    assert settled(root, 120).startswith("n = ")


def test_sphere_explorer_walks(one):
    root = ll.explore.sphere(one)
    path = ll.sphere_path(
        one,
        ll.run_experiment(
            one, "translation", "de", "zh", every=16, keep_latents=True, progress=False
        ),
    )
    find(root, "Layer").value = 2
    assert settled(root).startswith("Layer 2: language")
    line = next(t for t in part(root, "globe").data if t.name == f"mean of n = {len(path)}")
    assert len(line.x) == 2 and line.customdata[1][1] == pytest.approx(
        path.mean()[1, 0].item(), abs=1e-6
    )
    concept = path.prompts["concept"][2]
    find(root, "Path of").value = concept
    settled(root)
    line = next(t for t in part(root, "globe").data if t.name == concept)
    assert line.customdata[1][2] == pytest.approx(path[concept].mean()[1, 1].item(), abs=1e-6)


def test_a_look_at_a_point_moves_globe_and_flat_measure(one):
    root = ll.explore.sphere(one)
    figure = part(root, "globe")
    for kind, layer in (("scatter3d", 3), ("scatter", 2)):
        ghost = next(
            t
            for t in figure.data
            if t.type == kind and t.customdata is not None and len(t.x) == one.n_layers
        )
        ghost._dispatch_on_hover(Points(point_inds=[layer - 1]), None)
        assert find(root, "Layer").value == layer
        assert settled(root).startswith(f"Layer {layer}: language")
        paths = [t for t in figure.data if str(t.hovertemplate).startswith("layer")]
        assert sorted(len(t.x) for t in paths) == sorted([layer] * 2 + [one.n_layers] * 2)


def test_token_explorer_lists_what_begins_a_word(llama2_tokenizer):
    root = ll.explore.tokens(llama2_tokenizer)
    find(root, "Mode").value = "prefix"
    said = settled(root)
    ids = {word: ll.start_ids(word, llama2_tokenizer, "prefix") for word in ("fleur", "flower")}
    both = ids["fleur"] & ids["flower"]
    assert both and f"{len(ids['fleur'])} begin fleur" in said and f"{len(both)} begin both" in said
    table = numbers(root)
    assert set(table.loc[table["word"] == "flower", "id"]) == ids["flower"]
    assert set(table.loc[table["both"] == "both", "id"]) == both
    find(root, "Word").value = find(root, "Other word").value
    said, count = settled(root), len(ids["flower"])
    assert f"{count} begin flower; {count} begin both" in said, "a word begins as itself"
    assert (numbers(root)["both"] == "both").all() and len(numbers(root)) == count
    find(root, "Word").value = "<script>"
    settled(root)
    assert "<script>" not in part(root, "table").value
    find(root, "Word").value = " "
    assert "Type a word" in settled(root)


def test_compare_shows_two_pairs(one):
    root = ll.explore.compare(one)
    left, right = root.children
    find(right, "From").value = "de"
    settled(right, 120)
    assert (
        "fr → zh" in part(left, "phases").layout.title.text
        and "de → zh" in part(right, "phases").layout.title.text
    )


def test_static_forms_hold_every_choice_without_a_kernel(one, model):
    heat = ll.explore.prompt(model, backend="static")
    menu = heat.layout.updatemenus[0]
    assert menu.buttons[0].label == "flower" and len(menu.buttons) >= 4
    shown = [button.args[0]["visible"] for button in menu.buttons]
    assert all(any(visible) for visible in shown)
    assert [sum(each) for each in zip(*shown)] == [1] * len(heat.data), "each trace has one choice"
    pairs = ll.explore.pair(one, backend="static")
    labels = [button.label for button in pairs.layout.updatemenus[0].buttons]
    assert labels[0] == "fr → zh" and "repetition zh" in labels
    shown = [
        t
        for t, visible in zip(pairs.data, pairs.layout.updatemenus[0].buttons[1].args[0]["visible"])
        if visible
    ]
    run = ll.run_experiment(one, "translation", "de", "zh", every=16, progress=False)
    drawn = next(
        list(t.y) for t in shown if t.name == language_label("zh") and t.mode == "lines+markers"
    )
    assert drawn == pytest.approx(run.probability["zh"].mean(0).tolist(), abs=1e-5)
    assert len(ll.explore.sphere(one, backend="static").frames) == one.n_layers


def test_figures_fill_the_room_that_the_page_says(model):
    """The page says its width when the explorer is shown, and again when it changes."""
    root = ll.explore.patch(model, layer=14)
    room = next(w for w in walk(root) if isinstance(w, Room))
    for width in (1240, STACKED):
        room.measured(width)
        assert part(root, "bars").layout.width == (width - GAP) // 2
    for width in (STACKED - 1, 340):
        room.measured(width)
        assert part(root, "bars").layout.width == width
    # A new choice keeps to it, and the numbers stay.
    find(root, "Layer").value = 9
    settled(root)
    assert part(root, "bars").layout.width == 340
    room.measured(1240)
    drawn = list(part(root, "bars").data[0].x)
    assert drawn == pytest.approx(list(patched(model, 9).values()), abs=1e-4)


def test_a_changed_control_makes_the_explorer_busy_at_once(one):
    root = ll.explore.pair(one, every=40)
    assert "latentlang-busy" not in root._dom_classes
    with worker._changed:  # the worker cannot start yet
        find(root, "From").value = "de"
        assert "latentlang-busy" in root._dom_classes and "⏳" in status(root)
    settled(root)
    end = time.monotonic() + 5
    while "latentlang-busy" in root._dom_classes and time.monotonic() < end:
        time.sleep(0.01)
    assert "latentlang-busy" not in root._dom_classes


QWEN = "qwen2.5-coder-1.5b-instruct"


def test_the_explorer_of_a_prompt_shows_what_is_stored_of_a_model(model):
    """Of a model without weights: its stored concepts, at the last position."""
    root = ll.explore.prompt(model, source="fr", target="de", concept="book")
    part(root, "grid").state = "by=entropy;layers=2-3"
    find(root, "Model").value = f"{QWEN} · stored answers"
    said = settled(root)
    stored = ll.run_experiment(stored_model(QWEN), "translation", "fr", "de", every=4)
    book = stored["book"]
    assert followed(root, "de") == pytest.approx(book.probability["de"][0].tolist(), abs=HALF)
    assert part(root, "grid").data["grids"][0]["layers"] == list(book.layers)
    assert part(root, "grid").state == "", "another model: all of its layers"
    alone = ("flower", "eagle")  # which are stored beside every fourth concept
    assert find(root, "Concept").options == (*stored.prompts["concept"], *alone)
    assert said.startswith("After layer 28") and "Stored answers hold the last position" in said
    assert f"python -m latentlang prefetch {QWEN}" in said and said.count(". ") == 1
    assert any(book.prompts["text"][0].split("\n")[-1] in text for text in texts(root))

    find(root, "Concept").value = "flower"
    assert settled(root).startswith("After layer 28")
    flower = ll.run_experiment(stored_model(QWEN), "translation", "fr", "de", concepts="flower")
    assert followed(root, "de") == pytest.approx(flower.probability["de"][0].tolist(), abs=HALF)
    find(root, "Concept").value = "water"  # which is not stored
    assert settled(root).startswith("'water' is not stored, so this is 'sky'. After layer 28")
    assert find(root, "Concept").value == "sky" and looks_current(root)
    find(root, "From").value = "fi"
    assert "'translation fi → de (every=1)' is not stored" in settled(root)
    find(root, "From").value = "fr"
    settled(root)
    find(root, "Prompt").value = "The flower is"
    assert "A prompt that you type is not stored" in settled(root)

    find(root, "Prompt").value = ""
    find(root, "Concept").value = "book"
    settled(root)
    find(root, "Model").value = find(root, "Model").options[0]
    assert settled(root).startswith("After layer 18")
    assert "flower" in find(root, "Concept").options


def test_a_stored_model_has_a_static_form():
    figure = ll.explore.prompt(
        stored_model(QWEN), source="fr", target="de", concept="book", backend="static"
    )
    names = [button.label for button in figure.layout.updatemenus[0].buttons]
    assert names[0] == "book" and len(names) == 6


def messages(root) -> list[str]:
    """Return a list that fills with what the explorer says."""
    said: list[str] = []
    line = next(w for w in walk(root) if "role='status'" in str(getattr(w, "value", "")))
    line.observe(lambda change: said.append(change.new), "value")
    return said


def test_a_prompt_is_read_through_the_chosen_lens(one):
    """Against plain hooks and written-out maps. The lens is fitted on the worker, once."""
    root = ll.explore.prompt(one, concept="sky")
    offered = find(root, "Lens").options
    assert offered[:2] == ("logit", "linear") and not {"tuned", "patchscope"} & {*offered}
    said = messages(root)
    find(root, "Lens").value = "linear"
    assert settled(root, 120).startswith("After layer 4") and "fitted on" not in status(root)
    bars = [re.search(r"Fitting the linear lens: (\d+) of (\d+) texts …", text) for text in said]
    counts = [[int(number) for number in bar.groups()] for bar in bars if bar]
    assert len(counts) > 1 and counts[-1][0] == counts[-1][1] and counts == sorted(counts)
    lens = fitted(one, "linear", False)
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=one.tokenizer)
    about = next(prompt.concept for prompt in prompts if prompt.concept in lens.concepts)
    for concept in ("sky", about):
        find(root, "Concept").value = concept
        settled(root)
        ids = sorted(prompts[concept].token_ids["zh"])
        wanted = oracle.through_lens(one, prompts[concept].text, lens).exp()[:, ids].sum(1)
        assert followed(root, "zh") == pytest.approx(wanted.tolist(), rel=0.01)
        assert wanted[0] != pytest.approx(expected(one, "fr", "zh", concept)[0], rel=0.1)
    assert f"fitted on sentences about '{about}'" in status(root)
    assert "linear lens" in part(root, "grid").data["facts"][1]
    assert sum("Fitting" in text for text in said) == len(counts), "once"

    find(root, "Prompt").value = "The sea is"
    settled(root)
    logs = oracle.through_lens(one, "The sea is", lens)
    entropy = -(logs.exp() * logs).sum(1) / math.log(2)
    read = unpacked(part(root, "grid").data, 0, "entropy")[-1]
    assert read.tolist() == pytest.approx(entropy.tolist(), rel=1e-3, abs=HALF)
    find(root, "Lens").value = "logit"
    settled(root)
    assert "lens" not in part(root, "grid").data["facts"][1]


def test_a_pair_is_read_through_the_chosen_lens(one):
    root = ll.explore.pair(one)
    find(root, "Lens").value = "linear"
    assert settled(root, 120).startswith("n = ") and "fitted on" not in status(root)
    run = ll.run_experiment(one, "translation", "fr", "zh", every=16, lens="linear", progress=False)
    figure = part(root, "phases")
    drawn = curve(figure, language_label("zh"))
    assert drawn == pytest.approx(run.probability["zh"].mean(0).tolist(), abs=1e-5)
    assert "linear lens" in figure.layout.title.text
    find(root, "To").value = "fr"
    assert "choose two languages" in settled(root) and not looks_current(root)
    find(root, "To").value, find(root, "Concepts").value = "zh", 1
    lens = fitted(one, "linear", False)
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=one.tokenizer)
    shared = {prompt.concept for prompt in prompts} & {*lens.concepts}
    assert f"sentences about {len(shared)} of these concepts" in settled(root, 120)
    assert shared and looks_current(root)


def test_a_lens_that_takes_minutes_is_offered_where_it_is_kept(
    one, tiny, tmp_path, monkeypatch, recwarn
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, how in LENSES.items():
        monkeypatch.setitem(LENSES, name, replace(how, slow=True))
    root = ll.explore.prompt(one, concept="sky")
    assert find(root, "Lens").options == ("logit",)
    fitted(one, "linear", False)
    find(root, "From").value = "de"
    settled(root)
    assert find(root, "Lens").options == ("logit", "linear")
    find(root, "Lens").value = "linear"
    assert settled(root).startswith("After layer 4")

    other = tiny("gemma3")
    menu = find(ll.explore.prompt(other), "Model")
    find(root, "Model").options = (*find(root, "Model").options, menu.value)
    find(root, "Model").value = menu.value
    said = settled(root)
    assert f"There is no linear lens of {other.name} here: choose logit, or run" in said
    assert find(root, "Lens").options == ("logit", "linear") and not looks_current(root)
    find(root, "Lens").value = "logit"
    assert settled(root).startswith("After layer 6")
    assert find(root, "Lens").options == ("logit",)
    assert not [each for each in recwarn if "lens" in str(each.message)]


def test_stored_answers_have_lenses_of_their_own(one, tmp_path, monkeypatch):
    folder = shared_store(tmp_path, one.name)
    write_facts(folder, facts_of(one))
    ask = ("translation", "fr", "zh")
    for name in ("linear", None):
        run = ll.run_experiment(one, *ask, every=16, lens=name, progress=False)
        keep_answer(folder, run, one, every=16)
    german = ll.run_experiment(one, "translation", "de", "zh", every=16, progress=False)
    keep_answer(folder, german, one, every=16)
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path))
    far = stored_model(one.name)
    linear = ll.run_experiment(far, *ask, every=16, lens="linear")
    first = linear.prompts["concept"][0]

    pairs, prompts = ll.explore.pair(far), ll.explore.prompt(far, concept=first)
    for root in (pairs, prompts):
        assert find(root, "Lens").options == ("logit", "linear")
        find(root, "Lens").value = "linear"
        assert not settled(root).startswith("⚠")
    drawn = curve(part(pairs, "phases"), language_label("zh"))
    assert drawn == pytest.approx(linear.probability["zh"].mean(0).tolist(), abs=1e-5)
    wanted = linear[first].probability["zh"][0].tolist()
    assert followed(prompts, "zh") == pytest.approx(wanted, abs=HALF)
    for root in (pairs, prompts):
        find(root, "From").value = "de"
        assert "There is no linear lens of" in settled(root) and "choose logit, or" in settled(root)
        find(root, "Lens").value = "logit"
        assert not settled(root).startswith("⚠") and find(root, "Lens").options == ("logit",)


def test_what_is_on_screen_can_be_opened_again(one):
    """A view that opens later (a reload, Voila, a saved page) starts from the synced state."""
    root = ll.explore.pair(one)
    figure = part(root, "phases")
    state = figure.get_state()
    data, layout = (
        ("_widget_data", "_widget_layout") if "_widget_data" in state else ("_data", "_layout")
    )  # plotly 6, plotly 5
    assert (
        len(state[data]) == len(figure.data) > 5
        and state[layout]["title"]["text"] == figure.layout.title.text
    )


def test_stopping_what_only_waits_or_is_done_leaves_no_busy_sign(one):
    first, second = ll.explore.pair(one), ll.explore.pair(one)
    find(second, "Stop").click()  # nothing runs
    assert "⏳" not in status(second)
    with worker._changed:  # the worker cannot start yet
        find(first, "From").value, find(second, "From").value = "de", "ru"
        assert "Waiting for another explorer" in status(second)
        find(second, "Stop").click()
        assert status(second).startswith("Stopped")
    assert settled(first, 60).startswith("n = ") and status(second).startswith("Stopped")


class Scripted:
    """An explorer without widgets: what it computed and showed, and what it said."""

    def __init__(self, compute=lambda report, n: n, show=lambda result: "new picture") -> None:
        self.computed, self.shown, self.said = [], [], []

        def work(report, n):
            self.computed.append(n)
            return compute(report, n)

        def draw(result):
            self.shown.append(result)
            return show(result)

        self.latest = worker.Latest(work, draw, lambda *said: self.said.append(said), dict)

    def finish(self, seconds: float = 20) -> str:
        """Wait until it has nothing to do, and return its last words."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.said and not self.said[-1][1]:
                return self.said[-1][0]
            time.sleep(0.005)
        raise AssertionError(self.said)


def test_a_stop_between_taking_a_request_and_computing_it_is_not_lost(monkeypatch):
    explorer, begin = Scripted(), worker.Latest.run

    def run(latest, request):
        if latest is explorer.latest:
            latest.stop()
        return begin(latest, request)

    monkeypatch.setattr(worker.Latest, "run", run)
    explorer.latest.ask(n=1)
    assert explorer.finish().startswith("Stopped") and not explorer.computed
    monkeypatch.undo()
    explorer.latest.ask(n=2)
    assert explorer.finish() == "new picture" and explorer.computed == [2]


def test_a_stop_that_comes_while_the_picture_is_drawn_does_not_call_it_old():
    drawing, go_on = threading.Event(), threading.Event()

    def show(result):
        drawing.set()
        go_on.wait(20)
        return "new picture"

    explorer = Scripted(show=show)
    explorer.latest.ask(n=1)
    assert drawing.wait(20)
    explorer.latest.stop()
    go_on.set()
    assert explorer.finish() == "new picture" and explorer.shown == [1]
    explorer.latest.ask(n=2)
    assert explorer.finish() == "new picture" and explorer.shown == [1, 2], "no stop is left over"


def test_a_stopped_computation_shows_nothing():
    started, go_on = threading.Event(), threading.Event()

    def compute(report, n):
        started.set()
        go_on.wait(20)
        return n

    explorer = Scripted(compute)
    explorer.latest.ask(n=1)
    assert started.wait(20)
    explorer.latest.stop()
    go_on.set()
    assert explorer.finish().startswith("Stopped") and not explorer.shown


def test_only_the_explorer_whose_turn_it_is_says_that_it_reads():
    started, go_on = threading.Event(), threading.Event()

    def compute(report, n):
        started.set()
        go_on.wait(20)
        return n

    first, second, third = Scripted(compute), Scripted(), Scripted()
    first.latest.ask(n=1)
    assert started.wait(20) and first.said[-1][0].startswith("Reading")
    for waiting in (second, third):
        waiting.latest.ask(n=1)
        assert waiting.said == [("Waiting for another explorer …", True)]
    first.latest.ask(n=1)
    assert first.said[-1][0].startswith("Reading"), "its own work goes on"
    go_on.set()
    for explorer in (first, second, third):
        assert explorer.finish() == "new picture"
    for waiting in (second, third):
        assert [words for words, _ in waiting.said[:2]] == [
            "Waiting for another explorer …",
            "Reading the layers …",
        ]


def test_a_turned_sphere_stays_turned(one):
    root = ll.explore.sphere(one)
    figure = part(root, "globe")
    figure.layout.scene.camera.eye = {"x": 2.0, "y": 0.1, "z": 0.3}
    find(root, "Layer").value = 3
    settled(root)
    assert figure.layout.scene.camera.eye.x == 2.0
    find(root, "To").value = "en"
    assert "is both pivot and target here" in settled(root)


def test_what_only_changes_the_view_does_not_start_the_work_anew(one):
    root = ll.explore.pair(one)
    find(root, "Concepts").value = 1
    end = time.monotonic() + 60
    while "prompts …" not in status(root) and time.monotonic() < end:
        time.sleep(0.002)
    find(root, "with cognates").value = False
    assert settled(root, 120).startswith("n = ") and len(numbers(root)) > 0
    run = ll.run_experiment(one, "translation", "fr", "zh", progress=False)
    assert set(numbers(root)["n"]) == {int((run.prompts["cognate"] == "no").sum())}


def test_a_failure_to_show_does_not_end_the_thread(one):
    root = ll.explore.pair(one)
    broken = worker.Latest(
        lambda report: 1,
        lambda result: "done",
        lambda message, busy: 1 / 0 if not busy else None,
        dict,
    )
    broken.ask()
    find(root, "From").value = "de"
    assert settled(root, 60).startswith("n = ")


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"source": "xx"}, "xx"),
        ({"task": "clozes"}, "Did you mean 'cloze'"),
        ({"backend": "statc"}, "Unknown backend 'statc'"),
    ],
)
def test_wrong_arguments_are_one_sentence(one, choice, sentence):
    with pytest.raises(ll.errors.DataError, match=sentence):
        ll.explore.pair(one, **choice)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"source": "fr"}, "source takes two names"),
        ({"into": ("de", "xx")}, "xx"),
        ({"layer": 9}, "has layers 1 to 4, and no layer 9"),
        ({"backend": "statc"}, "Unknown backend 'statc'"),
    ],
)
def test_wrong_arguments_of_a_patch_are_one_sentence(one, choice, sentence):
    with pytest.raises(ll.errors.DataError, match=sentence):
        ll.explore.patch(one, **choice)


def test_no_request_waits_for_ever():
    assert not worker._waiting


@pytest.mark.parametrize("name", ["prompt", "patch", "pair", "sphere", "compare"])
def test_a_closed_explorer_lets_go_of_the_weights(tiny, name):
    """And so does a closed model, at once: another one must fit in memory."""
    loaded = tiny.fresh("llama")
    explorer = getattr(ll.explore, name)(
        loaded, **({} if name in ("prompt", "patch") else {"every": 60})
    )
    weights = weakref.ref(loaded.module.get_input_embeddings().weight)
    explorer.close()
    del loaded, explorer
    gc.collect()
    assert weights() is None


def test_a_closed_model_frees_its_weights_at_once(tiny):
    loaded = tiny.fresh("llama")
    ll.decode(loaded, ["one", "two"], progress=False)
    weights = weakref.ref(loaded.module.get_input_embeddings().weight)
    loaded.close()
    assert weights() is None
