"""MAML's lead by distance, as a visitor sees it, on a computer and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from maml_core.evaluation.training_distance import leads_over, load_shifted_sets
from tests.support.browser_waiting import wait_until_done

LINK = "evaluate?seed=0&distance=true&ahead_of=ProtoNet&distance_by=Features"
LABELS = "all => all.map(one => one.innerHTML)"


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
def test_a_link_shows_every_set_by_number_and_name(
    width: int, visitor: Callable[..., Page], app_url: str
) -> None:
    page = visitor(viewport={"width": width, "height": 900}, color_scheme="dark")
    page.goto(f"{app_url}/{LINK}")
    leads = leads_over("protonet", "features", 5, load_shifted_sets())
    figure = page.get_by_role("figure", name="MAML's lead over ProtoNet after five steps")
    expect(figure).to_be_visible()
    wait_until_done(page)
    numbers = page.locator(".st-key-leads_chart .textpoint text").evaluate_all(LABELS)
    assert sorted(map(int, numbers)) == list(range(1, len(leads) + 1))
    listed = page.locator(".st-key-training_distance li")
    assert [text.partition(":")[0] for text in listed.all_inner_texts()] == [
        one.name for one in leads
    ]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".st-key-distance_by").get_by_text("Ink", exact=True).click()
    nearest = leads_over("protonet", "ink", 5, load_shifted_sets())[0]
    expect(listed.first).to_contain_text(nearest.name)
