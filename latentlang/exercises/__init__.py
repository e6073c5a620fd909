"""The checks of the course's exercises, by number: one module a notebook. Each is tested against typical wrong answers."""

from . import notebook_01, notebook_02, notebook_03, notebook_04, notebook_05, notebook_06
from .answers import CHECKS, WrongAnswerError

__all__ = ["CHECKS", "WrongAnswerError", "notebook_01", "notebook_02", "notebook_03", "notebook_04", "notebook_05", "notebook_06"]
