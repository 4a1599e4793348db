"""Lessons: five minutes each on the other pages, with a prediction and a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from maml_core.teaching import lessons
from maml_core.teaching.exports.lesson_notebooks import lesson_notebook
from maml_core.teaching.lesson_figures import LESSONS as FOLDER
from maml_core.teaching.lessons import Lesson, Plan
from pages.lessons.hand_in import hand_in_answer, hand_in_choice
from pages.lessons.worksheet import (
    SCREEN,
    draw_plan_on_paper,
    draw_print_button,
    draw_worksheet,
)
from pages.shared.character_sets import available_datasets
from pages.shared.classroom.visitor import current_pupil
from pages.shared.frame.glossary import PLAIN, introduce
from pages.shared.frame.navigation import PAGES
from pages.shared.frame.page_header import page_top
from pages.shared.link_settings import one_of, parse_whole
from pages.shared.widgets import plain_text, segmented_choice

if TYPE_CHECKING:
    from maml_core.classroom.membership import Pupil

# With the lesson's number: the same script twice would run once.
TO_THE_TOP = """
<script>/* {} */ document.querySelector('[data-testid="stMain"]').scrollTo(0, 0);</script>
"""


def main() -> None:
    """Draw the page."""
    # Links open on Omniglot where it is, whatever the sidebar says, and so are the figures.
    dataset = "omniglot" if available_datasets()["omniglot"] else "glyphs"
    # Read again in each run: whoever writes a lesson sees it at once.
    loaded, broken = lessons.load(FOLDER, _page_names(), dataset)
    plans, broken_plans = lessons.load_plans(FOLDER / "plans", _page_names(), dataset)
    titles = [lesson.title for lesson in loaded]
    by_plan = {plan.title: plan for plan in plans}
    with st.container(key=SCREEN):
        page_top(
            "Lessons",
            {
                "lesson": one_of(*titles, *map(str, range(1, len(titles) + 1))),
                "teacher": one_of("true", "false"),
                "plan": one_of(*by_plan),
            },
        )
        st.markdown(
            "Five minutes each on the other pages. **Predict first, then look**, then answer the "
            "question at the end."
        )
        introduce(
            PLAIN,
            *("MAML", "pretrained", "meta-learning", "N-way K-shot", "support set, query set"),
            *("θ", "α", "inner loop, inner step", "outer loop", "chance"),
            *("normalised together, each alone", "confidence interval"),
        )
        for sentence in (*broken, *broken_plans):
            st.warning(plain_text(sentence), icon=":material/draft:")
        if not loaded:
            st.info("There is no lesson yet: put one into assets/lessons, as docs/pages.md says.")
            return
        if dataset != "omniglot":
            st.caption(
                "Omniglot is not on this machine: links and figures are of the built-in glyphs."
            )
        left, right = st.columns([2, 5], gap="large")
        with left.container(key="contents"):
            number = titles.index(_chosen_title(titles))
            teacher, plan = _teachers_controls(by_plan)
            draw_print_button("Print the plan" if plan else "Print the worksheet")
            if not plan:
                _draw_notebook_button(loaded[number], number + 1)
        with right.container(key="walk"):
            if plan:
                _draw_plan(plan)
            else:
                _draw_lesson(loaded[number], number + 1)
                if teacher:
                    st.subheader("Teacher's notes", anchor=False)
                    st.markdown(loaded[number].notes)
                _draw_neighbours(titles, titles[number])
    if plan:
        draw_plan_on_paper(plan, {"plan": plan.title})
    else:
        draw_worksheet(loaded[number], number + 1)


def _teachers_controls(plans: Mapping[str, Plan]) -> tuple[bool, Plan | None]:
    """Return whether notes are to be shown, and the plan to be shown in place of a lesson."""
    teacher = st.toggle(
        "Teacher's notes", key="teacher", bind="query-params", persist_state="session"
    )
    chosen = (
        segmented_choice("Plan of a whole lesson", plans, "plan", default=None, required=False)
        if plans
        else None
    )
    return teacher, plans.get(chosen or "")


def _draw_notebook_button(lesson: Lesson, number: int) -> None:
    """Offer the lesson as a notebook, which computes what its links show."""
    st.download_button(
        "Notebook",
        lambda: lesson_notebook(lesson),
        f"lesson-{number}.ipynb",
        "application/x-ipynb+json",
        key="lesson_notebook",
        icon=":material/download:",
        on_click="ignore",
        help="The same lesson in Python, for Jupyter and a copy of the project.",
    )


def _draw_plan(plan: Plan) -> None:
    st.header(f"A lesson of {plan.title}", anchor=False)
    st.markdown(plan.text)


def _page_names() -> set[str]:
    """Return the names of the pages as links write them."""
    return {page.address for page in PAGES}


def _chosen_title(titles: list[str]) -> str:
    """Draw the list of lessons and return the title of the one to show.

    The address has its number, or in older links its title.
    """
    state = st.session_state
    if "lesson" not in state:
        text = st.query_params.get("lesson", "1")
        number = (parse_whole(text) or 1) - 1
        in_range = titles[number] if 0 <= number < len(titles) else titles[0]
        state["lesson"] = text if text in titles else in_range
    if state["lesson"] not in titles:
        del state["lesson"]  # its file is gone
    title = st.radio(
        "Lesson",
        titles,
        key="lesson",
        persist_state="session",
        on_change=_leave_plan,
        args=(titles,),
    )
    _name_in_link(titles)
    return title


def _leave_plan(titles: list[str]) -> None:
    """Show the lesson that was just chosen, and name it before the sidebar offers the address."""
    st.session_state["plan"] = None
    _name_in_link(titles)


def _name_in_link(titles: list[str]) -> None:
    """Let the address carry the number of the lesson; at first that of the first goes unsaid."""
    number = titles.index(st.session_state["lesson"]) + 1
    if number > 1 or "lesson" in st.query_params:
        st.query_params["lesson"] = str(number)


def _draw_lesson(lesson: Lesson, number: int) -> None:
    """Draw a lesson: the prediction, what to do, and what is folded away until then."""
    st.header(lesson.title, anchor=False)
    st.markdown(lesson.introduction)
    st.subheader("1. Predict", anchor=False)
    st.markdown(lesson.prediction)
    pupil = current_pupil()
    prediction = _prediction(lesson, number, pupil)
    st.subheader("2. Try it", anchor=False)
    st.markdown(lesson.steps)
    st.caption("Links open in a new tab; this one stays as it is.")
    is_unfolded = _is_unfolded("Show what you should have seen", "outcome", lesson)
    with st.container(key="outcome"):  # always there, see `show_until_dismissed`
        if is_unfolded:
            reminder = (
                f"You predicted: **{prediction}**"
                if prediction
                else "You haven't predicted anything."
            )
            st.markdown(f"{reminder}\n\n{lesson.outcome}")
            if pupil and lesson.choices:
                hand_in_choice(pupil, lesson, number, after=True)
    st.subheader("3. Question", anchor=False)
    st.markdown(lesson.question)
    if pupil:
        hand_in_answer(pupil, number)
    if _is_unfolded("Show the answer", "answer", lesson):
        st.markdown(lesson.answer)


def _prediction(lesson: Lesson, number: int, pupil: Pupil | None) -> str | None:
    """Ask for the prediction, and return it once there is one; a pupil's, once it is handed in."""
    key = f"expected {lesson.title}"
    if lesson.choices and pupil:
        is_seen = bool(st.session_state.get(f"outcome {lesson.title}"))
        return hand_in_choice(pupil, lesson, number, is_seen=is_seen)
    if lesson.choices:
        return st.radio("Your prediction", lesson.choices, None, key=key, persist_state="session")
    return st.text_area("Your prediction", key=key, persist_state="session")


def _is_unfolded(label: str, section: str, lesson: Lesson) -> bool:
    """Offer a section that is folded away; once unfolded it stays so, even on other pages."""
    return st.toggle(label, key=f"{section} {lesson.title}", persist_state="session")


def _draw_neighbours(titles: list[str], title: str) -> None:
    """Offer the lesson before and the one after; the new one is shown from its beginning."""
    place = titles.index(title)
    st.divider()
    with st.container(horizontal=True):
        for label, position, icon in (
            ("Previous", place - 1, ":material/arrow_back:"),
            ("Next", place + 1, ":material/arrow_forward:"),
        ):
            if 0 <= position < len(titles):
                st.button(
                    f"{label}: {titles[position]}",
                    key=label.lower(),
                    icon=icon,
                    on_click=_go_to,
                    args=(titles[position],),
                )
    if st.session_state.pop("to_the_top", False):
        st.html(TO_THE_TOP.format(place), unsafe_allow_javascript=True)


def _go_to(title: str) -> None:
    st.session_state.update(lesson=title, to_the_top=True)


main()
