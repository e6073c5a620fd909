"""Models in one standard view, where their weights come from, and where their traces run."""
