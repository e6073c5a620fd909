"""Explorers without a browser: controls are set as a browser sets them.

The numbers in the figures are recomputed.
"""

from __future__ import annotations

import base64
import gc
import io
import re
import threading
import time
import weakref

import ipywidgets as widgets
import pandas as pd
import pytest

import latentlang as ll
from latentlang.explore import worker
from latentlang.explore.panel import Panel
from latentlang.plots.text import language_label


@pytest.fixture(scope="module")
def one(tiny):
    return tiny("llama")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "explore"))


def find(root, name: str):
    """Return the control with this description."""
    stack = [root]
    while stack:
        widget = stack.pop()
        if getattr(widget, "description", None) == name:
            return widget
        stack.extend(getattr(widget, "children", ()))
    raise LookupError(name)


def part(root, name: str):
    """Return what stands in the part of this class."""
    stack = [root]
    while stack:
        widget = stack.pop()
        if f"latentlang-{name}" in getattr(widget, "_dom_classes", ()):
            return widget.children[0]
        stack.extend(getattr(widget, "children", ()))
    raise LookupError(name)


def status(root) -> str:
    found = next(w for w in root.children if "role='status'" in getattr(w, "value", ""))
    return re.sub("<[^>]+>", "", found.value)


def settled(root, seconds: float = 60) -> str:
    """Wait until the explorer has finished, and return what it says."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if "⏳" not in status(root):
            return status(root)
        time.sleep(0.01)
    raise AssertionError(f"still busy: {status(root)}")


def curve(figure, name: str) -> list[float]:
    return next(list(t.y) for t in figure.data if t.name == name and t.mode == "lines+markers")


def numbers(root) -> pd.DataFrame:
    """Return the table behind the link that offers it."""
    link = next(w.value for w in root.children if "Save the numbers" in getattr(w, "value", ""))
    return pd.read_csv(io.BytesIO(base64.b64decode(re.search("base64,([^']+)'", link).group(1))))


def expected(model, source: str, target: str, concept: str) -> list[float]:
    prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer).about(
        [concept]
    )
    return ll.decode(model, prompts, progress=False).probability[target][0].tolist()


def test_prompt_explorer_follows_its_controls(model):
    root = ll.explore.prompt(model)
    assert curve(part(root, "curves"), language_label("zh")) == pytest.approx(
        expected(model, "fr", "zh", "flower"), abs=1e-5
    )
    find(root, "From").value = "de"
    settled(root)
    assert curve(part(root, "curves"), language_label("zh")) == pytest.approx(
        expected(model, "de", "zh", "flower"), abs=1e-5
    )
    find(root, "Concept").value = "book"
    settled(root)
    assert curve(part(root, "curves"), language_label("zh")) == pytest.approx(
        expected(model, "de", "zh", "book"), abs=1e-5
    )
    table = numbers(root)
    offered = table.query("quantity == 'probability' and language == 'zh'")["value"].tolist()
    assert offered == pytest.approx(expected(model, "de", "zh", "book"), abs=1e-5)


def test_swap_turns_the_pair_round(model):
    root = ll.explore.prompt(model, source="de", target="fr", concept="book")
    find(root, "⇄ swap").click()
    settled(root)
    assert (find(root, "From").value, find(root, "To").value) == ("fr", "de")
    assert curve(part(root, "curves"), language_label("de")) == pytest.approx(
        expected(model, "fr", "de", "book"), abs=1e-5
    )


def test_layers_and_scale(model):
    root = ll.explore.prompt(model)
    find(root, "Layers").value = (2, 3)
    settled(root)
    figure = part(root, "curves")
    assert curve(figure, language_label("zh")) == pytest.approx(
        expected(model, "fr", "zh", "flower")[1:3], abs=1e-5
    )
    assert list(part(root, "heatmap").data[0].y) == [2, 3]
    find(root, "Scale").value = "share of the followed languages"
    settled(root)
    shares = [curve(figure, language_label(code)) for code in ("en", "zh", "fr")]
    assert [sum(layer) for layer in zip(*shares)] == pytest.approx([1, 1], abs=1e-4)


def test_a_typed_prompt_is_read_as_it_is(model):
    root = ll.explore.prompt(model)
    find(root, "Prompt").value = "The <b>sea</b> is"
    settled(root)
    entropy = ll.decode(model, ["The <b>sea</b> is"], progress=False).entropy[0].tolist()
    figure = part(root, "curves")
    assert curve(figure, "entropy (bits)") == pytest.approx(entropy, abs=1e-3)
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
    find(root, "From").value, find(root, "Concept").value = "ru", "book"
    assert not settled(root).startswith("⚠")
    assert curve(part(root, "curves"), language_label("zh")) == pytest.approx(
        expected(model, "ru", "zh", "book"), abs=1e-5
    )


def test_an_unexpected_failure_is_shown_and_survived():
    """A panel of our own whose computation has a mistake for one choice."""
    number, shown = widgets.IntSlider(value=1, max=9, description="n"), widgets.HTML()

    def show(result: float) -> str:
        shown.value = str(result)
        return f"6 / n = {result}"

    root = Panel("quotient", {"n": number}, {"result": shown}, lambda _, n: 6 / n, show).first()
    number.value = 0
    assert "ZeroDivisionError" in settled(root) and shown.value == "6.0"
    number.value = 3
    assert settled(root) == "6 / n = 2.0"


def test_thirty_quick_changes_end_on_the_last(model):
    root = ll.explore.prompt(model, concept="book")
    codes = ["de", "ru", "fr", "es", "it"] * 6
    for code in codes:
        find(root, "From").value = code
    settled(root)
    time.sleep(0.5)  # a straggler would show by now
    assert curve(part(root, "curves"), language_label("zh")) == pytest.approx(
        expected(model, "it", "zh", "book"), abs=1e-5
    )
    assert "it → zh" in part(root, "curves").layout.title.text


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
    without = run[~run.prompts["cognate"]]
    assert curve(figure, language_label("zh")) == pytest.approx(
        without.probability["zh"].mean(0).tolist(), abs=1e-5
    )
    assert set(numbers(root)["n"]) == {len(without)} and len(without) < len(run)


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
    for n, button in enumerate(menu.buttons):
        assert button.args[0]["visible"].count(True) >= 1 and button.args[0]["visible"][n]
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
    assert set(numbers(root)["n"]) == {int((~run.prompts["cognate"]).sum())}


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


def test_no_request_waits_for_ever():
    assert not worker._waiting


@pytest.mark.parametrize("name", ["prompt", "pair", "sphere", "compare"])
def test_a_closed_explorer_lets_go_of_the_weights(tiny, name):
    """And so does a closed model, at once: another one must fit in memory."""
    loaded = ll.load_model(tiny.folder("llama"), dtype="float32")
    explorer = getattr(ll.explore, name)(loaded, **({} if name == "prompt" else {"every": 60}))
    weights = weakref.ref(loaded.module.get_input_embeddings().weight)
    explorer.close()
    del loaded, explorer
    gc.collect()
    assert weights() is None


def test_a_closed_model_frees_its_weights_at_once(tiny):
    loaded = ll.load_model(tiny.folder("llama"), dtype="float32")
    ll.decode(loaded, ["one", "two"], progress=False)
    weights = weakref.ref(loaded.module.get_input_embeddings().weight)
    loaded.close()
    assert weights() is None
