"""Means with intervals, under their public name: the functions live in ``analysis``."""

from .analysis.intervals import cluster_codes, mean_ci, resample
from .analysis.paired import paired_difference

__all__ = ["cluster_codes", "mean_ci", "paired_difference", "resample"]
