"""Train: meta-learning while one watches."""

from __future__ import annotations

from pages.shared import replaying, sinusoid, training
from pages.shared.controls import choice
from pages.shared.frame import head
from pages.shared.settings import one_of

# What can be trained: each a module with the checks of its values in the URL and a `draw`.
SECTIONS = {"Sinusoid": sinusoid, "Images": training, "Replay": replaying}


def main() -> None:
    """Draw the page."""
    checks = {"what": one_of(*SECTIONS)}
    for section in SECTIONS.values():
        checks |= section.CHECKS
    head("Train", checks)
    what = choice(
        "What is trained",
        SECTIONS,
        "what",
        persist_state="session",
        label_visibility="collapsed",
    )
    SECTIONS[what].draw()


main()
