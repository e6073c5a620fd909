"""Means with intervals, under their public name: the functions live in ``analysis``."""

from .analysis.intervals import cluster_codes, mean_ci, resample

__all__ = ["cluster_codes", "mean_ci", "resample"]
