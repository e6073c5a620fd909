"""Find a Chromium for the browser tests, or install one: ``python tests/browser/chromium.py``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Scripts that a plain Linux has no font for: a language of each, and the package that has one.
FONTS = {"zh": "fonts-noto-cjk", "hi": "fonts-lohit-deva"}


def find() -> str | None:
    """Return the path of a Chromium that starts, or None.

    The environment variable ``CHROMIUM`` comes first, then the usual names on PATH, then
    Playwright's own browser.
    """
    asked = os.environ.get("CHROMIUM")
    if asked:
        path = shutil.which(asked)
        return path if path and _starts(path) else None
    installed = (path for path in map(shutil.which, NAMES) if path and _starts(path))
    return next(installed, None) or _playwrights_own()


def install() -> str | None:
    """Install Chromium (Debian's as root on Debian, else Playwright's); return its path or None."""
    if _debian_root() and _apt("chromium", *FONTS.values()) and (path := find()):
        return path
    extra = ["--with-deps"] if _debian_root() else []
    # Its own account of a failure is long and names no way out; ``main`` does.
    _run([sys.executable, "-m", "playwright", "install", *extra, "chromium"], quiet=True)
    return find()


def ensure_fonts() -> None:
    """Install fonts for Chinese and Devanagari where we may; else say so and go on."""
    missing = _missing_fonts()
    if missing and _debian_root():
        _apt(*missing)
        missing = _missing_fonts()
    if missing:
        print(
            f"Some words have no font here: install {' and '.join(missing)}, "
            "or pictures show boxes instead.",
            file=sys.stderr,
        )


def main() -> int:
    """Make a Chromium available and print its path; 1 when there is none to be had."""
    if os.environ.get("CHROMIUM"):
        path = find()
        trouble = (
            f"CHROMIUM={os.environ['CHROMIUM']} is not a browser that starts: "
            "correct the path, or unset it."
        )
    else:
        path = find() or install()
        trouble = (
            "The browser tests need Chromium, and none could be found or installed: ask the "
            "administrator for it (on Debian and Ubuntu the package is called chromium), or set "
            "CHROMIUM to the path of one."
        )
    if path is None:
        print(trouble, file=sys.stderr)
        return 1
    ensure_fonts()
    print(path)
    return 0


def _starts(path: str) -> bool:
    """Tell whether the program runs at all.

    Ubuntu's ``chromium-browser`` may point to a snap that is not there.
    """
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> str | None:
    """Return the path of Playwright's own browser, or None if it is not installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and _starts(path) else None


def _missing_fonts() -> list[str]:
    """Return the packages of the scripts that no font of this machine has."""
    return [package for language, package in FONTS.items() if not _has_font(language)]


def _has_font(language: str) -> bool:
    if not shutil.which("fc-list"):
        return False
    command = ["fc-list", f":lang={language}"]
    return bool(subprocess.run(command, capture_output=True, text=True).stdout.strip())


def _debian_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _apt(*packages: str) -> bool:
    """Install Debian packages; tell whether that worked."""
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    update = ["apt-get", "-q", "update"]
    return _run(update, quiet) and _run(
        ["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages], quiet
    )


def _run(command: list[str], env: dict[str, str] | None = None, quiet: bool = False) -> bool:
    """Run a command, its output on stderr (stdout is for the answer); tell whether it succeeded.

    A quiet one shows no output.
    """
    print("+", *command, file=sys.stderr, flush=True)
    shown = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} if quiet else {}
    try:
        done = subprocess.run(command, env=env, timeout=1200, **({"stdout": sys.stderr} | shown))
        return done.returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(main())
