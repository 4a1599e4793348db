"""What a person does, in a real browser."""

import os
import re
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.browser_waiting import wait_until_done, wait_until_laid_out
from tests.support.quick_and_slow import slow_but

IMAGES = Path(__file__).parents[2] / "assets" / "images"
PICTURED_STEPS = 5
FRAME_MS = 1200
ADAPT_CLIP = {"x": 300, "y": 40, "width": 1060, "height": 930}
PLAY_CLIP = {"x": 300, "y": 40, "width": 1060, "height": 700}
# A chart that is being replaced counts as one line without points.
DRAWN_POINTS = """
key => document.querySelector(`.st-key-${key} .js-plotly-plot`)
    ?.calcdata?.map(line => line.filter(point => Number.isFinite(point.y)).length) ?? [0]
"""


LINK_IN_LINK = "%5BLog%20in%5D(https://evil.example)%20https://evil.example%20www.evil.example"


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    wait_until_done(page)


def press_slider(page: Page, key: str, keyboard_key: str, url_part: str) -> None:
    """Move a slider by the keyboard and wait until the URL says so."""
    page.locator(f".st-key-{key} input").press(keyboard_key)
    page.wait_for_url(re.compile(re.escape(url_part)))
    wait_until_done(page)


def copied_link(page: Page) -> str:
    """Return what *Copy link* puts on the clipboard, after one click."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".st-key-copy_link [role=status]")).to_have_text("Copied")
    return page.evaluate("navigator.clipboard.readText()")


def pictures(page: Page) -> list[str]:
    return page.locator(".st-key-player .tile img").evaluate_all("all => all.map(one => one.src)")


def test_n_and_k_change_the_episode_and_play_moves_the_chart(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/adapt?n_way=5")
    expect(page.locator(".st-key-player .row")).to_have_count(5)
    before = pictures(page)

    press_slider(page, "n_way", "ArrowRight", "n_way=6")
    expect(page.locator(".st-key-player .row")).to_have_count(6)
    assert pictures(page)[: len(before)] == before, "the first five classes stay"
    press_slider(page, "k_shot", "ArrowRight", "k_shot=2")
    expect(page.locator(".player")).to_have_attribute("data-revision", re.compile("k_shot=2"))

    expect(page.locator(".st-key-player .where")).to_have_text("Inner step 1 of 10")
    page.locator(".st-key-player .rewind").click()
    expect(page.locator(".st-key-player .where")).to_have_text("Inner step 0 of 10")
    page.wait_for_function(f"key => Math.min(...({DRAWN_POINTS})(key)) === 1", arg="accuracy_chart")
    page.locator(".st-key-player .play").click()
    expect(page.locator(".st-key-player .where")).to_have_text("Inner step 2 of 10")
    for chart in ("accuracy_chart", "loss_chart"):
        page.wait_for_function(f"key => Math.min(...({DRAWN_POINTS})(key)) >= 3", arg=chart)


def test_a_chart_that_is_drawn_anew_shows_the_players_step(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/adapt?n_way=2")
    points = f"([key, n]) => Math.min(...({DRAWN_POINTS})(key)) === n"
    page.wait_for_function(points, arg=["loss_chart", 2])
    page.evaluate("""() => {
      const chart = document.querySelector(".st-key-loss_chart .js-plotly-plot");
      window.drawAnew = ((data) => () => Plotly.react(chart, data, chart.layout))([...chart.data]);
    }""")
    page.locator(".st-key-player .rewind").click()
    page.wait_for_function(points, arg=["loss_chart", 1])
    page.evaluate("drawAnew()")
    page.wait_for_function(points, arg=["loss_chart", 1])


def test_another_episode_is_shown_at_the_step_that_one_looks_at(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/adapt?n_way=2&steps=3")
    where = page.locator(".st-key-player .where")
    expect(where).to_have_text("Inner step 1 of 3")  # what the page is about
    page.locator(".st-key-player .forward").click()
    press_slider(page, "n_way", "ArrowRight", "n_way=3")
    expect(page.locator(".st-key-player .row")).to_have_count(3)
    expect(where).to_have_text("Inner step 2 of 3")
    page.locator(".st-key-player .last").click()
    press_slider(page, "steps", "ArrowRight", "steps=4")
    expect(where).to_have_text("Inner step 4 of 4")


def test_pictures_flip_as_the_steps_go(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/adapt?n_way=3")
    chips = page.locator(".st-key-player .chip")
    page.locator(".st-key-player .rewind").click()
    expect(page.locator(".st-key-player .where")).to_have_text("Inner step 0 of 10")
    before = chips.all_inner_texts()
    assert set(before) == {"A"}, "before the first step all classes are alike, the first is taken"
    page.locator(".st-key-player .forward").click()
    expect(page.locator(".st-key-player .where")).to_have_text("Inner step 1 of 10")
    assert chips.all_inner_texts() != before


@pytest.mark.slow
def test_a_copied_link_shows_the_same_episode_to_someone_else(
    page: Page, stranger: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/adapt?n_way=4")
    first = pictures(page)
    before = page.locator(".player").get_attribute("data-revision") or ""
    page.locator(".st-key-new_episode button").click()
    expect(page.locator(".player")).not_to_have_attribute("data-revision", before)
    wait_until_done(page)
    shown = pictures(page)
    assert shown != first
    page.locator(".st-key-methods").get_by_text("Pretrained").click()
    expect(page.locator(".st-key-player .method")).to_have_count(2)
    link = copied_link(page)

    open_page(stranger, link)
    expect(stranger.locator(".st-key-player .row")).to_have_count(4)
    assert pictures(stranger) == shown
    assert stranger.locator(".st-key-notices").count() == 0
    expect(stranger.locator(".st-key-player .method")).to_have_count(2)


def test_both_sets_have_room_at_any_width(page: Page, app_url: str) -> None:
    pictures_by_row = """all => all.map(one => {
        const rows = {};
        for (const picture of one.querySelectorAll("span")) {
            const { top } = picture.getBoundingClientRect();
            rows[top] = (rows[top] ?? 0) + 1;
        }
        return Object.values(rows);
    })"""
    open_page(page, f"{app_url}/episodes?k_shot=10&n_way=2")
    query = page.locator(".episode .characters.small")
    heading = page.locator(".episode .set", has_text="Query set").first
    for width in (1440, 1280, 1024, 900, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"innerWidth === {width}")
        wait_until_laid_out(page, ".episode .characters.small")
        shown = query.evaluate_all(pictures_by_row)
        assert shown in ([[10]] * 2, [[5, 5]] * 2), f"ten queries of a class at {width} px"
        title = page.locator(".episode .title", has_text="Query set")
        assert heading.is_visible() != title.is_visible(), f"one heading at {width} px"
    page.set_viewport_size({"width": 1280, "height": 900})
    open_page(page, f"{app_url}/episodes?k_shot=10&n_way=2&projector=1")
    presets = page.locator(".st-key-presets [role=radio]")
    expect(presets).to_have_count(3)
    wait_until_laid_out(page, ".st-key-presets")
    tops = presets.evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
    assert len(set(tops)) == 1, "for a projector, too, they stand in one row"


@pytest.mark.parametrize(
    "link", slow_but(["Watch the methods learn this episode", "Adapt"], ["Adapt"])
)
def test_the_episode_goes_along_from_page_to_page(page: Page, app_url: str, link: str) -> None:
    open_page(page, f"{app_url}/episodes?n_way=3&k_shot=2&seed=7")
    support = page.locator(".episode .characters:not(.small) img")
    query = page.locator(".episode .characters.small img")
    expect(support).to_have_count(6)
    on_episodes = query.evaluate_all("all => all.map(one => one.src)")
    page.get_by_role("link", name=link).click()
    expect(page.locator(".st-key-player .row")).to_have_count(3)
    assert pictures(page) == on_episodes
    assert {"n_way=3", "k_shot=2", "seed=7"} <= set(page.url.partition("?")[2].split("&"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "page_name", ["", "episodes", "adapt", "draw", "landscape", "evaluate", "train"]
)
def test_bad_values_in_the_link_give_the_default_and_a_sentence(
    page: Page, app_url: str, page_name: str
) -> None:
    open_page(
        page, f"{app_url}/{page_name}?n_way=abc&k_shot=999&dataset=klingon&seed={LINK_IN_LINK}"
    )
    notice = page.locator(".st-key-notices")
    for words in ("n_way = 'abc'", "k_shot = '999'", "dataset = 'klingon'"):
        expect(notice).to_contain_text(words)
    expect(page.locator(".st-key-n_way input")).to_have_value("5")
    expect(page.locator(".st-key-k_shot input")).to_have_value("1")
    expect(notice).to_contain_text("[Log in](")
    expect(notice.locator("a, img")).to_have_count(0)
    notice.get_by_text("OK").click()
    expect(notice).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "key", "in_all"),
    [
        ("adapt?n_way=2&steps=20", "repeat", 100),
        ("evaluate?n_way=2&test_steps=20&episodes=2000", "evaluate", 2000),
    ],
)
def test_an_evaluation_can_be_stopped_and_keeps_what_was_measured(
    page: Page, app_url: str, path: str, key: str, in_all: int
) -> None:
    open_page(page, f"{app_url}/{path}")
    start = page.locator(f".st-key-{key} button")
    stop = page.locator(f".st-key-stop_{key} button")
    start.click()
    progress = re.compile(rf"^\d+ of {in_all} episodes, about \d+ (s|min|h) left$")
    expect(page.get_by_text(progress)).to_be_visible()
    stop.click()
    expect(stop).to_have_count(0)
    wait_until_done(page)
    caption = page.get_by_text(re.compile(r"^Mean over \d+ episodes"))
    measured = int(re.search(r"\d+", caption.inner_text()).group())
    assert 0 < measured < in_all
    assert measured % 2 == 0
    expect(page.locator(f".st-key-{key}_chart .js-plotly-plot")).to_be_visible()
    lines = [points for points in page.evaluate(DRAWN_POINTS, f"{key}_chart") if points == 21]
    assert len(lines) >= 2, "MAML and the pretrained start, steps 0 to 20"
    expect(page.get_by_text(progress)).to_have_count(0)
    expect(start).to_be_enabled()
    page.locator(f".st-key-{key}_close label").first.click()
    # The chart is taken out and put in again: for a moment there may be none.
    chart = f"document.querySelector('.st-key-{key}_chart .js-plotly-plot')"
    page.wait_for_function(f"{chart}?.layout?.yaxis.range[0] > 0")
    expect(caption).to_have_text(re.compile(rf"^Mean over {measured} episodes"))


@pytest.mark.slow
def test_repeating_leaves_the_player_where_it_stands(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/adapt?n_way=2&q_query=1&steps=2")
    page.locator(".st-key-player .rewind").click()
    where = page.locator(".st-key-player .where")
    expect(where).to_have_text("Inner step 0 of 2")
    page.locator(".st-key-repeat button").click()
    expect(page.get_by_text("Mean over 100 episodes")).to_be_visible()
    wait_until_done(page)
    expect(where).to_have_text("Inner step 0 of 2")


@pytest.mark.slow
def test_a_link_to_an_evaluation_says_how_it_is_to_be_done(
    page: Page, stranger: Page, app_url: str
) -> None:
    open_page(page, f"{app_url}/evaluate?n_way=3")
    for key, words, in_url in (
        ("queries", "Each alone", "queries=Each+alone"),
        ("who", "Pretrained", "who=MAML"),
        ("same_drawers", "Same drawers", "same_drawers=true"),
    ):
        page.locator(f".st-key-{key}").get_by_text(words, exact=True).click()
        page.wait_for_url(re.compile(re.escape(in_url)))
        wait_until_done(page)
    page.get_by_role("button", name="More methods").click()
    page.locator(".st-key-who_more_nearest-pixels").get_by_text("1-NN on pixels").click()
    page.wait_for_url(re.compile(re.escape("who=1-NN+on+pixels")))
    page.keyboard.press("Escape")
    wait_until_done(page)
    press_slider(page, "test_steps", "ArrowRight", "test_steps=6")
    press_slider(page, "episodes", "ArrowLeft", "episodes=300")
    link = copied_link(page)

    open_page(stranger, link)
    expect(stranger.locator(".st-key-evaluate button")).to_have_text("Evaluate on 300 episodes")
    chosen = '[data-selected="true"]'
    expect(stranger.locator(f".st-key-queries {chosen}")).to_have_text(["Each alone"])
    expect(stranger.locator(f".st-key-who {chosen}")).to_have_text(["MAML", "1-NN on pixels"])
    steps = stranger.locator(".st-key-test_steps input")
    expect(steps).to_have_attribute("aria-valuetext", "6")
    expect(stranger.locator(".st-key-same_drawers input")).to_be_checked()
    expect(stranger.get_by_text("3-way 1-shot")).to_be_visible()
    expect(stranger.locator(".st-key-notices")).to_have_count(0)


@pytest.mark.slow
def test_the_other_methods_are_chosen_by_keyboard_and_nothing_moves(
    page: Page, phone: Page, app_url: str
) -> None:
    for shown in (page, phone):
        open_page(shown, f"{app_url}/adapt?n_way=2&q_query=1&steps=1")
        more = shown.get_by_role("button", name="More methods")
        more.focus()
        place = more.bounding_box()
        shown.keyboard.press("Enter")
        expect(shown.get_by_text("Metric and closed form")).to_be_visible()
        shown.keyboard.press("Tab")
        shown.keyboard.press("Space")
        shown.wait_for_url(re.compile("methods=First-order"))
        wait_until_done(shown)
        assert shown.get_by_role("checkbox", name="First-order MAML").is_checked()
        assert more.bounding_box() == place
        shown.keyboard.press("Escape")
        expect(more).to_be_focused()
        chosen = shown.locator(".st-key-methods [data-selected='true']")
        expect(chosen).to_contain_text(
            ["MAML", "Pretrained", "Random initialisation", "First-order MAML"]
        )
        chosen.last.click()
        expect(chosen).to_have_count(3)
        expect(shown.locator(".st-key-methods").get_by_text("First-order MAML")).to_be_visible()


def test_no_method_at_all_is_a_choice_and_not_a_bad_link(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/evaluate?who=MAML")
    page.locator(".st-key-who").get_by_text("MAML", exact=True).click()
    page.wait_for_url(re.compile("who=(&|$)"))
    for again in (False, True):
        if again:
            open_page(page, page.url)
        expect(page.get_by_text("Choose at least one method.")).to_be_visible()
        wait_until_done(page)
        expect(page.locator(".st-key-notices")).to_have_count(0)


@pytest.mark.slow
def test_a_zip_of_pictures_is_what_the_pages_then_show(
    page: Page, app_url: str, tmp_path: Path
) -> None:
    for number, name in enumerate(("ant", "bee", "cow")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(4):
            picture = Image.new("RGB", (40, 40), "white")
            picture.paste((200, 20 * i, 0), (4 + 8 * number, 4, 14 + 8 * number, 30))
            picture.save(tmp_path / "pets" / name / f"{i}.png")
    file = shutil.make_archive(str(tmp_path / "pets"), "zip", tmp_path / "pets")
    open_page(page, f"{app_url}/adapt")
    page.get_by_role("button", name="Upload your own pictures").click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator(".st-key-player .row")).to_have_count(3)  # as many as there are classes
    expect(page.locator(".st-key-dataset input")).to_have_value("My zip")
    expect(page.locator(".st-key-player .row").first).to_contain_text(re.compile("ant|bee|cow"))
    page.wait_for_url(re.compile("dataset=My"))


def test_a_cell_of_the_confusion_chart_opens_its_pictures(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/adapt?n_way=2")
    cells = page.locator(".st-key-confusion_chart .scatterlayer .point")
    expect(cells).to_have_count(4)
    cells.first.click(force=True)
    expect(page.get_by_text("of class A classified as A")).to_be_visible()


@pytest.mark.slow
def test_a_prediction_is_judged_once_the_last_step_has_been_seen(page: Page, app_url: str) -> None:
    open_page(page, f"{app_url}/adapt?n_way=2&steps=3")
    page.locator(".st-key-predict label").first.click()
    where = page.locator(".st-key-player .where")
    expect(where).to_have_text("Inner step 0 of 3")
    for question in ("guess_first", "guess_last"):
        page.locator(f".st-key-{question}").get_by_text("MAML").click()
        wait_until_done(page)
    outcomes = page.locator(".st-key-predictions").get_by_text(re.compile("^After step [13]: "))
    expect(page.get_by_text("Which characters get confused?")).to_have_count(0)
    assert outcomes.count() == 0
    page.locator(".st-key-player .play").click()
    expect(outcomes).to_have_count(2)
    expect(page.get_by_text("Which characters get confused?")).to_be_visible()
    wait_until_done(page)
    # The last step is what one came to see: it stays, and the charts with it.
    expect(where).to_have_text("Inner step 3 of 3")
    for chart in ("accuracy_chart", "loss_chart"):
        page.wait_for_function(f"key => Math.max(...({DRAWN_POINTS})(key)) === 4", arg=chart)


@pytest.mark.parametrize(
    "path",
    slow_but(
        ["adapt", "train?what=Replay", "draw", "inside", "sinusoid", "toy"], ["train?what=Replay"]
    ),
)
def test_what_goes_away_at_the_top_leaves_charts_and_components_in_place(
    page: Page, app_url: str, path: str
) -> None:
    open_page(page, f"{app_url}/{path}{'&' if '?' in path else '?'}n_way=abc")
    wait_until_done(page)
    is_one = "element => element.shadowRoot ?? element.matches('.js-plotly-plot')"
    nodes = f"[...document.querySelectorAll('*')].filter({is_one})"
    page.wait_for_function(f"{nodes}.length")
    wait_until_done(page)
    marked = page.evaluate(f"{nodes}.map(node => node.dataset.before = '').length")
    page.locator(".st-key-notices_read button").click()
    expect(page.locator(".st-key-notices")).to_have_count(0)
    wait_until_done(page)
    assert marked == page.evaluate(f"{nodes}.filter(node => 'before' in node.dataset).length")


@pytest.mark.slow
def test_pictures_for_the_readme(page: Page, app_url: str) -> None:
    """With WRITE_PICTURES set they are written: Adapt step by step, and a question of Play."""
    page.set_viewport_size({"width": 1360, "height": 1000})
    open_page(page, f"{app_url}/adapt?seed=4&within=true&steps={PICTURED_STEPS}")
    page.locator(".st-key-player .rewind").click()
    frames = []
    for step in range(PICTURED_STEPS + 1):
        expect(page.locator(".st-key-player .where")).to_have_text(
            f"Inner step {step} of {PICTURED_STEPS}"
        )
        drawn = f"key => Math.min(...({DRAWN_POINTS})(key)) === {step + 1}"
        page.wait_for_function(drawn, arg="loss_chart")
        frames.append(page.screenshot(clip=ADAPT_CLIP))
        if step < PICTURED_STEPS:
            page.locator(".st-key-player .forward").click()
    expect(page.locator(".st-key-player .forward")).to_be_disabled()
    assert len(set(frames)) == PICTURED_STEPS + 1
    open_page(page, f"{app_url}/?seed=7&mode=20-way")
    page.locator(".choice").first.wait_for()
    wait_until_done(page)
    page.keyboard.press("1")
    expect(page.locator(".game")).to_have_attribute("data-answered", "1")
    question = page.screenshot(clip=PLAY_CLIP)
    assert question.startswith(b"\x89PNG")
    if os.environ.get("WRITE_PICTURES"):
        write_animation(frames, IMAGES / "adapt.webp")
        (IMAGES / "play.png").write_bytes(question)


def write_animation(frames: list[bytes], path: Path) -> None:
    """Write PNGs as one animation, the last shown longest."""
    first, *others = (Image.open(BytesIO(frame)).convert("RGB") for frame in frames)
    durations = [FRAME_MS] * len(others) + [3 * FRAME_MS]
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0, quality=80)
