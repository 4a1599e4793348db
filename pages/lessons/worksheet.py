"""What the browser prints in place of the page: a lesson's worksheet, or a teacher's plan."""

from __future__ import annotations

import base64
from html import escape

import streamlit as st

from maml_core.teaching.lessons import Lesson, Plan
from pages.shared.component import COMPONENTS, component
from pages.shared.frame.links.short_links import Params, qr_svg, short_link

_PRINT = (COMPONENTS / "worksheet" / "print.css").read_text(encoding="utf-8")
_mount = component("worksheet")
SCREEN = "screen"  # key of the container that is not printed


def draw_print_button(label: str) -> None:
    """Draw the button that opens the browser's print dialogue."""
    _mount(key="print_worksheet", data={"label": label})


def draw_worksheet(lesson: Lesson, number: int) -> None:
    """Lay out a lesson for paper: black on white, with lines to write on, without its answers."""
    link = short_link("lessons", {"lesson": str(number)})
    _lay_out(
        f"<h2>{escape(lesson.title)}</h2>",
        f'<div class="worksheet-head"><span>Name</span><span>Date</span>{_qr_code(link)}</div>',
        lesson.introduction,
        "<h3>1. Predict</h3>",
        lesson.prediction,
        *(f'<p class="worksheet-choice">{escape(choice)}</p>' for choice in lesson.choices),
        _lines("Why do you think so?", 2) if lesson.choices else _lines("", 3),
        f"<h3>2. Try it</h3>{_address(link)}",
        lesson.steps,
        _lines("What did you see? Was your prediction right?", 3),
        "<h3>3. Question</h3>",
        lesson.question,
        _lines("", 4),
    )


def draw_plan_on_paper(plan: Plan, params: Params) -> None:
    """Lay out a plan for paper; `params` are those of the address that shows it."""
    link = short_link("lessons", params)
    _lay_out(
        f"<h2>A lesson of {escape(plan.title)}</h2>",
        f'<div class="worksheet-head"><span>Class</span><span>Date</span>{_qr_code(link)}</div>',
        _address(link),
        plan.text,
        _lines("Notes", 4),
    )


def _lay_out(*parts: str) -> None:
    """Draw what is printed."""
    # One element with its style in it: of several, some would be visible until the style arrives.
    with st.container(key="worksheet"):
        st.markdown("\n\n".join((f"<style>{_PRINT}</style>", *parts)), unsafe_allow_html=True)


def _lines(heading: str, count: int) -> str:
    """Return lines to write on, below a heading."""
    lines = '<div class="worksheet-line"></div>' * count
    return f'<div class="worksheet-lines">{heading}{lines}</div>'


def _qr_code(link: str) -> str:
    """Return a link's QR code as a picture, which Markdown lets through."""
    uri = f"data:image/svg+xml;base64,{base64.b64encode(qr_svg(link).encode()).decode()}"
    return f'<img class="worksheet-qr" src="{uri}" alt="QR code of {escape(link)}">'


def _address(link: str) -> str:
    """Say where to find the links."""
    return f'<p class="worksheet-address">The links are at {escape(link)}</p>'
