"""The Landscape page in a real browser: what a person clicks, turns and stops."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done

PATHS = """
name => document.querySelector(`.panel[data-name=${name}] .plot.contour`).data
    .filter(trace => trace.meta === "path" && trace.mode.includes("markers"))
    .map(trace => trace.x.length)
"""
NODE_IS_MARKED = "document.querySelector('.panel[data-name=maml] .plot.contour').marked === true"


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_function(f"document.querySelector('.maml-maps .plot.contour')?.data && {HAS_MAP}")


HAS_MAP = (
    "document.querySelector('.maml-maps .plot.contour').data.some(one => one.type === 'contour')"
)


def shown_range(page: Page) -> list[float]:
    return page.evaluate(
        "document.querySelector('.panel[data-name=maml] .plot.contour')._fullLayout.xaxis.range"
    )


@pytest.mark.slow
def test_a_click_starts_a_descent_and_a_surface_and_back_keeps_the_view(
    page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/landscape?n_way=2&q_query=1")
    expect(page.get_by_text("31 × 31 points per map.")).to_be_visible()
    assert page.evaluate(PATHS, "maml") == [11]
    page.evaluate("document.querySelector('.panel[data-name=maml] .plot.contour').marked = true")
    ground = page.locator(".panel[data-name=maml] .plot.contour .nsewdrag").first
    ground.click(position={"x": 60, "y": 50})
    page.wait_for_function(f"({PATHS})('maml').length === 2")
    page.wait_for_url(re.compile("starts=maml"))
    assert page.evaluate(PATHS, "pretrained") == [11], "the other map has no new path"
    wait_until_done(page)

    before = shown_range(page)
    page.locator(".panel[data-name=maml]").get_by_label("Zoom in").click()
    page.wait_for_url(re.compile("window="))
    narrow = (before[1] - before[0]) / 2
    page.wait_for_function(
        f"""Math.abs(document.querySelector('.panel[data-name=maml] .plot.contour')._fullLayout
        .xaxis.range.reduce((low, high) => high - low) / {narrow} - 1) < 0.01"""
    )
    expect(page.get_by_text("31 × 31 points per map.")).to_be_visible()
    zoomed = shown_range(page)

    page.locator(".st-key-view").get_by_text("Surface").click()
    surface = page.locator(".panel[data-name=maml] .plot.surface")
    expect(surface).to_be_visible()
    page.wait_for_function("document.querySelector('.maml-maps .plot.surface').data?.length > 0")
    page.locator(".st-key-view").get_by_text("Contour").click()
    expect(page.locator(".panel[data-name=maml] .plot.contour")).to_be_visible()
    expect(surface).to_be_hidden()
    wait_until_done(page)
    assert shown_range(page) == zoomed
    assert page.evaluate(PATHS, "maml") == [11, 11]
    assert page.evaluate(NODE_IS_MARKED), "the chart is the same node all along"


@pytest.mark.slow
def test_the_steps_of_a_path_play(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/landscape?n_way=2&q_query=1&path_steps=3")
    where = page.locator(".maml-maps .where")
    expect(where).to_have_text("Inner step 3 of 3")
    page.locator(".maml-maps .rewind").click()
    page.wait_for_function(f"({PATHS})('pretrained')[0] === 1")
    page.locator(".maml-maps .play").click()
    expect(where).to_have_text("Inner step 3 of 3")
    page.wait_for_function(f"({PATHS})('maml')[0] === 4")


def test_a_cross_moved_by_keys_starts_a_descent(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/landscape?n_way=2&q_query=1")
    expect(page.get_by_text("31 × 31 points per map.")).to_be_visible()
    ground = page.locator(".panel[data-name=pretrained] .plot.contour")
    for key in ("ArrowUp", "ArrowRight", "Enter"):
        ground.press(key)
    page.wait_for_function(f"({PATHS})('pretrained').length === 2")
    page.wait_for_url(re.compile("starts=pretrained"))


@pytest.mark.slow
def test_a_map_can_be_stopped_and_goes_on(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/landscape?n_way=20&drawn=Query+loss")
    stop = page.locator(".st-key-stop_map button")
    stop.click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    wait_until_done(page)
    expect(stop).to_have_count(0)
    page.locator(".st-key-go_on button").click()
    expect(page.get_by_text(re.compile(r"^\d+ × \d+ points: \d+%"))).to_be_visible()
