"""How long from the end of a stroke to the new bars on the Draw page, in a browser.

    python -m benchmarks.timing.draw_page

The board is filled from the data set; each stroke of a query is then drawn with the mouse, and the
time from pen-up to the frame in which the bars have moved is taken in the page itself. Beside it a
stroke on the board, after which both methods adapt anew, and the engine's share alone.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable
from typing import Any

from benchmarks.running_app import CHROMIUM_ARGUMENTS, installed_chromium, running_app
from benchmarks.timing.adapt_page import seconds
from maml_core.config import EpisodeSpec
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation import open_set
from maml_core.evaluation.single_query import adapt_each, probabilities
from maml_core.images.handwriting import normalise_ink, to_character
from maml_core.learners import checkpoints

SHAPES = ((5, 1), (10, 5))
METHODS = ("maml", "pretrained")
STEPS = 5
STROKES = 10
# From the end of a stroke to the bars that answer a query of so many strokes, in milliseconds.
WATCH = """
() => {
  const inside = (key, what) => {
    for (const host of document.querySelectorAll(`.st-key-${key} *`)) {
      const found = host.shadowRoot?.querySelector(what);
      if (found) return found;
    }
  };
  window.times = [];
  const widths = bars => [...bars.querySelectorAll(".bar")].map(one => one.style.width).join();
  const watch = (key, cell) => inside(key, cell).addEventListener("pointerup", () => {
    const bars = inside("answer_bars", ".bars"), before = widths(bars), start = performance.now();
    const look = () => {
      if (widths(bars) !== before) window.times.push(performance.now() - start);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  watch("query_pad", "[data-name=query] canvas");
  watch("board_pads", "[data-name=A1] canvas");
}
"""


def main() -> None:
    """Print the median times."""
    engine()
    chromium = installed_chromium()
    if chromium is None:
        sys.exit("browser: no chromium here")
    with running_app() as url:
        browser(url, chromium)


def engine() -> None:
    """Time what one stroke of the query, and one of the board, asks of the engine."""
    data = registry.load_or_glyphs("omniglot")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    learners = {method: checkpoints.shipped(method) for method in METHODS}
    stroke = [[(0.2 + 0.01 * i, 0.3 + 0.005 * i) for i in range(50)]]
    for n_way, k_shot in SHAPES:
        episode = sample_episode(pool, EpisodeSpec(n_way, k_shot, 1), seed=0)
        support = [[normalise_ink(data.picture(i)) for i in row] for row in episode.support]
        adapted = adapt_each(learners, support, STEPS)

        def answer() -> None:
            query = to_character(stroke)
            probabilities(learners, adapted, support, query)  # noqa: B023
            open_set.max_cosine_similarity(learners[open_set.METHOD], support, query)  # noqa: B023

        once = statistics.median(seconds(answer) for _ in range(STROKES))
        again = statistics.median(
            seconds(lambda: adapt_each(learners, support, STEPS))  # noqa: B023
            for _ in range(STROKES)
        )
        print(
            f"engine, {n_way}-way {k_shot}-shot: {1000 * once:.0f} ms for a query; adapting anew "
            f"with each of its strokes takes {(once + again) / once:.1f} times as long"
        )


def browser(url: str, chromium: str) -> None:
    """Time what a person waits for."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        page = window.new_page(viewport={"width": 1440, "height": 1200})
        for n_way, k_shot in SHAPES:
            page.goto(f"{url}/draw?n_way={n_way}&k_shot={k_shot}")
            page.get_by_role("button", name="Fill from").click()
            expect(page.locator(".st-key-board_pads .inked")).to_have_count(n_way * k_shot)
            expect(page.locator(".st-key-answer_bars .verdict")).to_contain_text("draw a query")
            page.evaluate(WATCH)
            draw(page, "query", range(-1, 0))  # warms up: from no bars to some
            for name in ("query", "A1"):
                page.evaluate("window.times = []")
                draw(page, name, range(STROKES))
                times = page.evaluate("window.times")
                print(
                    f"browser, {n_way}-way {k_shot}-shot: pen-up on {name} to new bars "
                    f"{statistics.median(times):.0f} ms (median of {len(times)} strokes, "
                    f"{min(times):.0f} to {max(times):.0f})"
                )
        window.close()


def draw(page: Any, name: str, numbers: Iterable[int]) -> None:
    """Draw lines, no two alike, each after the bars have answered the one before."""
    box = page.locator(f'figure[data-name="{name}"] canvas').bounding_box()
    for i in numbers:
        answered = page.evaluate("window.times.length")
        y = box["y"] + box["height"] * (0.2 + 0.07 * i)
        page.mouse.move(box["x"] + 0.2 * box["width"], y)
        page.mouse.down()
        page.mouse.move(box["x"] + (0.5 + 0.04 * i) * box["width"], y + 5, steps=20)
        page.mouse.up()
        page.wait_for_function("before => window.times.length > before", arg=answered)
        page.wait_for_timeout(300)


if __name__ == "__main__":
    main()
