"""A class predicts in real browsers: hand in, reveal, see the truth; and a lesson likewise."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done
from tests.support.class_in_browser import go_where_led, join_class, lead_here, start_class

EPISODE = "adapt?n_way=5&q_query=5&seed=3&steps=3&methods=MAML&methods=Pretrained"
HANDED_IN = "You can change it until your teacher shows what came out."


@pytest.fixture
def led(
    page: Page, visitor: Callable[..., Page], app_url: str
) -> Callable[[str], tuple[Page, Page]]:
    """Return how a teacher leads a pupil with a phone to a page: both of them, there."""

    def lead(link: str) -> tuple[Page, Page]:
        code, _ = start_class(page, app_url)
        phone = visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
        join_class(phone, app_url, code)
        page.goto(f"{app_url}/{link}")
        wait_until_done(page)
        lead_here(page)
        go_where_led(phone)
        expect(phone.locator(".hand-in").first).to_be_visible()
        return page, phone

    return lead


def predict(phone: Page, percents: list[int]) -> None:
    sliders = phone.locator(".percent input")
    expect(sliders).to_have_count(len(percents))
    for number, percent in enumerate(percents):
        sliders.nth(number).fill(str(percent))


def chart_in_words(page: Page) -> str:
    """Return the text alternative of the chart of predictions."""
    labelled = page.locator(".st-key-class_predictions_chart [aria-label]").first
    return labelled.get_attribute("aria-label") or ""


@pytest.mark.slow  # without a browser: tests/pages/classroom/test_class_predictions.py
def test_a_pupil_predicts_and_sees_the_truth_when_it_is_revealed(
    led: Callable[[str], tuple[Page, Page]], app_url: str
) -> None:
    teacher, phone = led(EPISODE)
    expect(phone.locator(".line .go")).to_be_hidden()
    send = phone.locator(".hand-in .send")
    send.click()
    expect(phone.locator(".hand-in .said")).to_have_text("Move every slider first.")
    predict(phone, [50, 40, 90, 80])
    phone.context.set_offline(True)
    send.click()
    expect(phone.locator(".line .outbox")).to_contain_text("One thing is kept on this device")
    expect(phone.locator(".hand-in .said")).to_have_text("On its way to the class …")
    phone.context.set_offline(False)
    expect(phone.locator(".hand-in .said")).to_contain_text(HANDED_IN)
    expect(phone.locator(".line .outbox")).to_be_empty()
    phone.reload()
    expect(phone.locator(".percent output")).to_have_text(["50 %", "40 %", "90 %", "80 %"])
    expect(send).to_have_text("Handed in")
    predict(phone, [55, 40, 90, 80])
    expect(send).to_have_text("Hand in the change")
    send.focus()
    phone.keyboard.press("Enter")
    expect(send).to_have_text("Handed in")

    teacher.goto(f"{app_url}/classroom")
    expect(teacher.get_by_text("1 prediction handed in.")).to_be_visible()
    expect(teacher.locator(".st-key-class_predictions_chart")).to_have_count(0)
    teacher.get_by_text("Show the predictions").click()
    expect(teacher.locator(".st-key-class_predictions_chart")).to_be_visible()
    expect(phone.locator(".st-key-class_predictions_chart")).to_have_count(0)
    assert "median 55 %" in chart_in_words(teacher)
    assert "it is" not in chart_in_words(teacher)
    teacher.get_by_role("button", name="Reveal").locator("visible=true").click()
    truth = teacher.locator(".st-key-class_predictions").get_by_text(re.compile("it is"))
    expect(truth).to_be_visible()

    expect(phone.locator(".st-key-class_predictions_chart")).to_be_visible()
    expect(phone.locator(".hand-in .said")).to_contain_text("Your teacher has shown")
    expect(send).to_be_hidden()
    expect(phone.locator(".percent input").first).to_be_disabled()
    percents = re.findall(r"it is (\d+ %)", chart_in_words(teacher))
    assert len(percents) == 4
    own = phone.locator(".st-key-class_predictions p").first.inner_text()
    assert sorted(re.findall(r"it is (\d+ %)", own)) == sorted(percents)


@pytest.mark.slow  # without a browser: tests/pages/classroom/test_class_lessons.py
def test_a_lesson_is_chosen_twice_and_answered(
    led: Callable[[str], tuple[Page, Page]], app_url: str
) -> None:
    teacher, phone = led("lessons?lesson=2")
    before, answer = phone.locator(".hand-in").nth(0), phone.locator(".hand-in").last
    before.get_by_text("About 95 %").click()
    before.locator(".send").click()
    expect(before.locator(".send")).to_have_text("Handed in")
    phone.get_by_text("Show what you should have seen").click()
    expect(phone.locator(".st-key-outcome")).to_contain_text("You predicted: About 95 %")
    expect(before.locator(".said")).to_contain_text("You have seen what comes out")
    after = phone.locator(".st-key-outcome .hand-in")
    after.get_by_text("About 20 %").click()
    after.locator(".send").click()
    answer.locator("textarea").fill("<b>Labels</b> are dealt afresh.")
    answer.locator(".send").click()
    expect(answer.locator(".send")).to_have_text("Handed in")

    teacher.goto(f"{app_url}/classroom")
    expect(teacher.get_by_text("1 of 1 changed their mind")).to_be_visible()
    teacher.get_by_text("Show the answers").click()
    expect(teacher.locator(".class-answer")).to_have_text("<b>Labels</b> are dealt afresh.")
    teacher.get_by_role("button", name="Take it out").click()
    expect(teacher.get_by_role("button", name="Put it back")).to_be_visible()
    expect(teacher.locator(".class-answer")).to_have_count(0)
