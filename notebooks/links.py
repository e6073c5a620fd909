"""The addresses that open a notebook elsewhere, all from the repository's address in pyproject.toml.

    python notebooks/links.py https://hub.example.org

prints a link for each notebook that pulls the course into a student's folder on that JupyterHub (which needs nbgitpuller) and opens it.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from urllib.parse import urlencode

HERE = Path(__file__).resolve().parent
BRANCH = "main"


def slug() -> str:
    """Return ``owner/repository`` from pyproject's Repository address."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].removeprefix("https://github.com/")


def colab(name: str) -> str:
    """Return the address that opens a notebook in Colab."""
    return f"https://colab.research.google.com/github/{slug()}/blob/{BRANCH}/notebooks/{name}.ipynb"


def binder(name: str) -> str:
    """Return the address that opens a notebook on mybinder.org."""
    return f"https://mybinder.org/v2/gh/{slug()}/{BRANCH}?urlpath=lab/tree/notebooks/{name}.ipynb"


def pull(name: str, hub: str | None = None, repository: str | None = None) -> str:
    """Return the address that pulls the course into a JupyterHub and opens a notebook there.

    ``hub``: its address; None for nbgitpuller's page that asks for it. ``repository``: another place to pull from than the project's own.
    """
    repository = repository or f"https://github.com/{slug()}"
    folder = repository.rstrip("/").rpartition("/")[2].removesuffix(".git")
    page = (
        f"{hub.rstrip('/')}/hub/user-redirect/git-pull"
        if hub
        else "https://nbgitpuller.readthedocs.io/en/latest/link.html"
    )
    return f"{page}?{urlencode({'repo': repository, 'branch': BRANCH, 'urlpath': f'lab/tree/{folder}/notebooks/{name}.ipynb'})}"


def main() -> None:
    """Print the links of a class."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hub", help="the address of your JupyterHub")
    parser.add_argument("--repository", help="where to pull from (default: the project's own)")
    options = parser.parse_args()
    for source in sorted((HERE / "source").glob("*.py")):
        print(f"{source.stem}\n  {pull(source.stem, options.hub, options.repository)}")


if __name__ == "__main__":
    main()
