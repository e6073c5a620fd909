# Every public name of latentlang, in the order in which a reader meets it.
# __init__.py imports each name from the module that stands here when it is first used. Editors and
# mypy read the same lines. `X as X` makes a name public in a stub.
# isort: off

# Words and prompts
from .prompts.words import load_words as load_words
from .prompts.words import load_cloze as load_cloze
from .prompts.words import languages as languages
from .prompts.build import build_prompts as build_prompts
from .prompts.tokens import start_ids as start_ids

# A model, and what its layers show
from .models.load import load_model as load_model
from .lens.decode import decode as decode
from .lens.run import Run as Run
from .runs.experiments import run_experiment as run_experiment

# Statements about runs
from .analysis.summary import summarize as summarize
from .analysis.phases import find_phases as find_phases
from .analysis.phases import headlines as headlines
from .analysis.sphere import sphere_path as sphere_path

# The course
from .course.quiz import predict as predict

# Modules: ll.plots.heatmap(run), ll.metrics.mean_ci(x)
from . import metrics as metrics
from . import geometry as geometry
from . import data as data
from . import plots as plots
from . import explore as explore
from . import checks as checks
from . import errors as errors

__version__: str
