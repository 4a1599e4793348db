"""The episodes on which landscapes are tested: their shape, and the sets that have a loss."""

from __future__ import annotations

from maml_core.config import EpisodeSpec

SPEC = EpisodeSpec(3, 2, 2)
SETS = ("support", "query")
