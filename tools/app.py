"""The explorer of a pair as a page of its own: `make app`."""

from IPython.display import display

import latentlang as ll

display(ll.explore.pair(ll.load_model()))
