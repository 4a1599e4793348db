"""How soon the Toy world follows θ, in a browser, beside asking the server.

    python -m benchmarks.timing.toy_world

θ is dragged with the mouse; the time from the pointer's move to the frame that shows it, and the
page's own share of it, are taken in the page itself. Beside it the time from a key on the slider
of α, which the server answers, to the redrawn world.
"""

from __future__ import annotations

import statistics
import sys

from benchmarks.running_app import CHROMIUM_ARGUMENTS, installed_chromium, running_app

MOVES = 120
KEYS = 10
WORLDS = ("n_params=1&n_tasks=2", "n_params=2&n_tasks=4&layout=All+different")
WATCH = """
() => {
  let toy;
  for (const host of document.querySelectorAll(".st-key-toy *")) {
    const root = host.shadowRoot?.querySelector(".toy");
    if (root) toy = root;
  }
  window.drawn = [];
  window.shares = [];
  window.keys = [];
  let begun = 0;
  toy.addEventListener("pointermove", () => { begun = performance.now(); }, true);
  toy.addEventListener("pointermove", (event) => {
    window.shares.push(performance.now() - begun);
    const channel = new MessageChannel();
    // After the frame has been drawn.
    channel.port1.onmessage = () => window.drawn.push(performance.now() - event.timeStamp);
    requestAnimationFrame(() => channel.port2.postMessage(null));
  });
  let pressed = 0;
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  const watch = () => window.keys.push(performance.now() - pressed);
  new MutationObserver(watch).observe(toy, { attributeFilter: ["data-revision"] });
}
"""


def main() -> None:
    """Print the median times."""
    chromium = installed_chromium()
    if chromium is None:
        sys.exit("browser: no chromium here")
    from playwright.sync_api import sync_playwright

    with running_app() as url, sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        for world in WORLDS:
            page = window.new_page(viewport={"width": 1440, "height": 1000})
            page.goto(f"{url}/toy?{world}&by_hand=false&theta=0,0")
            handle = page.locator(".toy .theta").first
            handle.wait_for()
            page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
            page.evaluate(WATCH)
            box = handle.bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + 150, y - 90, steps=MOVES)
            page.mouse.up()
            slider = page.locator(".st-key-toy_lr input")
            for i in range(KEYS):
                slider.press("ArrowRight" if i % 2 else "ArrowLeft")
                page.wait_for_function("i => window.keys.length > i", arg=i)
            frames, shares, keys = (
                page.evaluate(f"window.{name}") for name in ("drawn", "shares", "keys")
            )
            frame, key = statistics.median(frames), statistics.median(keys)
            print(
                f"{world}: {frame:.0f} ms from the pointer's move to the drawn frame "
                f"(median of {len(frames)}, 95 % below {quantile(frames):.0f}), of it "
                f"{statistics.median(shares):.1f} ms the page's own work; asking the server "
                f"(a key on α, median of {len(keys)}) takes {key:.0f} ms, {key / frame:.0f} times "
                "as long"
            )
            page.close()
        window.close()


def quantile(times: list[float]) -> float:
    """Return what 95 % of the times are below."""
    return sorted(times)[int(0.95 * len(times))]


if __name__ == "__main__":
    main()
