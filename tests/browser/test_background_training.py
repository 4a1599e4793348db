"""The Train page in a real browser: a training goes on while one walks about, and is used."""

import re

import pytest
from playwright.sync_api import Page, expect

POINTS = """
key => document.querySelector(`.st-key-${key} .js-plotly-plot`)?.data?.[0]?.x?.length ?? 0
"""


def go_to(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()


@pytest.mark.slow
def test_a_training_goes_on_from_page_to_page_and_stands_on_adapt_in_the_end(
    page: Page, app_url: str
) -> None:
    page.goto(
        f"{app_url}/train?what=Images&n_way=2&q_query=1&train_n=2&train_tasks=1&train_updates=5000"
    )
    page.locator(".st-key-start_training button").click()
    points = f"({POINTS})('training_loss_chart')"
    page.wait_for_function(f"{points} >= 2")
    before = page.evaluate(points)
    page.wait_for_function(f"{points} > {before}")

    go_to(page, "Episodes")
    line = page.locator(".st-key-training_line")
    expect(line).to_contain_text(re.compile(r"Training: \d+ of 5,000"))
    then = line.inner_text()
    expect(line).not_to_have_text(then)
    line.get_by_role("link").click()
    expect(page.locator(".st-key-training_loss_chart")).to_be_visible()
    page.locator(".st-key-pause_training").get_by_text("Pause", exact=True).click()
    expect(page.get_by_text(re.compile("^Paused, update"))).to_be_visible()
    page.locator(".st-key-pause_training").get_by_text("Resume", exact=True).click()
    expect(page.get_by_text(re.compile("^Running, update"))).to_be_visible()
    page.locator(".st-key-stop_training button").click()
    expect(page.get_by_text(re.compile("^Stopped, update"))).to_be_visible()
    page.locator(".st-key-keep_training button").click()
    expect(page.locator(".st-key-own_notices")).to_contain_text("Mine 1: MAML")

    go_to(page, "Adapt")
    page.locator(".st-key-methods").get_by_text("Mine 1: MAML").click()
    expect(page.locator(".st-key-player .score")).to_contain_text("Mine 1: MAML")

    go_to(page, "Play")
    names = page.locator(".st-key-game .scores tbody th")
    expect(names).to_have_text(["You", "MAML", "Pretrained"])
    page.keyboard.press("1")
    page.locator(".st-key-in_place_of_maml input").click()
    page.get_by_role("option", name="Mine 1: MAML").click()
    expect(names).to_have_text(["You", "Mine 1: MAML", "Pretrained"])
    expect(page.locator(".game")).to_have_attribute("data-answered", "1")


def test_the_slider_moves_charts_and_pictures_through_the_recorded_training(
    page: Page, app_url: str
) -> None:
    page.goto(f"{app_url}/train?what=Replay&n_way=3&q_query=1")
    where = page.locator(".st-key-replay_player .where")
    expect(where).to_have_text("After 5,000 meta-updates")
    page.locator(".st-key-replay_player .rewind").click()
    expect(where).to_have_text("After 0 meta-updates")
    marker = "document.querySelector('.st-key-course_chart .js-plotly-plot')?.data?.at(-1)?.x?.[0]"
    page.wait_for_function(f"{marker} === 0")
    page.locator(".st-key-replay_player input").press("ArrowRight")
    expect(where).to_have_text("After 1 meta-updates")
    page.wait_for_function(f"{marker} === 1")
