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

# Changes of a model, and what they do to its answer
from .lens.interventions import Patch as Patch
from .lens.interventions import Steer as Steer
from .lens.interventions import Erase as Erase
from .lens.latents import latents_at as latents_at
from .lens.means import concept_mean as concept_mean
from .lens.means import language_vector as language_vector
from .lens.pairs import pairs as pairs
from .lens.sweep import sweep as sweep
from .lens.sweep_result import Sweep as Sweep
from .runs.sweeps import run_sweep as run_sweep
from .runs.pivot_tests import pivot_test as pivot_test
from .runs.pivot_result import PivotTest as PivotTest

# Statements about runs
from .analysis.summary import summarize as summarize
from .analysis.phases import find_phases as find_phases
from .analysis.headlines import headlines as headlines
from .analysis.retrieval import retrieval as retrieval
from .runs.retrieval import run_retrieval as run_retrieval
from .analysis.retrieval_result import Retrieval as Retrieval
from .analysis.compare_lenses import compare_lenses as compare_lenses
from .analysis.sphere_path import sphere_path as sphere_path

# Hypotheses, and what a model shows of them
from .verdict.verdict import verdict as verdict
from .verdict.result import Verdict as Verdict
from .verdict.strata import strata as strata
from .verdict.barrier import barrier as barrier
from .verdict.romanised import romanised as romanised
from .verdict.senses import english_senses as english_senses

# The course
from .course.quiz import predict as predict
from .course.my_word import my_word as my_word
from .course.quiz import choose as choose

# Modules: ll.plots.heatmap(run), ll.metrics.mean_ci(x)
from . import metrics as metrics
from . import geometry as geometry
from . import data as data
from . import lenses as lenses
from . import plots as plots
from . import explore as explore
from . import checks as checks
from . import errors as errors

__version__: str
