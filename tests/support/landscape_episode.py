"""The shape of the episodes on which landscapes are tested."""

from __future__ import annotations

from maml_core.config import EpisodeSpec

SPEC = EpisodeSpec(3, 2, 2)
