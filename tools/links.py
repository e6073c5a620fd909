"""The addresses that open a notebook elsewhere, from the repository's address in pyproject.toml.

    python -m tools.links https://hub.example.org

prints a link for each notebook. The link pulls the course into a student's folder on that
JupyterHub, which needs nbgitpuller, and opens the notebook.
"""

from __future__ import annotations

import argparse
from urllib.parse import urlencode

from .scripts import scripts, slug

BRANCH = "main"
CHOOSE_A_HUB = "https://nbgitpuller.readthedocs.io/en/latest/link.html"


def colab(name: str) -> str:
    """Return the address that opens a notebook in Colab."""
    return f"https://colab.research.google.com/github/{slug()}/blob/{BRANCH}/notebooks/{name}.ipynb"


def binder(name: str) -> str:
    """Return the address that opens a notebook on mybinder.org."""
    return f"https://mybinder.org/v2/gh/{slug()}/{BRANCH}?urlpath=lab/tree/notebooks/{name}.ipynb"


def pull(name: str, hub: str | None = None, repository: str | None = None) -> str:
    """Return the address that pulls the course into a JupyterHub and opens a notebook there.

    Args:
        name: The notebook's name, such as ``"01_build_prompts"``.
        hub: The hub's address; None for nbgitpuller's page that asks for it.
        repository: Another place to pull from than the project's own.
    """
    repository = repository or f"https://github.com/{slug()}"
    folder = repository.rstrip("/").rpartition("/")[2].removesuffix(".git")
    page = f"{hub.rstrip('/')}/hub/user-redirect/git-pull" if hub else CHOOSE_A_HUB
    query = {
        "repo": repository,
        "branch": BRANCH,
        "urlpath": f"lab/tree/{folder}/notebooks/{name}.ipynb",
    }
    return f"{page}?{urlencode(query)}"


def main(arguments: list[str] | None = None) -> None:
    """Print the links of a class."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hub", help="the address of your JupyterHub")
    parser.add_argument("--repository", help="where to pull from (default: the project's own)")
    options = parser.parse_args(arguments)
    for script in scripts():
        print(f"{script.name}\n  {pull(script.name, options.hub, options.repository)}")


if __name__ == "__main__":
    main()
