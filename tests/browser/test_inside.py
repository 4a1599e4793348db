"""The Inside page in a real browser: through Algorithm 1 to the end and back."""

import re

from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done

DRAWN = """
() => document.querySelector('.st-key-arrows_chart .js-plotly-plot').data
    .filter(trace => trace.opacity === 1 && trace.x.every(Number.isFinite))
    .map(trace => trace.name)
"""
SMALL = "n_way=2&q_query=1&meta_tasks=2"


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator(".algorithm .where")).to_have_text("Step 1 of 8")
    wait_until_done(page)


def test_through_algorithm_1_to_the_end_and_back(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/inside?{SMALL}")
    walk, where = page.locator(".algorithm"), page.locator(".algorithm .where")
    lines = walk.locator(".lines li.current i")
    seen = [lines.all_inner_texts()]
    for step in range(2, 9):
        page.keyboard.press("ArrowRight")
        expect(where).to_have_text(f"Step {step} of 8")
        expect(walk.locator(".code .current").first).to_be_visible()
        expect(walk.locator(".numbers tbody tr:visible").first).to_be_visible()
        seen.append(lines.all_inner_texts())
    assert seen == [["1"], ["3"], ["4", "5"], ["4", "6"], ["8"], ["8"], ["8"], ["2", "9"]]
    expect(walk.get_by_label("Step forward")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    expect(where).to_have_text("Step 8 of 8")
    page.wait_for_function(f"({DRAWN})().join() === 'task 1,task 2,mean,update'")

    walk.get_by_label("all numbers so far").check()
    expect(walk.locator(".numbers tbody tr:visible")).to_have_count(14)
    walk.get_by_label("Step back").click()
    walk.get_by_label("Step back").click()
    expect(where).to_have_text("Step 6 of 8")
    expect(walk.locator(".code .current", has_text="mean = {n:")).to_be_visible()
    expect(walk.locator(".numbers tbody tr:visible")).to_have_count(11)
    page.wait_for_function(f"({DRAWN})().join() === 'task 1,task 2,mean'")
    walk.get_by_label("Rewind").click()
    expect(where).to_have_text("Step 1 of 8")
    page.wait_for_function(f"({DRAWN})().length === 0 || ({DRAWN})().every(name => !name)")
    expect(walk.get_by_label("Step back")).to_be_disabled()


def test_a_control_keeps_the_step_and_its_own_keys(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/inside?{SMALL}")
    where = page.locator(".algorithm .where")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(where).to_have_text("Step 5 of 8")
    loss = page.locator(".algorithm .numbers tr:visible", has_text="Query loss at").locator("td")
    before = loss.first.inner_text()
    page.locator(".st-key-meta_alpha input").press("ArrowRight")
    page.wait_for_url(re.compile(re.escape("meta_alpha=0.1")))
    expect(loss.first).not_to_have_text(before)
    expect(where).to_have_text("Step 5 of 8")
