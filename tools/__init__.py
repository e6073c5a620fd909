"""What makes and checks the course: run as ``python -m tools.NAME`` from the repository's root."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
