"""Figures hold what they claim to show: curves, points and counts, recomputed from readings."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import torch

import latentlang as ll
from latentlang.analysis.phases import Phases
from latentlang.errors import DataError
from latentlang.models.stored import stored_model
from latentlang.plots.globe import magnify
from latentlang.plots.naming import curve_name
from latentlang.plots.points import _by_camera, label, move_points
from latentlang.plots.style import SHARE_FORMAT
from latentlang.plots.text import percent


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


def leading(run, pivot: list[float]):
    """Return a run in which P(target) is 0.5 and P(pivot) these numbers, both with some spread."""
    torch.manual_seed(0)
    noise = [0.01 * torch.rand(run.entropy.shape) for _ in range(2)]
    curves = {run.target: 0.5 + noise[0], run.pivot: torch.tensor(pivot) + noise[1]}
    return run.with_readings(probability=run.probability | curves)


@pytest.mark.parametrize(
    ("pivot", "layer", "said"),
    [
        ([0.5, 0.9, 0.1, 0.1], 2, "English leads first, at layer 2; Chinese from layer 3"),
        ([0.5, 0.5, 0.1, 0.9], 3, "Chinese leads first, at layer 3; English from layer 4"),
        ([0.5, 0.5, 0.5, 0.5], None, "the band includes zero at every layer"),
    ],
)
def test_the_difference_marks_the_first_layer_that_survives_every_look(decoded, pivot, layer, said):
    run = leading(decoded, pivot)
    figure = ll.plots.difference(run)
    table = ll.metrics.paired_difference(run, "zh", "en")
    band = next(trace for trace in figure.data if trace.fill == "toself")
    assert list(band.y) == [*table["upper"], *table["lower"][::-1]]
    marks = [shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1]
    assert marks == ([] if layer is None else [layer])
    assert said in figure.layout.title.text.split("<br>")[0]
    assert said in ll.plots.describe(figure)


def test_a_figure_says_where_the_gaussian_band_leaves_what_is_possible(decoded):
    """One prompt of nine with 90 % in layers 1, 2 and 4; in layer 3 all but one have 100 %."""
    pivot = torch.zeros_like(decoded.entropy)
    pivot[0], pivot[:, 2] = 0.9, 1.0
    pivot[0, 2] = 0.1
    run = decoded.with_readings(
        probability={"en": pivot, "zh": torch.full_like(pivot, 0.5), "fr": 0 * pivot}
    )
    note = "Band below 0 at layers 1–2, 4 and above 1 at layer 3: "
    note += "the interval is only approximate there."
    for draw in (ll.plots.language_probability, ll.plots.phases):
        figure = draw(run)
        assert note in figure.layout.title.text and note in ll.plots.describe(figure)
        assert "formula" not in draw(run, ci="bootstrap").layout.title.text
    assert note in ll.plots.reading(run, "probability").layout.title.text
    assert "formula" not in ll.plots.energy(run).layout.title.text
    for ci, found in (("gaussian", True), ("bootstrap", False)):
        grid = ll.plots.pair_grid({("fr", "zh"): run}, ci)
        assert ("Some bands leave 0 to 1" in grid.layout.title.text) is found


def test_a_figure_says_nothing_of_a_band_that_it_does_not_draw(decoded):
    """One prompt of nine has every word first, and 90 % French, which a panel from German lacks."""
    first = torch.full_like(decoded.entropy, 2)
    first[0] = 1
    half = torch.full_like(decoded.entropy, 0.5)
    run = decoded.with_readings(
        probability={"en": half, "zh": half, "fr": 0.9 * (first == 1)},
        rank=dict.fromkeys(decoded.languages, first.to(torch.int32)),
    )
    assert "formula" not in ll.plots.pair_grid({("de", "zh"): run}).layout.title.text
    run = run.with_readings(probability=dict.fromkeys(decoded.languages, half))
    for draw in (ll.plots.language_probability, ll.plots.phases):
        assert "formula" not in draw(run).layout.title.text
    assert "Band below 0 at layers 1–4" in ll.plots.reading(run, "rank").layout.title.text


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
    said = float(cells.iloc[0, -1].split()[-1].removesuffix("%")) / 100
    assert said == pytest.approx(seen.top_probs[0, -1, -1, 0].item(), rel=5e-3)
    assert cells.iloc[0, -1] in ll.plots.describe(ll.plots.heatmap(seen, one.tokenizer))


def test_a_heatmap_of_one_position_shows_the_candidates_the_best_one_last(decoded, one):
    """A language's colour is where its best token stands: its rank says so."""
    run = decoded[0]
    figure = ll.plots.heatmap(run, one.tokenizer)
    cells = ll.plots.table(figure)
    assert cells.shape == (len(run.layers), run.top_ids.shape[-1])
    for row, layer in enumerate(reversed(run.layers)):
        place = run.layers.index(layer)
        shares = [float(text.split()[-1].removesuffix("%")) for text in cells.iloc[row]]
        assert shares == sorted(shares)
        wanted = 100 * run.top_probs[0, place].flip(0)
        assert shares == pytest.approx(wanted.tolist(), rel=6e-3, abs=0.06)
    for trace in figure.data[1:]:
        code = next(c for c in run.languages if curve_name(run, c, short=True) == trace.name)
        for place, row in enumerate(trace.z):
            colored = [n for n, value in enumerate(row) if value is not None]
            rank = int(run.rank[code][0, place])
            assert colored in ([], [len(row) - rank])


def test_a_heatmap_of_many_layers_is_no_higher_than_one_of_few():
    """Its cells hold one line: 28 layers and 18 take the same room."""
    qwen = stored_model("qwen2.5-coder-1.5b-instruct")
    run = ll.run_experiment(qwen, "translation", "fr", "zh", every=4)[0]
    many, few = (
        ll.plots.heatmap(part, qwen.tokenizer) for part in (run, run.between(11, run.layers[-1]))
    )
    assert many.layout.height == few.layout.height
    lines = [
        {text.count("<br>") for trace in figure.data for row in trace.text for text in row}
        for figure in (many, few)
    ]
    assert lines == [{0}, {0, 1}]


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
    notes = {(note.xref, note.text) for note in figure.layout.annotations}
    assert notes == {
        ("x domain", "n = 9"),
        ("x4 domain", "n = 4"),
        ("paper", "to Chinese"),
        ("paper", "to English"),
    }
    rows = [axis.title.text for axis in figure.select_yaxes() if axis.title.text]
    assert rows == ["from French", "from German"]
    lines = {
        (trace.xaxis, trace.name): list(trace.y)
        for trace in figure.data
        if trace.mode == "lines+markers"
    }
    # Rows fr, de; columns zh, en: the first panel is x, the fourth x4.
    # With English as the target, one curve is both; the source has one of its own.
    assert {axis for axis, _ in lines} == {"x", "x4"} and len(lines) == 5
    chinese = next(
        y for (axis, name), y in lines.items() if axis == "x" and name.startswith("Chinese")
    )
    assert chinese == pytest.approx(decoded.probability["zh"].mean(0).tolist())
    english = next(
        y for (axis, name), y in lines.items() if axis == "x4" and name.startswith("English")
    )
    assert english == pytest.approx(other.probability["en"].mean(0).tolist())
    with pytest.raises(DataError, match="at least one run"):
        ll.plots.pair_grid({})


def test_sphere_draws_points_of_length_one_by_the_factor_at_its_axes(path):
    figure = ll.plots.sphere(path)
    line = named(figure, "mean of n = 9")
    drawn = torch.tensor([line.x, line.y, line.z]).T
    torch.testing.assert_close(drawn.norm(dim=-1), torch.ones(len(drawn)), atol=1e-5, rtol=0)
    plane = path.coordinates[..., :2].mean(0)
    k = 0.95 / plane.norm(dim=-1).max().item()
    torch.testing.assert_close(drawn[:, :2], k * plane, atol=1e-5, rtol=0)
    texts = [note.text for note in figure.layout.scene.annotations]
    assert f"concept ×{k:.3g}" in texts and f"×{k:.3g}: " in figure.layout.title.text
    assert [row[0] for row in line.customdata] == list(path.layers)
    torch.testing.assert_close(
        torch.tensor(line.customdata)[:, 1:3].float(), plane, atol=1e-6, rtol=0
    )


def flat(traces):
    """Return the flat path: one point per layer, joined by a line."""
    found = [t for t in traces if t.type == "scatter" and t.mode == "lines+markers"]
    return found[-1]


def test_the_flat_measure_shows_true_cosines_and_says_what_the_globe_says(path):
    figure = ll.plots.sphere(path)
    line, drawn = named(figure, "mean of n = 9"), flat(figure.data)
    mean = path.coordinates[..., :2].mean(0)
    torch.testing.assert_close(torch.tensor([drawn.x, drawn.y]).T, mean, atol=1e-6, rtol=0)
    assert drawn.customdata == line.customdata and drawn.hovertemplate == line.hovertemplate
    numbers = ll.plots.table(figure)
    pd.testing.assert_frame_equal(
        numbers, path.to_frame()[list(numbers)], check_dtype=False, atol=1e-6
    )
    for layer, x, y, z, degrees, direction in line.customdata:
        assert math.degrees(math.acos(min(1, z))) == pytest.approx(degrees, abs=0.1)
        assert math.degrees(math.atan2(x, y)) == pytest.approx(direction, abs=1e-3)
        assert layer in path.layers


def test_the_slider_moves_globe_and_flat_measure_together(path):
    figure = ll.plots.sphere(path)
    whole = named(figure, "mean of n = 9"), flat(figure.data)
    steps = figure.layout.sliders[0].steps
    assert (
        [step.label for step in steps]
        == [frame.name for frame in figure.frames]
        == [str(layer) for layer in path.layers]
    )
    assert figure.layout.sliders[0].active == len(path.layers) - 1  # opens with the whole path
    for n, frame in enumerate(figure.frames, 1):
        kinds = [figure.data[at].type for at in frame.traces]
        assert kinds == [trace.type for trace in frame.data]
        now = next(t for t in frame.data if t.name == whole[0].name), flat(frame.data)
        for part, all_of_it in zip(now, whole):
            assert [list(part[axis]) for axis in "xy"] == [list(all_of_it[a])[:n] for a in "xy"]
    still = ll.plots.sphere(path, layer=2)
    assert not still.frames and not still.layout.sliders
    assert len(named(still, "mean of n = 9").x) == len(flat(still.data).x) == 2


def test_words_are_ticks_outside_the_rim_in_their_measured_direction(path):
    figure = ll.plots.sphere(path)
    for code, name in (
        ("en", "English words (direction only)"),
        ("zh", "Chinese (中文) words (direction only)"),
    ):
        marks = named(figure, name)
        measured = torch.atan2(path.words[code][:, 1], path.words[code][:, 0])
        for start in (0, 1):
            rim = torch.tensor([marks.x[start::3], marks.y[start::3]]).T
            assert rim.norm(dim=-1).min() > 1.02
            drawn = torch.atan2(rim[:, 1], rim[:, 0])
            torch.testing.assert_close(drawn, measured, atol=1e-4, rtol=0)
        assert set(marks.z) == {0.0, None}
        assert list(marks.text[::3]) == list(path.prompts[f"word_{code}"])


@pytest.mark.parametrize("width", [None, 1400, 768, 390])
def test_globe_and_flat_measure_share_the_screen_and_a_direction_is_true(path, width):
    figure = ll.plots.sphere(path, width=width)
    layout, (x, y) = figure.layout, (figure.layout.xaxis, figure.layout.yaxis)
    globe = layout.scene.domain
    if width == 390:
        assert y.domain[1] <= globe.y[0] + 1e-9 and tuple(globe.x) == (0, 1)
    else:
        assert globe.x[1] < x.domain[0] and y.domain[1] == globe.y[1] == 1
    margin = layout.margin
    wide, high = (width or 760) - margin.l - margin.r, layout.height - margin.t - margin.b
    scales = [
        (axis.domain[1] - axis.domain[0]) * side / (axis.range[1] - axis.range[0])
        for axis, side in ((x, wide), (y, high))
    ]
    assert scales[0] == pytest.approx(scales[1], rel=1e-3)
    shown = path.coordinates[..., :2].mean(0)
    for axis, values in zip((x, y), shown.T):
        assert axis.range[0] < values.min() and values.max() < axis.range[1]


@pytest.mark.parametrize("width", [1400, 768, 390])
def test_no_number_covers_another(path, width):
    """The boxes of the letters, from where the axes put them, in pixels."""
    layout = ll.plots.sphere(path, width=width).layout
    wide = (width - layout.margin.l - layout.margin.r) * (
        layout.xaxis.domain[1] - layout.xaxis.domain[0]
    )
    unit = wide / (layout.xaxis.range[1] - layout.xaxis.range[0])
    boxes = [
        (note.x * unit + note.ax, note.y * unit - note.ay, len(re.sub("<.*?>", "", note.text)))
        for note in layout.annotations
        if note.name == "point" and note.visible is not False
    ]
    assert len(boxes) >= 2
    for n, (x, y, letters) in enumerate(boxes):
        for other_x, other_y, others in boxes[:n]:
            apart = abs(x - other_x) >= 3.4 * (letters + others) or abs(y - other_y) >= 12
            assert apart, (width, boxes)


def test_a_label_in_a_crowd_is_left_out_and_no_line_runs_through_another():
    """Points on a small field, one pixel per unit: the lines are followed pixel by pixel."""
    g = torch.Generator().manual_seed(1)
    places = [(50.0, 50.0), (54.0, 50.0), *(120 * torch.rand(30, 2, generator=g)).tolist()]
    notes = [label(str(n), "#000000", x=x, y=y) for n, (x, y) in enumerate(places)]
    axis = {"range": [0, 120]}
    figure = go.Figure(layout={"xaxis": axis, "yaxis": axis, "annotations": notes})
    move_points(figure, 120, 120)
    shown = [note for note in figure.layout.annotations if note.visible]
    texts = [re.sub("<.*?>", "", note.text) for note in shown]
    assert texts[0] == "0" and "1" not in texts and 5 < len(texts) < 30
    for n, one in enumerate(shown):
        line = [(one.x + k / 40 * one.ax, one.y - k / 40 * one.ay) for k in range(41)]
        for m, other in enumerate(shown[:n]):
            assert math.dist((one.x, one.y), (other.x, other.y)) >= 10
            x, y = other.x + other.ax, other.y - other.ay
            inside = [abs(a - x) < 3 * len(texts[m]) and abs(b - y) < 6 for a, b in line]
            assert not any(inside), (texts[n], texts[m])


def test_the_globe_puts_labels_where_a_camera_sees_their_points():
    """A pinhole at the eye, 45 degrees high, written with a matrix of its three axes."""
    eye = np.array([0.3, -1.1, 0.9])
    ranges = [[-1.25, 1.25], [1.25, -1.25], [-1.25, 1.25]]
    ahead = -eye / np.linalg.norm(eye)
    right = np.cross(ahead, [0, 0, 1])
    right /= np.linalg.norm(right)
    frame = np.stack([right, np.cross(right, ahead), ahead])
    for point in ([0, 0, 1], [0.5, 0.4, -0.2], [-1.2, 0, 0.1]):
        at = np.array(point) / [2.5, -2.5, 2.5] - eye
        across, up, depth = frame @ at
        expected = np.array([across, up]) / depth / np.tan(np.radians(22.5)) * 200 + [150, 200]
        seen = _by_camera(ranges, eye.tolist(), 300, 400, dict(zip("xyz", point)))
        np.testing.assert_allclose(seen, expected)


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


def test_a_point_has_one_place_in_the_table_the_mean_and_the_hover(path):
    table = torch.tensor(path.to_frame()[["language", "concept", "rest"]].to_numpy()).float()
    hover = named(ll.plots.sphere(path), "mean of n = 9").customdata
    for said in (path.mean(), torch.tensor(hover)[:, 1:4].float()):
        torch.testing.assert_close(said, table, atol=1e-6, rtol=0)
    alone = path[:1].to_frame()
    assert alone.filter(like="_").isna().all(axis=None) and alone["rest"].notna().all()


def test_the_table_gives_bootstrap_intervals_of_the_mean_path(path):
    """Every resample is written out: draw concepts, average their paths, then take the angle."""
    twice = path[[*range(9), *range(4)]]  # four concepts have two prompts each
    table, labels = twice.to_frame(), twice.clusters
    names = [*dict.fromkeys(labels)]
    draws = torch.randint(9, (2000, 9), generator=torch.Generator().manual_seed(0))
    means = []
    for drawn in draws.tolist():
        rows = [n for one in drawn for n, label in enumerate(labels) if label == names[one]]
        means.append(twice.coordinates[rows][..., :2].mean(0))
    x, y = torch.stack(means).double().numpy().transpose(2, 0, 1)
    resampled = {"language": x, "concept": y, "radius": np.hypot(x, y)}
    for name, values in resampled.items():
        lower, upper = np.quantile(values, [0.025, 0.975], axis=0)
        np.testing.assert_allclose(table[f"{name}_lower"], lower, atol=1e-5)
        np.testing.assert_allclose(table[f"{name}_upper"], upper, atol=1e-5)
    mean = twice.coordinates[..., 0].mean(0) + 1j * twice.coordinates[..., 1].mean(0)
    turned = np.angle(mean.numpy() / (x + 1j * y), deg=True)  # clockwise, from y towards x
    lower, upper = np.quantile(turned, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(table["radius"], np.abs(mean.numpy()), rtol=1e-4)
    np.testing.assert_allclose(table["direction"], 90 - np.angle(mean.numpy(), deg=True), atol=0.01)
    np.testing.assert_allclose(table["direction_lower"] - table["direction"], lower, atol=0.05)
    np.testing.assert_allclose(table["direction_upper"] - table["direction"], upper, atol=0.05)


@pytest.mark.parametrize(
    ("x", "y", "degrees"),
    [(0.0, 0.1, 0), (0.1, 0.0, 90), (-0.1, 0.0, -90), (0.1, 0.1, 45), (0.1, -0.1, 135)],
)
def test_the_direction_is_measured_from_the_concept_axis(path, x, y, degrees):
    planted = path.coordinates.clone()
    planted[..., 0], planted[..., 1] = x, y
    table = replace(path, coordinates=planted).to_frame()
    assert table["direction"].tolist() == pytest.approx([degrees] * len(table), abs=1e-3)
    assert table["direction_upper"].tolist() == pytest.approx([degrees] * len(table), abs=1e-3)
    assert table["radius"].tolist() == pytest.approx([math.hypot(x, y)] * len(table))


def test_centring_takes_away_what_all_words_share_and_nothing_else(path):
    """A shift of x that is the same for all words, another one per layer, leaves no trace."""
    centred = path.centred()
    shift = torch.linspace(-0.2, 0.1, len(path.layers))
    shifted = path.coordinates.clone()
    shifted[..., 0] += shift
    torch.testing.assert_close(
        replace(path, coordinates=shifted).centred().coordinates, centred.coordinates
    )
    x, y, _ = centred.coordinates.unbind(-1)
    torch.testing.assert_close(x.mean(0), torch.zeros(len(path.layers)), atol=1e-7, rtol=0)
    torch.testing.assert_close(x[3] - x[5], path.coordinates[3, :, 0] - path.coordinates[5, :, 0])
    assert torch.equal(y, path.coordinates[..., 1])
    torch.testing.assert_close(centred.mean().norm(dim=-1), torch.ones(len(path.layers)))
    for points in (centred.coordinates, *centred.words.values()):
        beyond = points[..., :2].norm(dim=-1) > 1  # a token near the rim may be moved over it
        assert torch.equal(points[..., 2][beyond], torch.zeros(int(beyond.sum())))
        torch.testing.assert_close(
            points[~beyond].norm(dim=-1), torch.ones(int((~beyond).sum())), atol=1e-5, rtol=0
        )
    tokens = {code: points[:, 0] for code, points in centred.words.items()}
    assert (tokens["en"].mean() + tokens["zh"].mean()).abs() < 1e-6
    apart = path.words["zh"][:, 0] - path.words["en"][:, 0]
    torch.testing.assert_close(tokens["zh"] - tokens["en"], apart)


def test_a_centred_path_is_indexed_and_drawn_as_any_other(path):
    centred, concept = path.centred(), path.prompts["concept"][3]
    assert torch.equal(centred[concept].coordinates[0], centred.coordinates[3])
    assert centred[concept].relative and "centred" in repr(centred) and not path.relative
    drawn = named(ll.plots.sphere(centred, concepts=[concept]), concept)
    shown = torch.tensor(drawn.customdata)[:, 1:4].float()
    torch.testing.assert_close(shown, centred.coordinates[3], atol=1e-6, rtol=0)
    assert "from the mean of all prompts" in " ".join(ll.plots.sphere(centred).layout.meta["notes"])
    assert "the mean of all prompts" not in " ".join(ll.plots.sphere(path).layout.meta["notes"])
    for few in (path[concept], path[[3, 3]], path[[]]):
        with pytest.raises(DataError, match="centred over many concepts"):
            few.centred()


def test_the_token_lead_is_a_mean_of_differences_over_concepts(path):
    y = {code: points[:, 1].double().numpy() for code, points in path.words.items()}
    lead = path.token_lead().loc["en − zh"]
    draws = torch.randint(9, (2000, 9), generator=torch.Generator().manual_seed(0)).numpy()
    expected = np.quantile((y["en"] - y["zh"])[draws].mean(1), [0.025, 0.975])
    np.testing.assert_allclose(lead[["lower", "upper"]], expected, atol=1e-6)
    assert lead["pivot"] - lead["target"] == pytest.approx(lead["difference"], abs=1e-6)
    pool = path[[*range(9), *range(9), *range(9)]].token_lead().loc["en − zh"]
    assert lead["n"] == pool["n"] == 9  # the same words three times are not more words
    np.testing.assert_allclose(pool, lead, atol=1e-6)


def test_one_concept_of_a_pool_has_no_axes_of_its_own(one):
    """Three prompts about one concept are three equal words, and not three concepts."""
    sets = [
        ll.build_prompts("translation", code, "zh", tokenizer=one.tokenizer)
        for code in ("de", "fr", "ru")
    ]
    concept = next(p.concept for p in sets[0] if all(p.concept in each for each in sets))
    pool = [each[[concept]] for each in sets]
    run = ll.decode(one, pool, keep_latents=True, progress=False)
    assert len(run) == 3
    with pytest.raises(DataError, match="at least two concepts"):
        ll.sphere_path(one, run)


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


def test_map_draws_one_path_and_every_token_once(decoded, one):
    found = ll.geometry.latent_mds(decoded.watched.flatten(0, 1))
    places = found.latents.reshape(len(decoded), len(decoded.layers), 2)
    concept = decoded.prompts["concept"][4]
    figure = ll.plots.latent_map(found, decoded, one.tokenizer, concept)
    path = named(figure, concept)
    assert list(path.x) == pytest.approx(places[4, :, 0].tolist())
    assert list(path.customdata) == list(decoded.layers)
    tokens = [
        t for t in figure.data if t.name and (t.name.endswith("words") or t.name == "other tokens")
    ]
    drawn = sorted(x for trace in tokens for x in trace.x)
    assert drawn == pytest.approx(sorted(found.tokens[:, 0].tolist()), abs=1e-6)
    said = f"stress {found.stress:.2f}, with shuffled distances {found.shuffled_stress:.2f}"
    assert said in figure.layout.meta["message"]
    names = [re.sub("<.*?>", "", note.text) for note in figure.layout.annotations]
    words = [name for name in names if not name.isdigit()]
    assert len(words) == len(set(words)) <= 12
    assert any(decoded[[concept]].spelling("zh")[0] in name.split(" / ") for name in words)
    most = int(decoded.probability["en"].amax(1).argmax())
    assert named(
        ll.plots.latent_map(found, decoded, one.tokenizer), decoded.prompts["concept"][most]
    )
    with pytest.raises(DataError, match="do not belong together"):
        ll.plots.latent_map(found, decoded[:3], one.tokenizer)
    with pytest.raises(DataError, match="no concept 'nothing' here"):
        ll.plots.latent_map(found, decoded, one.tokenizer, "nothing")


def test_a_map_that_is_not_flat_is_one_sentence(decoded, one):
    for n_dims in (1, 3):
        points = ll.geometry.latent_mds(decoded.watched.flatten(0, 1), n_dims=n_dims)
        with pytest.raises(DataError, match=f"this map has {n_dims} axes"):
            ll.plots.latent_map(points, decoded, one.tokenizer)


def scaled(run: ll.Run, highest: float) -> ll.Run:
    """Return the run with probabilities whose highest mean is given, and zeros at the first layer.

    Some lower bounds are then below 0.
    """
    peak = max(p[:, 1:].mean(0).max() for p in run.probability.values())
    curves = {code: p * highest / peak for code, p in run.probability.items()}
    for curve in curves.values():
        curve[:, 0] = 0
    return run.with_readings(probability=curves)


@pytest.mark.parametrize("highest", [0.7, 0.05, 2e-3, 3.4e-6, 0.0])
def test_a_logarithmic_axis_is_cut_and_the_numbers_are_not(decoded, highest):
    """Hover, table and words show what was measured; the axis shows the highest curve."""
    run = scaled(decoded, highest)
    linear, cut = (ll.plots.language_probability(run, scale=scale) for scale in ll.plots.SCALES[:2])
    pd.testing.assert_frame_equal(ll.plots.table(cut), ll.plots.table(linear))
    assert ll.plots.describe(cut) == ll.plots.describe(linear)
    bottom, top = (10**end for end in cut.layout.yaxis2.range)
    assert bottom < highest < top or highest == 0
    for band in (trace for trace in cut.data if trace.fill == "toself" and trace.yaxis == "y2"):
        assert min(band.y) > 0, "no logarithm"
        drawn = next(
            t
            for t in linear.data
            if t.fill == "toself" and t.name == band.name and t.legendgroup == band.legendgroup
        )
        assert [max(y, bottom) for y in drawn.y] == pytest.approx([max(y, bottom) for y in band.y])


def shares(text: str) -> float:
    return float(text.removesuffix("%")) / 100


def d3(number: float, spec: str) -> str:
    """Write a share as d3 does with the formats of figures: ``.3p``, ``.3~p`` and ``.1%``."""
    digits, trim, kind = re.fullmatch(r"[+]?\.(\d)(~?)([p%])", spec).groups()
    if kind == "%":
        return f"{number:.{digits}%}"
    exponent = len(str(int(abs(100 * number)))) if abs(100 * number) >= 1 else 0
    while 0 < abs(100 * number) < 10.0 ** (exponent - 1):
        exponent -= 1
    text = f"{100 * number:.{max(0, int(digits) - exponent)}f}"
    return (text.rstrip("0").rstrip(".") if trim and "." in text else text) + "%"


@pytest.mark.parametrize("highest", [0.9, 0.08, 2e-3, 6e-4, 3.4e-6])
@pytest.mark.parametrize("name", ["language_probability", "difference", "pair_grid", "phases"])
def test_a_small_percentage_keeps_its_digits(decoded, name, highest):
    """Half of the highest value is another text than the highest, at axes and in hovers."""
    run = scaled(decoded, highest)
    given = {("fr", "zh"): run} if name == "pair_grid" else run
    figure = getattr(ll.plots, name)(given)
    curves = [t for t in figure.data if t.mode == "lines+markers" and "p}" in t.hovertemplate]
    assert curves
    for trace in curves:
        axis = figure.layout["yaxis" + trace.yaxis[1:]]
        for spec in (axis.tickformat, re.search(r"%\{y:(.*)\}", trace.hovertemplate)[1]):
            for value in (highest, highest / 2, highest / 20):
                assert shares(d3(value, spec)) == pytest.approx(value, rel=5e-3)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, 0.123456, 0.0999, 0.01, 4e-3, 3.4e-6, 1e-9])
def test_percentages_in_words_are_those_of_the_figures(value):
    assert percent(value) == d3(value, SHARE_FORMAT)


def test_two_curves_of_one_name_are_told_apart_by_a_text(decoded):
    grid = ll.plots.pair_grid({("fr", "zh"): decoded, ("de", "zh"): decoded})
    english = ll.plots.language_label("en")
    assert {f"fr → zh: {english}", f"de → zh: {english}"} <= set(ll.plots.table(grid))
    twice = go.Figure([go.Scatter(x=[1, 2], y=[n, n], name="English") for n in (1, 2, 3)])
    twice.add_scatter(x=[1, 2], y=[4, 4], name="English (2)")
    names = list(ll.plots.table(twice))
    assert names == ["English", "English (2)", "English (3)", "English (2) (2)"]
    assert len({name.strip() for name in names}) == 4


@pytest.mark.parametrize(
    "values",
    [[0.2, -0.5, -0.1], [-0.2, -0.5, -0.1], [0.0, 0.0], [0.3, 0.1], [0.0, float("nan"), -2.0]],
)
def test_every_dot_is_inside_its_axis_and_the_lines_are_sorted(values):
    table = pd.DataFrame({"x": list("abc")[: len(values)], "y": values})
    figure = ll.plots.bars(table, x="x", y="y", title="Which is highest?")
    low, high = figure.layout.xaxis.range
    (dots,) = figure.data
    assert all(low < x < high for x in dots.x) and list(dots.x) == sorted(dots.x)
    assert dict(zip(dots.y, dots.x)) == table.set_index("x")["y"].dropna().to_dict()
    assert "Which is highest?" in figure.layout.title.text
    with pytest.raises(DataError, match="no column 'z'"):
        ll.plots.bars(table, x="x", y="z", title="t")


def test_dots_name_the_lowest_and_the_highest_and_explain_their_groups():
    rows = [("German", "prefix", 391), ("German", "word", 300), ("French", "prefix", 271)]
    table = pd.DataFrame(rows, columns=["target", "mode", "concepts"])
    meaning = {"prefix": "every beginning of the word", "word": "the whole word"}
    options = {"x": "target", "y": "concepts", "title": "How many?", "group": "mode"}
    figure = ll.plots.bars(table, **options, meaning=meaning)
    title = figure.layout.title.text
    assert title.startswith("Concepts: 271 for French, prefix, is lowest, 391 for German, prefix,")
    assert all(f"{name}: {words}." in title for name, words in meaning.items())
    drawn = {(t.name, line): x for t in figure.data for line, x in zip(t.y, t.x)}
    assert drawn == {(mode, target): count for target, mode, count in rows}


def test_words_are_dots_at_the_layer_where_the_mean_is_highest(decoded):
    figure = ll.plots.words(decoded)
    mean = decoded.probability["en"].mean(0)
    place = int(mean.argmax())
    dots = {
        (x, y): text
        for trace in figure.data
        if trace.mode == "markers"
        for x, y, text in zip(trace.x, trace.y, trace.text)
    }
    assert len(dots) == len(decoded)
    for n, concept in enumerate(decoded.prompts["concept"]):
        at = decoded.probability["zh"][n, -1].item(), decoded.probability["en"][n, place].item()
        text = next(words for point, words in dots.items() if point == pytest.approx(at))
        assert text.startswith(concept) and decoded.spelling("fr")[n] in text
    assert f"at layer {decoded.layers[place]}" in figure.layout.yaxis.title.text
    filled = sum(len(t.x) for t in figure.data if t.marker.symbol == "circle")
    assert filled == int((decoded.rank["zh"][:, -1] == 1).sum())


def test_models_side_by_side_are_read_over_their_depth(decoded):
    figure = ll.plots.anatomy({"whole": decoded, "half": decoded.between(1, 2)})
    lines = {(t.meta, t.name): t for t in figure.data if t.mode == "lines" and t.name}
    for name, n_layers in (("whole", 4), ("half", 2)):
        for curve, values in (
            ("P(pivot)", decoded.probability["en"]),
            ("P(target)", decoded.probability["zh"]),
            ("entropy (bits)", decoded.entropy),
        ):
            line = lines[name, curve]
            assert list(line.x) == [n / n_layers for n in range(1, n_layers + 1)]
            assert list(line.y) == pytest.approx(values[:, :n_layers].mean(0).tolist())
    with pytest.raises(DataError, match="one to 6 runs"):
        ll.plots.anatomy({})


def test_two_energies_share_a_panel(decoded):
    other = decoded.with_readings(energy=2 * decoded.energy)
    figure = ll.plots.energy(decoded, other)
    lines = [t for t in figure.data if t.mode == "lines+markers"]
    assert [list(t.y) for t in lines] == [
        pytest.approx(run.energy.mean(0).tolist()) for run in (decoded, other)
    ]
    assert {t.yaxis for t in lines} == {"y"}


def test_two_energies_are_of_one_model_and_told_apart(decoded):
    """By what differs between the two: their task, or else their setting."""
    setting = decoded.setting
    for other, names in (
        (replace(setting, task="repetition"), ["translation", "repetition"]),
        (replace(setting, sources=("de",)), ["translation fr → zh", "translation de → zh"]),
        (replace(setting, control="random"), ["translation fr → zh", "control: random"]),
        (setting, ["the first run", "the second"]),
    ):
        figure = ll.plots.energy(decoded, replace(decoded, setting=other))
        lines = [t for t in figure.data if t.mode == "lines+markers"]
        assert [line.name for line in lines] == [line.legendgroup for line in lines] == names
        title = figure.layout.title.text.replace("<br>", " ")
        assert f"{names[0]} and {names[1]}" in title
        assert setting.title in title and other.title in title
    for other, what in (
        (replace(decoded, model="another"), "model"),
        (replace(decoded, number_format="bfloat16"), "model"),
        (decoded.between(1, 3), "layers"),
        (ll.data.published("llama-2-7b"), "model"),
    ):
        with pytest.raises(DataError, match=rf"differ in {what} \(") as caught:
            ll.plots.energy(decoded, other)
        assert re.fullmatch(r"[^\n]+\.", str(caught.value))


@pytest.mark.parametrize("first", [1, 2, 3])
@pytest.mark.parametrize("last", [3, 4])
def test_names_and_labels_are_those_of_the_layers_that_are_drawn(one, decoded, first, last):
    """A part of the layers, with the phases of all of them: shades and names stay inside."""
    part = decoded.between(first, last)
    low, high = first - 0.5, last + 0.5
    for concept in (None, 1, 2, 3, 4):
        for target in (None, 2, 4):
            figure = ll.plots.phases(part, Phases(concept, target))
            assert tuple(figure.layout.xaxis3.range) == (low, high)
            spans = [shape for shape in figure.layout.shapes if shape.name != "span quiet"]
            notes = [note for note in figure.layout.annotations if note.name != "end"]
            assert all(low <= shape.x0 < shape.x1 <= high for shape in spans)
            assert {note.x for note in notes} == {(s.x0 + s.x1) / 2 for s in spans}
            for note in notes:
                begun = [
                    name
                    for name, start in (("concept", concept), ("target", target))
                    if start is not None and note.x > start - 0.5
                ]
                assert note.text == (begun[-1] if begun else "input")
            if concept is None and target is None:
                assert not spans and figure.layout.title.text.startswith("No phase found")
            else:
                assert sum(shape.x1 - shape.x0 for shape in spans) == high - low
    slider = ll.plots.sphere(ll.sphere_path(one, part)).layout.sliders[0]
    assert slider.currentvalue.prefix + slider.steps[-1].label == f"layers {first} to {last}"


@pytest.mark.parametrize("control", ["shuffled", "random", "de"])
def test_a_control_is_named_in_title_legend_repr_and_file(one, tmp_path, control):
    options = {"tokenizer": one.tokenizer, "control": control}
    prompts = ll.build_prompts("translation", "fr", "zh", **options)[:5]
    plain = ll.build_prompts("translation", "fr", "zh", tokenizer=one.tokenizer)[:5]
    run, finding = (
        ll.decode(one, asked, keep_latents=True, progress=False) for asked in (prompts, plain)
    )
    loaded = ll.Run.load(run.save(tmp_path / "run.safetensors"))
    assert loaded.setting.control == control and f"control: {control}" in repr(loaded)
    path = ll.sphere_path(one, loaded)
    assert f"control: {control}" in repr(path)
    for figure, other in (
        (ll.plots.language_probability(loaded), ll.plots.language_probability(finding)),
        (ll.plots.sphere(path), ll.plots.sphere(ll.sphere_path(one, finding))),
        (ll.plots.phases(loaded), ll.plots.phases(finding)),
    ):
        assert f"control: {control}" in figure.layout.title.text
        assert {t.name for t in figure.data} != {t.name for t in other.data}
    assert f"control: {control}" in ll.plots.pair_grid({("fr", "zh"): run}).layout.title.text


def test_the_target_of_typed_texts_has_the_targets_marks(one):
    run = ll.decode(one, ["La fleur", "Das Buch"], [{"en": [40], "zh": [41]}] * 2, progress=False)
    asked = ll.build_prompts("translation", "fr", "zh", tokenizer=one.tokenizer)[:2]
    for code in run.pair:
        marks = [
            (t.line.dash, t.line.color, t.marker.symbol)
            for each in (run, ll.decode(one, asked, progress=False))
            for t in [named(ll.plots.reading(each, "probability"), ll.plots.language_label(code))]
        ]
        assert marks[0] == marks[1]


def test_dots_beside_names_are_read_by_name():
    table = pd.DataFrame({"name": ["<b>", "zh", "pl"], "tokens": [1.08, 1.27, 2.42]})
    figure = ll.plots.bars(table, x="name", y="tokens", title="Tokens")
    assert ll.plots.table(figure)["tokens"].to_dict() == {"<b>": 1.08, "zh": 1.27, "pl": 2.42}
    assert "highest 2.42 (pl), lowest 1.08 (<b>)" in ll.plots.describe(figure)


def test_vectors_carry_their_energy_and_point_where_their_coordinates_say():
    tokens = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    latents = [(0.0, 0.0, 5.0), (1.0, 0.0, 1.0), (2.0, 2.0, 0.0)]
    notes = ll.plots.vectors(latents, tokens).layout.annotations
    # By hand: the mean squared cosine with the four tokens, over that between tokens, 1/2.
    by_hand = [math.sqrt(2 * mean) for mean in (0, (0.5 + 0.5) / 4, 4 * 0.5 / 4)]
    said = [note.text for note in notes if note.text.startswith("E")]
    assert said == [f"E = {energy:.2f}" for energy in by_hand]
    tips = np.array([(note.x, note.y) for note in notes if not note.text])
    assert len(tips) == len(tokens) + len(latents)
    assert np.allclose(tips[0], -tips[1]) and np.allclose(tips[2], -tips[3])  # opposite tokens
    up, ahead, between = tips[4:]
    assert up[0] == 0 and up[1] > 0
    assert np.allclose(ahead, (tips[0] + up) / math.sqrt(2))
    assert np.allclose(between, (tips[0] + tips[2]) / math.sqrt(2))


@pytest.mark.parametrize("latents", [[(1.0, 2.0)], (1.0, 2.0, 3.0)])
def test_only_three_dimensions_can_be_drawn(latents):
    with pytest.raises(DataError, match="three numbers"):
        ll.plots.vectors(latents, torch.eye(3))
