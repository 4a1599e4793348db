"""Drawing by mouse and by touch, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.support.browser_waiting import wait_until_done
from tests.support.pen import Strokes, by_mouse, by_touch, cell

CHARACTERS: dict[str, Strokes] = {
    "A1": [[(0.2, 0.8), (0.5, 0.2), (0.8, 0.8)], [(0.35, 0.55), (0.65, 0.55)]],
    "B1": [[(0.3, 0.2), (0.3, 0.8), (0.7, 0.65), (0.3, 0.5), (0.7, 0.35), (0.3, 0.2)]],
    "C1": [[(0.8, 0.25), (0.4, 0.2), (0.2, 0.5), (0.4, 0.8), (0.8, 0.75)]],
    "D1": [[(0.2, 0.2), (0.8, 0.8)], [(0.8, 0.2), (0.2, 0.8)]],
    "E1": [[(0.2, 0.3), (0.8, 0.3)], [(0.2, 0.5), (0.8, 0.5)], [(0.2, 0.7), (0.8, 0.7)]],
}
# The query: another drawing of D, smaller, elsewhere and a little turned.
ANOTHER_D: Strokes = [[(0.14, 0.1), (0.52, 0.55)], [(0.5, 0.08), (0.12, 0.52)]]
INK = """
name => {
  const canvas = document.querySelector(`[data-name=${name}] canvas`);
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    .reduce((dark, value, i) => dark + (i % 4 === 0 && value < 128), 0);
}
"""


def with_shadow(script: str) -> str:
    """Let a script's `document` find what is inside the components' shadow roots."""
    return f"""name => {{
      const roots = [...window.document.querySelectorAll("*")].map(one => one.shadowRoot);
      const document = {{ querySelector: what => [window.document, ...roots.filter(Boolean)]
        .map(root => root.querySelector(what)).find(Boolean) }};
      return ({script})(name);
    }}"""


def percents(page: Page) -> list[float]:
    """Return MAML's bars, as they are written."""
    lines = page.locator(".st-key-answer_bars .class .line:first-child .percent")
    return [float(text.removesuffix(" %")) for text in lines.all_inner_texts()]


def wait_for_answer(page: Page, strokes: int) -> None:
    """Wait until the bars answer a query of so many strokes."""
    verdict = page.locator(".st-key-answer_bars .verdict")
    expect(verdict).to_contain_text("cosine similarity")
    expect(page.locator(".st-key-answer_bars .bars")).to_have_attribute("data-asked", str(strokes))


def pictures_drawn(page: Page) -> list[str]:
    return page.locator(".st-key-board_pads .seen").evaluate_all("all => all.map(one => one.src)")


def open_board(page: Page, url: str) -> None:
    page.goto(url)
    expect(cell(page, "query").locator("canvas")).to_be_visible()
    expect(page.locator(".st-key-answer_bars .verdict")).to_contain_text("Still empty")
    wait_until_done(page)  # until its style is there things move


def draw_all(page: Page, pen: Callable[[Page, str, Strokes], None]) -> None:
    for name, strokes in CHARACTERS.items():
        pen(page, name, strokes)
        expect(cell(page, name)).to_have_attribute("data-strokes", str(len(strokes)))
    expect(page.locator(".st-key-answer_bars .verdict")).to_contain_text("Now draw a query")


@pytest.mark.parametrize("pen", [by_mouse, by_touch])
def test_five_characters_and_a_query_give_the_right_class(
    page: Page, phone: Page, app_url: str, pen: Callable[[Page, str, Strokes], None]
) -> None:
    page = page if pen is by_mouse else phone
    open_board(page, f"{app_url}/draw?n_way=5")
    if page is phone:
        for button in page.locator(".pads button").all():
            box = button.bounding_box()
            assert min(box["width"], box["height"]) >= 40, "as large as a finger"
    draw_all(page, pen)
    pen(page, "query", ANOTHER_D)
    wait_for_answer(page, strokes=2)
    shares = percents(page)
    assert shares.index(max(shares)) == 3, "D"
    assert sum(shares) == pytest.approx(100, abs=2)
    page.locator(".st-key-answer_bars input").press("Home")
    expect(page.locator(".st-key-answer_bars .where")).to_have_text("Inner step 0 of 5")
    assert percents(page) == [20.0] * 5, "before the first step all classes are alike"
    assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")


def test_ink_is_undone_cleared_and_brought_back(page: Page, app_url: str) -> None:
    open_board(page, f"{app_url}/draw?n_way=2")
    one = cell(page, "A1")
    one.evaluate("node => { node.marked = true }")
    by_mouse(page, "A1", CHARACTERS["D1"])
    ink = page.evaluate(with_shadow(INK), "A1")
    assert ink > 0
    one.locator(".clear").press("Enter")
    assert page.evaluate(with_shadow(INK), "A1") == 0
    one.locator(".undo").click()
    assert page.evaluate(with_shadow(INK), "A1") == ink
    one.locator(".undo").press("Enter")
    assert 0 < page.evaluate(with_shadow(INK), "A1") < ink
    assert one.evaluate("node => node.marked"), "the square was never made anew: no flicker"
    expect(one.locator(".seen")).to_have_attribute("src", re.compile("^data:image/png"))


def test_strokes_on_a_slow_line_end_in_no_error(page: Page, app_url: str) -> None:
    """What the server says arrives only after a third request has gone out."""
    held: list[tuple[WebSocketRoute, bytes]] = []
    slow = False

    def connect(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        line.on_message(server.send)
        server.on_message(lambda said: held.append((line, said)) if slow else line.send(said))

    def wait_for_runs(count: int) -> None:
        kinds: list[str | None] = []
        while kinds.count("script_finished") < count:
            page.wait_for_timeout(50)
            kinds = [ForwardMsg.FromString(said).WhichOneof("type") for _, said in held]

    page.route_web_socket(re.compile("/_stcore/stream"), connect)
    open_board(page, f"{app_url}/draw?n_way=2")
    wait_until_done(page)
    slow = True
    for number, stroke in enumerate(CHARACTERS["D1"], start=1):
        by_mouse(page, "A1", [stroke])
        wait_for_runs(number)
    cell(page, "A1").locator(".clear").press("Enter")  # the answers are again those of the start
    wait_for_runs(3)
    for line, said in held:
        line.send(said)
    expect(cell(page, "A1").locator(".seen")).not_to_have_attribute("src", re.compile("^data"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    slow = False
    by_mouse(page, "A1", CHARACTERS["C1"])
    expect(cell(page, "A1").locator(".seen")).to_have_attribute("src", re.compile("^data"))


def test_ink_stays_from_page_to_page_and_when_n_changes(page: Page, app_url: str) -> None:
    open_board(page, f"{app_url}/draw?n_way=3")
    by_mouse(page, "C1", CHARACTERS["C1"])
    by_mouse(page, "query", ANOTHER_D)
    expect(cell(page, "C1").locator(".seen")).to_have_attribute("src", re.compile("^data"))
    expect(cell(page, "query").locator(".seen")).to_have_attribute("src", re.compile("^data"))
    wait_until_done(page)
    before = [page.evaluate(with_shadow(INK), name) for name in ("C1", "query")]
    page.get_by_role("link", name="Episodes").click()
    expect(page.get_by_text("A small exam")).to_be_visible()
    page.get_by_role("link", name="Draw").click()
    expect(cell(page, "C1")).to_have_class(re.compile("inked"))
    assert [page.evaluate(with_shadow(INK), name) for name in ("C1", "query")] == before
    for key, count in (("ArrowLeft", 2), ("ArrowRight", 3)):
        page.locator(".st-key-n_way input").press(key)
        expect(page.locator(".st-key-board_pads .cell")).to_have_count(count)
    assert page.evaluate(with_shadow(INK), "C1") == before[0]


def test_a_saved_board_is_the_same_after_loading(
    page: Page, stranger: Page, app_url: str, tmp_path: Path
) -> None:
    open_board(page, f"{app_url}/draw?n_way=3")
    page.get_by_role("button", name="Fill from Glyphs").click()
    expect(page.locator(".st-key-board_pads .inked")).to_have_count(3)
    page.locator('[data-name="B1"] .clear').click()
    by_mouse(page, "B1", CHARACTERS["B1"])
    expect(cell(page, "B1")).to_have_attribute("data-strokes", "1")
    by_mouse(page, "query", ANOTHER_D)
    wait_for_answer(page, strokes=2)
    drawn, shares = pictures_drawn(page), percents(page)
    with page.expect_download() as download:
        page.locator(".st-key-save_board button").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert json.loads(file.read_bytes())["query"]["strokes"]

    open_board(stranger, f"{app_url}/draw")
    stranger.locator(".st-key-load_board button").click()
    stranger.locator("input[type=file]").set_input_files(file)
    expect(stranger.locator(".st-key-board_pads .inked")).to_have_count(3)
    expect(stranger.locator(".st-key-board_pads .cell")).to_have_count(3)
    wait_for_answer(stranger, strokes=2)
    stranger.wait_for_url(re.compile("n_way=3"))
    assert pictures_drawn(stranger) == drawn
    assert percents(stranger) == shares


def test_a_query_from_the_data_set_fills_an_empty_board(page: Page, app_url: str) -> None:
    open_board(page, f"{app_url}/draw?n_way=2")
    page.get_by_role("button", name="From Glyphs", exact=True).click()
    expect(page.locator(".st-key-board_pads .inked")).to_have_count(2)
    expect(page.locator(".st-key-answer_bars .verdict")).to_contain_text("It is ")


def test_pictures_go_into_the_cell_or_the_rows_they_are_for(
    page: Page, app_url: str, tmp_path: Path
) -> None:
    files = []
    for name in ("A1", "B1"):
        paper = Image.new("L", (300, 200), 235)
        brush = ImageDraw.Draw(paper)
        for stroke in CHARACTERS[name]:
            brush.line([(200 * x + 50, 200 * y) for x, y in stroke], fill=40, width=9)
        paper.save(tmp_path / f"{name}.png")
        files.append(tmp_path / f"{name}.png")
    open_board(page, f"{app_url}/draw?n_way=2")
    page.locator('[data-name="query"] .upload').click()
    page.locator("[data-testid=stDialog] input[type=file]").set_input_files(files[1])
    expect(cell(page, "query")).to_have_class(re.compile("inked"))
    expect(page.locator("[data-testid=stDialog]")).to_have_count(0)
    page.locator(".st-key-upload_pictures button").click()
    page.locator("[data-testid=stDialog] input[type=file]").set_input_files(
        [*files, _broken(tmp_path)]
    )
    warning = page.get_by_test_id("stAlertContentWarning")
    expect(warning).to_contain_text("There are 3 classes")
    expect(page.locator(".st-key-board_pads .inked")).to_have_count(0)
    page.locator(".st-key-upload_pictures button").click()
    page.locator("[data-testid=stDialog] input[type=file]").set_input_files(files)
    expect(page.locator(".st-key-board_pads .inked")).to_have_count(2)
    wait_for_answer(page, strokes=0)
    shares = percents(page)
    assert shares.index(max(shares)) == 1


def _broken(folder: Path) -> Path:
    content = BytesIO(b"no picture")
    (folder / "z.png").write_bytes(content.getvalue())
    return folder / "z.png"


def test_a_board_outlives_a_reload_in_its_own_tab_only(page: Page, app_url: str) -> None:
    open_board(page, f"{app_url}/draw?n_way=2&q_query=1")
    page.get_by_role("button", name="Fill from Glyphs").click()
    clear = page.get_by_role("button", name="Clear the board")
    expect(clear).to_be_enabled()
    wait_until_done(page)
    filled = pictures_drawn(page)
    for _ in range(2):
        page.reload()
        expect(clear).to_be_enabled()
        wait_until_done(page)
        assert pictures_drawn(page) == filled
    other = page.context.new_page()
    open_board(other, f"{app_url}/draw?n_way=2&q_query=1")
    wait_until_done(other)
    expect(other.get_by_role("button", name="Clear the board")).to_be_disabled()


def test_the_last_stroke_is_not_lost_by_leaving_at_once(page: Page, app_url: str) -> None:
    """The server hears of it together with the request for the other page."""
    held: list[bytes] = []
    servers: list[WebSocketRoute] = []
    slow = False

    def connect(line: WebSocketRoute) -> None:
        servers.append(line.connect_to_server())
        line.on_message(lambda said: held.append(said) if slow else servers[-1].send(said))

    page.route_web_socket(re.compile("/_stcore/stream"), connect)
    open_board(page, f"{app_url}/draw")
    wait_until_done(page)
    slow = True
    for name in ("A1", "B1"):
        by_mouse(page, name, CHARACTERS[name][:1])
    page.get_by_test_id("stSidebarNavLink").get_by_text("Episodes", exact=True).click()
    while len(held) < 3:
        page.wait_for_timeout(50)
    slow = False
    for said in held:
        servers[-1].send(said)
    expect(page.locator(".episode")).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").get_by_text("Draw", exact=True).click()
    for name in ("A1", "B1"):
        expect(cell(page, name)).to_have_attribute("data-strokes", "1")
