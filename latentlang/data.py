"""Words, languages and stored tables, under their public name.

The functions live in ``prompts`` and ``runs``.
"""

from .prompts.fertility import fertility
from .prompts.words import language, languages, load_cloze, load_words
from .runs.results import results

__all__ = ["fertility", "language", "languages", "load_cloze", "load_words", "results"]
