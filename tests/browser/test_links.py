"""Links to pages: also the very first one that a new server is asked for."""

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running_app import running_app
from maml_core.teaching.openings import load_openings
from pages.shared.frame.navigation import FIRST_PAGE, PAGES_BY_NAME
from tests.support.browser_waiting import wait_until_done
from tests.support.quick_and_slow import slow_but

NAMES = {  # in the navigation
    "": "Play",
    "classroom": "Class",
    "lessons": "Lessons",
    "sinusoid": "Sinusoid",
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


@pytest.mark.parametrize("name", slow_but(NAMES, ["", "adapt", "inside"]))
def test_each_page_has_the_address_that_it_always_had(page: Page, app_url: str, name: str) -> None:
    page.goto(f"{app_url}/{name}?n_way=2&q_query=1&seed=5")
    expect(page.locator(CURRENT)).to_have_text(NAMES[name])
    for key in ("n_way", "seed"):
        shown = key in PAGES_BY_NAME[name or FIRST_PAGE].controls
        expect(page.locator(f".st-key-{key}")).to_be_visible(visible=shown)
    expect(page.locator(".st-key-seed input")).to_have_value("5")
    assert page.url == f"{app_url}/{name}?n_way=2&q_query=1&seed=5"


def test_the_first_page_answers_to_its_name_too(page: Page, app_url: str) -> None:
    """Streamlit alone would say that there is no page `/play`."""
    page.goto(f"{app_url}/toy")
    wait_until_done(page)
    page.goto(f"{app_url}/{FIRST_PAGE}?seed=5")
    expect(page.locator("h1")).to_have_text("You against the machines")
    expect(page.locator(CURRENT)).to_have_text("Play")
    expect(page.locator(".choice")).to_have_count(5)
    expect(page.locator(".st-key-seed input")).to_have_value("5")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(len(NAMES))
    page.go_back()  # at once: the address with the name is no stop on the way
    expect(page.locator(CURRENT)).to_have_text("Toy world")


def test_settings_survive_pages_that_do_not_show_them(page: Page, app_url: str) -> None:
    query = {"n_way=3", "q_query=1", "seed=7"}
    page.goto(f"{app_url}/adapt?n_way=3&q_query=1&seed=7")
    for name in ("Toy world", "Sinusoid", "Play", "Train", "Lessons", "Adapt"):
        page.locator("[data-testid=stSidebarNavLink]").get_by_text(name, exact=True).click()
        expect(page.locator(CURRENT)).to_have_text(name)
        page.wait_for_url(lambda url: query <= set(url.partition("?")[2].split("&")))
    expect(page.locator(".st-key-player .row")).to_have_count(3)


def test_a_short_link_and_its_qr_code_lead_to_the_same(
    page: Page, stranger: Page, app_url: str
) -> None:
    page.goto(f"{app_url}/episodes?n_way=3&q_query=1&seed=7")
    wait_until_done(page)
    page.get_by_role("button", name="QR code").click()
    short = page.locator("[data-testid=stPopoverBody] code").first.inner_text()
    code = page.get_by_alt_text(f"QR code of {short}")
    expect(code).to_be_visible()
    assert code.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    stranger.goto(short)
    expect(stranger.locator(CURRENT)).to_have_text("Episodes")
    stranger.wait_for_url(page.url)


def test_an_address_that_says_nothing_says_its_opening_and_keeps_it(
    page: Page, app_url: str
) -> None:
    seed = load_openings()["glyphs"].seed
    page.goto(f"{app_url}/toy")
    page.goto(app_url)
    says = (f"seed={seed}", "n_way=20", "dataset=Glyphs", "mode=20-way", "machine_steps=1+step")
    page.wait_for_url(lambda url: all(part in url for part in says))
    expect(page.locator(".choice")).to_have_count(20)
    opened = page.url
    page.reload()
    expect(page.locator(".choice")).to_have_count(20)
    assert page.url == opened
    page.go_back()  # at once: the opening took the place of the address that said nothing
    expect(page.locator(CURRENT)).to_have_text("Toy world")


@pytest.mark.slow
def test_a_slow_browser_too_says_its_opening(page: Page, app_url: str) -> None:
    """Play runs again at once, before a slow browser has drawn what the first run sent."""
    page.goto(app_url)
    expect(page.locator(".choice")).to_have_count(20)  # by now the server knows the answers
    slowed = page.context.new_cdp_session(page)
    slowed.send("Emulation.setCPUThrottlingRate", {"rate": 10})
    page.goto(app_url)
    page.wait_for_url(lambda url: "seed=" in url)


def test_the_defaults_too_are_an_address_that_says_something(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/episodes")
    seed = page.locator(".st-key-seed input")
    expect(seed).to_have_value(str(load_openings()["glyphs"].seed))
    wait_until_done(page)
    place = page.locator("h1").bounding_box()
    page.reload()
    expect(seed).to_be_visible()
    wait_until_done(page)
    assert page.locator("h1").bounding_box() == place, "what completes the address moves nothing"
    page.goto(f"{app_url}/episodes?n_way=5")
    expect(seed).to_have_value("0")
    page.wait_for_url(lambda url: "seed=0" in url and "n_way" not in url)
    page.reload()
    expect(seed).to_have_value("0")
    expect(page.get_by_test_id("stMain")).to_contain_text("5-way 1-shot")
