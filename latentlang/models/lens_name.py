"""What figures, messages and reprs call a lens."""

from __future__ import annotations

import re


def lens_name(name: str) -> str:
    """Return what a sentence calls a lens; a name of several words speaks for itself.

    >>> lens_name("logit"), lens_name("jacobian-rotated"), lens_name("fitted on half")
    ('logit lens', 'Jacobian-rotated lens', 'fitted on half')
    """
    if not re.fullmatch(r"[\w-]+", name):
        return name
    if name.startswith("jacobian"):  # named after a person
        name = name.capitalize()
    return f"{name} lens"
