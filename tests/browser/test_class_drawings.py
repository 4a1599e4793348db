"""A class draws in real browsers, and what it drew becomes a data set of its own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done
from tests.support.class_in_browser import go_where_led, join_class, lead_here, start_class
from tests.support.pen import Strokes, by_touch, cell

CHARACTERS: dict[str, Strokes] = {
    "A1": [[(0.2, 0.8), (0.5, 0.2), (0.8, 0.8)], [(0.35, 0.55), (0.65, 0.55)]],
    "B1": [[(0.3, 0.2), (0.3, 0.8), (0.7, 0.65), (0.3, 0.5)]],
    "C1": [[(0.8, 0.25), (0.4, 0.2), (0.2, 0.5), (0.4, 0.8), (0.8, 0.75)]],
}


def draw_and_hand_in(phone: Page) -> None:
    go_where_led(phone)
    expect(cell(phone, "C1")).to_be_visible()
    note, came = phone.locator(".hand-in .note"), phone.locator(".hand-in .came")
    for name, strokes in CHARACTERS.items():
        expect(note).to_contain_text(name[0])  # it is still empty
        by_touch(phone, name, strokes)
    expect(note).to_be_empty()
    phone.locator(".hand-in .give").click()
    expect(came).to_have_text("Your class has it.")
    expect(phone.locator(".hand-in .give")).to_have_text("Handed in")


@pytest.mark.slow
def test_a_class_draws_a_data_set_of_its_own(
    page: Page, phones: list[Page], stranger: Page, app_url: str
) -> None:
    code, _ = start_class(page, app_url)
    names = [join_class(phone, app_url, code) for phone in phones]
    page.goto(f"{app_url}/draw?n_way=3")
    expect(cell(page, "C1")).to_be_visible()
    wait_until_done(page)
    lead_here(page)
    for phone in phones:
        draw_and_hand_in(phone)
    page.get_by_role("link", name="To the class").click()
    boards = page.locator(".class-board")
    expect(boards.locator("img")).to_have_count(2)
    assert boards.locator("figcaption").all_inner_texts() == names
    page.get_by_role("button", name="Take out").nth(1).click()
    expect(boards).to_have_count(1)
    expect(page.get_by_role("button", name="Make Our class of 1 board")).to_be_disabled()
    page.get_by_role("button", name=f"Put back {names[1]}").click()
    page.get_by_role("button", name="Make Our class of 2 boards").click()
    expect(page.get_by_text("holds 2 boards of 3 characters")).to_be_visible()
    wait_until_done(page)
    page.get_by_role("link", name="Open it on Episodes").click()
    for letter in "ABC":
        for name in names:
            words = f"Our class · {letter}, drawer {name}"
            expect(page.locator(f'.characters [data-tip="{words}"]')).to_be_visible()
    phones[1].goto(f"{app_url}/episodes?dataset=Our+class")
    expect(phones[1].locator(f'[data-tip="Our class · A, drawer {names[0]}"]')).to_be_visible()
    stranger.goto(f"{app_url}/episodes?dataset=Our+class")
    expect(stranger.get_by_text("The link names the drawings of a class")).to_be_visible()
    expect(stranger.locator(".characters").first).to_be_visible()
    assert not stranger.locator("[data-tip*='Our class']").count()
