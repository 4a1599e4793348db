"""What the class thought, live, to be read from the back row."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from maml_core.classroom.activities import Activity, open_activity_of
from maml_core.classroom.membership import ClassRecord, Pupil, is_there, pupils_of
from pages.classroom.drawings import draw_drawings
from pages.classroom.lesson_results import draw_lesson_results
from pages.classroom.play_results import draw_play_results
from pages.classroom.prediction_results import draw_prediction_results
from pages.shared.classroom.store import database
from pages.shared.frame.navigation import PAGES_BY_NAME
from pages.shared.widgets import plain_text

AWAY_SECONDS = 60  # since a browser last spoke: its phone sleeps, or shows something else
LOOK_SECONDS = 2  # between two looks at what came in
NAMED = 12  # pupils, in a line of a projector; the others are counted
RESULTS: Mapping[str, Callable[[ClassRecord, Activity | None], None]] = {
    "Play": draw_play_results,
    "Predictions": draw_prediction_results,
    "Drawings": draw_drawings,
    "Lessons": draw_lesson_results,
}
BY_KIND = {  # of activities
    "play": "Play",
    "prediction": "Predictions",
    "drawing": "Drawings",
    "lesson": "Lessons",
}


@st.fragment(run_every=LOOK_SECONDS)
def draw_projector(taught: ClassRecord) -> None:
    """Draw who is here, and what they handed in: that of the activity which is open, at first."""
    if not is_there(database(), taught.id):
        st.rerun()  # it was deleted in another window, or by time: its code opens nothing any more
    pupils = pupils_of(database(), taught.id)
    with st.container(horizontal=True, vertical_alignment="center", key="who_is_here"):
        st.subheader(f"{sum(map(_is_heard_of, pupils))} here", anchor=False, width="content")
        st.caption(plain_text(who_is_where(pupils)), width="stretch")
    opened = open_activity_of(database(), taught.id)
    _turn_to(opened)
    shown = st.segmented_control(
        "What the class thought", list(RESULTS), default="Play", required=True, key="class_results"
    )
    RESULTS[shown](taught, opened)


def who_is_where(pupils: Sequence[Pupil]) -> str:
    """Return where pupils are, and their names as far as there is room for them."""
    if not pupils:
        return "Nobody has joined yet."
    names = ", ".join(pupil.name for pupil in pupils[:NAMED])
    more = f" and {len(pupils) - NAMED} more" if len(pupils) > NAMED else ""
    return f"{where_they_are(pupils)}: {names}{more}."


def where_they_are(pupils: Sequence[Pupil]) -> str:
    """Return on which pages pupils are, the most visited first; who is not heard of is away."""
    places = Counter(map(_where, pupils))
    return ", ".join(f"{count} {place}" for place, count in places.most_common())


def _where(pupil: Pupil) -> str:
    if not _is_heard_of(pupil):
        return "away"
    page = PAGES_BY_NAME.get(pupil.place)
    return f"on {page.title}" if page else "just coming"


def _is_heard_of(pupil: Pupil) -> bool:
    return time.time() - pupil.seen_at < AWAY_SECONDS


def _turn_to(opened: Activity | None) -> None:
    """Show what comes of an activity when it has just been opened, and when one comes back."""
    state = st.session_state
    if opened is not None and (
        opened.id != state.get("class_turned_to") or "class_results" not in state
    ):
        state["class_turned_to"] = opened.id
        if opened.kind in BY_KIND:
            state["class_results"] = BY_KIND[opened.kind]
