"""A whole class of three activities in real browsers, with all that goes wrong in a room."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Request, expect

from maml_core.config import N_QUESTIONS
from tests.support.browser_waiting import wait_until_done
from tests.support.class_in_browser import (
    go_where_led,
    join_class,
    lead_here,
    start_class,
)
from tests.support.pen import Strokes, by_touch, cell

NO_CODE = "zzzz zzzz"
ROUND = "?dataset=Glyphs&seed=4"
EPISODE = "adapt?n_way=5&q_query=5&seed=3&steps=3&methods=MAML&methods=Pretrained"
PREDICTIONS = ([50, 40, 90, 80], [60, 20, 70, 90])  # of a pupil each
DRAWING = "draw?n_way=3"
# The rows' characters; each pupil draws them a little differently.
CHARACTERS: dict[str, Strokes] = {
    "A1": [[(0.2, 0.8), (0.5, 0.2), (0.8, 0.8)]],
    "B1": [[(0.3, 0.2), (0.3, 0.8), (0.7, 0.65), (0.3, 0.5)]],
    "C1": [[(0.8, 0.25), (0.4, 0.2), (0.2, 0.5), (0.4, 0.8), (0.8, 0.75)]],
}


class HandIns:
    """What a phone has sent to the class and the server has answered."""

    def __init__(self, phone: Page) -> None:
        self.sent: list[Request] = []
        phone.on("requestfinished", self._note)

    def _note(self, request: Request) -> None:
        if request.url.endswith("/class/hand-in"):
            self.sent.append(request)

    def kinds(self) -> list[str]:
        return [request.post_data_json["kind"] for request in self.sent]


def lead_to(teacher: Page, app_url: str, link: str) -> None:
    """Lead everybody to a page, and go back to the projector's."""
    teacher.goto(f"{app_url}/{link}")
    wait_until_done(teacher)
    lead_here(teacher)
    teacher.get_by_role("link", name="To the class").click()
    expect(teacher.get_by_role("radiogroup", name="What the class thought")).to_be_visible()


def mistype_then_join(pupil: Page, app_url: str, code: str) -> str:
    """Come without a link, type a code that is no class's, then the right one."""
    pupil.goto(f"{app_url}/classroom")
    pupil.locator(".code").fill(NO_CODE)
    expect(pupil.locator(".join .said")).to_contain_text("No class has this code")
    expect(pupil.locator(".enter")).to_be_disabled()
    pupil.locator(".code").fill(code)
    name = pupil.locator(".offered label").first.inner_text()
    pupil.locator(".enter").click()
    expect(pupil.locator(".line .who")).to_have_text(f"You are the {name}")
    return name


def answer_questions(pupil: Page, first: int, last: int, choice: int) -> dict[int, bool]:
    """Answer questions of a round with one and the same number; return which were right."""
    right = {}
    for number in range(first, last + 1):
        pupil.locator(".choice").nth(choice).click()
        expect(pupil.locator(".game")).to_have_attribute("data-answered", str(number))
        truth = re.search(r"it is (\d+)", pupil.locator(".game .words").inner_text())
        assert truth
        right[number] = int(truth[1]) == choice + 1
        pupil.locator(".next").click()
    return right


def came_to_class(pupil: Page) -> None:
    expect(pupil.locator(".line .outbox")).to_have_text("Your class has your answers.")


def chart_in_words(teacher: Page, key: str) -> str:
    label = teacher.locator(f".st-key-{key} [aria-label]").first.get_attribute("aria-label")
    return label or ""


def expect_round(teacher: Page, rights: list[dict[int, bool]]) -> None:
    """The projector shows what the pupils' own boards have told them."""
    share = [np.mean([one[n] for one in rights]) for n in range(1, N_QUESTIONS + 1)]
    mean = np.mean([sum(one.values()) for one in rights])
    scores = teacher.locator(".st-key-class_scores")
    expect(scores).to_contain_text(f"mean of {len(rights)} who finished")
    expect(scores).to_contain_text(f"{mean:.1f} of {N_QUESTIONS}")
    words = chart_in_words(teacher, "class_round_chart")
    shown = re.findall(r"Question (\d+): (\d+) % right", words)
    assert shown == [(str(n), f"{100 * part:.0f}") for n, part in enumerate(share, 1)]
    worst = int(np.argmin(share))
    missed = rf"question {worst + 1}, which {share[worst] * len(rights):.0f} of {len(rights)} got"
    expect(teacher.get_by_text(re.compile(missed))).to_be_visible()


def predict(pupil: Page, percents: list[int]) -> None:
    sliders = pupil.locator(".percent input")
    expect(sliders).to_have_count(len(percents))
    for number, percent in enumerate(percents):
        sliders.nth(number).fill(str(percent))


def expect_predictions(teacher: Page) -> list[str]:
    """The projector shows the range and the median of each column; return what it says is true."""
    words = chart_in_words(teacher, "class_predictions_chart")
    said = re.findall(r"predicted were (\d+) to (\d+) %, median (\d+) %", words)
    # The form asks method by method; the sentences go from step to step.
    columns = [sorted(column) for column in zip(*PREDICTIONS, strict=True)]
    expected = [(*columns[k], sum(columns[k]) // 2) for k in range(4)]
    assert [tuple(map(int, numbers)) for numbers in said] == expected
    return re.findall(r"it is (\d+ %)", words)


def draw_board(pupil: Page, number: int) -> None:
    for name, strokes in CHARACTERS.items():
        by_touch(pupil, name, [[(x, y + 0.04 * number) for x, y in one] for one in strokes])
    expect(pupil.locator(".hand-in .note")).to_be_empty()
    pupil.locator(".hand-in .give").click()
    expect(pupil.locator(".hand-in .came")).to_have_text("Your class has it.")


@pytest.mark.slow  # a minute; its parts are in the default suite, in test_class*.py
def test_a_class_of_three_activities(page: Page, phones: list[Page], app_url: str) -> None:
    code, _ = start_class(page, app_url)
    early, late = phones
    names = [join_class(early, app_url, code)]
    sent = {phone: HandIns(phone) for phone in phones}

    lead_to(page, app_url, ROUND)
    go_where_led(early)
    rights = [answer_questions(early, 1, 4, choice=0)]
    came_to_class(early)
    early.reload()  # in the middle of the round
    expect(early.locator(".game")).to_have_attribute("data-answered", "4")
    wait_until_done(early)
    names.append(mistype_then_join(late, app_url, code))
    go_where_led(late)
    expect(page.get_by_text("2 here")).to_be_visible()
    rights[0] |= answer_questions(early, 5, N_QUESTIONS, choice=0)
    rights.append(answer_questions(late, 1, N_QUESTIONS, choice=1))
    for phone in phones:
        came_to_class(phone)
    expect_round(page, rights)

    lead_to(page, app_url, EPISODE)
    for phone, percents in zip(phones, PREDICTIONS, strict=True):
        go_where_led(phone)
        predict(phone, percents)
    sent[late].sent.clear()
    late.context.set_offline(True)
    for phone in phones:
        phone.locator(".hand-in .send").click()
    expect(late.locator(".line .outbox")).to_contain_text("One thing is kept on this device")
    expect(page.get_by_text("1 prediction handed in.")).to_be_visible()
    assert not sent[late].sent
    late.context.set_offline(False)
    expect(page.get_by_text("2 predictions handed in.")).to_be_visible()
    expect(late.locator(".line .outbox")).to_be_empty()
    expect(page.locator(".st-key-class_predictions_chart")).to_have_count(0)  # hidden as yet
    page.get_by_role("button", name="Reveal").locator("visible=true").click()
    expect(page.locator(".st-key-class_predictions")).to_contain_text("it is")
    truths = expect_predictions(page)
    assert len(truths) == len(PREDICTIONS[0])
    for phone in phones:
        own = phone.locator(".st-key-class_predictions p").first
        expect(own).to_contain_text("it is")
        assert re.findall(r"it is (\d+ %)", own.inner_text()) == truths
    assert sent[late].kinds() == ["prediction"], "it was kept and sent once"

    lead_to(page, app_url, DRAWING)
    for number, phone in enumerate(phones):
        go_where_led(phone)
        expect(cell(phone, "C1")).to_be_visible()
        draw_board(phone, number)
    expect(page.locator(".class-board img")).to_have_count(2)
    assert sorted(page.locator(".class-board figcaption").all_inner_texts()) == sorted(names)
    page.get_by_role("button", name="Make Our class of 2 boards").click()
    expect(page.get_by_text("holds 2 boards of 3 characters")).to_be_visible()

    with page.expect_download() as download:
        page.locator(".st-key-class_csv button").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    kinds = ("play", "prediction", "board")
    assert sorted((row["name"], row["kind"]) for row in rows) == sorted(
        (name, kind) for name in names for kind in kinds
    )


def tab_to(page: Page, target: Locator, most: int = 60) -> int:
    """Press Tab until something has the focus; return how often."""
    for presses in range(most + 1):
        if target.evaluate("e => e === e.getRootNode().activeElement"):
            return presses
        page.keyboard.press("Tab")
    raise AssertionError(f"{most} Tab presses do not lead to {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    expect(target).to_be_visible()
    tab_to(page, target)
    page.keyboard.press(key)


@pytest.mark.slow  # half a minute
def test_a_class_with_the_keyboard_alone(page: Page, phones: list[Page], app_url: str) -> None:
    pupil, address = phones[0], f"{app_url}/classroom"
    page.goto(address)
    press(page, page.locator(".begin"))
    expect(page.locator(".on")).to_be_focused()
    page.keyboard.press("Enter")
    code = page.locator(".class-code").inner_text()
    wait_until_done(page)

    pupil.goto(address)
    expect(pupil.locator(".code")).to_be_focused()  # the page is for nothing else
    pupil.keyboard.type(code)
    expect(pupil.locator(".offered label")).to_have_count(6)
    press(pupil, pupil.locator(".offered :checked"), "ArrowDown")
    name = pupil.locator(".offered label").nth(1)
    expect(name.locator("input")).to_be_checked()
    name_in_words = name.inner_text()
    pupil.keyboard.press("Enter")
    expect(pupil.locator(".line .who")).to_have_text(f"You are the {name_in_words}")
    wait_until_done(pupil)

    page.goto(f"{app_url}/{EPISODE}")
    wait_until_done(page)
    press(page, page.get_by_role("button", name="Lead everybody here"))
    expect(page.locator(".st-key-lead")).to_contain_text("Your class is led to this page.")
    press(page, page.get_by_role("link", name="To the class"))
    expect(page.get_by_text("0 predictions handed in.")).to_be_visible()

    press(pupil, pupil.locator(".line .go"))
    sliders = pupil.locator(".percent input")
    expect(sliders).to_have_count(4)
    wait_until_done(pupil)
    for number in range(4):
        press(pupil, sliders.nth(number), "ArrowRight")
        expect(pupil.locator(".percent output").nth(number)).to_have_text("51 %")
    press(pupil, pupil.locator(".hand-in .send"))
    expect(pupil.locator(".hand-in .send")).to_have_text("Handed in")

    expect(page.get_by_text("1 prediction handed in.")).to_be_visible()
    press(page, page.get_by_role("button", name="Reveal").locator("visible=true"))
    expect(page.locator(".st-key-class_predictions")).to_contain_text("median 51 %; it is")
    expect(pupil.locator(".hand-in .said")).to_contain_text("Your teacher has shown")
