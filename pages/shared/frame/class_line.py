"""The line of a class on every page: who one is, where everybody is led, and what leads them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.classroom.links import PREDICT, is_whole, link_here
from pages.shared.classroom.store import database
from pages.shared.classroom.visitor import current_pupil, taught_class
from pages.shared.component import component
from pages.shared.frame.links.short_links import app_root

if TYPE_CHECKING:
    from maml_core.classroom.membership import ClassRecord

LEAD, LET_GO = "lead_here", "let_go"
LEAD_SETTINGS = "lead_settings"  # in the session: an activity's settings, by page
# Of activities, by page; on all others there is only something to be looked at.
KINDS = {
    "play": "play",
    "adapt": "prediction",
    "evaluate": "prediction",
    "draw": "drawing",
    "lessons": "lesson",
}
_line = component("class_line")


def root() -> str:
    """Return the app's address, without a slash at its end."""
    return app_root(st.context.url or "")


def show_class(page: str) -> None:
    """Draw the line of a visitor's class, and for a teacher what leads it; without one, nothing.

    Args:
        page: The name of the page.
    """
    with st.container(key="class_line"):  # always there, see `show_until_dismissed`
        pupil, taught = current_pupil(), taught_class()
        if pupil is not None:
            link = link_here(page) if is_whole(page) else ""
            own = {"who": pupil.id, "name": pupil.name}
            data = {"root": root(), "place": page, "link": link, **own}
            _line(key="class_line_of_pupil", data=data)
        if taught is not None and page != "classroom":
            _lead(taught, page)


def _lead(taught: ClassRecord, page: str) -> None:
    """Offer a teacher to lead their class to the page as it stands."""
    from maml_core.classroom.activities import close_activity, fault_of_link, open_activity_of

    here = link_here(page)
    opened = open_activity_of(database(), taught.id)
    is_here = opened is not None and opened.link == here
    fault = fault_of_link(here)
    with st.container(horizontal=True, vertical_alignment="center", key="lead"):
        st.caption(
            fault or ("Your class is led to this page." if is_here else "You teach a class."),
            width="content",
        )
        st.button(
            "Lead everybody here",
            key=LEAD,
            icon=":material/groups:",
            disabled=is_here or bool(fault),
            on_click=partial(_open, taught.id, page, here),
        )
        st.button(
            "Let everybody go",
            key=LET_GO,
            disabled=opened is None,
            on_click=lambda: close_activity(database(), taught.id),
        )
        st.page_link("pages/classroom/page.py", label="To the class")


def _open(class_id: int, page: str, link: str) -> None:
    from maml_core.classroom.activities import open_activity
    from maml_core.classroom.membership import is_there

    if page == "adapt":
        st.session_state[PREDICT] = True  # the teacher's own screen shows no outcome, either
    settings = st.session_state.get(LEAD_SETTINGS, {}).get(page)
    if is_there(database(), class_id):  # else it was deleted in another window
        open_activity(database(), class_id, KINDS.get(page, "page"), link, settings)
