"""The packages that pyproject.toml declares, and the packages that an import comes from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS = packages_distributions()


def requirements(texts: Iterable[str]) -> dict[str, Requirement]:
    """Return requirements by the canonical names of their distributions."""
    return {canonicalize_name(each.name): each for each in map(Requirement, texts)}


# What every installation has, and what an extra adds to it.
NEEDED = requirements(PROJECT["dependencies"])
EXTRAS = {name: requirements(texts) for name, texts in PROJECT["optional-dependencies"].items()}
DECLARED = NEEDED | {name: each for extra in EXTRAS.values() for name, each in extra.items()}


def distributions(package: str) -> set[str]:
    """Return the canonical names of the distributions that hold a package."""
    return {canonicalize_name(name) for name in DISTRIBUTIONS.get(package, [package])}
