"""The lens grid holds decode's numbers, names roles by sets, and lets no text of a model run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import grids
import numpy as np
import oracle
import pytest
import torch
from grids import unpacked

import latentlang as ll
from latentlang.errors import DataError
from latentlang.explore.grid_widget import GridWidget
from latentlang.plots.grid import module
from latentlang.plots.grid_state import fitting_state
from latentlang.plots.text import token_text

MOST_BYTES = 40 * 1024


@pytest.fixture(scope="module")
def planted():
    return grids.planted()


@pytest.mark.parametrize("name", ["llama", "gemma2", "cohere"])
def test_the_pages_numbers_are_those_of_plain_hooks(tiny, name):
    """Also where logits are capped or scaled."""
    model = tiny(name)
    prompt = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[0]
    asked = {"positions": 3, "top_k": 6, "watch": [5, 9], "follow": True}
    run = ll.decode(model, prompt, **asked, progress=False)
    data = ll.plots.grid(run).data()
    spec = data["grids"][0]
    ids, chances = np.array(spec["ids"]), np.exp(unpacked(data, 0, "chance").astype(float))
    top, traces = ids[unpacked(data, 0, "topIds")], unpacked(data, 0, "trace")
    for n in range(3):
        own = oracle.read(model, prompt.text, n - 3)
        log_probs = own.log_probs[1:]
        best = log_probs.exp().topk(6).values.numpy()
        assert np.abs(chances[n] - best).max() < 5e-4
        chosen = log_probs.gather(1, torch.from_numpy(top[n]).long()).exp().numpy()
        assert np.abs(chosen - best).max() < 1e-5
        places = unpacked(data, 0, "traceIds")[n]
        real = places != np.iinfo(places.dtype).max
        followed = ids[places[real]].tolist()
        assert followed[:2] == [5, 9] and set(followed) == {5, 9, *top[n].flatten().tolist()}
        own_traces = log_probs[:, followed].numpy()
        assert np.allclose(traces[n][:, real], own_traces, rtol=1e-3, atol=2e-3)
        assert np.allclose(unpacked(data, 0, "entropy")[n], own.entropy()[1:], rtol=1e-3)
        for place, language in enumerate(spec["languages"]):
            share = np.exp(unpacked(data, 0, "probability")[place, n].astype(float))
            expected = own.probability(prompt.token_ids[language["code"]])[1:].numpy()
            assert np.abs(share - expected).max() < 5e-4
            ranks = own.rank(prompt.token_ids[language["code"]])[1:]
            read = unpacked(data, 0, "rank")[place, n]
            assert all(low <= rank <= high for rank, (low, high) in zip(read, ranks))


def test_what_can_be_followed_is_the_union_of_all_candidates(planted):
    data = ll.plots.grid(planted.run).data()
    ids, beyond = data["grids"][0]["ids"], np.iinfo(np.uint16).max
    for n, places in enumerate(unpacked(data, 0, "traceIds")):
        tokens = [ids[place] for place in places if place != beyond]
        assert set(tokens) == set(planted.run.top_ids[0, n].flatten().tolist())
        values = unpacked(data, 0, "trace")[n][:, places != beyond]
        assert np.allclose(values, planted.log_probs[n][:, tokens].numpy(), rtol=1e-3, atol=2e-3)


def test_a_watched_token_is_kept_once(planted):
    watched = planted.log_probs[None, ..., [7, 8]]
    run = replace(planted.run, watch=(7, 8), watched=watched)
    data = ll.plots.grid(run).data()
    for places in unpacked(data, 0, "traceIds"):
        kept = [place for place in places if place != np.iinfo(np.uint16).max]
        assert len(kept) == len(set(kept))
        assert [data["grids"][0]["ids"][place] for place in kept[:2]] == [7, 8]


def test_a_token_has_the_role_of_the_one_set_that_holds_it(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:4]
    run = ll.decode(model, prompts, top_k=200, progress=False)
    frame = ll.plots.grid(run).to_frame()
    assert (frame["language"] != "").sum() > 5
    for column, token, code in zip(frame["column"], frame["token_id"], frame["language"]):
        sets = prompts[column].token_ids
        owners = [each for each in sets if token in sets[each]]
        assert owners == ([code] if code else []) or (len(owners) > 1 and not code)


def test_without_sets_the_best_token_of_each_language_has_its_role(planted):
    full = ll.plots.grid(planted.run).to_frame()
    less = ll.plots.grid(replace(planted.run, token_ids=())).to_frame()
    assert set(less["language"]) == {"", "en", "zh", "fr"}
    named = less["language"] != ""
    assert (less["language"] == full["language"])[named].all()
    best = full[(full["language"] == "en")].groupby(["column", "layer"]).head(1)
    assert (less.loc[best.index, "language"] == "en").all()


def test_the_table_is_what_the_run_holds(planted):
    frame = ll.plots.grid(planted.run, positions=2).to_frame()
    run = planted.run
    assert len(frame) == 2 * len(run.layers) * 10
    row = frame[(frame["column"] == 1) & (frame["layer"] == 14) & (frame["rank"] == 1)].iloc[0]
    assert (row["token_id"], row["token"], row["language"]) == (grids.EAGLE, "␣eagle", "en")
    assert row["probability"] == pytest.approx(run.top_probs[0, -1, 13, 0].item())


def test_positions_are_the_last_ones_or_named(planted):
    run = planted.run
    tokens = [token_text(token, run.tokenizer) for token in run.position_tokens]

    def labels(positions):
        columns = ll.plots.grid(run, positions=positions).data()["grids"][0]["columns"]
        return [column["label"] for column in columns]

    assert labels(None) == tokens and labels(2) == tokens[-2:] and labels(99) == tokens
    assert labels([0, -1]) == [tokens[0], tokens[-1]]


def test_prompts_of_a_run_are_columns_with_their_concepts(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:3]
    grid = ll.plots.grid(ll.decode(model, prompts, progress=False))
    columns = grid.data()["grids"][0]["columns"]
    assert [column["label"] for column in columns] == [prompt.concept for prompt in prompts]
    assert repr(grid) == "Grid(4 layers x 3 columns)"


def test_a_run_from_a_file_and_a_pool_of_files_show_the_same(tiny, tmp_path):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:4]
    run = ll.decode(model, prompts, follow=True, progress=False)
    part = run.between(2, 3)  # which can follow tokens of layers that are not there
    kept = ll.plots.grid(ll.Run.load(part.save(tmp_path / "part.run"))).data()
    assert kept == ll.plots.grid(part).data()
    parts = [
        ll.Run.load(run[half].save(tmp_path / f"{n}.run"))
        for n, half in enumerate((slice(0, 2), slice(2, 4)))
    ]
    expected = ll.plots.grid(run).data()
    assert ll.plots.grid(ll.Run.load(run.save(tmp_path / "whole.run"))).data() == expected
    assert ll.plots.grid(ll.Run.concatenate(parts)).data() == expected


@pytest.mark.parametrize(
    "state",
    [
        "",
        "by=entropy",
        "by=rank.zh;at=0.14.3;scale=log",
        "by=follow.1;follow=en,0t1+4;layers=8-18;columns=2-5",
        "at=0.1.0;also=0.2.1;follow=",
    ],
)
def test_a_state_that_fits_is_kept(planted, state):
    grid = ll.plots.grid(planted.run, state=state)
    assert grid.state == state and grid.data()["state"] == state
    assert ll.plots.grid(planted.run, state=grid.state).state == state


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ("colour=role", "colour=role"),
        ("by=entropy;by=role", "by=role"),
        ("by=follow.9", "by=follow.9"),
        ("by=rank.de", "by=rank.de"),
        ("at=0.19.0", "at=0.19.0"),
        ("at=1.3.0", "at=1.3.0"),
        ("follow=de", "follow=de"),
        ("follow=0t999", "follow=0t999"),
        ("layers=9-3", "layers=9-3"),
        ("columns=0-99", "columns=0-99"),
        ("scale=cubic", "scale=cubic"),
    ],
)
def test_a_state_of_another_grid_is_named(planted, state, named):
    with pytest.raises(DataError, match=re.escape(named)):
        ll.plots.grid(planted.run, state=state)


def test_mistakes_get_a_sentence(planted, tiny):
    run = planted.run
    two = replace(
        run,
        **{name: torch.cat([getattr(run, name)] * 2) for name in ("top_ids", "top_probs")},
        readings={},
        followed=None,
        prompts=grids.prompts("eagle", "text", 2),
        token_ids=(),
    )
    mistakes = {
        "pass the run itself": lambda: ll.plots.grid("run"),
        "take run\\[0\\]": lambda: ll.plots.grid(two),
        "choose fewer filters": lambda: ll.plots.grid(run[[]]),
        "at most 64 columns": lambda: ll.plots.grid(grids.planted(65, 2, leads={}).run),
        "positions=0": lambda: ll.plots.grid(run, positions=0),
        "positions='last'": lambda: ll.plots.grid(run, positions="last"),
        "numbers from 0 to 5": lambda: ll.plots.grid(run, positions=[6]),
        "Unknown theme 'blue'": lambda: ll.plots.grid(run, theme="blue"),
        "A state is a text": lambda: ll.plots.grid(run, state=3),
        "decode again": lambda: ll.plots.grid(replace(run, tokenizer=None)),
        "choose another place": lambda: ll.plots.grid(run).save("/nowhere/grid.html"),
    }
    for sentence, mistake in mistakes.items():
        with pytest.raises(DataError, match=sentence):
            mistake()


class Tags(HTMLParser):
    """Every tag of a page, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def test_no_text_of_a_model_or_a_list_becomes_a_tag(planted, tmp_path):
    evil = '</script><img src=x onerror="window.ran = 1">'
    run = replace(
        planted.run,
        model=evil,
        prompts=grids.prompts(evil, evil),
        readings={
            name: values if name == "entropy" else {**values, evil: values["en"]}
            for name, values in planted.run.readings.items()
        },
        token_ids=({**grids.SETS, evil: (50,)},),
    )
    page = Tags(ll.plots.grid(run, run).save(tmp_path / "grid.html").read_text("utf-8"))
    names = [tag for tag, _ in page.tags]
    assert names.count("script") == 1 and "img" not in names
    assert not [attributes for _, attributes in page.tags if {"src", "href"} & set(attributes)]
    data = json.loads(page.scripts[0].rpartition("mountPage(")[2].rpartition(");")[0])
    assert evil in [language["code"] for language in data["grids"][0]["languages"]]
    assert "</script><script>window.ran␣=␣1</script>" in data["grids"][0]["texts"]


def test_the_module_is_small_and_makes_no_tags_from_text():
    for host in ("page", "widget"):
        source = module(host)
        assert "</script" not in source and "<!--" not in source
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "fetch(",
            "XMLHttpRequest",
            "import(",
            "new Function",
        ):
            assert way not in source
        assert set(re.findall(r"https?://[^\"\s]*", source)) == {"http://www.w3.org/2000/svg"}
    assert len(module("page").partition("// The host")[0].encode()) <= MOST_BYTES


def test_a_widget_holds_what_a_page_holds(planted):
    grid = ll.plots.grid(planted.run, state="by=entropy", theme="dark")
    widget = GridWidget.of(grid)
    assert (widget.data, widget.state, widget.theme) == (grid.data(), "by=entropy", "dark")
    assert "export default { render }" in widget._esm
    other = ll.plots.grid(planted.run, positions=2)
    widget.show(other)
    assert widget.data == other.data() and widget.state == "by=entropy"


def test_a_widget_keeps_of_a_state_what_fits_another_grid(planted):
    """Of a grid of another model, of other layers or of other languages nothing is kept."""
    grid = ll.plots.grid(planted.run)
    widget = GridWidget.of(grid)
    kept = "by=rank.zh;at=0.14.3;scale=log;layers=8-18;columns=1-5"
    widget.state = f"{kept};follow=en,0t1"
    widget.show(ll.plots.grid(grids.planted(seed=1).run))
    assert widget.state == f"{kept};follow=en,0t1"
    widget.show(ll.plots.grid(planted.run, positions=3))
    assert widget.state == "by=rank.zh;scale=log;layers=8-18;follow=en,0t1"
    other = replace(planted.run, model="another")
    shallow = planted.run.between(1, 17)
    fewer = replace(
        planted.run,
        readings={
            name: values if name == "entropy" else {code: values[code] for code in ("en", "zh")}
            for name, values in planted.run.readings.items()
        },
    )
    for unlike in (other, shallow, fewer):
        widget.show(grid)
        widget.state = kept
        widget.show(ll.plots.grid(unlike))
        assert widget.state == ""


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("by=follow.3;follow=en,zh,fr,0t999;scale=log", "scale=log"),
        ("by=follow.1;follow=en,0t1", "by=follow.1;follow=en,0t1"),
        ("by=entropy;follow=de", "by=entropy"),
        ("at=0.19.0;also=1.1.1;layers=9-99", ""),
        ("", ""),
    ],
)
def test_the_parts_of_a_state_that_fit_are_kept(planted, state, kept):
    grid = ll.plots.grid(planted.run)
    assert fitting_state(state, grid.grids) == kept
    assert ll.plots.grid(planted.run, state=kept).state == kept
