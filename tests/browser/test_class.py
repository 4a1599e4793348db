"""A class in real browsers: a teacher at a projector, pupils with phones, and what goes wrong."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done
from tests.support.class_in_browser import (
    SOON_MS,
    go_where_led,
    join_class,
    lead_here,
    start_class,
)


def play(pupil: Page, choices: list[int]) -> None:
    """Answer the first questions of a round."""
    for number, choice in enumerate(choices, 1):
        pupil.locator(".choice").nth(choice).click()
        expect(pupil.locator(".game")).to_have_attribute("data-answered", str(number))
        pupil.locator(".next").click()


def summary(teacher: Page) -> str:
    """Return what the projector's chart says in words."""
    return (
        teacher.locator(".st-key-class_round_chart [aria-label]").first.get_attribute("aria-label")
        or ""
    )


def test_a_class_plays_a_round(page: Page, phones: list[Page], app_url: str) -> None:
    code, _ = start_class(page, app_url)
    names = [join_class(phone, app_url, code) for phone in phones]
    assert len(set(names)) == 2
    expect(page.get_by_text("2 here")).to_be_visible()
    page.goto(f"{app_url}/?seed=3")
    expect(page.locator(".choice").first).to_be_visible()
    wait_until_done(page)
    lead_here(page)
    for phone in phones:
        go_where_led(phone)
        expect(phone.locator(".choice").first).to_be_visible()
    for choice, phone in enumerate(phones):
        play(phone, [choice] * 3)
    page.goto(f"{app_url}/classroom")
    expect(page.get_by_text(re.compile("Most missed: question"))).to_be_visible()
    chart = page.locator(".st-key-class_round_chart")
    expect(chart).to_be_visible()
    expect(page.locator(".st-key-class_scores")).to_contain_text("MAML")
    # Two different answers to a question: one right at most.
    words = summary(page)
    shares = re.findall(r"Question \d+: (\d+) % right", words)
    assert len(shares) == 3
    assert set(shares) <= {"0", "50"}
    assert words.count("nobody has answered") == 7


@pytest.mark.slow
def test_a_phone_without_network_keeps_its_answers(
    page: Page, phones: list[Page], app_url: str
) -> None:
    code, _ = start_class(page, app_url)
    phone = phones[0]
    join_class(phone, app_url, code)
    phone.goto(f"{app_url}/?seed=5")
    expect(phone.locator(".choice").first).to_be_visible()
    wait_until_done(phone)
    sent: list[str] = []
    phone.on("requestfinished", lambda request: sent.append(request.url))
    phone.context.set_offline(True)
    play(phone, [0, 1])
    expect(phone.locator(".line .outbox")).to_contain_text("One thing is kept on this device")
    assert not [url for url in sent if url.endswith("hand-in")]
    phone.context.set_offline(False)
    expect(phone.locator(".line .outbox")).to_have_text("Your class has your answers.")
    page.goto(f"{app_url}/classroom")
    expect(page.get_by_text(re.compile("Most missed|Seed 5")).first).to_be_visible()
    # On another page it would be about nothing.
    phone.get_by_test_id("stExpandSidebarButton").click()
    phone.get_by_test_id("stSidebarNavLink").get_by_text("Class", exact=True).click()
    expect(phone.locator(".line .outbox")).to_be_empty()


@pytest.mark.slow
def test_what_a_pupil_takes_away_has_links_that_open_elsewhere(
    page: Page, phones: list[Page], app_url: str
) -> None:
    code, _ = start_class(page, app_url)
    phone = phones[0]
    join_class(phone, app_url, code)
    phone.goto(f"{app_url}/?dataset=Glyphs&seed=5")
    expect(phone.locator(".choice").first).to_be_visible()
    wait_until_done(phone)
    play(phone, [0])
    phone.goto(f"{app_url}/classroom")
    expect(phone.get_by_text("You have handed in 1 thing")).to_be_visible()
    with phone.expect_download() as download:
        phone.locator(".st-key-own_report button").click()
    file = download.value.path().read_text()
    assert f'href="{app_url}/?dataset=Glyphs&amp;' in file
    assert "of 1 right" in file


@pytest.mark.slow
def test_a_reload_late_comers_wrong_codes_and_leaving(
    page: Page, phones: list[Page], app_url: str
) -> None:
    code, _ = start_class(page, app_url)
    page.goto(f"{app_url}/episodes?n_way=3")
    expect(page.locator(".episode")).to_be_visible()
    wait_until_done(page)
    lead_here(page)
    late, other = phones
    late.goto(f"{app_url}/classroom")
    late.locator(".code").fill("zzzz zzzz")
    expect(late.locator(".join .said")).to_contain_text("No class has this code")
    assert late.locator(".enter").is_disabled()
    late.locator(".code").fill(f"{code[:4].upper()}-{code[4:]}")
    expect(late.locator(".offered label")).to_have_count(6)
    name = late.locator(".offered label").first.inner_text()
    late.keyboard.press("Tab")
    late.locator(".enter").press("Enter")
    expect(late.locator(".line .who")).to_have_text(f"You are the {name}")
    expect(late.locator(".line .go")).to_be_visible(timeout=SOON_MS)
    late.reload()
    expect(late.locator(".line .who")).to_have_text(f"You are the {name}")
    # Joining twice: in another tab of the same browser one is who one was.
    twin = late.context.new_page()
    twin.goto(f"{app_url}/classroom?join={code}")
    expect(twin.locator(".line .who")).to_have_text(f"You are the {name}")
    twin.locator(".line .leave").click()
    expect(twin.locator(".join")).to_be_visible()
    expect(late.locator(".line .task")).to_contain_text("in no class any more", timeout=SOON_MS)
    # A stranger without a class sees nothing of one.
    other.goto(f"{app_url}/episodes?n_way=3")
    expect(other.locator(".episode")).to_be_visible()
    assert other.locator(".line").count() == 0


@pytest.mark.slow
def test_the_private_link_leads_the_class_elsewhere_and_ends_it(
    page: Page, stranger: Page, phones: list[Page], app_url: str
) -> None:
    code, link = start_class(page, app_url)
    join_class(phones[0], app_url, code)
    stranger.goto(link)
    expect(stranger.locator(".class-code")).to_have_text(f"{code[:4]} {code[4:]}")
    assert "teacher=" not in stranger.url
    stranger.get_by_role("button", name="Delete this class").click()
    stranger.get_by_role("button", name="Delete it now").click()
    expect(stranger.locator(".begin")).to_be_visible()
    expect(phones[0].locator(".line .task")).to_contain_text(
        "in no class any more", timeout=SOON_MS
    )
    phones[0].goto(f"{app_url}/classroom?join={code}")
    expect(phones[0].locator(".join .said")).to_contain_text("No class has this code")


@pytest.mark.slow
def test_a_line_lies_beside_the_sidebar(page: Page, phones: list[Page], app_url: str) -> None:
    code, _ = start_class(page, app_url)
    pupil = phones[0]
    join_class(pupil, app_url, code)
    for width in (1440, 1024):
        pupil.set_viewport_size({"width": width, "height": 900})
        pupil.reload()
        line, sidebar = pupil.locator("section.line"), pupil.get_by_test_id("stSidebar")
        expect(line).to_be_visible()
        expect(sidebar).to_have_attribute("data-collapsed", "false")
        place, beside = line.bounding_box(), sidebar.bounding_box()
        assert place
        assert beside
        assert place["x"] >= beside["x"] + beside["width"] > 0
        assert (place["x"] + place["width"], place["y"] + place["height"]) == (width, 900)


@pytest.mark.slow
def test_another_classs_link_is_heard_by_pupils_and_teachers(
    page: Page, stranger: Page, phones: list[Page], app_url: str
) -> None:
    code, link = start_class(page, app_url)
    other_code, other_link = start_class(stranger, app_url)
    pupil = phones[0]
    name = join_class(pupil, app_url, code)
    pupil.goto(f"{app_url}/classroom?join={other_code}")
    expect(pupil.locator(".notice")).to_have_text(
        f"You are in another class as the {name}. Join this one instead?"
    )
    chosen = pupil.locator(".offered label").first.inner_text()
    pupil.locator(".enter").click()
    expect(pupil.locator(".line .who")).to_have_text(f"You are the {chosen}")
    expect(page.get_by_text("0 here")).to_be_visible(timeout=SOON_MS)
    expect(stranger.get_by_text("1 here")).to_be_visible(timeout=SOON_MS)
    # A wrong private link says so and changes nothing; a right one changes the class.
    page.goto(f"{app_url}/classroom?teacher=wrong-{code}")
    expect(page.get_by_text("This private link is no class's")).to_be_visible()
    expect(page.locator(".class-code")).to_have_text(f"{code[:4]} {code[4:]}")
    expect(page).not_to_have_url(re.compile("teacher="))
    page.goto(other_link)
    expect(page.locator(".class-code")).to_have_text(f"{other_code[:4]} {other_code[4:]}")
    expect(page).not_to_have_url(re.compile("teacher="))
    page.goto(link)
    expect(page.locator(".class-code")).to_have_text(f"{code[:4]} {code[4:]}")
    # Who teaches joins no class before they have stopped.
    page.goto(f"{app_url}/classroom?join={other_code}")
    expect(page.locator(".notice").first).to_contain_text("This browser teaches a class")
    page.locator(".stop button").first.click()
    expect(page.locator(".offered label")).to_have_count(6)


@pytest.mark.slow
def test_two_windows_start_one_class_and_its_link_can_be_had_again(
    page: Page, stranger: Page, app_url: str
) -> None:
    second = page.context.new_page()
    second.goto(f"{app_url}/classroom")
    expect(second.locator(".begin")).to_be_visible()
    code, lost = start_class(page, app_url)
    second.locator(".begin").click()
    expect(second.locator(".start .said")).to_contain_text("teaches a class already")
    second.reload()
    expect(second.locator(".class-code")).to_have_text(f"{code[:4]} {code[4:]}")
    wait_until_done(second)
    page.locator(".renew button").click()
    expect(page.locator(".once")).to_be_visible()
    link = page.locator(".secret").input_value()
    assert link != lost
    # A window that still knows the old secret finds the class by itself.
    second.evaluate("window.isOld = true")
    second.get_by_text("Show names beside written answers").click()
    second.wait_for_function("window.isOld === undefined")
    expect(second.locator(".class-code")).to_have_text(f"{code[:4]} {code[4:]}")
    page.locator(".on").click()
    expect(page.locator(".class-code")).to_have_text(f"{code[:4]} {code[4:]}")
    stranger.goto(lost)
    expect(stranger.get_by_text("This private link is no class's")).to_be_visible()
    stranger.goto(link)
    expect(stranger.locator(".class-code")).to_have_text(f"{code[:4]} {code[4:]}")


@pytest.mark.slow
def test_a_round_in_a_class_that_has_been_deleted_is_nobodys(
    page: Page, phones: list[Page], app_url: str
) -> None:
    code, _ = start_class(page, app_url)
    pupil = phones[0]
    join_class(pupil, app_url, code)
    pupil.goto(f"{app_url}/?dataset=Glyphs&seed=5")
    expect(pupil.locator(".choice").first).to_be_visible()
    wait_until_done(pupil)
    play(pupil, [0])
    expect(pupil.locator(".line .outbox")).to_have_text("Your class has your answers.")
    page.get_by_role("button", name="Delete this class").click()
    page.get_by_role("button", name="Delete it now").click()
    expect(page.locator(".begin")).to_be_visible()
    pupil.locator(".choice").nth(1).click()
    expect(pupil.locator(".line .task")).to_contain_text("in no class any more", timeout=SOON_MS)
    expect(pupil.locator(".line .outbox")).to_be_empty()
    pupil.locator(".next").click()
    pupil.locator(".choice").nth(1).click()
    expect(pupil.locator(".game")).to_have_attribute("data-answered", "3")
    pupil.wait_for_load_state("networkidle")
    expect(pupil.locator(".line .outbox")).to_be_empty()
