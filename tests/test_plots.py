"""Figures hold what they claim to show: curves, points and counts, recomputed from readings."""

from __future__ import annotations

import re

import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError
from latentlang.plots.sphere import magnify


@pytest.fixture(scope="module")
def one(tiny):
    return tiny("llama")


@pytest.fixture(scope="module")
def prompts(one):
    return ll.build_prompts("translation", "fr", "zh", tokenizer=one.tokenizer)[:9]


@pytest.fixture(scope="module")
def decoded(one, prompts):
    watch = [
        *sorted({token for p in prompts for ids in p.token_ids.values() for token in ids}),
        5,
        6,
        7,
    ]
    return ll.decode(one, prompts, watch=sorted(set(watch)), keep_latents=True, progress=False)


@pytest.fixture(scope="module")
def path(one, decoded):
    return ll.sphere_path(one, decoded)


def named(figure, name: str):
    found = [trace for trace in figure.data if trace.name == name]
    assert len(found) == 1, [trace.name for trace in figure.data]
    return found[0]


def test_every_figure_says_how_many_prompts(decoded, path):
    figures = [
        draw(decoded)
        for draw in (
            ll.plots.language_probability,
            ll.plots.difference,
            ll.plots.energy,
            ll.plots.phases,
        )
    ]
    figures += [ll.plots.sphere(path), ll.plots.pair_grid({("fr", "zh"): decoded})]
    for figure in figures:
        said = [figure.layout.title.text, *(note.text for note in figure.layout.annotations)]
        assert any(re.search(r"\bn = 9\b", text or "") for text in said), said


def test_a_pool_says_how_many_concepts(decoded):
    twice = ll.Run.concatenate([decoded, decoded])
    assert "n = 18 about 9 concepts" in ll.plots.difference(twice).layout.title.text


def test_difference_draws_the_paired_mean(decoded):
    figure = ll.plots.difference(decoded)
    line = named(figure, "difference")
    assert list(line.y) == pytest.approx(
        (decoded.probability["zh"] - decoded.probability["en"]).mean(0).tolist()
    )
    said = " ".join(note.text for note in figure.layout.annotations)
    assert "above zero: Chinese" in said and "below zero: English" in said


def test_a_table_of_a_figure_holds_the_means_that_it_draws(decoded):
    table = ll.plots.table(ll.plots.language_probability(decoded))
    assert list(table.index) == list(decoded.layers) and table.index.name == "layer"
    for code in decoded.languages:
        drawn = torch.tensor(table[ll.plots.language_label(code)].tolist())
        torch.testing.assert_close(drawn, decoded.probability[code].mean(0).float())


def test_words_for_a_figure_name_its_peaks(decoded):
    words = ll.plots.describe(ll.plots.language_probability(decoded))
    for code in decoded.languages:
        peak, at = decoded.probability[code].mean(0).max(0)
        assert (
            f"{ll.plots.language_label(code)}: highest {peak:.3g} at {decoded.layers[at]}," in words
        )


def test_the_cells_of_a_heatmap_read_as_their_tokens(one):
    seen = ll.decode(one, ["eau, eau"], positions="all", progress=False)
    cells = ll.plots.table(ll.plots.heatmap(seen, one.tokenizer))
    assert cells.shape == (one.n_layers, len(seen.position_tokens)) and cells.columns.is_unique
    assert list(cells.index) == list(reversed(seen.layers))
    assert cells.iloc[0, -1].endswith(f" {seen.top_probs[0, -1, -1, 0]:.0%}")
    assert cells.iloc[0, -1] in ll.plots.describe(ll.plots.heatmap(seen, one.tokenizer))


def test_difference_needs_two_languages(one):
    run = ll.decode(
        one,
        ll.build_prompts("translation", "fr", "en", tokenizer=one.tokenizer)[:2],
        progress=False,
    )
    with pytest.raises(DataError, match="English is both pivot and target"):
        ll.plots.difference(run)


def test_grid_puts_every_pair_in_its_panel(one, decoded):
    other = ll.decode(
        one,
        ll.build_prompts("translation", "de", "en", tokenizer=one.tokenizer)[:4],
        progress=False,
    )
    figure = ll.plots.pair_grid({("fr", "zh"): decoded, ("de", "en"): other})
    panels = {note.text: n for n, note in enumerate(figure.layout.annotations)}
    assert list(panels) == ["fr → zh · n = 9", "de → en · n = 4"]
    lines = {
        (trace.xaxis, trace.name): list(trace.y)
        for trace in figure.data
        if trace.mode == "lines+markers"
    }
    # Rows fr, de; columns zh, en: the first panel is x, the fourth x4.
    # With English as the target, one curve is both.
    assert {axis for axis, _ in lines} == {"x", "x4"} and len(lines) == 3
    chinese = next(
        y for (axis, name), y in lines.items() if axis == "x" and name.startswith("Chinese")
    )
    assert chinese == pytest.approx(decoded.probability["zh"].mean(0).tolist())
    english = next(y for (axis, _), y in lines.items() if axis == "x4")
    assert english == pytest.approx(other.probability["en"].mean(0).tolist())
    with pytest.raises(DataError, match="at least one run"):
        ll.plots.pair_grid({})


def test_sphere_draws_points_of_length_one_by_the_factor_it_prints(path):
    figure = ll.plots.sphere(path)
    line = named(figure, "mean of n = 9")
    drawn = torch.tensor([line.x, line.y, line.z]).T
    torch.testing.assert_close(drawn.norm(dim=-1), torch.ones(len(drawn)), atol=1e-5, rtol=0)
    plane = path.coordinates[..., :2].mean(0)
    k = 0.95 / plane.norm(dim=-1).max().item()
    torch.testing.assert_close(drawn[:, :2], k * plane, atol=1e-5, rtol=0)
    assert f"k = {k:.0f} times" in figure.layout.title.text
    assert [row[0] for row in line.customdata] == list(path.layers)
    torch.testing.assert_close(
        torch.tensor(line.customdata)[:, 1:3].float(), plane, atol=1e-6, rtol=0
    )


def test_slider_shows_the_path_up_to_each_layer(path):
    figure = ll.plots.sphere(path)
    line = named(figure, "mean of n = 9")
    steps = figure.layout.sliders[0].steps
    assert (
        [step.label for step in steps]
        == [frame.name for frame in figure.frames]
        == [str(layer) for layer in path.layers]
    )
    assert figure.layout.sliders[0].active == len(path.layers) - 1  # opens with the whole path
    for n, frame in enumerate(figure.frames):
        assert figure.data[frame.traces[0]].name == line.name
        assert (
            list(frame.data[0].x) == list(line.x)[: n + 1]
            and list(frame.data[0].z) == list(line.z)[: n + 1]
        )


def test_words_stand_at_the_rim_in_their_measured_direction(path):
    figure = ll.plots.sphere(path)
    for code, name in (
        ("en", "English words (direction only)"),
        ("zh", "Chinese (中文) words (direction only)"),
    ):
        marks = named(figure, name)
        rim = torch.tensor([marks.x, marks.y]).T
        torch.testing.assert_close(rim.norm(dim=-1), torch.ones(len(rim)), atol=1e-5, rtol=0)
        measured = torch.atan2(path.words[code][:, 1], path.words[code][:, 0])
        torch.testing.assert_close(torch.atan2(rim[:, 1], rim[:, 0]), measured, atol=1e-4, rtol=0)
        assert set(marks.z) == {0.0} and list(marks.text) == list(path.prompts[f"word_{code}"])


def test_single_paths_wait_in_the_legend(path):
    concepts = list(path.prompts["concept"][:2])
    figure = ll.plots.sphere(path, concepts=concepts)
    for concept in concepts:
        trace = named(figure, concept)
        assert trace.visible == "legendonly" and trace.showlegend
    assert "n = 1 measured path " in ll.plots.sphere(path[concepts[0]]).layout.title.text
    with pytest.raises(DataError, match="no concept 'nothing' here"):
        path["nothing"]
    with pytest.raises(DataError, match=r"ll\.sphere_path returns"):
        ll.plots.sphere(path.coordinates)


def test_a_point_beyond_the_sphere_stays_at_its_rim():
    drawn, k = magnify(torch.tensor([[0.03, 0.04, 0.9987], [0.001, 0.0, 1.0]]), k=100.0)
    torch.testing.assert_close(
        drawn, torch.tensor([[0.6, 0.8, 0.0], [0.1, 0.0, 0.99**0.5]]), atol=1e-4, rtol=0
    )
    assert k == 100.0
    assert magnify(torch.tensor([[0.0, 0, 1]]))[1] == 1.0


def test_path_has_a_table_of_cosines(path, decoded):
    table = path.to_frame()
    assert list(table.index) == list(decoded.layers)
    assert table["language"].tolist() == pytest.approx(path.coordinates[..., 0].mean(0).tolist())
    assert (table["concept_lower"] <= table["concept"]).all() and (
        table["concept"] <= table["concept_upper"]
    ).all()
    torch.testing.assert_close(path.mean().norm(dim=-1), torch.ones(len(table)), atol=1e-5, rtol=0)


def test_one_concept_keeps_the_frame_of_the_whole_set(path):
    concept = path.prompts["concept"][3]
    alone = path[concept]
    assert torch.equal(alone.coordinates[0], path.coordinates[3]) and torch.equal(
        alone.words["zh"][0], path.words["zh"][3]
    )


def test_path_needs_latents_of_this_model(one, prompts, decoded, tiny):
    with pytest.raises(DataError, match="needs latents, which this run did not keep"):
        ll.sphere_path(one, ll.decode(one, prompts, progress=False))
    with pytest.raises(DataError, match="pass the model that was read"):
        ll.sphere_path(tiny("gpt2"), decoded)
    with pytest.raises(DataError, match="both pivot and target"):
        english = ll.build_prompts("translation", "fr", "en", tokenizer=one.tokenizer)[:3]
        ll.sphere_path(one, ll.decode(one, english, keep_latents=True, progress=False))
    with pytest.raises(DataError, match="does not know its words in"):
        targets = [{"en": [4], "zh": [5]}] * 2
        ll.sphere_path(
            one, ll.decode(one, ["a b", "c d"], targets, keep_latents=True, progress=False)
        )


def test_map_draws_every_latent_and_token_once(decoded, one):
    found = ll.geometry.latent_mds(decoded.watched.flatten(0, 1))
    figure = ll.plots.latent_map(found, decoded, one.tokenizer, paths=2)
    by_layer = [named(figure, f"layer {layer}") for layer in decoded.layers]
    places = found.latents.reshape(len(decoded), len(decoded.layers), 2)
    for n, marks in enumerate(by_layer):
        assert list(marks.x) == pytest.approx(places[:, n, 0].tolist())
    tokens = [
        t for t in figure.data if t.name and (t.name.endswith("words") or t.name == "other tokens")
    ]
    drawn = sorted(x for trace in tokens for x in trace.x)
    assert drawn == pytest.approx(sorted(found.tokens[:, 0].tolist()), abs=1e-6)
    assert sum(t.mode == "lines" for t in figure.data) == 2
    assert f"stress {found.stress:.2f}" in figure.layout.title.text
    with pytest.raises(DataError, match="do not belong together"):
        ll.plots.latent_map(found, decoded[:3], one.tokenizer)
