"""Lessons: walks of five minutes over the other pages, each with a prediction and a question."""

from pathlib import Path

import streamlit as st

from maml_core.paths import ASSETS
from maml_core.teaching import lessons
from maml_core.teaching.lessons import Lesson
from pages.lessons.worksheet import SCREEN, print_button, worksheet
from pages.shared.page_header import head
from pages.shared.settings import one_of

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
    # Read anew in each run: whoever writes a lesson sees it at once.
    found, broken = lessons.load(FOLDER, _pages())
    by_title = {lesson.title: lesson for lesson in found}
    with st.container(key=SCREEN):
        head("Lessons", {"lesson": one_of(*by_title), "teacher": one_of("true", "false")})
        st.markdown(
            "Walks of five minutes over the other pages. **Predict first, then look**, then answer "
            "the question at the end."
        )
        for sentence in broken:
            st.warning(sentence, icon=":material/draft:")
        if not found:
            st.info("There is no lesson yet: put one into assets/lessons, as docs/pages.md says.")
            return
        st.html(ARRANGEMENT)
        left, right = st.columns([2, 5], gap="large")
        with left.container(key="contents"):
            lesson = by_title[_chosen(list(by_title))]
            teacher = st.toggle(
                "Teacher's notes", key="teacher", bind="query-params", persist_state="session"
            )
            print_button()
        with right.container(key="walk"):
            _walk(lesson)
            if teacher:
                st.subheader("Teacher's notes", anchor=False)
                st.markdown(lesson.notes)
            _neighbours(list(by_title), lesson.title)
    worksheet(lesson)


def _pages() -> set[str]:
    """Return the names by which links may call the pages."""
    return {path.parent.name for path in PAGES.glob("*/page.py")} - {FIRST_PAGE} | {""}


def _chosen(titles: list[str]) -> str:
    """Draw the list of lessons and return the title of the one that is to be shown."""
    if st.session_state.get("lesson") not in (None, *titles):
        del st.session_state["lesson"]  # its file is gone
    return st.radio("Lesson", titles, key="lesson", bind="query-params", persist_state="session")


def _walk(lesson: Lesson) -> None:
    """Draw a lesson: what it asks before, what to do, and what is folded away until then."""
    st.header(lesson.title, anchor=False)
    st.markdown(lesson.introduction)
    st.subheader("1. Predict", anchor=False)
    st.markdown(lesson.prediction)
    expected = _expected(lesson)
    st.subheader("2. Try it", anchor=False)
    st.markdown(lesson.steps)
    st.caption("Links open in a new tab; this one stays as it is.")
    if _unfolded("Show what was to be seen", "outcome", lesson):
        said = f"You expected: **{expected}**" if expected else "You have not predicted anything."
        st.markdown(f"{said}\n\n{lesson.outcome}")
    st.subheader("3. Question", anchor=False)
    st.markdown(lesson.question)
    if _unfolded("Show the answer", "answer", lesson):
        st.markdown(lesson.answer)


def _expected(lesson: Lesson) -> str | None:
    """Ask for the prediction, and return it once there is one."""
    key = f"expected {lesson.title}"
    if lesson.choices:
        return st.radio("Your prediction", lesson.choices, None, key=key, persist_state="session")
    return st.text_area("Your prediction", key=key, persist_state="session")


def _unfolded(words: str, what: str, lesson: Lesson) -> bool:
    """Offer what is folded away; once unfolded it stays so, whatever page one goes to."""
    return st.toggle(words, key=f"{what} {lesson.title}", persist_state="session")


def _neighbours(titles: list[str], title: str) -> None:
    """Offer the lesson before and the one after; the new one is shown from its beginning."""
    place = titles.index(title)
    st.divider()
    with st.container(horizontal=True):
        for words, there, icon in (
            ("Previous", place - 1, ":material/arrow_back:"),
            ("Next", place + 1, ":material/arrow_forward:"),
        ):
            if 0 <= there < len(titles):
                st.button(
                    f"{words}: {titles[there]}",
                    key=words.lower(),
                    icon=icon,
                    on_click=_go,
                    args=(titles[there],),
                )
    if st.session_state.pop("to_the_top", False):
        st.html(TO_THE_TOP.format(place), unsafe_allow_javascript=True)


def _go(title: str) -> None:
    st.session_state.update(lesson=title, to_the_top=True)


main()
