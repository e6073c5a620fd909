"""Words, languages, stored tables and published curves, under their public name.

The functions live in ``prompts`` and ``runs``.
"""

from .prompts.fertility import fertility
from .prompts.words import language, languages, load_cloze, load_words
from .runs.published import published
from .runs.results import results

__all__ = ["fertility", "language", "languages", "load_cloze", "load_words", "published", "results"]
