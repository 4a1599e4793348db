"""Class: a teacher starts one, phones join it, and the projector shows what everybody thought."""

from __future__ import annotations

import streamlit as st

from maml_core.classroom.membership import ClassRecord, Pupil
from pages.classroom.projector import draw_projector
from pages.classroom.settings import draw_class_settings
from pages.classroom.take_away import draw_own_file, draw_take_away
from pages.classroom.welcome import (
    draw_door,
    draw_other_class,
    draw_own_part,
    draw_way_in,
    draw_way_out,
    take_unknown_link,
)
from pages.shared.classroom.visitor import current_pupil, taught_class
from pages.shared.frame.glossary import PLAIN, introduce
from pages.shared.frame.page_header import page_top


def main() -> None:
    """Draw the page."""
    take_unknown_link()
    page_top("Class")
    taught = taught_class()
    pupil = current_pupil()
    draw_other_class(taught, pupil)
    if taught is not None:
        _teach(taught)
        _introduce()  # last: the projector's room is for what the class thought
        return
    _introduce()
    if pupil is not None:
        _take_part(pupil)
    else:
        st.markdown(
            "Everybody answers on their own phone; the projector shows **what the class thought, "
            "beside what MAML and the pretrained network answered.**"
        )
        draw_door()


def _introduce() -> None:
    introduce(PLAIN, "MAML", "pretrained", "N-way K-shot", "support set, query set", "chance")


def _teach(taught: ClassRecord) -> None:
    draw_way_in(taught)
    draw_projector(taught)
    draw_take_away(taught)
    draw_class_settings(taught)
    draw_way_out()


def _take_part(pupil: Pupil) -> None:
    draw_own_part(pupil)
    draw_own_file(pupil)


main()
