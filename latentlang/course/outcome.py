"""What a check returns: a message in the notebook, never an exception."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

from ..files import printable

_SIGN = {"right": "✔", "wrong": "✘", "not tried yet": "✎", "report": ""}


@dataclass(frozen=True)
class Outcome:
    """What a check returns: a status and a message; it counts as true when the answer is right.

    ``status``: ``"right"``, ``"wrong"``, ``"not tried yet"`` or ``"report"``; ``style``: CSS that
    comes into the notebook with the message.

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
        lead = "" if self.status == "report" else f"<b>{self.status.capitalize()}.</b> "
        message = html.escape(self.message).replace("\n", "<br>")
        style = f"<style>{self.style}</style>" if self.style else ""
        return f"{style}<div>{_SIGN[self.status]} {lead}{message}</div>"
