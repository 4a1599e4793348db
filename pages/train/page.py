"""Train: meta-learning while one watches."""

from __future__ import annotations

from pages.shared.frame.glossary import IN_SYMBOLS, introduce
from pages.shared.frame.page_header import page_with_characters
from pages.shared.link_settings import one_of
from pages.shared.widgets import segmented_choice
from pages.train import images_section, replay

# What can be trained: each a module with the checks of its values in the URL and a `draw`.
SECTIONS = {"Images": images_section, "Replay": replay}


def main() -> None:
    """Draw the page."""
    checks = {"what": one_of(*SECTIONS)}
    for section in SECTIONS.values():
        checks |= section.CHECKS
    page_with_characters("Train", checks)
    introduce(
        IN_SYMBOLS,
        *("θ", "α", "β", "inner loop, inner step", "outer loop", "meta-batch", "N-way K-shot"),
        *("nats", "chance", "first-order MAML", "ANIL", "Reptile", "multi-task training"),
        *("Conv4", "normalised together, each alone", "confidence interval"),
    )
    what = segmented_choice(
        "What is trained",
        SECTIONS,
        "what",
        persist_state="session",
        label_visibility="collapsed",
    )
    SECTIONS[what].draw()


main()
