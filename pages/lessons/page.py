"""Lessons: five minutes each on the other pages, with a prediction and a question."""

from pathlib import Path

import streamlit as st

from maml_core.paths import ASSETS
from maml_core.teaching import lessons
from maml_core.teaching.lessons import Lesson
from pages.lessons.worksheet import SCREEN, draw_print_button, draw_worksheet
from pages.shared.frame.glossary import PLAIN, introduce
from pages.shared.frame.page_header import page_with_characters
from pages.shared.link_settings import one_of

PAGES = Path(__file__).parents[1]
FOLDER = ASSETS / "lessons"
FIRST_PAGE = "play"  # its address is that of the app itself
ARRANGEMENT = """
<style>
.st-key-walk { max-width: 44rem; }
@media (min-width: 641px) {
  .st-key-contents { position: sticky; top: 3.5rem; }
}
</style>
"""
# With the lesson's number: the same script twice would run once.
TO_THE_TOP = """
<script>/* {} */ document.querySelector('[data-testid="stMain"]').scrollTo(0, 0);</script>
"""


def main() -> None:
    """Draw the page."""
    # Read again in each run: whoever writes a lesson sees it at once.
    loaded, broken = lessons.load(FOLDER, _page_names())
    by_title = {lesson.title: lesson for lesson in loaded}
    with st.container(key=SCREEN):
        page_with_characters(
            "Lessons", {"lesson": one_of(*by_title), "teacher": one_of("true", "false")}
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
        for sentence in broken:
            st.warning(sentence, icon=":material/draft:")
        if not loaded:
            st.info("There is no lesson yet: put one into assets/lessons, as docs/pages.md says.")
            return
        st.html(ARRANGEMENT)
        left, right = st.columns([2, 5], gap="large")
        with left.container(key="contents"):
            lesson = by_title[_chosen_title(list(by_title))]
            teacher = st.toggle(
                "Teacher's notes", key="teacher", bind="query-params", persist_state="session"
            )
            draw_print_button()
        with right.container(key="walk"):
            _draw_lesson(lesson)
            if teacher:
                st.subheader("Teacher's notes", anchor=False)
                st.markdown(lesson.notes)
            _draw_neighbours(list(by_title), lesson.title)
    draw_worksheet(lesson)


def _page_names() -> set[str]:
    """Return the names of the pages as links write them."""
    return {path.parent.name for path in PAGES.glob("*/page.py")} - {FIRST_PAGE} | {""}


def _chosen_title(titles: list[str]) -> str:
    """Draw the list of lessons and return the title of the one to show."""
    if st.session_state.get("lesson") not in (None, *titles):
        del st.session_state["lesson"]  # its file is gone
    return st.radio("Lesson", titles, key="lesson", bind="query-params", persist_state="session")


def _draw_lesson(lesson: Lesson) -> None:
    """Draw a lesson: the prediction, what to do, and what is folded away until then."""
    st.header(lesson.title, anchor=False)
    st.markdown(lesson.introduction)
    st.subheader("1. Predict", anchor=False)
    st.markdown(lesson.prediction)
    prediction = _prediction(lesson)
    st.subheader("2. Try it", anchor=False)
    st.markdown(lesson.steps)
    st.caption("Links open in a new tab; this one stays as it is.")
    if _is_unfolded("Show what you should have seen", "outcome", lesson):
        reminder = (
            f"You predicted: **{prediction}**" if prediction else "You haven't predicted anything."
        )
        st.markdown(f"{reminder}\n\n{lesson.outcome}")
    st.subheader("3. Question", anchor=False)
    st.markdown(lesson.question)
    if _is_unfolded("Show the answer", "answer", lesson):
        st.markdown(lesson.answer)


def _prediction(lesson: Lesson) -> str | None:
    """Ask for the prediction, and return it once there is one."""
    key = f"expected {lesson.title}"
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
