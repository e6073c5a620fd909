"""The single words behind the mean curves: one dot per prompt."""

from __future__ import annotations

import plotly.graph_objects as go

from ..lens.require import require_means
from ..lens.run import Run
from .evidence import mean_curve, other_words
from .fit import finish
from .messages import sentence, share
from .naming import curve_name, facts, given, said_name
from .style import MUTED_COLOR, PIVOT_COLOR, SHARE_FORMAT
from .text import escape, isolate

_HIGH = 0.1  # as in ``summarize``: a word takes part in the mean
_QUESTION = "How many words make the mean?"


def words(run: Run, *, theme: str | None = None, width: int | None = None) -> go.Figure:
    """Draw one dot per prompt: P(target) at the end, and P(pivot) where its mean is highest.

    A few words can make a mean. All dots are read at one layer, the one of the mean's peak: each
    word's own best layer would favour words that are noisy. A filled dot is a word that the model
    gets right; the hover spells it in every language. The dotted line is the yardstick, the mean
    probability of another concept's words in the pivot language, at that layer.

    Args:
        run: readings at one position.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for a run without a pair of languages, or an unknown theme.
    """
    pivot, target = require_means(run).pair
    place = int(mean_curve(run.probability[pivot]).argmax())
    layer = run.layers[place]
    across = run.probability[target][:, -1].tolist()
    up = run.probability[pivot][:, place].tolist()
    right = (run.rank[target][:, -1] == 1).tolist()
    figure = go.Figure()
    others = other_words(run, pivot)
    top = max([*up, 1e-9])
    if others is not None:
        level = float(mean_curve(others)[place])
        top = max(top, level)
        figure.add_scatter(
            x=[-0.02, 1.02],
            y=[level, level],
            mode="lines",
            line={"color": MUTED_COLOR, "dash": "dot", "width": 1.5},
            name="another concept's words, mean",
            hoverinfo="skip",
        )
    spelled = _spelled(run)
    for chosen, symbol, name in (
        (True, "circle", "right: the target word is on top at the last layer"),
        (False, "circle-open", "wrong"),
    ):
        rows = [n for n, yes in enumerate(right) if yes == chosen]
        figure.add_scatter(
            x=[across[n] for n in rows],
            y=[up[n] for n in rows],
            text=[spelled[n] for n in rows],
            mode="markers",
            name=name,
            marker={"symbol": symbol, "color": PIVOT_COLOR, "size": 9, "opacity": 0.75},
            hovertemplate=f"%{{text}}<br>P(pivot) %{{y:{SHARE_FORMAT}}}"
            f"<br>P(target) %{{x:{SHARE_FORMAT}}}<extra></extra>",
            cliponaxis=False,
        )
    names = [curve_name(run, code, short=True) for code in (pivot, target)]
    figure.update_xaxes(
        title_text=f"P({names[1]}) at the last layer, {run.layers[-1]}",
        range=[-0.02, 1.02],
        tickformat=SHARE_FORMAT,
    )
    figure.update_yaxes(
        title_text=f"P({names[0]}) at layer {layer},<br>where its mean is highest",
        range=[-0.02 * top, 1.06 * top],
        tickformat=SHARE_FORMAT,
    )
    figure.update_layout(hovermode="closest", showlegend=True)
    concepts = list(run.prompts["concept"])
    return finish(
        figure,
        sentence([words_message(said_name(run, pivot), layer, up, concepts)], given(run)),
        facts(run, _QUESTION)[:4],
        area=340,
        theme=theme,
        width=width,
    )


def words_message(pivot: str, layer: int, up: list[float], concepts: list[str]) -> str:
    """Return how many words are above 10 %, and which one is highest.

    >>> words_message("English", 16, [0.5, 0.01, 0.2], ["eagle", "sea", "book"])
    'English is above 10 % at layer 16 in 2 of 3 prompts; highest for “eagle”, 50 %'
    """
    count = sum(value > _HIGH for value in up)
    best = max(range(len(up)), key=lambda n: up[n])
    name = f"for “{escape(concepts[best])}”, " if concepts[best] else ""
    prompts = f"{len(up)} prompt{'s' if len(up) > 1 else ''}"
    most = f"highest {name}{share(up[best])}"
    return f"{pivot} is above 10 % at layer {layer} in {count} of {prompts}; {most}"


def _spelled(run: Run) -> list[str]:
    """Return what the hover of each prompt calls its word: the concept, and every language's."""
    lines = [[escape(concept)] for concept in run.prompts["concept"]]
    codes = dict.fromkeys((*run.pair, *run.setting.sources))
    for code in (code for code in codes if f"answer_{code}" in run.prompts):
        for line, answers in zip(lines, run.prompts[f"answer_{code}"].fillna("")):
            word = escape(isolate(answers.split(" | ")[0]))
            line.append(f"{curve_name(run, code, short=True)}: {word}")
    return ["<br>".join(line) for line in lines]
