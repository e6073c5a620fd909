"""The library's order, kept by machine: imports go down, private names stay home, files are short.

Planted faults show that each guard in ``structure.py`` bites.
"""

from __future__ import annotations

import ast
import shutil

import pytest
from imports import all_imports, sources, tree_of
from structure import (
    FOREIGN,
    GUARDS,
    LOADERS,
    MOST_COLUMNS,
    MOST_LINES,
    UNDECLARED,
    computed_imports,
    long_lines,
    long_modules,
    private_names,
    private_uses,
    travellers,
    undeclared_tools,
)

from tools import ROOT

HOME, TOOLS, TESTS = ROOT / "latentlang", ROOT / "tools", ROOT / "tests"


@pytest.mark.parametrize("guard", GUARDS)
def test_the_library_keeps_to_its_order(guard):
    assert list(GUARDS[guard](HOME)) == []


def test_tools_use_no_private_names_of_others():
    assert list(private_names(TOOLS)) == []


def test_tools_and_tests_have_short_lines():
    assert list(long_lines(TOOLS, TESTS)) == []


def test_tools_are_short_modules():
    assert list(long_modules(TOOLS)) == []


def test_every_foreign_private_name_is_still_used():
    used = {
        (str(path.relative_to(HOME)), name)
        for path in sources(HOME)
        for _, name in private_uses(tree_of(path))
    }
    assert used == set(FOREIGN)


@pytest.mark.parametrize("folder", ["tools", "tests", "course"])
def test_tools_tests_and_course_import_declared_packages_only(folder):
    assert list(undeclared_tools(ROOT / folder)) == []


def test_every_exception_about_imports_is_still_used(monkeypatch):
    used = {
        (path.relative_to(HOME).as_posix(), ".".join(each.target[:2]))
        for path in sources(HOME)
        for each in all_imports(path, HOME)
    }
    assert used >= UNDECLARED.keys()
    monkeypatch.setattr("structure.LOADERS", {})
    assert {fault.partition(":")[0] for fault in computed_imports(HOME)} == LOADERS.keys()


def test_the_modules_that_travel_say_so_in_their_first_line():
    names = {path.relative_to(HOME).as_posix() for path in travellers(HOME).values()}
    assert names == {
        "lens/energy.py",
        "lens/interventions.py",
        "lens/maps.py",
        "lens/readings.py",
        "lens/reduce.py",
        "lenses/descent.py",
        "models/view.py",
    }


DOWN, WRITTEN = "imports go down", "imports are written out"
DECLARED, LIGHT = "packages are declared", "what travels is light"
# Guard, file, and a fault that is appended to the file.
PLANTED = [
    (DOWN, "lens/decode.py", "from ..runs import cache"),
    (DOWN, "lens/decode.py", "from ..runs.cache import find"),
    (DOWN, "lens/decode.py", "from .. import plots"),
    (DOWN, "models/load.py", "import latentlang.lens.decode"),
    (DOWN, "models/load.py", "from latentlang.lens.decode import decode"),
    (DOWN, "models/load.py", "from latentlang import lens"),
    (DOWN, "errors.py", "def late():\n    from .files import data_file"),
    (DOWN, "errors.py", "if TYPE_CHECKING:\n    from .files import data_file"),
    (DOWN, "explore/pair.py", "from ..metrics import mean_ci"),
    (DOWN, "explore/pair.py", "from .. import metrics"),
    (DOWN, "explore/pair.py", "import latentlang"),
    (DOWN, "explore/pair.py", "from latentlang import decode"),
    (DOWN, "explore/pair.py", "from ..__main__ import main"),
    (DOWN, "attic/boxes.py", ""),
    (DOWN, "attic.py", ""),
    (DOWN, "lens/decode.py", 'import_module("latentlang.runs.cache")'),
    (DOWN, "lens/decode.py", 'importlib.import_module(".runs.cache", "latentlang")'),
    (DOWN, "lens/decode.py", 'import_module("..runs.cache", package=__package__)'),
    (
        DOWN,
        "lens/decode.py",
        'from importlib import import_module as load\nload("latentlang.runs")',
    ),
    (DOWN, "lens/decode.py", 'def late():\n    __import__("latentlang.runs.cache")'),
    (DOWN, "lens/decode.py", '__import__("runs.cache", globals(), locals(), [], 2)'),
    (WRITTEN, "lens/decode.py", "import_module(name)"),
    (WRITTEN, "lens/decode.py", 'import_module("latentlang." + "runs")'),
    (WRITTEN, "lens/decode.py", 'import_module(f".{name}", __package__)'),
    (WRITTEN, "lens/decode.py", 'import_module(".runs", package)'),
    (WRITTEN, "lens/decode.py", "modules = map(importlib.import_module, names)"),
    (WRITTEN, "lens/decode.py", "from importlib import import_module as load\nload(name)"),
    (WRITTEN, "plots/__init__.py", "_import_module(_name)"),
    (WRITTEN, "plots/__init__.py", '_import_module(f"..{_name}", __name__)'),
    (DECLARED, "plots/bars.py", "from tools import build"),
    (DECLARED, "plots/bars.py", "import tests.tiny"),
    (DECLARED, "plots/bars.py", "import tiny"),
    (DECLARED, "plots/bars.py", "import scipy"),
    (DECLARED, "plots/bars.py", "import pytest"),
    (DECLARED, "plots/bars.py", "def late():\n    import pytest"),
    (DECLARED, "plots/bars.py", "import gguf"),
    (DECLARED, "plots/bars.py", "from google.colab import output"),
    (DECLARED, "plots/bars.py", 'import_module("tools.build")'),
    (LIGHT, "lens/energy.py", "import pandas"),
    (LIGHT, "lens/energy.py", "def late():\n    import pandas"),
    (LIGHT, "lens/energy.py", "from ..errors import DataError"),
    (LIGHT, "lens/energy.py", "def late():\n    from ..errors import DataError"),
    (LIGHT, "lens/energy.py", "from . import readings"),
    (LIGHT, "lens/energy.py", "import latentlang.lens.readings"),
    (LIGHT, "lens/energy.py", "from jaxtyping import Float"),
    (LIGHT, "lens/energy.py", "if not TYPE_CHECKING:\n    from jaxtyping import Float"),
    (LIGHT, "lens/energy.py", "if TYPE_CHECKING:\n    ...\nelse:\n    from jaxtyping import Float"),
    (LIGHT, "lens/energy.py", "if TYPE_CHECKING:\n    import pandas"),
    (LIGHT, "models/view.py", 'import_module("pandas")'),
    ("doors are thin", "metrics.py", "LIMIT = 3"),
    ("doors are thin", "metrics.py", "5"),
    ("doors are thin", "metrics.py", '"""Not a docstring."""'),
    ("doors are thin", "metrics.py", "__all__ = [name() for name in ()]"),
    ("doors are thin", "metrics.py", '__all__ = ["mean_ci", name()]'),
    ("doors are thin", "metrics.py", '__all__ += ["mean_ci"]'),
    ("doors are thin", "metrics.py", 'NAMES = __all__ = ["mean_ci"]'),
    ("doors are thin", "geometry.py", "def fit():\n    ..."),
    ("no circle in a room", "lens/readings.py", "from .decode import decode"),
    ("no circle in a room", "lens/readings.py", "def late():\n    from . import decode"),
    ("no circle in a room", "lens/readings.py", "import latentlang.lens.decode"),
    ("no circle in a room", "plots/style.py", "from . import bars"),
    ("no circle in a room", "plots/style.py", 'import_module(".bars", __package__)'),
    ("one module of a name", "runs.py", ""),
    ("one module of a name", "lens.py", ""),
    ("one module of a name", "metrics/metrics.py", ""),
    ("private names stay home", "plots/bars.py", "from .text import _escape"),
    ("private names stay home", "plots/bars.py", "from torch._C import Size"),
    ("private names stay home", "plots/bars.py", "import torch._dynamo"),
    ("private names stay home", "plots/bars.py", "text._escape('a')"),
    ("private names stay home", "plots/bars.py", "def f(run):\n    run.parts[0]._kind()"),
    ("private names stay home", "plots/bars.py", "getattr(run, '_kind')"),
    ("private names stay home", "plots/bars.py", "class A:\n    def f(self, b):\n        b._x = 1"),
    ("short modules", "plots/bars.py", "#\n" * MOST_LINES),
    ("short lines", "plots/bars.py", "#" * (MOST_COLUMNS + 1)),
]


@pytest.mark.parametrize("guard, file, fault", PLANTED)
def test_a_planted_fault_is_found(guard, file, fault, tmp_path):
    home = shutil.copytree(HOME, tmp_path / "latentlang", ignore=lambda *_: ["__pycache__"])
    path = home / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"\n{fault}\n")
    faults = list(GUARDS[guard](home))
    assert any(path.stem in each for each in faults)


@pytest.mark.parametrize(
    "source",
    [
        "import json, torch\nfrom ..errors import DataError",
        "def late():\n    import gguf",
        'import_module("torch")',
        'import_module(".bars", __package__)',
        '__import__("json")',
    ],
)
def test_an_import_that_is_written_out_and_declared_is_allowed(source, tmp_path):
    path = tmp_path / "latentlang" / "plots" / "bars.py"
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    for guard in (DOWN, WRITTEN, DECLARED):
        assert list(GUARDS[guard](path.parents[1])) == []


@pytest.mark.parametrize(
    "folder, source", [("tests", "import sympy"), ("tools", "def late():\n    import narwhals")]
)
def test_an_undeclared_package_in_tools_or_tests_is_found(folder, source, tmp_path):
    path = tmp_path / folder / "new.py"
    path.parent.mkdir()
    path.write_text(source, encoding="utf-8")
    (fault,) = undeclared_tools(path.parent)
    assert fault.startswith("new.py:") and "is not a package that pyproject.toml declares" in fault


ALLOWED = [
    "class A:\n    def f(self):\n        self._x = 1\n        return self._x",
    "class A:\n    def _f(self, other):\n        return other._f(self), A._f",
    "class A:\n    _x = 1\n    def f(self, parts):\n        return parts[0]._x",
    "from __future__ import annotations\nA.__name__",
]


@pytest.mark.parametrize("source", ALLOWED)
def test_a_class_may_use_its_own_private_names(source):
    assert list(private_uses(ast.parse(source))) == []
