"""Train: meta-train in front of the class, and replay a whole training."""

import streamlit as st

from pages.shared import ordering, replaying, training
from pages.shared.frame import head
from pages.shared.settings import one_of

SECTIONS = {"Images": training.images, "Replay": replaying.replay}


def main() -> None:
    """Draw the page."""
    checks = {"what": one_of(*SECTIONS), **ordering.checks(), **replaying.CHECKS}
    settings, data = head("Train", checks)
    what = st.segmented_control(
        "What",
        list(SECTIONS),
        default=next(iter(SECTIONS)),
        required=True,
        key="what",
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
    )
    SECTIONS[what](settings, data)


main()
