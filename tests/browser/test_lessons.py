"""A pupil and a teacher with the lessons, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done

LOOPS = "lessons?lesson=Why+two+loops%3F"
TITLES = 7
COLOURS = """
() => [...document.querySelectorAll('.st-key-worksheet *')].filter(one => one.innerText?.trim())
    .map(one => getComputedStyle(one)).map(style => `${style.color} on ${style.backgroundColor}`)
"""


@pytest.mark.slow
def test_each_lesson_and_each_of_its_links_opens(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 500})  # so that the page must be scrolled
    page.goto(f"{app_url}/lessons")
    title, links = page.locator(".st-key-walk h2"), page.locator(".st-key-walk a")
    choices = page.locator(".st-key-lesson input")
    expect(choices).to_have_count(TITLES)
    found = set()
    for number in range(TITLES):
        before = title.inner_text()
        if number:
            page.locator(".st-key-next button").click()
            expect(title).not_to_have_text(before)
        expect(choices.nth(number)).to_be_checked()
        wait_until_done(page)
        page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0")
        found |= set(links.evaluate_all("all => all.map(one => one.href)"))
    with page.expect_popup() as opened:
        links.first.click()
    for url in sorted(found - {opened.value.url}):
        opened.value.goto(url)
        expect(opened.value.get_by_role("heading", level=1)).to_be_visible()
        expect(opened.value.get_by_text("Where to go next")).to_be_visible()  # below all else
        expect(opened.value.locator(".st-key-notices")).to_have_count(0)
    expect(title).to_have_text("Where is MAML ahead for good?")


def test_a_prediction_and_what_was_unfolded_stay(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/{LOOPS}")
    walk = page.locator(".st-key-walk")
    walk.get_by_text("About 50 %", exact=True).click()
    walk.get_by_text("Show what you should have seen").click()
    expect(walk).to_contain_text("You predicted: About 50 %")
    wait_until_done(page)
    page.get_by_role("link", name="Episodes").click()
    expect(page.locator(".episode")).to_be_visible()
    page.get_by_role("link", name="Lessons").click()
    expect(walk).to_contain_text("You predicted: About 50 %")
    expect(walk.locator("h2")).to_have_text("Why two loops?")


def test_on_paper_there_is_the_worksheet_alone_black_on_white(
    visitor: Callable[..., Page], app_url: str
) -> None:
    page = visitor(color_scheme="dark")
    page.goto(f"{app_url}/{LOOPS}&teacher=true")
    wait_until_done(page)
    sheet, screen = page.locator(".st-key-worksheet"), page.locator(".st-key-screen")
    expect(page.get_by_role("heading", name="Teacher's notes")).to_be_visible()
    expect(sheet).to_be_hidden()
    page.evaluate("window.print = () => { window.printed = true; }")
    page.get_by_role("button", name="Print the worksheet").click()
    page.wait_for_function("window.printed")

    page.emulate_media(media="print")
    expect(sheet).to_be_visible()
    for gone in (screen, page.get_by_test_id("stSidebar"), page.get_by_role("button")):
        expect(gone.locator("visible=true")).to_have_count(0)
    assert set(page.evaluate(COLOURS)) == {"rgb(0, 0, 0) on rgb(255, 255, 255)"}
    assert sheet.locator(".worksheet-line").count() >= 8
    expect(sheet).to_contain_text("About 50 %")
    expect(sheet).not_to_contain_text("contradict each other")  # the answer
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf())
    assert len(pages) == 1
