"""Each page leads on: to pages that exist, and to lessons that exist."""

from __future__ import annotations

from maml_core.paths import ASSETS
from pages.shared.frame.navigation import PAGES_BY_NAME
from pages.shared.frame.next_steps import STEPS
from tests.support.opened_page import open_page


def test_each_page_leads_to_others() -> None:
    assert STEPS.keys() == PAGES_BY_NAME.keys()
    for page, steps in STEPS.items():
        assert {step.page for step in steps} <= PAGES_BY_NAME.keys() - {page}
        assert len(steps) >= 2
    reached = {step.page for steps in STEPS.values() for step in steps}
    assert reached == PAGES_BY_NAME.keys()


def test_the_lessons_that_are_named_exist() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ASSETS / "lessons").glob("*.md")]
    named = {step.lesson for steps in STEPS.values() for step in steps if step.lesson}
    for lesson in named:
        assert any(f'title = "{lesson}"' in text for text in texts), lesson


def test_they_stand_on_the_page() -> None:
    at = open_page("pages/toy/page.py")
    links = [link.proto for link in at.main.get("page_link")]
    assert [link.label for link in links] == [step.words for step in STEPS["toy"]]
    assert links[-1].query_string == "lesson=Why+two+loops%3F"
