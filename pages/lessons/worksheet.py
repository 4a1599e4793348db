"""A lesson on paper: what the browser prints in place of the page."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

import streamlit as st

from maml_core.teaching.lessons import Lesson
from pages.shared.component import COMPONENTS, component

SCREEN = "screen"  # key of the container that is not printed
_PRINT = (COMPONENTS / "worksheet" / "print.css").read_text(encoding="utf-8")
_mount = component("worksheet")


def draw_print_button() -> None:
    """Draw the button that opens the browser's print dialogue."""
    _mount(key="print_worksheet")


def draw_worksheet(lesson: Lesson) -> None:
    """Lay out a lesson for paper: black on white, with lines to write on, without its answers."""
    parts = [
        f"<style>{_PRINT}</style>",
        f"<h2>{escape(lesson.title)}</h2>",
        '<div class="worksheet-head"><span>Name</span><span>Date</span></div>',
        lesson.introduction,
        "<h3>1. Predict</h3>",
        lesson.prediction,
        *(f'<p class="worksheet-choice">{escape(choice)}</p>' for choice in lesson.choices),
        _lines("Why do you think so?", 2) if lesson.choices else _lines("", 3),
        f"<h3>2. Try it</h3>{_address(lesson)}",
        lesson.steps,
        _lines("What did you see? Was your prediction right?", 3),
        "<h3>3. Question</h3>",
        lesson.question,
        _lines("", 4),
    ]
    # One element with its style in it: of several, some would be visible until the style arrives.
    with st.container(key="worksheet"):
        st.markdown("\n\n".join(parts), unsafe_allow_html=True)


def _lines(heading: str, count: int) -> str:
    """Return lines to write on, below a heading."""
    lines = '<div class="worksheet-line"></div>' * count
    return f'<div class="worksheet-lines">{heading}{lines}</div>'


def _address(lesson: Lesson) -> str:
    """Say where to find the lesson's links."""
    link = f"{st.context.url or ''}?{urlencode({'lesson': lesson.title})}"
    return f'<p class="worksheet-address">The links are at {escape(link)}</p>'
