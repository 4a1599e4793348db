"""Measure what the Inside page shows of one batch on many: angles, layers, the head alone.

    python -m benchmarks.studies.inside_maml --batches 30
    python -m benchmarks.studies.inside_maml --head 600

Angles: of first-order MAML's and Reptile's gradients to MAML's, batches of 4 test tasks, 5-way
1-shot, 10 queries a class, mean ± 95 % CI over the batches. Head: accuracy of the same weights
with and without the rest of the network adapting, over so many test episodes.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch

from maml_core.config import EpisodeSpec, EvaluationConfig, TrainConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episodes
from maml_core.evaluation.comparison import evaluate_together
from maml_core.evaluation.confidence_intervals import mean_and_ci95, percent, plus_minus
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner, head_only
from maml_core.teaching.anatomy.gradient_comparison import angle_degrees, method_gradients

SPEC = EpisodeSpec(5, 1, 10)
N_TASKS = 4
BASE = TrainConfig(n_ways=(5,), q_query=10, inner_lr=0.05, meta_batch_size=N_TASKS, augment=False)
SETTINGS = [
    *(replace(BASE, inner_steps=steps) for steps in (1, 2, 3, 5)),
    *(replace(BASE, inner_lr=rate) for rate in (0.01, 0.4)),
]
METHODS = ("maml", "pretrained")
SEED = 0
STEPS = 5


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batches", type=int, default=0, help="whose angles to measure")
    parser.add_argument("--head", type=int, default=0, help="episodes with the head alone")
    parser.add_argument("--dataset", default="omniglot", help="omniglot or glyphs")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    data = registry.load(parsed.dataset)
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    learners = {method: checkpoints.shipped(method) for method in METHODS}
    if parsed.batches:
        for method, learner in learners.items():
            for config in SETTINGS:
                print(f"{method}: {config.inner_steps} x {config.inner_lr:g}: ", end="")
                print(angles(learner, pool, config, parsed.batches), flush=True)
    if parsed.head:
        for k_shot in (1, 5):
            head(learners, pool, EpisodeSpec(5, k_shot, 10), parsed.head)


def angles(learner: Learner, pool: TaskPool, config: TrainConfig, batches: int) -> str:
    """Return the angles to MAML's gradient at a learner's θ, in words."""
    found: dict[str, list[float]] = {"fomaml": [], "reptile": []}
    for batch in range(batches):
        episodes = list(sample_episodes(pool, SPEC, SEED, N_TASKS, N_TASKS * batch))
        gradients = method_gradients(
            learner.model, learner.params, episodes, config, ("maml", "fomaml", "reptile")
        )
        for method, values in found.items():
            values.append(angle_degrees(gradients["maml"], gradients[method]))
    return ", ".join(
        f"{method} {plus_minus(mean, half)}°"  # not a number: it has no direction
        for method, values in found.items()
        for (mean,), (half,) in [mean_and_ci95(torch.tensor(values)[:, None])]
    )


def head(learners: dict[str, Learner], pool: TaskPool, spec: EpisodeSpec, episodes: int) -> None:
    """Print the accuracy of the whole network and of the head alone after each step."""
    alone = {f"{method}-head": head_only(learner) for method, learner in learners.items()}
    stream = evaluate_together(
        learners | alone,
        pool,
        spec,
        EvaluationConfig(inner_steps=STEPS, episodes=episodes, seed=SEED),
    )
    *_, last = stream
    print(f"{spec.n_way}-way {spec.k_shot}-shot, {episodes} test episodes")
    for name, found in last.items():
        steps = zip(found.accuracy, found.ci95, strict=True)
        print(name, " / ".join(percent(m, h) for m, h in steps), flush=True)


if __name__ == "__main__":
    main()
