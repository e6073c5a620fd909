"""Every way to install the course asks for what pyproject.toml asks for, and every target exists.

conda's environments list what conda brings in its own build, and pip installs the project itself
for all else. They repeat bounds, because conda must not bring a version that pip then replaces.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec

import pytest
import yaml
from packages import DECLARED, EXTRAS, PROJECT, requirements
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from latentlang.__main__ import main
from tools import ROOT
from tools.check_style import GUIDES
from tools.notebook import SETUP

# conda's names for the two builds of torch.
CONDA = {"pytorch-gpu": "torch", "pytorch-cpu": "torch"}
# Of an environment alone: pip installs with them, and a hub starts with them.
ALONE = {"python", "pip", "jupyterlab-widgets", "jupyterhub-singleuser"}
FILES = ("environment.yml", "binder/environment.yml")


def listed(name: str) -> tuple[dict[str, SpecifierSet], list[str]]:
    """Return a conda file's packages with their bounds, and its lines for pip."""
    entries = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))["dependencies"]
    pip = [line for entry in entries if isinstance(entry, dict) for line in entry["pip"]]
    bounds = {}
    for text in (entry for entry in entries if isinstance(entry, str)):
        package, limits = re.fullmatch(r"([\w.-]+)(.*)", text).groups()
        limits = re.sub(r"(?<![<>=])=(?!=)", "==", limits)
        bounds[CONDA.get(package, canonicalize_name(package))] = SpecifierSet(limits)
    return bounds, pip


def edges(bounds: SpecifierSet) -> dict[str, Version]:
    """Return the operators of some bounds with their versions."""
    return {bound.operator: Version(bound.version) for bound in bounds}


def loose(bounds: Mapping[str, SpecifierSet], declared: Mapping[str, Requirement]) -> Iterator[str]:
    """Find packages of a conda file for which conda may bring what pip then replaces."""
    for package, limits in bounds.items():
        if package in ALONE:
            continue
        if package not in declared:
            yield f"pyproject.toml does not know {package}"
            continue
        here, there = edges(limits), edges(declared[package].specifier)
        if ">=" not in here:
            yield f"{package} has no lower bound"
        elif ">=" in there and here[">="] < there[">="]:
            yield f"{package} may be older than pyproject.toml allows"
        if here.get("<") != there.get("<"):
            yield f"{package} has another upper bound than in pyproject.toml"


@pytest.mark.parametrize("name", FILES)
def test_a_conda_file_stays_within_the_bounds_of_pyproject(name):
    bounds, _ = listed(name)
    assert len(bounds) >= 8
    assert list(loose(bounds, DECLARED)) == []


@pytest.mark.parametrize(
    ("here", "there", "fault"),
    [
        ("<4", "pandas>=2.2,<4", "has no lower bound"),
        ("", "pandas>=2.2", "has no lower bound"),
        (">=2.1,<4", "pandas>=2.2,<4", "may be older than"),
        (">=2.2,<5", "pandas>=2.2,<4", "another upper bound"),
        (">=2.2", "pandas>=2.2,<4", "another upper bound"),
        (">=2.2", "plotly>=2.2", "does not know pandas"),
    ],
)
def test_a_loose_bound_is_named_in_a_sentence(here, there, fault):
    (sentence,) = loose({"pandas": SpecifierSet(here)}, requirements([there]))
    assert fault in sentence and "pandas" in sentence


def unbounded(texts: Iterable[str]) -> Iterator[str]:
    """Find requirements of pyproject.toml without a lower bound."""
    for name, each in requirements(texts).items():
        if not edges(each.specifier).keys() & {">=", "=="}:
            yield f"{name} has no lower bound in pyproject.toml"


def test_every_requirement_has_a_lower_bound():
    for texts in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        assert list(unbounded(texts)) == []
    assert list(unbounded(["pandas<4"])) == ["pandas has no lower bound in pyproject.toml"]


@pytest.mark.parametrize("name", FILES)
def test_a_conda_file_takes_a_python_that_the_library_takes(name):
    (python,) = listed(name)[0]["python"]
    assert Version(python.version) in SpecifierSet(PROJECT["requires-python"])


def test_pip_installs_the_project_itself_and_nothing_else():
    """So that what conda does not list comes from pyproject.toml, and stands there alone."""
    assert listed("environment.yml")[1] == ["-e .[demo-model,lab]"]
    assert listed("binder/environment.yml")[1] == []
    assert '-e ".[demo-model,lab]"' in (ROOT / "binder/postBuild").read_text(encoding="utf-8")
    extras = set(re.findall(r"latentlang\[([\w,-]+)\]", SETUP)[0].split(","))
    assert extras <= EXTRAS.keys()


LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = requirements(line for line in LINES if not line.startswith("#"))


def test_the_pinned_versions_are_exact_and_within_the_bounds():
    for name, pin in PINS.items():
        (exact,) = pin.specifier
        assert exact.operator == "==", str(pin)
        wanted = DECLARED.get(name)
        assert wanted is None or Version(exact.version) in wanted.specifier, str(pin)


def unpinned(declared: Iterable[str], pins: Iterable[str]) -> list[str]:
    """Return a sentence for each requirement of pyproject.toml without a pin.

    What a requirement needs itself may be pinned too, and need not be.
    """
    missing = sorted(set(declared) - set(pins))
    return [f"{name} is in pyproject.toml and not in constraints.txt" for name in missing]


def test_every_requirement_is_pinned():
    assert unpinned(DECLARED, PINS) == []
    assert unpinned([*DECLARED, "left-pad"], PINS) == [
        "left-pad is in pyproject.toml and not in constraints.txt"
    ]


COMMAND = re.compile(r"-m latentlang ([\w-]+)")
PLACES = ("binder/postBuild", "Makefile", *GUIDES)
COMMANDS = {
    (name, command)
    for name in PLACES
    for command in COMMAND.findall((ROOT / name).read_text(encoding="utf-8"))
}


def status(command: str) -> int:
    """Return the exit status of ``python -m latentlang COMMAND --help``."""
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    return done.value.code


@pytest.mark.parametrize(("place", "command"), sorted(COMMANDS))
def test_a_command_that_somebody_is_told_to_run_is_there(place, command, capsys):
    assert status(command) == 0, f"{place}: there is no command {command}"


def test_a_command_that_is_not_there_is_noticed(capsys):
    assert ("binder/postBuild", "prefetch") in COMMANDS
    assert status("prefetchh") != 0


TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
KNOWN = (
    "lab app test test-more claims notebooks notebook-files site picture lint data-check results "
    "links bench clean prefetch"
)


def test_help_names_every_target():
    command = ["make", "--no-print-directory"]  # it speaks of folders inside another make
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == sorted(TARGETS)
    assert set(KNOWN.split()) <= set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_target_runs_is_there(target):
    command = ["make", "--dry-run", target, "HUB=https://hub.example.org"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for module in re.findall(r"-m (tools\.\w+|latentlang)", done.stdout):
        assert find_spec(module), module
    for path in re.findall(r"(?<![\w/.])((?:tests|tools|notebooks)/[\w/.*-]+)", done.stdout):
        assert list(ROOT.glob(path)), path


def test_the_readme_lists_targets_that_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)", readme))
    assert named <= set(TARGETS) and len(named) >= 10
