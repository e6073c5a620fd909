"""``python -m latentlang``: prepare a machine for the course, print the words or the atlas."""

from __future__ import annotations

import argparse
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from .errors import DataError, LatentLangError


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status.

    A known problem prints one sentence, not a traceback.
    """
    parser = argparse.ArgumentParser(prog="latentlang", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    prefetch = commands.add_parser(
        "prefetch", help="prepare or download a model once, so that loading it takes seconds"
    )
    prefetch.add_argument(
        "name", nargs="?", help="of a model that latentlang knows (default: the demo model)"
    )
    prefetch.add_argument(
        "--to",
        type=Path,
        help="a shared cache folder, for LATENTLANG_CACHE (default: your own cache)",
    )
    precompute = commands.add_parser(
        "precompute",
        help="run experiments once, for a class that reads them through LATENTLANG_CACHE",
    )
    precompute.add_argument(
        "--model", help="as load_model takes it (default: what the machine has)"
    )
    precompute.add_argument(
        "--pairs", default="all", help="such as fr-zh,de-zh; all: every pair of en, zh, de, fr, ru"
    )
    precompute.add_argument(
        "--every",
        type=int,
        default=1,
        help="every n-th concept of the word list (default: all of them)",
    )
    precompute.add_argument(
        "--out", type=Path, required=True, help="the folder that LATENTLANG_CACHE will name"
    )
    commands.add_parser("check", help="report versions, device, memory and what the caches hold")
    cleaning = commands.add_parser("clean", help="remove what your cache holds and nobody needs")
    cleaning.add_argument(
        "--all", action="store_true", help="also converted models and results: they come back"
    )
    words = commands.add_parser("words", help="print the words of several languages side by side")
    words.add_argument("codes", nargs="*", metavar="CODE", help="such as: en de zh (default: all)")
    words.add_argument(
        "--concept",
        action="append",
        default=[],
        help="only this concept; may be repeated; one alone gives a line per language",
    )
    words.add_argument("--csv", action="store_true", help="print a CSV table, not aligned text")
    atlas = commands.add_parser("atlas", help="print one row per model: which evidence it shows")
    atlas.add_argument(
        "names",
        nargs="*",
        metavar="MODEL",
        help="as load_model takes them (default: those with stored answers)",
    )
    atlas.add_argument(
        "--pair",
        help="source-target, without en, such as de-zh (default: the pair of the course's atlas)",
    )
    atlas.add_argument(
        "--every", type=int, default=4, help="every n-th concept of the word list (default: 4)"
    )
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a letter that it cannot show becomes its code
            stream.reconfigure(errors="backslashreplace")
    try:
        if options.command == "prefetch":
            from .models.prefetch import prefetch as fetch

            print(fetch(options.name, options.to))
        elif options.command == "precompute":
            from .models.load import load_model
            from .runs.precompute import precompute as run

            pairs = None
            if options.pairs != "all":
                pairs = [_pair(text) for text in options.pairs.split(",")]
            for message in run(load_model(options.model), options.out, pairs, options.every):
                print(message, flush=True)
        elif options.command == "words":
            from .prompts.word_table import word_csv, word_table

            if options.csv:
                text = word_csv(options.codes, options.concept)
            else:
                text = word_table(options.codes, options.concept) + "\n"
            print(text, end="", flush=True)
        elif options.command == "atlas":
            from .models.load import load_model
            from .verdict.atlas import MODELS, PAIR, measure
            from .verdict.atlas import atlas as table_of

            pair = PAIR if options.pair is None else _pair(options.pair)
            models = [load_model(name) for name in options.names] or [
                load_model(name, stored=True) for name in MODELS
            ]
            rows = [measure(each, *pair, every=options.every, progress=False) for each in models]
            print(table_of(rows).to_csv(index=False, float_format="%.3f"), end="", flush=True)
        elif options.command == "clean":
            from .files import user_cache
            from .models.caches import clean

            removed = [f"Removed {kept}." for kept in clean(user_cache(), options.all)]
            print(*removed or ["There is nothing to remove."], sep="\n")
        else:
            _check()
    except LatentLangError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # what reads the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _check() -> None:
    """Print the environment report, and what the caches hold."""
    from .checks import check_environment
    from .files import cache_roots
    from .models.caches import contents

    print(check_environment())
    kept = [kept for root in cache_roots() for kept in contents(root)]
    if kept:
        print("The caches hold:", *kept, sep="\n  ")
    if not all(each.needed for each in kept):
        print("`python -m latentlang clean` removes what nobody needs.")


def _pair(text: str) -> tuple[str, str]:
    source, dash, target = text.strip().partition("-")
    if not dash:
        raise DataError(f"'{text}' is not a pair: write source-target, such as fr-zh.")
    return source, target


if __name__ == "__main__":
    sys.exit(main())
