"""What a check returns: a message in the notebook, never an exception."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

from ..files import printable

PROBLEM = "⚠"  # begins each line of a report that asks for something to be done
_SIGN = {"right": "✔", "wrong": "✘", "not tried yet": "✎", "report": ""}


@dataclass(frozen=True)
class Outcome:
    """What a check returns: a status and a message; it counts as true when the answer is right.

    ``status``: ``"right"``, ``"wrong"``, ``"not tried yet"`` or ``"report"``; ``style``: CSS that
    comes into the notebook with the message. In a notebook, a report shows the lines that begin
    with ``PROBLEM`` and folds the others.

    >>> Outcome("right", "A word may have several tokens.")
    ✔ right: A word may have several tokens.
    """

    status: str
    message: str
    style: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return self.status == "right"

    def __repr__(self) -> str:
        lead = "" if self.status == "report" else f"{self.status}: "
        return printable(f"{_SIGN[self.status]} {lead}{self.message}".lstrip())

    def _repr_html_(self) -> str:
        style = f"<style>{self.style}</style>" if self.style else ""
        if self.status == "report":
            return style + self._folded()
        lead = f"<b>{self.status.capitalize()}.</b> "
        return f"{style}<div>{_SIGN[self.status]} {lead}{_lines(self.message)}</div>"

    def _folded(self) -> str:
        """Return a report that shows its problems, and folds the rest: the lesson comes first."""
        lines = self.message.splitlines()
        problems = "\n".join(line for line in lines if line.startswith(PROBLEM))
        rest = "\n".join(line for line in lines if not line.startswith(PROBLEM))
        shown = f"<div>{_lines(problems)}</div>" if problems else ""
        return f"{shown}<details><summary>Versions and memory</summary>{_lines(rest)}</details>"


def _lines(text: str) -> str:
    """Return a text as HTML, with its line breaks."""
    return html.escape(text).replace("\n", "<br>")
