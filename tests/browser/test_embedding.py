"""A figure that stands alone in somebody else's page."""

import re

import pytest
from playwright.sync_api import Page, expect

from pages.shared.frame.links.embedding import FIGURES
from tests.support.browser_waiting import wait_until_done

QUICK = ("accuracy", "waves")
SEED = "seed=4&n_way=2"


@pytest.mark.parametrize(
    ("page_name", "figure"),
    [
        pytest.param(name, figure, marks=() if figure in QUICK else pytest.mark.slow)
        for name, figures in FIGURES.items()
        for figure in figures
    ],
)
def test_a_figure_is_shown_with_its_sentence_and_caption_and_nothing_else(
    page: Page, app_url: str, page_name: str, figure: str
) -> None:
    section = "&what=Replay" if page_name == "train" else ""
    page.goto(f"{app_url}/{page_name}?{SEED}{section}&embed=true&figure={figure}")
    keys = FIGURES[page_name][figure]
    for key in keys:
        expect(page.locator(f".st-key-{key}").first).to_be_attached()
    expect(page.locator(f".st-key-{keys[0]}").first).to_be_visible()
    expect(page.locator(f".st-key-{keys[-1]}").first).to_be_visible()
    wait_until_done(page)
    expect(page.locator(f".st-key-{keys[0]}").first).to_be_visible()
    expect(page.locator("[data-testid=stSidebar]")).to_be_hidden()
    for hidden in ("h1", "h2", "h3"):
        assert not any(one.is_visible() for one in page.locator(hidden).all())
    charts = sum(key.endswith("_chart") and key != "wave_chart" for key in keys)
    expect(page.locator("[data-testid=stPlotlyChart]:visible")).to_have_count(charts)
    back = page.get_by_role("link", name="open the page")
    expect(back).to_have_attribute("href", re.compile(rf"{page_name}\?(?!.*embed).*{SEED[:6]}"))


def test_an_address_without_a_figure_of_the_page_shows_the_whole_page(
    page: Page, app_url: str
) -> None:
    page.goto(f"{app_url}/adapt?n_way=2&embed=true")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".st-key-accuracy_chart")).to_be_visible()
    expect(page.get_by_role("link", name="open the page")).to_have_count(0)
    page.goto(f"{app_url}/adapt?n_way=2&embed=true&figure=nothing")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".st-key-notices")).to_contain_text("figure = 'nothing'")
    page.goto(f"{app_url}/adapt?n_way=2&figure=accuracy")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("[data-testid=stSidebar]")).to_be_visible()


def test_the_page_gives_the_code_that_embeds_a_figure(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/adapt?n_way=3&seed=5")
    wait_until_done(page)
    page.get_by_role("button", name="Embed a figure").click()
    code = page.locator("[data-testid=stPopoverBody] code").inner_text()
    page.set_content(f"<h1>A course page</h1>{code}")
    frame = page.frame_locator("iframe")
    expect(frame.locator(".st-key-accuracy_chart")).to_be_visible()
    expect(frame.locator("h1")).to_be_hidden()
