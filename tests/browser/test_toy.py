"""The Toy world in a real browser: θ is dragged, and all numbers are those of the core."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from maml_core.config import AdaptConfig
from maml_core.teaching.quadratic_tasks import (
    CENTRE_WEIGHTS,
    ToyWorld,
    affine_meta_update,
    closed_form_solution,
    inner_loop_trajectories,
    task_losses,
    toy_world,
)
from tests.support.browser_waiting import wait_until_done, wait_until_laid_out

# Chromium hands a pointer's moves over with the next frame.
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
DEFAULT = toy_world("Steep and flat", 2, 1), AdaptConfig(0.2, 2)


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator(".toy .theta").first).to_be_visible()
    wait_until_done(page)


def theta(page: Page) -> np.ndarray:
    return np.array(
        [float(one) for one in page.locator(".toy").get_attribute("data-theta").split(",")]
    )


def row(page: Page, name: str) -> list[str]:
    return page.locator(f".scores tr[data-name={name}] td").all_inner_texts()


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def place(text: str) -> list[float]:
    return [number(one) for one in text.strip("()").split(",")]


def losses(this: ToyWorld, config: AdaptConfig, at: np.ndarray) -> tuple[float, float]:
    ends = inner_loop_trajectories(this, at, config)[:, -1]
    return task_losses(this, at).mean(), task_losses(this, ends).mean()


def assert_row(page: Page, name: str, this: ToyWorld, config: AdaptConfig, at: np.ndarray) -> None:
    """What a row shows is what Python computes for its place."""
    where, before, after = row(page, name)
    assert place(where) == pytest.approx(list(at), abs=0.0051)
    expected = losses(this, config, at)
    assert [number(before), number(after)] == pytest.approx(expected, abs=0.0006)


def middle(page: Page) -> tuple[float, float]:
    """Return where θ's handle is, once nothing moves it any more."""
    wait_until_laid_out(page, ".toy .theta")
    box = page.locator(".toy .theta").first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def to_the_end(page: Page) -> None:
    page.locator(".toy .step-controls input").press("End")
    expect(page.locator(".toy")).to_have_attribute("data-step", "500")


def test_numbers_follow_while_theta_is_dragged_and_the_link_when_it_is_let_go(
    page: Page, stranger: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/toy")
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    places = [theta(page)]
    for shift in (60, 180, 330, 250):
        before = page.locator(".toy").get_attribute("data-theta")
        page.mouse.move(x + shift, y, steps=4)
        expect(page.locator(".toy")).not_to_have_attribute("data-theta", before)
        page.evaluate(TWO_FRAMES)  # for the last of the four movements
        places.append(theta(page))
        assert_row(page, "you", *DEFAULT, places[-1])
        assert "theta" not in page.url
    assert places[0] == -3
    assert places[1] < places[2] < places[4] < places[3]
    page.mouse.up()
    page.wait_for_url(re.compile(f"theta={places[-1][0]:g}$"))
    wait_until_done(page)
    assert theta(page) == places[-1]
    # The best lies somewhere on the way, and no place that was stopped at is better.
    best = np.array(place(row(page, "best")[0]))
    assert_row(page, "best", *DEFAULT, best)
    assert number(row(page, "best")[2]) <= min(losses(*DEFAULT, at)[1] for at in places) + 5e-4

    page.get_by_text("QR code, short link").click()
    link = page.locator("[data-testid=stPopoverBody] code").last.inner_text()
    open_page(stranger, link)
    assert theta(stranger) == places[-1]
    assert row(stranger, "you") == row(page, "you")


def test_the_methods_find_the_places_of_the_closed_form(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/toy?theta=2.5")
    curves = page.locator(".toy .whole")
    expect(curves.first).to_be_hidden()
    assert [row(page, method)[0] for method in CENTRE_WEIGHTS] == ["–"] * len(CENTRE_WEIGHTS)
    page.locator(".toy .play").click()
    expect(curves.first).to_be_visible()
    expect(page.locator(".toy .play")).to_have_class(re.compile("playing"))
    expect(page.locator(".toy")).not_to_have_attribute("data-step", "0")
    page.wait_for_timeout(400)  # sooner, it would be a double click, which does not stop
    page.locator(".toy .play").click()
    expect(page.locator(".toy .play")).not_to_have_class(re.compile("playing"))
    on_the_way = int(page.locator(".toy").get_attribute("data-step"))
    for method in CENTRE_WEIGHTS:
        matrix, offset = affine_meta_update(DEFAULT[0], method, DEFAULT[1])
        at = np.array([2.5])
        for _ in range(on_the_way):
            at = matrix @ at + offset
        assert_row(page, method, *DEFAULT, at)
    to_the_end(page)
    for method in CENTRE_WEIGHTS:
        assert_row(
            page,
            method,
            *DEFAULT,
            closed_form_solution(DEFAULT[0], method, DEFAULT[1]),
        )
    expect(page.locator(".scores tr.lowest")).to_have_attribute("data-name", "maml")

    # Another α: the same place, and the methods are where they must end now.
    page.locator(".st-key-toy_lr input").press("ArrowRight")
    page.wait_for_url(re.compile("toy_lr=0.25"))
    expect(page.locator(".toy")).to_have_attribute("data-revision", re.compile("0.25"))
    assert theta(page) == 2.5
    config = AdaptConfig(0.25, 2)
    for method in CENTRE_WEIGHTS:
        assert_row(
            page,
            method,
            DEFAULT[0],
            config,
            closed_form_solution(DEFAULT[0], method, config),
        )
    page.locator(".toy .rewind").click()
    assert [row(page, method)[0] for method in CENTRE_WEIGHTS] == ["–"] * len(CENTRE_WEIGHTS)


def test_who_starts_where_maml_ends_has_found_it(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/toy?theta=1.2")
    handle = page.locator(".toy .theta").first
    handle.press("ArrowRight")
    page.wait_for_url(re.compile("theta=1.25"))
    to_the_end(page)
    expect(page.locator(".toy .verdict")).to_contain_text("You found it: 0.249 at θ = 1.25")
    expect(page.locator(".toy .verdict")).to_contain_text("Multi-task training rests where")
    page.locator(".st-key-toy_steps input").press("ArrowRight")
    page.wait_for_url(re.compile("toy_steps=3"))
    expect(page.locator(".toy .goal")).to_have_text("loss after 3 steps")
    expect(page.locator(".toy .verdict")).to_contain_text("Drag θ")
    handle.press("Shift+ArrowLeft")
    page.wait_for_url(re.compile("theta=0.75"))
    expect(page.locator(".toy .verdict")).to_contain_text("times that")


def test_two_parameters_by_keyboard_and_by_mouse_on_either_map(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/toy?n_params=2&n_tasks=4&layout=All+different&theta=1,1")
    this, config = toy_world("All different", 4, 2), AdaptConfig(0.2, 2)
    handle = page.locator(".toy .theta").first
    for key, expected in (
        ("ArrowUp", "1,1.05"),
        ("ArrowLeft", "0.95,1.05"),
        ("Shift+ArrowDown", "0.95,0.55"),
    ):
        handle.press(key)
        expect(page.locator(".toy")).to_have_attribute("data-theta", expected)
        assert_row(page, "you", this, config, theta(page))
    page.wait_for_url(re.compile("theta=0.95%2C0.55"))
    wait_until_done(page)
    picture = page.locator(".toy .plot").nth(1)
    picture.click(position={"x": 60, "y": 60})
    page.wait_for_url(lambda url: parse_qs(urlparse(url).query)["theta"] != ["0.95,0.55"])
    x, y = theta(page)
    assert x < -2
    assert y > 2
    assert_row(page, "you", this, config, theta(page))
    handle.press("Home")  # no key of θ's
    to_the_end(page)
    for method in CENTRE_WEIGHTS:
        assert_row(page, method, this, config, closed_form_solution(this, method, config))


@pytest.fixture
def phone(visitor: Callable[..., Page]) -> Page:
    """One that zooms and scrolls by itself."""
    return visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)


def test_a_finger_drags_theta_across_and_scrolls_along(phone: Page, app_url: str) -> None:
    open_page(phone, f"{app_url}/toy?n_params=2")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.locator(".toy .plot").first.evaluate("map => map.scrollIntoView({block: 'center'})")
    devtools = phone.context.new_cdp_session(phone)

    def swipe(x: float, y: float, dx: float, dy: float) -> None:
        def touch(kind: str, *points: dict[str, float]) -> None:
            arguments = {"type": kind, "touchPoints": list(points)}
            devtools.send("Input.dispatchTouchEvent", arguments)

        touch("touchStart", {"x": x, "y": y})
        for i in range(1, 11):
            touch("touchMove", {"x": x + dx * i / 10, "y": y + dy * i / 10})
        touch("touchEnd")

    swipe(*middle(phone), 50, -90)  # mostly along: the handle is held all the same
    phone.wait_for_url(re.compile("theta="))
    first, second = theta(phone)
    assert first > -2.5
    assert second > 1.5
    wait_until_done(phone)
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    top, box = phone.evaluate(scrolled), phone.locator(".toy .plot").first.bounding_box()
    swipe(box["x"] + 200, box["y"] + 200, 3, -120)
    phone.wait_for_function(f"{scrolled} > {top} + 50")
    assert list(theta(phone)) == [first, second], "who scrolls over a map moves nothing"
    box = phone.locator(".toy .plot").first.bounding_box()
    before = phone.url
    swipe(box["x"] + 100, box["y"] + 200, 120, 3)
    phone.wait_for_url(lambda url: url != before)
    assert theta(phone)[0] > 0


def test_a_bad_theta_in_the_link_gives_the_default_and_a_sentence(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/toy?theta=9,9&n_params=2")
    expect(page.locator(".st-key-notices")).to_contain_text("theta = '9,9'")
    assert list(theta(page)) == [-3, 0.5]
