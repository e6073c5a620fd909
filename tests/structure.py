"""Guards of the library's order: each one yields the faults that it finds in a folder."""

from __future__ import annotations

import ast
import sys
from collections.abc import Container, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from imports import all_imports, importer, importers, loaded, module_of, sources, tree_of
from packages import DECLARED, EXTRAS, NEEDED, distributions

# From the top to the bottom. A room imports rooms below it, never one above.
ROOMS = (
    "explore",
    "course",
    "plots",
    "verdict",
    "runs",
    "analysis",
    "lenses",
    "lens",
    "models",
    "prompts",
    "progress",
    "locks",
    "files",
    "numbers",
    "errors",
)
# Above all rooms. A door holds imports and ``__all__`` only.
DOORS = ("metrics", "geometry", "checks", "data")
ENTRANCES = ("__main__", "__init__")
TRAVELS = "Travels to a server as source: imports torch and the standard library only."
# Files in which the name may be computed. It must be ``f".{name}"``, which stays in the folder.
LOADERS = {
    "course/exercise.py": "a notebook's checks are the module of its number in this folder",
    "plots/__init__.py": "a figure is a file in this folder",
}
# Packages that pyproject.toml cannot declare.
UNDECLARED = {("course/environment.py", "google.colab"): "Colab has it, and no registry does"}
ACCESSORS = ("getattr", "setattr", "hasattr", "delattr")
MOST_LINES = 250
MOST_COLUMNS = 100
# Private names of other packages, for which these packages have no public way.
FOREIGN = {
    ("explore/drawing.py", "_config"): "plotly has no other way to set a widget's camera button",
    ("explore/drawing.py", "_esm"): "plotly's script, which anywidget gives no other name",
    ("explore/drawing.py", "_widget_data"): "plotly does not fill it for a figure inside a widget",
    ("explore/drawing.py", "_widget_layout"): "as for _widget_data",
    ("models/server.py", "_remoteable_get_env"): "nnsight's own client calls it in the same place",
    ("models/sessions.py", "_ID_CACHE"): "else nnsight asks the hub for a folder's name",
    ("models/versions.py", "_version"): "torch has no other name for how often a tensor changed",
}


def own_imports(path: Path, home: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the line and the target of every import of the library.

    A target is a dotted name, such as ``("lens", "run", "Run")``; it is empty for the library.
    """
    for each in all_imports(path, home):
        if each.target[0] == home.name:
            yield each.line, each.target[1:]


def computed_imports(home: Path) -> Iterator[str]:
    """Find imports whose name is computed, apart from the table LOADERS."""
    for path in sources(home):
        place, tree = path.relative_to(home).as_posix(), tree_of(path)
        names, package = importers(tree), (home.name, *module_of(path, home)[:-1])
        calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            kind = importer(node, names)
            call = calls.get(id(node))
            if kind is None or (call and loaded(call, kind, package)):
                continue
            of_own_folder = call and call.args and ast.unparse(call.args[0]).startswith("f'.{")
            if not (of_own_folder and place in LOADERS):
                yield f"{place}:{node.lineno}: {kind} with a name that is not written out"


def undeclared(
    home: Path, own: Container[str], always: Container[str], late: Container[str]
) -> Iterator[str]:
    """Find imports of packages that are neither our own, Python's nor declared.

    ``always`` and ``late``: the distributions that may be imported anywhere, and in functions.
    """
    for path in sources(home):
        place = path.relative_to(home).as_posix()
        for each in all_imports(path, home):
            first = each.target[0]
            if first in own or first in sys.stdlib_module_names:
                continue
            if (place, ".".join(each.target[:2])) in UNDECLARED:
                continue
            names = distributions(first)
            if any(name in always or (each.late and name in late) for name in names):
                continue
            yield f"{place}:{each.line}: {first} is not a package that pyproject.toml declares"


def undeclared_packages(home: Path) -> Iterator[str]:
    """Find what a reader's installation lacks; a function may import what is in an extra."""
    optional = [name for extra in EXTRAS if extra != "dev" for name in EXTRAS[extra]]
    yield from undeclared(home, {home.name}, NEEDED, optional)


def undeclared_tools(folder: Path) -> Iterator[str]:
    """Find what an installation with every extra lacks; a test may import a file of the tests."""
    own = {"latentlang", "tools", *(path.stem for path in sources(folder))}
    yield from undeclared(folder, own, DECLARED, ())


def travellers(home: Path) -> dict[tuple[str, ...], Path]:
    """Return the modules that travel to a server, as their first line says."""
    return {
        (home.name, *module_of(path, home)): path
        for path in sources(home)
        if TRAVELS in path.read_text("utf-8").partition("\n")[0]
    }


def heavy_travellers(home: Path) -> Iterator[str]:
    """Find imports that fail on a server, which has neither latentlang nor its packages."""
    modules = travellers(home)
    for path in modules.values():
        for each in all_imports(path, home):
            first = each.target[0]
            light = first == "torch" or first in sys.stdlib_module_names
            for_types = first == "jaxtyping" and each.for_types
            # A name of a module that travels too; the name of a module is not sent.
            if not (light or for_types or each.target[:-1] in modules):
                yield f"{path.name}:{each.line}: a server has no {'.'.join(each.target)}"


def upward_imports(home: Path) -> Iterator[str]:
    """Find imports of anything above, and modules that have no place in the order."""
    order = (*ENTRANCES, *DOORS, *ROOMS)
    for path in sources(home):
        place = path.relative_to(home)
        here = module_of(path, home)[0]
        if here not in order:
            yield f"{place}: {here} is not in ROOMS"
            continue
        for line, target in own_imports(path, home):
            # Any other name, such as ``decode``, comes from the package itself.
            there = target[0] if target and target[0] in order else "__init__"
            if order.index(there) < order.index(here):
                yield f"{place}:{line}: {here} imports {there}, which is above it"


def door_faults(home: Path) -> Iterator[str]:
    """Find anything in a door but its docstring, imports and a literal ``__all__``."""
    for path in (home / f"{door}.py" for door in DOORS):
        tree = tree_of(path) if path.exists() else ast.Module([], [])
        for number, node in enumerate(tree.body):
            docstring = number == 0 and ast.get_docstring(tree) is not None
            imported = isinstance(node, ast.Import | ast.ImportFrom)
            if not (docstring or imported or is_literal_all(node)):
                yield f"{path.name}:{node.lineno}: a door holds imports and a literal __all__ only"


def is_literal_all(node: ast.AST) -> bool:
    """Tell whether a statement is ``__all__ = ["name", ...]``."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.List):
        return False
    names = [getattr(each, "value", None) for each in node.value.elts]
    alone = [ast.unparse(target) for target in node.targets] == ["__all__"]
    return alone and all(isinstance(name, str) for name in names)


def twins(home: Path) -> Iterator[str]:
    """Find a module that stands beside a folder of its name: Python reads only one of them."""
    for path in sources(home):
        if sources(path.with_suffix("")):
            yield f"{path.relative_to(home)}: a folder of this name has modules too"


def circles(home: Path) -> Iterator[str]:
    """Find a circle of imports between the modules of one room."""
    for room in ROOMS:
        graph = {}
        modules = {module_of(path, home): path for path in sources(home / room)}
        for module, path in modules.items():
            targets = {target for _, target in own_imports(path, home) if target[:1] == (room,)}
            # The longest beginning of a target that is a module; else it is the room itself.
            graph[module] = {
                next((t[:n] for n in (3, 2) if t[:n] in modules), (room, "__init__"))
                for t in targets
            }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            yield f"{room}: " + " -> ".join(".".join(module) for module in error.args[1])


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def members(node: ast.ClassDef) -> set[str]:
    """Return the names that a class defines: methods, class variables, and ``self.name = ...``."""
    names = {each.name for each in ast.walk(node) if isinstance(each, ast.FunctionDef)}
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
            if ast.unparse(each.value) in ("self", "cls"):
                names.add(each.attr)
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            names.add(each.id)
    return names


def private_uses(node: ast.AST, own: frozenset[str] = frozenset()) -> Iterator[tuple[int, str]]:
    """Yield line and name of each private name that belongs to another module or object.

    ``own``: the names that the class around this node defines.
    """
    if isinstance(node, ast.ClassDef):
        own = own | members(node)
    if isinstance(node, ast.ImportFrom):
        names = [*(node.module or "").split("."), *(name.name for name in node.names)]
        yield from ((node.lineno, name) for name in names if is_private(name))
    elif isinstance(node, ast.Import):
        names = [part for name in node.names for part in name.name.split(".")]
        yield from ((node.lineno, name) for name in names if is_private(name))
    elif isinstance(node, ast.Attribute) and is_private(node.attr):
        of_itself = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        if not of_itself and node.attr not in own:
            yield node.lineno, node.attr
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ACCESSORS:
        names = [each.value for each in node.args[1:2] if isinstance(each, ast.Constant)]
        yield from ((node.lineno, name) for name in names if is_private(name))
    for child in ast.iter_child_nodes(node):
        yield from private_uses(child, own)


def private_names(*folders: Path) -> Iterator[str]:
    """Find private names of other modules, apart from the table FOREIGN."""
    for folder in folders:
        for path in sources(folder):
            place = str(path.relative_to(folder))
            for line, name in private_uses(tree_of(path)):
                if (place, name) not in FOREIGN:
                    yield f"{place}:{line}: {name} is private to another module"


def long_modules(*folders: Path) -> Iterator[str]:
    """Find modules that are too long to read in one sitting."""
    for path in sources(*folders):
        count = len(path.read_text("utf-8").splitlines())
        if count > MOST_LINES:
            yield f"{path.name}: {count} lines, more than {MOST_LINES}"


def long_lines(*folders: Path) -> Iterator[str]:
    """Find lines that are too long."""
    for path in sources(*folders):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if len(line) > MOST_COLUMNS:
                yield f"{path.name}:{number}: {len(line)} columns, more than {MOST_COLUMNS}"


GUARDS = {
    "imports go down": upward_imports,
    "imports are written out": computed_imports,
    "packages are declared": undeclared_packages,
    "what travels is light": heavy_travellers,
    "doors are thin": door_faults,
    "one module of a name": twins,
    "no circle in a room": circles,
    "private names stay home": private_names,
    "short modules": long_modules,
    "short lines": long_lines,
}
