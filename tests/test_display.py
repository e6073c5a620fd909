"""Hostile tokens stay text, invisible ones become visible, and figures carry their numbers."""

from __future__ import annotations

import pytest
import torch
from tiny import byte_level

import latentlang as ll
from latentlang.analysis.phases import Phases
from latentlang.plots.globe import magnify
from latentlang.plots.heatmap import _short
from latentlang.plots.style import language_style
from latentlang.plots.text import escape, token_label, token_text, visible
from latentlang.prompts.tokens import vocabulary


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" fleur\n", "␣fleur⏎"),
        ("a\tb", "a⇥b"),
        ("\x00", "⟨0⟩"),
        ("\u200b", "⟨200B⟩"),
        ("שלום", "\u2068שלום\u2069"),
        ("花", "花"),
    ],
)
def test_invisible_characters_become_visible_and_right_to_left_is_isolated(text, shown):
    assert visible(text) == shown


def test_markup_is_escaped_for_html_and_plotly():
    assert escape("</b><script>&") == "&lt;/b&gt;&lt;script&gt;&amp;"


def test_tokens_of_the_demo_model(tokenizer):
    def one(text):
        return token_label(tokenizer.convert_tokens_to_ids(text), tokenizer)

    assert (
        one("</b>") == "&lt;/b&gt;"
        and one("<0xE4>") == "⟨E4⟩"
        and one("▁flower") == "␣flower"
        and one("<bos>") == "&lt;bos&gt;"
    )
    assert token_text(tokenizer.convert_tokens_to_ids("</b>"), tokenizer) == "</b>"


def test_a_lone_byte_of_a_byte_level_tokenizer(byte_level_tokenizer):
    byte = byte_level_tokenizer.get_vocab()["è"]  # GPT-2's stand-in for the byte E8
    assert token_text(byte, byte_level_tokenizer) == "⟨E8⟩"


@pytest.mark.parametrize(
    ("letters", "shown"),
    [
        ("سلا".encode() + b"\xd9", "\u2068سلا\u2069⟨D9⟩"),
        (b"\xd9" + "سلا".encode(), "⟨D9⟩\u2068سلا\u2069"),
        (b"\xd9" + "سلا".encode() + b"\xd9\xd9" + b"a", "⟨D9⟩\u2068سلا\u2069⟨D9⟩⟨D9⟩a"),
        (b" a\xe4", "␣a⟨E4⟩"),
        (b"\xe4\xe4", "⟨E4⟩⟨E4⟩"),
    ],
)
def test_letters_beside_a_lone_byte_stay_together(letters, shown):
    """Arabic letters that are isolated one by one would stand from left to right, unjoined."""
    tokenizer = byte_level()
    vocabulary(tokenizer).bytes_of[300] = letters
    assert token_text(300, tokenizer) == shown


@pytest.mark.parametrize("text", ["\u2068سلام عليكم ورحمة\u2069", "⟨D9⟩\u2068سلام عليكم\u2069"])
def test_a_cut_token_closes_what_it_opens(text):
    cut = _short(text)
    assert cut.endswith("\u2069") and cut.count("\u2068") == cut.count("\u2069") == 1


def test_languages_are_told_apart_by_more_than_colour():
    styles = [
        language_style(code, target="zh", pivot="en", source="fr")
        for code in ("en", "zh", "fr", "sw")
    ]
    for part in ("color", "dash", "symbol"):
        assert len({style[part] for style in styles}) == 4


@pytest.fixture(scope="module")
def decoded(tiny):
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=tiny("llama").tokenizer)[:6]
    return ll.decode(tiny("llama"), prompts, progress=False)


def curve(figure, name):
    return next(
        trace for trace in figure.data if trace.name == name and trace.mode == "lines+markers"
    )


def test_curves_and_bands_carry_the_summary(decoded):
    summary = ll.summarize(decoded, "gaussian")  # as in the paper's figure
    figure = ll.plots.language_probability(decoded)
    for code in decoded.languages:
        part = summary[(summary["quantity"] == "probability") & (summary["language"] == code)]
        name = ll.plots.language_label(code)
        assert (
            list(curve(figure, name).y) == part["mean"].tolist()
            and list(curve(figure, name).x) == part["layer"].tolist()
        )
        band = next(
            trace for trace in figure.data if trace.fill == "toself" and trace.legendgroup == name
        )
        assert list(band.y) == [*part["upper"], *part["lower"][::-1]]
    energy = summary[summary["quantity"] == "energy"]
    assert list(curve(ll.plots.energy(decoded), "token energy").y) == energy["mean"].tolist()


def test_phases_are_shaded_where_they_were_found(decoded):
    found = Phases(concept_start=2, target_start=4)
    spans = [(shape.x0, shape.x1) for shape in ll.plots.phases(decoded, found).layout.shapes]
    last = decoded.layers[-1] + 0.5
    assert set(spans) == {(0.5, 1.5), (1.5, 3.5), (3.5, last)}
    nothing = Phases(concept_start=None, target_start=None)
    shapes = ll.plots.phases(decoded, nothing).layout.shapes
    assert [shape.name for shape in shapes] in ([], ["span quiet"])


def test_heatmap_shows_the_top_tokens_and_obeys_none_of_them(tiny):
    model = tiny("llama")
    read = ll.decode(model, ["花在水里"], positions=3)
    figure = ll.plots.heatmap(read, model.tokenizer)
    cells = ll.plots.table(figure).iloc[::-1]
    for n, row in enumerate(read.top_ids[0, :, :, 0].T.tolist()):
        for position, token in enumerate(row):
            shown, _, chance = cells.iloc[n, position].rpartition(" ")
            whole = token_text(token, model.tokenizer)
            assert shown == whole or (shown.endswith("…") and len(whole) > 10)
            said = float(chance.removesuffix("%")) / 100
            assert said == pytest.approx(read.top_probs[0, position, n, 0].item(), rel=5e-3)
    texts = [text for trace in figure.data for row in trace.text for text in row]
    assert not [text for text in texts if "<" in text.replace("<br>", "")]


def test_magnified_path_reaches_095_and_stays_on_the_sphere():
    path = torch.tensor([[0.01, 0.0, 0.99995], [0.012, 0.016, 0.9998], [0.0, -0.005, 0.9999875]])
    drawn, k = magnify(path)
    assert k == pytest.approx(0.95 / 0.02, rel=1e-5)
    assert torch.allclose(drawn.norm(dim=-1), torch.ones(3), atol=1e-5)
    assert drawn[:, :2].norm(dim=-1).max().item() == pytest.approx(0.95, abs=1e-5)
