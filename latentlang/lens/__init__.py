"""Reading: the lens, the readings of every layer, and the run that holds them."""
