"""How much faster evaluations and maps are on more cores.

    python -m benchmarks.timing.cores

A process bound to 1, 2, 4, … and to all cores that this one may run on; the pool takes
what it finds. 5-way 1-shot, shipped MAML weights, ten inner steps; the map is Landscape's of 75
queries. Best of the rounds, since whatever else the machine does only slows it down.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from functools import partial

from benchmarks.timing.adapt_page import seconds
from benchmarks.timing.landscape_maps import SPEC, as_in_the_app
from maml_core.config import EvaluationConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.accuracy import evaluate
from maml_core.landscape.plane_descent import build_planes
from maml_core.landscape.planes import SHARED_PLANE
from maml_core.learners import checkpoints
from maml_core.optimisation.cores import worker_count
from maml_core.optimisation.freed_memory import keep_freed_memory

EPISODES, SIDE = 16, 11  # short, so that one of many rounds is undisturbed


def main() -> None:
    """Print a line for each number of cores."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--measure", action="store_true", help="here, and print JSON")
    parsed = parser.parse_args()
    if parsed.measure:
        print(json.dumps(measure(parsed.rounds)))
        return
    cores = sorted(os.sched_getaffinity(0))
    powers = [2**n for n in range(len(cores).bit_length())]
    first: dict[str, float] = {}
    for number in sorted({*powers, len(cores)}):
        found = bound_to(set(cores[:number]), parsed.rounds)
        workers, first = found.pop("workers"), first or found
        rates = (f"{rate:.1f} {n} ({rate / first[n]:.2f} times)" for n, rate in found.items())
        print(f"{number} cores, {workers:.0f} workers: {', '.join(rates)}", flush=True)


def bound_to(cores: set[int], rounds: int) -> dict[str, float]:
    """Return what a process measures that may run on some cores only."""
    script = [sys.executable, "-m", "benchmarks.timing.cores", "--measure", "--rounds", str(rounds)]
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # what is started inherits it
    try:
        done = subprocess.run(script, stdout=subprocess.PIPE, check=True)
    finally:
        os.sched_setaffinity(0, before)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(rounds: int) -> dict[str, float]:
    """Return the number of workers, and what they do a second by what it is."""
    keep_freed_memory()  # as the app and the commands do
    data = registry.load_or_glyphs("omniglot")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained")}
    episode, maml = sample_episode(pool, SPEC, 0), learners["maml"]
    plane = build_planes("ends", learners, episode, 0)[SHARED_PLANE]
    config = EvaluationConfig(inner_steps=10, episodes=EPISODES)
    work = {
        "episodes a second": (EPISODES, lambda: list(evaluate(maml, pool, SPEC, config))),
        "points a second": (
            SIDE**2,
            partial(as_in_the_app, maml.model, plane, episode, "query", SIDE),
        ),
    }
    best = {
        name: count / min(seconds(job) for _ in range(rounds))
        for name, (count, job) in work.items()
    }
    return {"workers": worker_count(), **best}


if __name__ == "__main__":
    main()
