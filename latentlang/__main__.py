"""``python -m latentlang``: prepare a machine for the course."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .errors import LatentLangError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status. A known problem prints one sentence, not a traceback."""
    parser = argparse.ArgumentParser(prog="latentlang", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    prefetch = commands.add_parser("prefetch", help="convert the demo model once, so that loading it takes seconds")
    prefetch.add_argument("--to", type=Path, help="a shared cache folder, for LATENTLANG_CACHE (default: your own cache)")
    commands.add_parser("check", help="report versions, device and memory")
    options = parser.parse_args(arguments)
    try:
        if options.command == "prefetch":
            from . import demo_model

            print(demo_model.convert(options.to) if options.to else demo_model.folder())
        else:
            from .checks import check_environment

            print(check_environment())
    except LatentLangError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
