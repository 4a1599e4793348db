"""How one comes in: the door for strangers, the code for the projector, a pupil's own part."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode

import streamlit as st

from maml_core.classroom.activities import activities_of
from maml_core.classroom.hand_ins import own_hand_ins
from maml_core.classroom.membership import ClassRecord, Pupil, class_of_code
from pages.shared.classroom.store import database, kept_days
from pages.shared.component import component
from pages.shared.frame.class_line import root
from pages.shared.frame.links.share import FOR_OTHERS, is_of_this_computer
from pages.shared.frame.links.short_links import qr_image
from pages.shared.widgets import plain_text

CODE, SECRET = "join", "teacher"  # parameters of a pupil's and a teacher's link
UNKNOWN = "unknown"  # in place of a secret that is no class's
NO_CLASS = "This private link is no class's, or the class has been deleted."
STAYS_TEACHER = "This is another class's link. This browser teaches a class, so it joins none."
_door = component("class_door")


def draw_door() -> None:
    """Offer to join a class by its code, and to start one."""
    _draw_door("class_door", ["join", "start"])


def take_unknown_link() -> None:
    """Note, for the page's top, that a private link was no class's; it left its secret behind."""
    if st.query_params.get(SECRET) == UNKNOWN:
        st.query_params.pop(SECRET)
        st.session_state.setdefault("link_notices", []).append(NO_CLASS)


def draw_other_class(taught: ClassRecord | None, pupil: Pupil | None) -> None:
    """Say what becomes of another class's link in the browser of somebody who is in one."""
    code, own = st.query_params.get(CODE, ""), taught.id if taught else pupil and pupil.class_id
    wanted = class_of_code(database(), code) if code and own else None
    with st.container(key="other_class"):  # always there, see `show_until_dismissed`
        if own is None:
            return
        if st.query_params.get(SECRET):
            _draw_door("class_door_of_link", [])
        elif wanted is not None and wanted.id != own:
            if taught is not None:
                _draw_door("class_door_of_link", ["stop"], STAYS_TEACHER)
            elif pupil is not None:
                notice = f"You are in another class as the {pupil.name}. Join this one instead?"
                _draw_door("class_door_of_link", ["join"], notice)


def draw_way_out() -> None:
    """Let a teacher stop teaching in this browser, and have another private link."""
    st.subheader("This browser", anchor=False)
    _draw_door("class_way_out", ["stop", "renew"])


def _draw_door(key: str, parts: Sequence[str], notice: str = "") -> None:
    _door(
        key=key,
        data={
            "root": root(),
            "address": page_address(),
            "code": st.query_params.get(CODE, ""),
            "secret": st.query_params.get(SECRET, "") if key != "class_way_out" else "",
            "unknown": UNKNOWN,
            "days": f"{kept_days():g} days",
            "parts": parts,
            "notice": notice,
        },
    )


def draw_way_in(taught: ClassRecord) -> None:
    """Show the code and its QR code as large as the projector has room, until the class begins."""
    has_begun = bool(activities_of(database(), taught.id))
    link = f"{page_address()}?{urlencode({CODE: taught.code})}"
    line = st.container(horizontal=True, vertical_alignment="center", key="way_in_line")
    with st.container(key="way_in"):  # always there, see `show_until_dismissed`
        if line.toggle("Show how to join", not has_begun, key="show_way_in"):
            _draw_code(taught.code, link)
        else:
            line.html(
                f"<p class='class-way-in'>{escape(short_address())}, "
                f"<b>{escape(spaced(taught.code))}</b></p>",
                width="content",
            )


def _draw_code(code: str, link: str) -> None:
    words, picture = st.columns(2, vertical_alignment="center", gap="large")
    words.html(
        f"<p class='class-address'>{escape(short_address())}</p>"
        f"<p class='class-code'>{escape(spaced(code))}</p>"
    )
    words.caption(
        "Scan the code, or open the address and type the letters."
        + (FOR_OTHERS if is_of_this_computer(link) else "")
    )
    words.code(link, language=None, wrap_lines=True)
    picture.html(qr_image(link))


def draw_own_part(pupil: Pupil) -> None:
    """Show a pupil who they are, and what they have handed in."""
    st.subheader(plain_text(f"You are the {pupil.name}"), anchor=False)
    st.markdown(
        "Your answers on *Play* go to the class as you give them. When your teacher opens "
        "something for everybody, a line at the bottom of the page takes you there."
    )
    handed_in = own_hand_ins(database(), pupil)
    st.caption(
        "You have handed in nothing yet."
        if not handed_in
        else f"You have handed in {len(handed_in)} "
        f"{'thing' if len(handed_in) == 1 else 'things'}; your teacher sees "
        f"{'it' if len(handed_in) == 1 else 'them'} under this name."
    )


def page_address() -> str:
    """Return this page's address without its parameters."""
    return f"{root()}/classroom"


def short_address() -> str:
    """Return the page's address as one reads it out."""
    return page_address().partition("://")[2]


def spaced(code: str) -> str:
    """Return a code in two groups, as one reads it out."""
    return f"{code[: len(code) // 2]} {code[len(code) // 2 :]}"
