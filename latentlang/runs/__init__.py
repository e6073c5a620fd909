"""Experiments: a question is one frozen object, and its hash names the file of the answer."""
