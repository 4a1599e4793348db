"""Links to pages: also the very first one that a new server is asked for."""

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running_app import running_app

NAMES = {  # in the navigation
    "": "Play",
    "lessons": "Lessons",
    "episodes": "Episodes",
    "adapt": "Adapt",
    "draw": "Draw",
    "landscape": "Landscape",
    "inside": "Inside MAML",
    "toy": "Toy world",
    "evaluate": "Evaluate",
    "train": "Train",
}

CURRENT = "[data-testid=stSidebarNavLink][aria-current=page] p"


def test_a_new_servers_first_visitor_gets_the_page_that_the_link_names(
    page: Page, app_environment: dict[str, str]
) -> None:
    """Streamlit would say that there is no such page: see `app.py`."""
    with running_app(app_environment) as url:
        page.goto(f"{url}/episodes?n_way=3&seed=7")
        expect(page.locator(CURRENT)).to_have_text("Episodes")
        expect(page.locator(".st-key-seed input")).to_have_value("7")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert page.url == f"{url}/episodes?n_way=3&seed=7"


@pytest.mark.parametrize("name", NAMES)
def test_each_page_has_the_address_that_it_always_had(page: Page, app_url: str, name: str) -> None:
    page.goto(f"{app_url}/{name}?n_way=2&q_query=1&seed=5")
    expect(page.locator(CURRENT)).to_have_text(NAMES[name])
    expect(page.locator(".st-key-seed input")).to_have_value("5")
    assert page.url == f"{app_url}/{name}?n_way=2&q_query=1&seed=5"
