"""Explorers: widgets that show what a model thinks of what you choose. Show one with ``display(...)``.

Controls start one computation on the process's one worker thread; figures that are already on screen are
changed in place. The latest choice wins. Errors appear as one sentence in the widget, which goes on working.
"""

from .pair import compare, pair
from .prompt import prompt
from .sphere import sphere
from .tokens import tokens

__all__ = ["compare", "pair", "prompt", "sphere", "tokens"]
