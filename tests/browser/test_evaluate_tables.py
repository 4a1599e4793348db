"""Evaluate's tables of recorded results, as a visitor puts them in order and scrolls them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from maml_core.evaluation.published import PUBLISHED
from maml_core.evaluation.results_table import official_runs_table
from tests.support.browser_waiting import wait_until_done

ERROR_HEADING = {"x": 185.0, "y": 15.0}  # pixels into the table, beside the column of the methods
SHOWN = 5  # rows that fit at least


def column(table: Locator, number: int) -> list[str]:
    """Return the texts of a column's cells that are in view, as a screen reader is told them."""
    return table.locator(f"[data-testid^=glide-cell-{number}-]").all_text_contents()[:SHOWN]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
def test_tables_are_put_in_order_by_number_and_keep_the_methods_in_view(
    width: int, page: Page, app_url: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{app_url}/evaluate?seed=0")
    wait_until_done(page)
    runs = page.locator(".st-key-official_runs [data-testid=stDataFrame]")
    runs.scroll_into_view_if_needed()
    expect(runs.locator("[data-testid=glide-cell-1-0]")).to_have_count(1)
    texts = [row["Error in %"] for row in official_runs_table({})]
    errors = sorted(float(text.partition(" ± ")[0]) for text in texts)
    for expected in (errors, errors[::-1]):  # a click orders upwards, a second one downwards
        runs.click(position=ERROR_HEADING)
        cell = runs.locator("[data-testid=glide-cell-1-0]")
        expect(cell).to_have_text(f"{expected[0]:g}")
        assert [float(text) for text in column(runs, 1)] == expected[:SHOWN]
    published = page.locator(".st-key-published_results [data-testid=stDataFrame]")
    published.scroll_into_view_if_needed()
    first = published.locator("[data-testid=glide-cell-1-0]")
    expect(first).to_have_text("paper")
    published.hover()
    page.mouse.wheel(2000, 0)
    expect(first).to_have_count(0)  # the splits are out of view
    assert column(published, 0) == [one.method for one in PUBLISHED[:SHOWN]]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
