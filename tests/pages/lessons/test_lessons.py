"""The Lessons page through Streamlit's own test runner, and every link of every lesson."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from maml_core.teaching import lessons
from pages.landscape import plane_cache
from pages.shared import cached
from pages.shared.frame.links import short_links
from tests.support.opened_page import at_page, open_page, texts

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "assets" / "lessons"
PAGES = {path.parent.name for path in (ROOT / "pages").glob("*/page.py")} - {"play"} | {""}
LESSONS, _ = lessons.load(FOLDER, PAGES, "glyphs")  # those that the page shows in these tests
OF_OMNIGLOT, _ = lessons.load(FOLDER, PAGES, "omniglot")
PLANS, _ = lessons.load_plans(FOLDER / "plans", PAGES, "glyphs")
LINKS = sorted(
    {link for lesson in (*LESSONS, *OF_OMNIGLOT) for link in lesson.links}
    | {link for plan in PLANS for link in lessons.internal_links(plan.text)}
)
LOOPS = "Why two loops?"
LESSON = """+++
title = "{title}"
+++
Some words.
""" + "".join(f"\n## {name}\nThe {name.lower()}.\n" for name in lessons.SECTIONS)


class EnoughSeen(Exception):
    """The controls are drawn; what they ask for is tested elsewhere."""


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that were stopped where they would begin to compute."""
    pages: list[str] = []

    def stop(page: str, *_: object) -> None:
        pages.append(page)
        raise EnoughSeen

    monkeypatch.setattr(cached, "machine_answers", partial(stop, "play"))
    monkeypatch.setattr(cached, "trajectories", partial(stop, "adapt"))
    monkeypatch.setattr(plane_cache, "planes", partial(stop, "landscape"))
    return pages


def as_in_link(key: str, value: object) -> str:
    """Return how a link writes what a control says."""
    if key == "lesson":
        return str([lesson.title for lesson in LESSONS].index(value) + 1)
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("link", LINKS)
def test_each_link_is_taken_by_its_page_as_it_is(link: str, stopped: list[str]) -> None:
    name, _, query = link.removeprefix("./").partition("?")
    wanted = parse_qs(query, strict_parsing=True)
    at = at_page(f"pages/{name or 'play'}/page.py", **wanted).run()
    assert len(at.exception) == stopped.count(name or "play")
    assert "The link asks for" not in texts(at, "warning")
    for key, values in wanted.items():
        found = at.session_state[key]
        found = found if isinstance(found, list) else [found]
        assert [as_in_link(key, one) for one in found] == values, key


def test_every_lesson_opens_by_its_link_and_folds_away_what_is_to_be_found_out() -> None:
    at = open_page("pages/lessons/page.py")
    for number, lesson in enumerate(LESSONS):
        at.radio(key="lesson").set_value(lesson.title).run()
        assert not at.exception
        assert texts(at, "header") == lesson.title
        shown = texts(at, "markdown")
        for text in (lesson.introduction, lesson.prediction, lesson.steps, lesson.question):
            assert shown.count(text) == 2, "once on the screen and once for paper"
        for text in (lesson.outcome, lesson.answer, lesson.notes):
            assert text not in shown
        neighbours = [button.key for button in at.main.button]
        assert neighbours == ["previous", "next"][number == 0 : 2 - (number == len(LESSONS) - 1)]
    at = open_page("pages/lessons/page.py", lesson=LOOPS, teacher="true")
    assert texts(at, "header") == LOOPS
    assert LESSONS[1].notes in texts(at, "markdown")


@pytest.mark.parametrize("link", ["3", "MAML against pretraining: would a hundred steps save it?"])
def test_a_lesson_has_a_short_address_and_older_links_name_its_title(link: str) -> None:
    at = open_page("pages/lessons/page.py", lesson=link)
    assert texts(at, "header") == LESSONS[2].title
    assert not at.warning
    assert at.query_params["lesson"] == "3"
    at.radio(key="lesson").set_value(LESSONS[4].title).run()
    assert at.query_params["lesson"] == "5"
    assert "lesson=5" not in texts(at, "markdown"), "the worksheet's link is a short one"
    assert short_links.short_link("lessons", {"lesson": "5"}) in texts(at, "markdown")


@pytest.mark.parametrize("number", ["0", str(len(LESSONS) + 1), "03x"])
def test_a_lesson_that_is_not_there_is_a_sentence_and_the_first(number: str) -> None:
    at = open_page("pages/lessons/page.py", lesson=number)
    assert f"lesson = '{number}'" in texts(at, "warning")
    assert texts(at, "header") == LESSONS[0].title


def test_a_plan_stands_in_place_of_the_lesson_on_the_screen_and_on_paper() -> None:
    titles = ["20 minutes", "45 minutes", "45 minutes with phones"]
    assert sorted(plan.title for plan in PLANS) == titles
    for plan in PLANS:
        at = open_page("pages/lessons/page.py", plan=plan.title)
        assert texts(at, "header") == f"A lesson of {plan.title}"
        assert texts(at, "markdown").count(plan.text) == 2, "on the screen and for paper"
    assert LESSONS[0].prediction not in texts(at, "markdown")


def test_a_bad_link_to_a_lesson_gives_the_first_and_a_sentence() -> None:
    at = open_page("pages/lessons/page.py", lesson="Why three loops?", teacher="yes", seed="-7x")
    for words in ("lesson = 'Why three loops?'", "teacher = 'yes'", "seed = '-7x'"):
        assert words in texts(at, "warning")
    assert texts(at, "header") == LESSONS[0].title
    assert at.session_state["teacher"] is False


def test_what_was_predicted_and_unfolded_stays() -> None:
    at = open_page("pages/lessons/page.py", lesson=LOOPS)
    _, loops, against, *_ = LESSONS
    at.toggle(key=f"outcome {LOOPS}").set_value(True).run()
    assert "You haven't predicted anything." in texts(at, "markdown")
    at.radio(key=f"expected {LOOPS}").set_value(loops.choices[1]).run()
    at.toggle(key=f"answer {LOOPS}").set_value(True).run()
    at.button(key="next").click().run()
    assert texts(at, "header") == against.title
    assert against.outcome not in texts(at, "markdown")
    at.switch_page("pages/evaluate/page.py").run()
    at.switch_page("pages/lessons/page.py").run()
    assert texts(at, "header") == against.title
    at.button(key="previous").click().run()
    assert f"You predicted: **{loops.choices[1]}**" in texts(at, "markdown")
    for text in (loops.outcome, loops.answer):
        assert text in texts(at, "markdown")


def test_a_teachers_lesson_is_there_and_a_broken_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lessons.load
    monkeypatch.setattr(lessons, "load", lambda _, *rest: real(tmp_path, *rest))
    at = open_page("pages/lessons/page.py")
    assert "There is no lesson yet" in texts(at, "info")
    (tmp_path / "1-mine.md").write_text(LESSON.format(title="My lesson"))
    (tmp_path / "2-broken.md").write_text("No lesson.")
    (tmp_path / "3-other.md").write_text(LESSON.format(title="Another"))
    at.run()
    assert "The lesson 2-broken.md cannot be shown: it must begin" in texts(at, "warning")
    assert at.radio(key="lesson").options == ["My lesson", "Another"]
    at.text_area(key="expected My lesson").set_value("I am sure of it").run()
    at.toggle(key="outcome My lesson").set_value(True).run()
    assert "You predicted: **I am sure of it**" in texts(at, "markdown")
    at.radio(key="lesson").set_value("Another").run()
    (tmp_path / "3-other.md").unlink()
    at.run()
    assert texts(at, "header") == "My lesson"
    assert not at.exception
