"""What was measured with which settings, for the columns of a CSV."""

from __future__ import annotations

from maml_core.teaching.exports import facts
from pages.shared import cached
from pages.shared.link_settings import Settings


def episode_facts(
    settings: Settings, *, split: str = cached.SPLIT, **others: object
) -> dict[str, object]:
    """Return what names the sidebar's episode, and `others` after it."""
    named = facts.episode_facts(
        settings.dataset, split, settings.part, settings.spec, settings.seed, settings.number
    )
    return named | others
