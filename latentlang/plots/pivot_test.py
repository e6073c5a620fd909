"""What erasing the English word takes from the answer, and what its controls take."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from ..errors import DataError
from ..lens.layers import layer_spans
from ..runs.pivot_result import PivotTest
from .fit import finish
from .messages import FLOOR, sentence, share
from .naming import averages, described_model, size
from .style import INK, MUTED_COLOR, SHARE_FORMAT, language_style
from .text import escape, language_name

_ROW = 25  # pixels
_QUESTION = "Is the English word used, or only seen?"


def pivot_test(test: PivotTest, *, theme: str | None = None, width: int | None = None) -> go.Figure:
    """Draw how each erasure changes P(target): a row per condition, a point and its interval.

    A point is the mean paired difference, with the erasure minus without it; its line is the 95 %
    interval over concepts. The dotted line stands at zero. The title says how far the target falls
    without the pivot's word, and how many controls clearly take less.

    Args:
        test: what ``ll.pivot_test`` returns.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for anything but a pivot test with prompts, or an unknown theme.
    """
    if not isinstance(test, PivotTest) or not len(test):
        raise DataError(
            "This needs a pivot test with prompts, what ll.pivot_test returns, and it is a "
            f"{type(test).__name__}: pass the test itself."
        )
    table, pivot = test.summarize(), language_name(test.pivot)
    names = [condition_name(test, condition) for condition in table.index]
    styles = [_style(test, condition) for condition in table.index]
    figure = go.Figure()
    figure.add_scatter(
        x=table["difference"].tolist(),
        y=names,
        name="change of the answer",
        mode="markers",
        marker={
            "color": [style["color"] for style in styles],
            "symbol": [style["symbol"] for style in styles],
            "size": 9,
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (table["upper"] - table["difference"]).fillna(0).tolist(),
            "arrayminus": (table["difference"] - table["lower"]).fillna(0).tolist(),
            "color": MUTED_COLOR,
            "thickness": 1.5,
            "width": 0,
        },
        hovertemplate=f"%{{y}}: %{{x:{SHARE_FORMAT}}}",
        cliponaxis=False,
    )
    figure.add_vline(x=0, line={"color": INK, "width": 1.5, "dash": "dot"})
    low = min([*table["lower"].dropna(), *table["difference"], -FLOOR])
    high = max([*table["upper"].dropna(), *table["difference"], FLOOR])
    room = 0.05 * (high - low)
    target = language_name(test.target)
    figure.update_xaxes(
        title_text=f"P({target}) with the erasure − without",
        range=[low - room, high + room],
        tickformat=SHARE_FORMAT,
        nticks=6,
    )
    figure.update_yaxes(tickvals=names, ticktext=names, autorange="reversed")
    figure.update_layout(hovermode="closest", showlegend=False)
    where = (
        f"where {pivot} leads" if test.leads else f"around the peak of {pivot}, which never leads"
    )
    facts = [
        _QUESTION,
        f"erased at {layer_spans(test.layers)}, {where}",
        escape(test.setting.title),
        size(test),
        described_model(test),
        *averages([test]),
    ]
    area = _ROW * len(names)
    return finish(figure, pivot_message(test, table), facts, area=area, theme=theme, width=width)


def condition_name(test: PivotTest, condition: str) -> str:
    """Return what a figure calls a condition.

    ``condition``: one of ``test.conditions``, such as ``"another en word"``.
    """
    another = "another " if condition.startswith("another ") else ""
    code, _, rest = condition.removeprefix("another ").partition(" ")
    if not rest or code == "random,":
        return {"random": "random directions"}.get(condition, escape(condition))
    role = {test.source: " (source)", test.target: " (ceiling)"}.get(code, "")
    return f"{another}{language_name(code)} {escape(rest)}{role}"


def pivot_message(test: PivotTest, table: pd.DataFrame) -> str:
    """Return what the pivot's word takes, and what that leaves of it: one sentence.

    Args:
        test: the test.
        table: its summary.
    """
    pivot, target = language_name(test.pivot), language_name(test.target)
    word = table.loc[f"{test.pivot} word"]
    if not (word["upper"] < 0 and -word["difference"] > FLOOR):
        return sentence([f"{target} does not clearly fall without the {pivot} word"])
    before, after = share(word["before"]), share(word["after"])
    fall = f"{target} falls from {before} to {after} without the {pivot} word"
    controls = table.loc[_controls(test)]
    less = int((controls["beyond_lower"] > 0).sum())
    takes = "takes" if less == 1 else "take"
    compared = f"{less} of {len(controls)} controls clearly {takes} less"
    part = table.loc[f"{test.pivot} word orthogonal"]
    left = "still takes some" if part["upper"] < 0 else "takes nothing for certain"
    return sentence([fall, compared, f"the part orthogonal to the {target} word {left}"])


def _controls(test: PivotTest) -> list[str]:
    """Return the conditions that the pivot's word is compared with: other words, random changes."""
    own = (f"{test.pivot} word", f"{test.pivot} word orthogonal", f"{test.target} word")
    return [name for name in test.conditions if name not in own and not name.endswith(" language")]


def _style(test: PivotTest, condition: str) -> dict:
    """Return the colour and the symbol of a condition: those of its language, or a muted one."""
    code = condition.partition(" ")[0]
    if code in ("another", "random", "random,"):
        return {"color": MUTED_COLOR, "symbol": "circle-open"}
    style = language_style(code, test.target, test.pivot, test.source)
    if condition != f"{code} word":
        style = style | {"symbol": f"{style['symbol']}-open"}
    return style
