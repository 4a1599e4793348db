"""A chart under a finger, on the keyboard, on the whole screen and as a file."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done

SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"
SWIPE_PX = 200
SWIPE_STEPS = 20
DOUBLE_CLICK_MS = 500  # two presses this far apart are two


def swipe_up(page: Page, x: float, y: float) -> None:
    """Move a finger up; Playwright itself only taps."""
    session = page.context.new_cdp_session(page)
    for step in range(SWIPE_STEPS + 1):
        point = {"x": x, "y": y - SWIPE_PX * step / SWIPE_STEPS}
        kind = "touchMove" if step else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        page.wait_for_timeout(16)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def ranges(page: Page, chart: str) -> list[float]:
    axes = f"(({{ xaxis, yaxis }}) => [...xaxis.range, ...yaxis.range])({chart}._fullLayout)"
    return page.evaluate(axes)


@pytest.mark.parametrize(
    ("path", "selector"),
    [
        ("adapt?n_way=2", ".st-key-accuracy_chart .js-plotly-plot"),
        ("sinusoid", ".maml-wave .js-plotly-plot"),
    ],
)
def test_a_swipe_over_a_chart_scrolls_the_page(
    phone: Page, app_url: str, path: str, selector: str
) -> None:
    phone.goto(f"{app_url}/{path}")
    wait_until_done(phone)
    plot = phone.locator(selector).first
    plot.scroll_into_view_if_needed()
    chart = f"document.querySelector('{selector}')"
    before, box = ranges(phone, chart), plot.bounding_box()
    from_top = phone.evaluate(SCROLLED)
    swipe_up(phone, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    phone.wait_for_function(f"{SCROLLED} >= {from_top + SWIPE_PX / 2}")
    assert ranges(phone, chart) == before, "and zooms nothing"


def test_a_chart_zooms_saves_and_fills_the_screen_by_keyboard(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/adapt?n_way=2&steps=2")
    wait_until_done(page)
    tools = page.locator(".st-key-chart_tools_accuracy_chart")
    opener = tools.locator(".chart-menu-opener")
    chart = "document.querySelector('.st-key-accuracy_chart .js-plotly-plot')"
    page.locator(".st-key-accuracy_chart .js-plotly-plot").wait_for()
    whole = ranges(page, chart)

    def choose(words: str) -> None:
        opener.focus()
        page.keyboard.press("Enter")
        tools.get_by_role("button", name=words).press("Enter")

    choose("Zoom in")
    page.wait_for_function(f"{chart}.layout.yaxis.range[1] < 80")
    choose("Show all")
    page.wait_for_function(f"{chart}.layout.yaxis.range[1] > 100")
    assert ranges(page, chart) == whole
    for kind in ("PNG", "SVG"):
        with page.expect_download() as download:
            choose(f"Save as {kind}")
        assert download.value.suggested_filename == (
            f"query-accuracy-by-inner-step-glyphs-2-way-1-shot-seed-0.{kind.lower()}"
        )
    choose("Fill the screen")
    enlarged = tools.locator(".chart-screen .stage .svg-container")
    expect(enlarged).to_be_visible()
    size = page.viewport_size
    assert enlarged.bounding_box()["width"] == pytest.approx(size["width"], abs=2)
    page.keyboard.press("Escape")
    expect(enlarged).to_have_count(0)
    expect(opener).to_be_focused()


def test_a_chart_is_called_by_its_numbers(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/adapt?n_way=2&steps=2")
    wait_until_done(page)
    label = page.get_by_role("figure", name="Query accuracy by inner step").get_attribute(
        "aria-label"
    )
    shown = page.locator(".st-key-player .method b")
    expect(shown.first).to_be_visible()
    scores = shown.all_inner_texts()
    right, of = map(int, scores[0].split(" / "))
    assert f"MAML from 50 at 0 to {100 * right / of:.3g} at 2" in label, json.dumps(scores)


@pytest.mark.parametrize(
    "soon",
    [
        pytest.param("queueMicrotask", id="so that the move never ends", marks=pytest.mark.slow),
        pytest.param("setTimeout", id="so that the move ends on what was drawn since"),
    ],
)
def test_a_chart_drawn_anew_while_it_moves_still_goes_with_the_player(
    page: Page, app_url: str, soon: str
) -> None:
    page.goto(f"{app_url}/train?what=Replay&n_way=3&q_query=1")
    chart = "document.querySelector('.st-key-course_chart .js-plotly-plot')"
    page.wait_for_function(f"{chart}?._transitionData?._frames?.length")
    page.evaluate(
        """soon => {
          const { animate, react } = window.Plotly;
          window.Plotly.animate = (plot, ...how) => {
            if (!plot.closest(".st-key-course_chart")) return animate(plot, ...how);
            window.Plotly.animate = animate;
            const { layout, _transitionData: { _frames: frames } } = plot;
            const data = structuredClone(plot.data);
            const end = animate(plot, ...how);
            window[soon](() => (window.drawn_anew = react(plot, { data, layout, frames })));
            return end;
          };
        }""",
        soon,
    )
    page.locator(".st-key-replay_player .rewind").click()
    page.wait_for_function("window.drawn_anew")
    page.wait_for_function(f"{chart}.data.at(-1).x[0] === 0")


def place_of_point(page: Page, chart: str, trace: int, number: int) -> list[float]:
    """Return where a point of a chart is in the browser's window."""
    return page.evaluate(
        f"""() => {{
          const plot = {chart}, {{ left, top }} = plot.getBoundingClientRect();
          const {{ xaxis, yaxis }} = plot._fullLayout, {{ x, y }} = plot.data[{trace}];
          return [left + xaxis._offset + xaxis.d2p(x[{number}]),
            top + yaxis._offset + yaxis.d2p(y[{number}])];
        }}"""
    )


def test_the_maps_of_features_go_with_the_player_and_show_the_pictures(
    page: Page, app_url: str
) -> None:
    methods = "methods=Random%20initialisation"
    page.goto(f"{app_url}/adapt?n_way=2&q_query=1&steps=3&features=true&{methods}")
    wait_until_done(page)
    chart = "document.querySelector('.st-key-feature_map_1 .js-plotly-plot')"
    page.locator(".st-key-feature_map_1 .js-plotly-plot").wait_for()
    near, far = page.locator(".st-key-linked_steps"), page.locator(".st-key-player")
    step = f"JSON.stringify({chart}.data[0].x) === JSON.stringify({chart}._transitionData"
    for here, there, name, expected in (
        (near, far, "To the end", "3"),
        (far, near, "Step back", "2"),
        (near, far, "Rewind", "0"),
    ):
        here.get_by_role("button", name=name).click()
        for one in (here, there):
            expect(one.locator("[data-step]")).to_have_attribute("data-step", expected)
        page.wait_for_function(f"{step}._frameHash['{expected}'].data[0].x)")
    page.locator(".st-key-feature_map_1").scroll_into_view_if_needed()
    picture = page.locator(".pictured")
    tiles = page.locator(".st-key-player .tile img")
    for number in (0, 1):
        page.mouse.move(*place_of_point(page, chart, 0, number), steps=3)
        expect(picture).to_contain_text(f"Query of {'AB'[number]}: ")
        shown = picture.locator("img").get_attribute("src")
        assert shown == tiles.nth(number).get_attribute("src")
    page.mouse.move(1, 1)
    expect(picture).to_be_hidden()


def test_what_plays_is_paused_beside_the_maps_and_beside_the_pictures(
    page: Page, app_url: str
) -> None:
    methods = "methods=Random%20initialisation"
    page.goto(f"{app_url}/adapt?n_way=2&q_query=1&steps=20&features=true&{methods}")
    wait_until_done(page)
    near, far = (page.locator(f".st-key-{key} .play") for key in ("linked_steps", "player"))
    for starts, pauses in ((near, far), (far, near)):
        starts.click()
        for one in (near, far):
            expect(one).to_have_accessible_name("Pause")
        page.wait_for_timeout(DOUBLE_CLICK_MS)
        pauses.click()
        for one in (near, far):
            expect(one).to_have_accessible_name("Play")
        page.wait_for_timeout(DOUBLE_CLICK_MS)
