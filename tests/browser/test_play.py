"""A person playing, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done

QUESTIONS = 10
PLAYERS = ["You", "MAML", "Pretrained"]
# In the page, not in the window: a tap may scroll.
PLACES = "all => all.map(one => [one.offsetLeft, one.offsetTop, one.offsetWidth, one.offsetHeight])"
RESULT = re.compile(
    r"^Seed (\d+), (5-way|20-way), Glyphs: me (\d+), MAML (\d+), Pretrained (\d+) of"
)


def open_page(page: Page, url: str) -> None:
    """Open a round and wait until the machines have answered all of it."""
    page.goto(url)
    expect(page.locator(".choice").first).to_be_visible()
    wait_until_done(page)


def at_question(page: Page, number: int) -> None:
    expect(page.locator(".game")).to_have_attribute("data-question", str(number))


def answered(page: Page, count: int) -> None:
    expect(page.locator(".game")).to_have_attribute("data-answered", str(count))


def scores(page: Page) -> list[int]:
    return [int(text) for text in page.locator(".scores .sum").all_inner_texts()]


def cells(page: Page, player: str) -> list[str]:
    row = page.locator(".scores tbody tr").nth(PLAYERS.index(player))
    return row.locator(".cell").all_inner_texts()


def true_choice(page: Page) -> int:
    found = page.locator(".choice").evaluate_all(
        "all => all.map((one, i) => one.classList.contains('true') ? i : -1).filter(i => i >= 0)"
    )
    assert len(found) == 1
    return found[0]


def pictures(page: Page) -> list[str]:
    return page.locator(".choice img, .query").evaluate_all("all => all.map(one => one.src)")


def result(page: Page) -> tuple[str, ...]:
    line = page.get_by_test_id("stMain").get_by_test_id("stCode")
    expect(line).to_contain_text("of 10")
    return RESULT.match(line.inner_text()).groups()


def test_ten_questions_by_keyboard_and_the_score(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/?seed=7")
    mine = 0
    for number in range(1, QUESTIONS + 1):
        at_question(page, number)
        assert page.locator(".choice.true").count() == 0
        key = number % 5
        page.keyboard.press(str(key + 1))
        answered(page, number)
        mine += true_choice(page) == key
        expect(page.locator(".scores .sum").first).to_have_text(str(mine))
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # too soon: the result is to be seen
    at_question(page, QUESTIONS + 1)
    seed, mode, *counts = result(page)
    assert (seed, mode) == ("7", "5-way")
    expect(page.locator(".scores .sum")).to_have_text(list(counts))
    assert scores(page)[0] == mine
    for player, right in zip(PLAYERS, scores(page), strict=True):
        assert cells(page, player).count("✓") == right
        assert cells(page, player).count("✗") == QUESTIONS - right
    next_step = page.locator(".st-key-next_steps p").last
    assert next_step.evaluate("p => getComputedStyle(p).whiteSpace") == "normal", "it wraps"

    page.wait_for_timeout(500)
    page.keyboard.press("Enter")  # "Next ten questions"
    page.wait_for_url(re.compile("seed=8"))
    at_question(page, 1)
    answered(page, 0)
    assert scores(page) == [0, 0, 0]


def test_arrows_choose_among_twenty_and_a_second_enter_is_no_choice(
    page: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/?mode=20-way")
    expect(page.locator(".choice")).to_have_count(20)
    # To the first, two rows down, one to the right, and against the edge: 5 columns.
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    answered(page, 1)
    marks = page.locator(".choice").nth(11).locator(".mark")
    expect(marks.first).to_have_attribute("title", "You")
    page.keyboard.press("Enter")
    at_question(page, 2)
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    answered(page, 1)
    page.keyboard.press("9")
    answered(page, 2)


def test_a_wrong_answer_shows_the_pictures_that_misled(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/?seed=7")
    mine = page.locator(".misled > div", has_text="You")
    for number in range(1, QUESTIONS + 1):
        page.keyboard.press("1")
        answered(page, number)
        truth, shown = true_choice(page), pictures(page)
        if truth:
            break
        expect(mine).to_have_count(0)
        page.keyboard.press("Enter")
    assert truth, "always the first one cannot be right"
    page.keyboard.press("Enter")
    expect(mine).to_have_count(0)
    page.locator(".scores thead button").nth(number - 1).click()
    assert pictures(page) == shown, "one can go back to look"
    expect(mine).to_contain_text("answered 1")
    query, *choices = shown
    sources = mine.locator("img").evaluate_all("all => all.map(one => one.src)")
    assert sources == [choices[0], query, choices[truth]]
    page.keyboard.press("2")
    page.wait_for_timeout(200)
    answered(page, number)


def test_the_score_outlives_other_pages_and_reruns(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/?seed=11")
    for number, key in enumerate("231", start=1):
        page.keyboard.press(key)
        answered(page, number)
        page.keyboard.press("Enter")
        at_question(page, number + 1)
    answered(page, 3)
    # The machines answer meanwhile; of these three questions MAML has some right.
    expect(page.locator(".scores .sum").nth(PLAYERS.index("MAML"))).not_to_have_text("0")
    wait_until_done(page)  # the server has the last answer
    before, here = scores(page), pictures(page)
    page.get_by_role("link", name="Episodes").click()
    expect(page.locator(".episode")).to_be_visible()
    page.get_by_role("link", name="Play", exact=True).click()
    at_question(page, 4)
    answered(page, 3)
    assert (scores(page), pictures(page)) == (before, here)
    # What does not count here changes nothing.
    page.locator(".st-key-projector").get_by_text("Larger").click()
    page.wait_for_url(re.compile("projector="))
    answered(page, 3)
    assert (scores(page), pictures(page)) == (before, here)
    page.locator(".st-key-seed input").press("4")  # typed there, not the game's key
    page.wait_for_timeout(200)
    answered(page, 3)


def test_the_time_begins_with_start_and_waits_while_an_answer_is_shown(
    page: Page, app_url: str
) -> None:
    page.clock.install()
    open_page(page, f"{app_url}/?seed=7&timed=true")
    seconds = page.locator(".clock .seconds")
    page.clock.fast_forward(20_000)
    expect(page.locator(".next")).to_have_text("Start")
    expect(seconds).to_have_text("10 s")
    page.keyboard.press("3")  # begins; chooses nothing
    expect(page.locator(".next")).to_be_hidden()
    answered(page, 0)
    page.clock.fast_forward(4_000)
    expect(seconds).to_have_text(re.compile("^[3-6] s"))
    page.emulate_media(reduced_motion="reduce")  # the bar then goes second by second
    expect(page.locator(".clock i")).to_have_attribute("style", re.compile(r"scaleX\(0\.[3-6]\)"))
    page.clock.fast_forward(10_000)
    answered(page, 1)
    expect(page.locator(".words")).to_contain_text("No answer in time: it is")
    expect(seconds).to_be_hidden()
    assert cells(page, "You")[0] == "–"

    page.clock.fast_forward(20_000)
    page.keyboard.press("Enter")
    at_question(page, 2)
    expect(seconds).to_have_text(re.compile("(10|[7-9]) s"))
    page.locator(".scores thead button").first.click()
    page.clock.fast_forward(20_000)
    answered(page, 1)
    page.locator(".scores thead button").nth(1).click()
    page.keyboard.press("2")
    for number in range(2, QUESTIONS + 1):
        answered(page, number)
        page.clock.fast_forward(20_000)
        page.keyboard.press("Enter")
        at_question(page, number + 1)
        page.keyboard.press("1")
    line = page.get_by_test_id("stMain").get_by_test_id("stCode")
    expect(line).to_contain_text(f"10 s a question: me {scores(page)[0]} (no answer to 1), MAML")


@pytest.mark.slow
def test_a_class_plays_the_same_round_on_phones(page: Page, phone: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/?seed=9")
    page.get_by_text("20-way", exact=True).click()
    page.wait_for_url(re.compile("mode=20-way"))
    expect(page.locator(".choice")).to_have_count(20)
    page.get_by_text("QR code, short link").click()
    link = page.locator("[data-testid=stPopoverBody] code").last.inner_text()
    open_page(phone, link)
    expect(phone.locator(".choice")).to_have_count(20)
    assert pictures(phone) == pictures(page)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    for number in phone.locator(".scores thead button").all():
        box = number.bounding_box()
        assert min(box["width"], box["height"]) >= 40, "as large as a finger"
    header = phone.locator("[data-testid=stHeader]").bounding_box()
    places = phone.locator(".choice").evaluate_all(PLACES)
    for number in range(1, QUESTIONS + 1):
        phone.locator(".choice").nth(19).tap()
        answered(phone, number)
        verdict = phone.locator(".words").bounding_box()
        assert verdict["y"] >= header["y"] + header["height"], "the header does not cover it"
        phone.locator(".next").tap()
    at_question(phone, QUESTIONS + 1)
    assert result(phone)[:2] == ("9", "20-way")
    phone.locator(".choice").first.tap()
    at_question(phone, 1)
    revealed = phone.locator(".choice").evaluate_all(PLACES)
    assert revealed == places, "nothing moves when the answer is revealed"


def test_a_question_leads_to_its_own_episode_on_adapt(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/?seed=3&mode=20-way%2C+one+alphabet")
    page.keyboard.press("2")
    page.locator(".next").click()
    at_question(page, 2)
    expect(page.locator(".learn")).to_be_hidden()
    page.keyboard.press("3")
    answered(page, 2)
    query = page.locator(".query").get_attribute("src")
    choices = page.locator(".choice img").evaluate_all("all => all.map(one => one.src)")
    page.locator(".learn").click()
    expect(page.locator(".st-key-player .row")).to_have_count(20)
    wait_until_done(page)
    sources = "all => all.map(one => one.src)"
    assert page.locator(".st-key-player .examples img").evaluate_all(sources) == choices
    asked = page.locator(".st-key-player .tile img").evaluate_all(sources)
    assert len(asked) == 20
    assert query in asked
    expect(page.locator(".st-key-question input")).to_have_value("2")


def test_the_last_answer_is_not_lost_by_leaving_at_once(page: Page, app_url: str) -> None:
    """Three requests, of which Streamlit would answer the last one: that of another page."""
    open_page(page, f"{app_url}/?seed=11")
    page.evaluate("""async () => {
      const soon = () => new Promise((done) => setTimeout(done, 20));
      document.querySelector(".st-key-projector input").click();
      await soon();
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "2", bubbles: true }));
      await soon();
      const links = document.querySelectorAll("[data-testid=stSidebarNavLink]");
      [...links].find((link) => link.textContent.includes("Episodes")).click();
    }""")
    expect(page.locator(".episode")).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").get_by_text("Play", exact=True).click()
    answered(page, 1)
