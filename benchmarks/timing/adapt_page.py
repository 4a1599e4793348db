"""How long the Adapt page takes, beside the same work done in a plain way.

    python -m benchmarks.timing.adapt_page            # the engine, and a browser if there is one
    python -m benchmarks.timing.adapt_page --engine   # the engine alone

Engine: three methods, ten inner steps, every step measured on the support and the query set, on
two worker threads of one torch thread each; beside it a plain loop that sets the weights of one
module in place, one method after the other, with torch's default threading.
Browser: from the click on "New episode" to the last chart and picture; a warm rerun that changes
nothing heavy; one inner step played on the client.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable, Mapping

import torch
from torch.nn import functional as F

from benchmarks.running_app import CHROMIUM_ARGUMENTS, installed_chromium, running_app
from maml_core.config import EpisodeSpec
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import Episode, sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.networks.functional import for_n_way

SPECS = (EpisodeSpec(5, 1, 10), EpisodeSpec(20, 5, 10))
STEPS = 10
SHOWN = ("maml", "pretrained", "random")  # what the page opens with
ROUNDS = 5
TASK = re.compile(r"^Task \d+, for")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--engine", action="store_true", help="leave the browser out")
    parsed = parser.parse_args()
    engine()
    chromium = installed_chromium()
    if parsed.engine or chromium is None:
        print("browser: left out" if parsed.engine else "browser: no chromium here")
        return
    with running_app() as url:
        browser(url, chromium)


def engine() -> None:
    """Time `compare` against the plain loop, in turn, on the same episodes."""
    learners = {method: checkpoints.shipped(method) for method in SHOWN}
    data = registry.load_or_glyphs("omniglot")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    for spec in SPECS:
        ours, plain = [], []
        for number in range(ROUNDS + 1):
            episode = sample_episode(pool, spec, 0, number)
            ours.append(seconds(lambda: compare(learners, episode, STEPS)))  # noqa: B023
            plain.append(seconds(lambda: plain_loop(learners, episode)))  # noqa: B023
        ours, plain = ours[1:], plain[1:]  # the first round warms up
        ratio = statistics.median(b / a for a, b in zip(ours, plain, strict=True))
        print(
            f"engine, {spec.n_way}-way {spec.k_shot}-shot on {data.name}: "
            f"{statistics.median(ours):.2f} s, plain loop {statistics.median(plain):.2f} s, "
            f"{ratio:.1f} times as long"
        )


def plain_loop(learners: Mapping[str, Learner], episode: Episode) -> None:
    """Do the same by setting weights, running forward and calling autograd, step by step."""
    task = episode.task
    for learner in learners.values():
        model = learner.model
        names = [name for name, _ in model.named_parameters()]
        start = for_n_way(learner.params, episode.spec.n_way)
        values = [start[name].clone() for name in names]
        rates = learner.lr_multipliers or dict.fromkeys(names, 1.0)
        inner_lr = learner.inner_lr(episode.spec.n_way)
        for step in range(STEPS + 1):
            for name, value in zip(names, values, strict=True):
                holder, _, leaf = name.rpartition(".")
                setattr(model.get_submodule(holder), leaf, torch.nn.Parameter(value))
            out = model(task.support_x)
            with torch.no_grad():
                F.cross_entropy(model(task.query_x), task.query_y)
            if step < STEPS:
                slopes = torch.autograd.grad(
                    F.cross_entropy(out, task.support_y), list(model.parameters())
                )
                by_name = dict(zip((n for n, _ in model.named_parameters()), slopes, strict=True))
                values = [
                    value - inner_lr * float(rates.get(name, 0.0)) * by_name[name]
                    for name, value in zip(names, values, strict=True)
                ]


def browser(url: str, chromium: str) -> None:
    """Time what a person waits for."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        page = window.new_page(viewport={"width": 1440, "height": 900})
        player = page.locator(".player")

        def new_episode() -> None:
            before = player.get_attribute("data-revision")
            page.locator(".st-key-new_episode button").click()
            expect(player).not_to_have_attribute("data-revision", before)

        def move_slider() -> None:
            before = page.get_by_text(TASK).inner_text()
            page.locator(".st-key-task input").press("ArrowRight")
            expect(page.get_by_text(TASK)).not_to_have_text(before)

        def median(work: Callable[[], object]) -> float:
            work()  # warms up
            page.wait_for_timeout(1_000)
            return statistics.median(seconds(work) for _ in range(ROUNDS))

        for spec in SPECS:
            page.goto(f"{url}/adapt?n_way={spec.n_way}&k_shot={spec.k_shot}")
            page.locator(".st-key-player .row").first.wait_for()
            shape = f"{spec.n_way}-way {spec.k_shot}-shot"
            print(f"browser, {shape}: click to last chart {median(new_episode):.2f} s")
            step = 1000 * statistics.median(page.evaluate(STEP_SECONDS, ROUNDS))
            print(f"browser, {shape}: one inner step on the client {step:.0f} ms")
        page.goto(f"{url}/episodes")
        page.locator(".st-key-task input").wait_for()
        print(f"browser, a slider that changes nothing heavy: {median(move_slider):.2f} s")
        window.close()


# From pressing "step back" to the accuracy chart and the pictures redrawn, in seconds.
STEP_SECONDS = """
async rounds => {
  const host = [...document.querySelectorAll(".st-key-player *")].find(one => one.shadowRoot);
  const points = () => document.querySelector(".st-key-accuracy_chart .js-plotly-plot")
    .calcdata.at(-1).length;
  const times = [];
  for (let i = 0; i < rounds; i += 1) {
    const before = points(), start = performance.now();
    host.shadowRoot.querySelector(".back").click();
    while (points() === before) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    times.push((performance.now() - start) / 1000);
  }
  return times;
}
"""


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
