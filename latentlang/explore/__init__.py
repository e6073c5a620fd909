"""Explorers: widgets that show how a model reads the prompts you choose.

Show one with ``display(...)``. Its controls start computations on one worker thread, which all
explorers of the process share. Figures on screen change in place. The latest choice wins. An error
appears as one sentence in the widget, and the widget keeps working.
"""

from .pair import compare, pair
from .patch import patch
from .prompt import prompt
from .sphere import sphere
from .tokens import tokens

__all__ = ["compare", "pair", "patch", "prompt", "sphere", "tokens"]
