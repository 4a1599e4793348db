"""What a class takes away: a table and a report for the teacher, a hand-in file for each pupil."""

from __future__ import annotations

import streamlit as st

from maml_core.classroom.hand_ins import hand_ins_of
from maml_core.classroom.hand_ins_csv import hand_ins_csv
from maml_core.classroom.membership import ClassRecord, Pupil
from pages.classroom.report import class_report, own_report
from pages.shared.classroom.store import database
from pages.shared.streamlit_internals import in_this_run


def draw_take_away(taught: ClassRecord) -> None:
    """Offer a teacher what their class handed in."""
    st.subheader("Take away", anchor=False)
    name = f"class-{taught.code}"
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)",
            in_this_run(lambda: class_report(taught)),
            f"{name}.html",
            "text/html",
            key="class_report",
            on_click="ignore",
        )
        st.download_button(
            "All that was handed in (CSV)",
            lambda: hand_ins_csv(hand_ins_of(database(), taught.id)),
            f"{name}.csv",
            "text/csv",
            key="class_csv",
            on_click="ignore",
        )


def draw_own_file(pupil: Pupil) -> None:
    """Offer a pupil what they handed in themselves."""
    st.download_button(
        "Your hand-in file (HTML)",
        in_this_run(lambda: own_report(pupil)),
        f"{pupil.name.replace(' ', '-')}.html",
        "text/html",
        key="own_report",
        on_click="ignore",
    )
