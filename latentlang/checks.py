"""Exercise checks and the environment report, under their public name.

The functions live in ``course``.
"""

from .course.environment import check_environment
from .course.exercise import exercise
from .course.outcome import Outcome

__all__ = ["Outcome", "check_environment", "exercise"]
