"""What a file imports, by a statement or by a call, wherever it stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKING = ("TYPE_CHECKING", "typing.TYPE_CHECKING")
# The two functions that import by a name, with their parameters.
IMPORTERS = {
    "import_module": ("name", "package"),
    "__import__": ("name", "globals", "locals", "fromlist", "level"),
}


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def module_of(path: Path, home: Path) -> tuple[str, ...]:
    """Return a file's dotted name inside the library: ``("lens", "run")``."""
    return path.relative_to(home).with_suffix("").parts


@dataclass(frozen=True)
class Import:
    """One import: its line, what it names, and where it stands.

    ``target``: a whole dotted name, such as ``("latentlang", "lens", "run", "Run")``.
    ``late``: inside a function. ``for_types``: under ``if TYPE_CHECKING``.
    """

    line: int
    target: tuple[str, ...]
    late: bool
    for_types: bool


def places(
    node: ast.AST, late: bool = False, for_types: bool = False
) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Yield each node below one, with ``late`` and ``for_types`` of ``Import``."""
    late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    checking = isinstance(node, ast.If) and ast.unparse(node.test) in CHECKING
    for child in ast.iter_child_nodes(node):
        types = for_types or (checking and child in node.body)
        yield child, late, types
        yield from places(child, late, types)


def importers(tree: ast.Module) -> dict[str, str]:
    """Return the functions of IMPORTERS by the names that a module gives them."""
    names = {name: name for name in IMPORTERS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            given = {each.asname: each.name for each in node.names if each.asname}
            names |= {alias: name for alias, name in given.items() if name in IMPORTERS}
    return names


def importer(node: ast.AST, names: dict[str, str]) -> str | None:
    """Return which function of IMPORTERS a node names, if it names one."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and node.attr in IMPORTERS:
        return node.attr
    return None


def absolute(name: str, level: int, package: tuple[str, ...]) -> tuple[str, ...]:
    """Return the whole dotted name of what a module of ``package`` names from ``level`` above."""
    base = package[: len(package) - level + 1] if level else ()
    return (*base, *name.split(".")) if name else base


def loaded(call: ast.Call, kind: str, package: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return what a call of ``import_module`` or ``__import__`` loads; None if it is computed."""
    arguments = dict(zip(IMPORTERS[kind], call.args)) | {e.arg: e.value for e in call.keywords}
    literal = {name: getattr(each, "value", None) for name, each in arguments.items()}
    name, level = literal.get("name"), literal.get("level", 0)
    if not isinstance(name, str) or not isinstance(level, int):
        return None
    if kind == "import_module":
        level = len(name) - len(name.lstrip("."))
        start = literal.get("package")
        if isinstance(start, str):
            package = tuple(start.split("."))
        elif level and getattr(arguments.get("package"), "id", "") != "__package__":
            return None
    return absolute(name.lstrip("."), level, package)


def targets(
    node: ast.AST, package: tuple[str, ...], names: dict[str, str]
) -> Iterator[tuple[str, ...]]:
    """Yield what a node imports, by a statement or by a call with a literal name."""
    if isinstance(node, ast.Import):
        for each in node.names:
            yield tuple(each.name.split("."))
    elif isinstance(node, ast.ImportFrom):
        base = absolute(node.module or "", node.level, package)
        for each in node.names:
            yield (*base, each.name)
    elif isinstance(node, ast.Call):
        kind = importer(node.func, names)
        target = loaded(node, kind, package) if kind else None
        if target:
            yield target


def all_imports(path: Path, home: Path) -> Iterator[Import]:
    """Yield every import of a file, wherever it stands."""
    tree = tree_of(path)
    names = importers(tree)
    package = (home.name, *module_of(path, home)[:-1])
    for node, late, for_types in places(tree):
        for target in targets(node, package, names):
            yield Import(node.lineno, target, late, for_types)
