"""Time the maps of the Landscape page beside other ways of computing the same points.

    python -m benchmarks.timing.landscape_maps
    python -m benchmarks.timing.landscape_maps --curvature 100

Maps: 5-way 1-shot, 75 queries, the plane through both ends. The plain loop sets the network's
weights and runs it forward, point by point, at torch's default threading, as
github.com/tomgoldstein/loss-landscape does. All ways are run in turn, and ratios are of the same
round.
Curvature: the numbers under the maps, mean ± 95 % CI over so many test episodes.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.timing.adapt_page import seconds
from maml_core.config import EpisodeSpec
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import Episode, sample_episode
from maml_core.evaluation.confidence_intervals import mean_and_ci95
from maml_core.landscape.curvature import Curvature, learner_curvatures
from maml_core.landscape.episode_loss import loss_and_accuracy_at_points
from maml_core.landscape.loss_maps import Window, evaluate_loss_grid
from maml_core.landscape.plane_descent import build_planes
from maml_core.landscape.planes import SHARED_PLANE, Plane
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.methods.losses import accuracy
from maml_core.networks.conv4 import Conv4

SPEC = EpisodeSpec(5, 1, 15)
WINDOW = Window(0.15, 6.0, 8.0)
ROUNDS = 3
PLAIN_SIDE = 7  # for the ways that are slow; their points a second do not depend on it
POINTS_AT_ONCE = 16  # points; more do not fit the cache
PEAK_SIZE = 1024
LAYERS = ((1, 14), (64, 7), (64, 4), (64, 2))  # channels in, pixels out
GOALS = {("support", 11): 0.3, ("support", 31): 1.5, ("query", 31): 8.0}  # seconds, on two cores


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--curvature", type=int, metavar="EPISODES", help="this instead of maps")
    parsed = parser.parse_args()
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained")}
    data = registry.load_or_glyphs("omniglot")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    if parsed.curvature:
        print_curvature(learners, pool, parsed.curvature)
    else:
        maps(learners, sample_episode(pool, SPEC, 0), data.name)


def print_curvature(learners: Mapping[str, Learner], pool: TaskPool, episodes: int) -> None:
    """Print the curvature at each learner's θ over many episodes of the app's shape."""
    found = [
        learner_curvatures(learners, sample_episode(pool, EpisodeSpec(5, 1, 10), 0, number))
        for number in range(episodes)
    ]
    quantities: dict[str, Callable[[Curvature], float]] = {
        "gradient norm": lambda one: one.gradient_norm,
        "largest eigenvalue": lambda one: one.largest_eigenvalues[0],
        "smallest eigenvalue": lambda one: one.smallest_eigenvalue,
        "curvature along the gradient": lambda one: one.along_gradient,
        "loss decrease in one step, nats": lambda one: one.loss_decrease,
        "decrease predicted by the quadratic model, nats": lambda one: one.predicted_decrease,
    }
    for method in learners:
        for words, of in quantities.items():
            values = torch.tensor([[of(one[method])] for one in found])
            (mean,), (half,) = mean_and_ci95(values)
            print(f"{method}, {words}: {mean:.3g} ± {half:.2g}, n = {episodes}")


def maps(learners: Mapping[str, Learner], episode: Episode, name: str) -> None:
    """Print a line a map and way."""
    plane = build_planes("ends", learners, episode, 0)[SHARED_PLANE]
    model = learners["maml"].model
    default = torch.get_num_threads()
    print(f"{name}, {default} torch threads by default; medians of {ROUNDS} rounds")
    peak = matrix_peak()
    print(f"matrix product of {PEAK_SIZE} × {PEAK_SIZE}, float32: {peak:.1f} GFLOP/s")
    for which in ("support", "query"):
        ways: dict[str, tuple[int, Callable[[], object]]] = {
            "the app, 31 × 31": (31, partial(as_in_the_app, model, plane, episode, which, 31)),
            "the app, 7 × 7": (7, partial(as_in_the_app, model, plane, episode, which, 7)),
            "plain loop": (PLAIN_SIDE, partial(plain_loop, model, plane, episode, which)),
            "plain loop, 1 thread": (
                PLAIN_SIDE,
                partial(one_thread, partial(plain_loop, model, plane, episode, which)),
            ),
            "many points at once": (PLAIN_SIDE, partial(at_once, model, plane, episode, which)),
        }
        report(which, ways, peak)


def report(which: str, ways: dict[str, tuple[int, Callable[[], object]]], peak: float) -> None:
    """Time all ways in turn and print them."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, (_, work) in ways.items():
            elapsed = seconds(work)
            if number:  # the first round warms up
                taken[name].append(elapsed)
    rates = {name: [side**2 / t for t in taken[name]] for name, (side, _) in ways.items()}
    pictures = SPEC.n_way * (SPEC.k_shot if which == "support" else SPEC.q_query)
    for name, (side, _) in ways.items():
        rate, elapsed = statistics.median(rates[name]), statistics.median(taken[name])
        times = statistics.median(
            a / b for a, b in zip(rates[name], rates["plain loop"], strict=True)
        )
        arithmetic = rate * pictures * operations() / 1e9
        goal = GOALS.get((which, side)) if name.startswith("the app") else None
        print(
            f"{which} map ({pictures} pictures), {name}: {rate:.0f} points/s, {elapsed:.2f} s"
            + (f" (goal {goal:g} s)" if goal else "")
            + f", {times:.1f} × the plain loop, {arithmetic:.1f} GFLOP/s = "
            f"{arithmetic / peak:.0%} of the matrix product's"
        )


def as_in_the_app(
    model: Conv4, plane: Plane, episode: Episode, which: str, side: int
) -> np.ndarray:
    """Compute a map as the app does."""
    *_, grid = evaluate_loss_grid(model, plane, episode.task, which, WINDOW, side)
    return grid.loss


def pictures_of(episode: Episode, which: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures and labels of a set."""
    task = episode.task
    if which == "support":
        return task.support_x, task.support_y
    return task.query_x, task.query_y


@torch.no_grad()
def plain_loop(model: Conv4, plane: Plane, episode: Episode, which: str) -> np.ndarray:
    """Set the weights and run forward, point by point."""
    x, y = pictures_of(episode, which)
    network = Conv4(SPEC.n_way)
    weights = dict(network.named_parameters())
    loss = np.zeros((PLAIN_SIDE, PLAIN_SIDE))
    columns, rows = WINDOW.along(PLAIN_SIDE)
    for i, b in enumerate(rows):
        for j, a in enumerate(columns):
            for name, weight in weights.items():
                weight.copy_(plane.origin[name] + a * plane.first[name] + b * plane.second[name])
            out = network(x)
            loss[i, j] = float(F.cross_entropy(out, y))
            float(accuracy(out, y))
    return loss


def at_once(model: Conv4, plane: Plane, episode: Episode, which: str) -> np.ndarray:
    """Run `POINTS_AT_ONCE` points at once, each with parameters of its own."""
    columns, rows = WINDOW.along(PLAIN_SIDE)
    places = np.array([(a, b) for b in rows for a in columns])
    pieces = [places[i : i + POINTS_AT_ONCE] for i in range(0, len(places), POINTS_AT_ONCE)]
    found = [loss_and_accuracy_at_points(model, plane, p, episode.task, which) for p in pieces]
    return np.concatenate(found)[:, 0]


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch use so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread(work: Callable[[], object]) -> None:
    """Do some work with one torch thread."""
    with threads(1):
        work()


def operations() -> int:
    """Return the floating-point operations of Conv4's convolutions on one picture."""
    return sum(2 * 9 * channels * 64 * pixels**2 for channels, pixels in LAYERS)


def matrix_peak() -> float:
    """Return how many GFLOP/s a matrix product reaches at torch's default threading."""
    a, b = torch.randn(2, PEAK_SIZE, PEAK_SIZE, generator=torch.Generator().manual_seed(0))
    fastest = min(seconds(lambda: a @ b) for _ in range(20))
    return 2 * PEAK_SIZE**3 / fastest / 1e9


if __name__ == "__main__":
    main()
