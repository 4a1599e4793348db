"""How far apart do features hold the classes of an episode, before and after the inner steps?

    python -m benchmarks.studies.feature_separation

The separation of `teaching.anatomy.feature_map`, by method, place in the network and inner step:
mean ± 95 % CI (Student's t) over episodes of test characters, queries normalised together.
"""

from __future__ import annotations

import argparse
from functools import partial

import torch

from maml_core.config import SPLITS, AdaptConfig, EpisodeSpec
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation import results_table
from maml_core.evaluation.confidence_intervals import mean_and_ci95, percent
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.learners.training_classes import check_unseen
from maml_core.optimisation.thread_pool import in_parallel
from maml_core.teaching.anatomy.feature_map import FeatureMap, chance_separation, feature_maps

METHODS = ("maml", "pretrained", "protonet", "random")
STEPS = 5


def main() -> None:
    """Print one line for each method and place, a column for each inner step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--split", choices=SPLITS, default="alphabets")
    parser.add_argument("--n-way", type=int, default=5)
    parser.add_argument("--k-shot", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    spec = EpisodeSpec(parsed.n_way, parsed.k_shot, q_query=10)
    pool = results_table.omniglot_test_pool(parsed.split)
    learners = {
        method: checkpoints.shipped(method, parsed.split)
        for method in METHODS
        if checkpoints.can_answer(method, parsed.split)
    }
    for learner in learners.values():
        check_unseen(learner.provenance, pool.data, parsed.split)
    job = partial(maps_of_episode, learners, pool, spec, parsed.seed)
    found = list(in_parallel(job, range(parsed.episodes)))
    report(found, spec)


def maps_of_episode(
    learners: dict[str, Learner], pool: TaskPool, spec: EpisodeSpec, seed: int, number: int
) -> dict[str, dict[str, FeatureMap]]:
    """Return the maps of one episode by method and place."""
    episode = sample_episode(pool, spec, seed, number)
    return {
        method: feature_maps(learner, episode, AdaptConfig(learner.inner_lr(spec.n_way), STEPS))
        for method, learner in learners.items()
    }


def report(found: list[dict[str, dict[str, FeatureMap]]], spec: EpisodeSpec) -> None:
    """Print the separation of the query pictures by step, and MAML's lead, as Markdown."""
    n_way, pictures = spec.n_way, spec.n_way * spec.q_query
    print(f"shuffled labels: {100 * chance_separation(n_way, pictures):.1f} %\n")
    print("| method | place | " + " | ".join(f"step {k}" for k in range(STEPS + 1)) + " |")
    print("| --- " * (STEPS + 3) + "|")
    for method, places in found[0].items():
        for place in places:
            print(f"| {method} | {place} | {_cells(_by_episode(found, method, place))} |")
    print("\nMAML minus pretrained, the same episodes:")
    for place in found[0]["maml"]:
        both = (_by_episode(found, method, place) for method in ("maml", "pretrained"))
        ours, theirs = both
        print(f"| {place} | {_cells(ours - theirs)} |")
    print("\nLast step minus step 0:")
    for method, places in found[0].items():
        for place in places:
            values = _by_episode(found, method, place)
            print(f"| {method} | {place} | {_cells(values[:, -1:] - values[:, :1])} |")


def _by_episode(
    found: list[dict[str, dict[str, FeatureMap]]], method: str, place: str
) -> torch.Tensor:
    """Return the separation of the query pictures, [episodes, steps + 1]."""
    return torch.stack([torch.from_numpy(one[method][place].separation) for one in found])


def _cells(values: torch.Tensor) -> str:
    return " | ".join(percent(*pair) for pair in zip(*mean_and_ci95(values), strict=True))


if __name__ == "__main__":
    main()
