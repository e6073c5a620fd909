"""The course itself: exercise checks, predictions, the environment report."""
