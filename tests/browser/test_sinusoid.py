"""The Sinusoid page in a real browser: points are put and taken, a training runs and is stopped."""

import re

import pytest
from playwright.sync_api import Page, expect

DRAWN = """
([method, name]) => document.querySelector(`.maml-wave .panel[data-name=${method}] .plot`)?.data
    ?.find(line => line.name === name)?.y.join()
"""
POINTS = """
() => document.querySelector(".maml-wave .panel[data-name=multi_task] .plot")?.data
    ?.find(line => line.meta === "points")?.x.length
"""
AFTER = ["maml", "after 10 steps"]
MARKS = "document.querySelector('.st-key-training_chart .js-plotly-plot')?.data?.[1]?.x.length"


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    wait_for_points(page, 5)


def wait_for_points(page: Page, count: int) -> None:
    page.wait_for_function(f"({POINTS})() === {count}")


def wait_for_another_curve(page: Page, before: str) -> str:
    page.wait_for_function(
        f"([line, before]) => {{ const now = ({DRAWN})(line); return now && now !== before; }}",
        arg=[AFTER, before],
    )
    return page.evaluate(DRAWN, AFTER)


@pytest.mark.slow
def test_points_are_put_and_taken_by_pointer_and_by_keys(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/sinusoid?wave_k=5")
    curve = page.evaluate(DRAWN, AFTER)
    ground = page.locator(".maml-wave .panel[data-name=maml] .plot .nsewdrag").first
    ground.click(position={"x": 60, "y": 20})
    wait_for_points(page, 6)
    curve = wait_for_another_curve(page, curve)
    page.wait_for_url(re.compile("points="))

    plot = page.locator(".maml-wave .panel[data-name=multi_task] .plot")
    for key in ("ArrowUp", "ArrowRight", "Enter"):
        plot.press(key)
    wait_for_points(page, 7)
    curve = wait_for_another_curve(page, curve)
    plot.press("Delete")
    wait_for_points(page, 6)
    wait_for_another_curve(page, curve)

    page.wait_for_timeout(500)  # longer than a double click, which puts one point and takes none
    ground.click(position={"x": 60, "y": 20})
    wait_for_points(page, 5)
    page.locator(".st-key-clear_points button").click()
    wait_for_points(page, 0)
    page.locator(".st-key-own_points button").click()
    wait_for_points(page, 5)


def test_a_training_moves_the_curves_and_stops(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/sinusoid?wave_k=5&updates=5000")
    recorded = page.evaluate(DRAWN, AFTER)
    page.locator(".st-key-train button").click()
    stop = page.locator(".st-key-stop_training button")
    expect(stop).to_be_visible()
    first = wait_for_another_curve(page, recorded)
    page.wait_for_function(f"{MARKS} > 1 && {MARKS} < 100")
    wait_for_another_curve(page, first)
    expect(
        page.get_by_text(re.compile(r"^[\d,]+ of 5,000 updates, about \d+ (s|min) left$"))
    ).to_be_visible()
    stop.click()
    expect(stop).to_have_count(0)
    expect(
        page.get_by_text(re.compile(r"^Trained here and now, seed 1: [\d,]+ of 5,000"))
    ).to_be_visible()
    trained = page.evaluate(DRAWN, AFTER)
    page.locator(".maml-wave .panel[data-name=maml] .plot .nsewdrag").first.click(
        position={"x": 60, "y": 20}
    )
    wait_for_points(page, 6)
    wait_for_another_curve(page, trained)
