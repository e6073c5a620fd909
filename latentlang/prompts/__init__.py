"""The questions: words, the tokens that begin them, tasks, and the prompts built from them."""
