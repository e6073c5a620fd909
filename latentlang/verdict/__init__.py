"""What four hypotheses predict, and what a model shows."""
