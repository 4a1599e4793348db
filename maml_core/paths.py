"""Where the project's own files lie."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[1]
ASSETS = PROJECT / "assets"
WEIGHTS = ASSETS / "weights"
