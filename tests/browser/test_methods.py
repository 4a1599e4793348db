"""Lists of methods, and methods that take no step, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from maml_core.methods.catalogue import BY_NAME, METHODS
from tests.support.browser_waiting import wait_until_done
from tests.support.quick_and_slow import slow_but

SMALL = {"seed": "5", "n_way": "2", "q_query": "2"}
SHAPES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def link(page: str, **query: str | list[str]) -> str:
    return f"{page}?{urlencode(SMALL | query, doseq=True)}"


@pytest.mark.parametrize("shape", slow_but(SHAPES, ["phone"]))
def test_however_many_methods_there_are_each_can_be_seen(
    visitor: Callable[..., Page], app_url: str, shape: str
) -> None:
    page = visitor(viewport=SHAPES[shape])
    names = [BY_NAME[name].short_label for name in METHODS]
    page.goto(f"{app_url}/{link('adapt', steps='1', methods=names)}")
    wait_until_done(page)
    for key in ("methods", "confused"):
        buttons = page.locator(f".st-key-{key} button")
        expect(buttons).to_have_count(len(names))
        cut = """buttons => buttons.filter(one => {
            const [box, row] = [one, one.parentElement].map(e => e.getBoundingClientRect());
            return box.right > row.right + 1 || row.right > innerWidth;
        }).map(one => one.innerText)"""
        assert buttons.evaluate_all(cut) == []
    page.goto(f"{app_url}/{link('draw', draw_methods=names)}")
    wait_until_done(page)
    assert page.locator(".st-key-draw_methods button").evaluate_all(cut) == []
    expect(page.locator(".st-key-answer_bars .methods .method")).to_have_count(5)


def test_there_is_nothing_to_play_where_nobody_takes_a_step(page: Page, app_url: str) -> None:
    methods = ["ProtoNet", "R2D2"]
    page.goto(f"{app_url}/{link('adapt', methods=methods, features='true')}")
    wait_until_done(page)
    for key in ("player", "linked_steps"):
        controls = page.locator(f".st-key-{key} .step-controls")
        expect(controls.locator(":is(button, input)")).not_to_have_count(0)
        expect(controls.locator(":is(button, input):visible")).to_have_count(0)
    expect(page.locator(".st-key-player .where")).to_have_text("Without an inner step")
    expect(page.locator(".st-key-player .score b").first).to_contain_text("/ 4")


def test_predicted_first_their_answers_come_with_the_end(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/{link('adapt', methods=['ProtoNet', 'R2D2'], predict='true')}")
    wait_until_done(page)
    scores, chips = (page.locator(f".st-key-player {name}") for name in (".score b", ".chip"))
    assert set(scores.all_inner_texts()) == set(chips.all_inner_texts()) == {""}
    page.get_by_role("button", name="To the end").click()
    expect(page.get_by_text("Without a step", exact=False).first).to_be_visible()
    assert "" not in {*scores.all_inner_texts(), *chips.all_inner_texts()}


def test_a_refused_value_leaves_the_browsers_address_too(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/adapt?place=Block+9&methods=Ridge+regression+(R2D2)")
    expect(page.get_by_text("The link asks for place")).to_be_visible()
    wait_until_done(page)
    assert page.url == f"{app_url}/adapt?methods=R2D2&seed=0"


def test_another_episodes_confusions_are_named_as_their_pictures_are(
    page: Page, app_url: str
) -> None:
    """The browser keeps what a selectbox showed, unless it is told of another choice."""
    page.goto(f"{app_url}/{link('adapt', methods=['Random initialisation'], steps='1')}")
    wait_until_done(page)
    chosen = page.locator(".st-key-confused_cell input")
    pictured = page.get_by_text(re.compile(r"of class . classified as ."))
    shown = set()
    for _ in range(4):
        count, *letters = re.findall(r"\b(?:\d+|[A-T])\b", pictured.inner_text())
        assert re.findall(r"\b(?:\d+|[A-T])\b", chosen.input_value()) == [*letters, count]
        shown.add(tuple(letters))
        page.get_by_role("button", name="New episode").click()
        wait_until_done(page)
    assert len(shown) > 1, "each episode opens on the same cell"
