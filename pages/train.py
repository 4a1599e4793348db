"""Train: meta-train in front of the class, and replay a whole training."""

import streamlit as st

from pages.shared.frame import head
from pages.shared.replaying import STEPS, replay
from pages.shared.settings import one_of
from pages.shared.training import images

SECTIONS = {"Images": images, "Replay": replay}


def main() -> None:
    """Draw the page."""
    settings, data = head(
        "Train", {"what": one_of(*SECTIONS), "replay_step": one_of(*map(str, range(1, STEPS + 1)))}
    )
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
