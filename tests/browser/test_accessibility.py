"""WCAG 2.2 AA, as far as axe can tell, on every page; and what it cannot: keyboard and fingers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from pages.shared.frame.navigation import PAGES
from tests.support.browser_waiting import wait_until_done

AXE = Path("assets/components/check/node_modules/axe-core/axe.min.js")
RUN_AXE = """
() => axe.run(document, {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'],
}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map(({ html, any, all, none }) => {
    const messages = [...any, ...all, ...none].map(({ message }) => message);
    return [id, html.slice(0, 200), ...messages].join(' | ');
  })))
"""
# axe passes over what is drawn. Streamlit's grey has 3.9 : 1 on white.
PALE = """
() => [...document.querySelectorAll('.js-plotly-plot text')]
  .filter((text) => getComputedStyle(text).fill === 'rgb(128, 132, 149)')
  .map((text) => `pale in a chart | ${text.textContent}`)
"""
PAGE_HEIGHT = "200 + document.querySelector('[data-testid=stMain]').scrollHeight"
LARGEST_HEIGHT = 9_000
SETTLED = "() => !document.querySelector('[data-stale=true], [data-testid=stSpinner]')"
NAMES = [page.address for page in PAGES]
WIDTHS = {1440: 900, 390: 844}
# What Streamlit itself does and no style or setting of ours can mend, by axe's rule, with the
# reason. Nothing at present.
STREAMLITS_OWN: dict[str, str] = {}


@pytest.fixture(scope="session")
def axe_script() -> str:
    if not AXE.exists():
        reason = f"{AXE} is not there: make {AXE.parts[0]}/components/check/node_modules/.installed"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return AXE.read_text(encoding="utf-8")


def faults(page: Page, axe_script: str, url: str) -> list[str]:
    """What axe finds on a page, all of it in view: it passes over what is scrolled away."""
    width = page.viewport_size["width"]
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    page.goto(url)
    wait_until_done(page)
    page.wait_for_function(SETTLED)
    height = min(page.evaluate(PAGE_HEIGHT), LARGEST_HEIGHT)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(SETTLED)
    page.evaluate(axe_script)
    found = page.evaluate(RUN_AXE) + page.evaluate(PALE)
    return [f for f in found if f.split(" | ")[0] not in STREAMLITS_OWN]


def test_axe_finds_nothing_on_any_page(
    visitor: Callable[..., Page], app_url: str, axe_script: str
) -> None:
    """Each page once: half of them in the light and wide, the others in the dark on a phone."""
    wide, narrow = WIDTHS.items()
    for names, (width, height), scheme in (
        (NAMES[::2], wide, "light"),
        (NAMES[1::2], narrow, "dark"),
    ):
        page = visitor(viewport={"width": width, "height": height}, color_scheme=scheme)
        for name in names:
            assert faults(page, axe_script, f"{app_url}/{name}") == [], name


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(
    visitor: Callable[..., Page], app_url: str, axe_script: str, name: str, width: int, scheme: str
) -> None:
    size = {"width": width, "height": WIDTHS[width]}
    page = visitor(viewport=size, color_scheme=scheme, has_touch=width < 500)
    assert faults(page, axe_script, f"{app_url}/{name}") == []


def test_axe_would_find_a_fault(page: Page, axe_script: str) -> None:
    page.set_content('<html lang="en"><title>a</title><p style="color: #999">Hard to read</p>')
    page.evaluate(axe_script)
    assert "color-contrast" in "".join(page.evaluate(RUN_AXE))
