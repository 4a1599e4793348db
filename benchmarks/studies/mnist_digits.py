"""MAML on MNIST with an MLP 784-64-64: digits that keep their labels, and N-way episodes.

    MNIST_DIR=… python -m benchmarks.studies.mnist_digits

A setting often met in tutorials takes five digits for a task, whichever they are, each under its
own label 0 to 9, α = 0.01, one step, first order, Adam at 0.001, ten tasks an update. All tasks
then have one common solution, a digit classifier, and multi-task training finds it without any
adaptation. In N-way episodes labels are dealt anew for each, so that there is none: accuracy before
adaptation is chance, and the digits of the test were never seen.

Both are measured by the same `adapt` and `meta_train`, on pictures that were not trained on: of the
fixed labels the last fifth of each digit's pictures, of the N-way episodes the digits 5 to 9.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import torch

from maml_core.config import EpisodeSpec, EvaluationConfig, TrainConfig
from maml_core.data import registry
from maml_core.data.character_set import CharacterSet
from maml_core.episodes.pool import TaskPool, make_pool, picture_tensors
from maml_core.episodes.sampling import episode_generator
from maml_core.episodes.task_batch import TaskBatch
from maml_core.evaluation.accuracy import evaluate
from maml_core.evaluation.confidence_intervals import Estimate, estimate, percent
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import accuracy
from maml_core.networks.functional import initial_params, logits
from maml_core.networks.mlp import MLP
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import TrainState
from maml_core.training.meta_training import meta_train, task_stream

EPISODES = 600
STEPS = 10
IMAGES = 5  # of a task's support set
HELD_OUT = 0.2  # of each digit's pictures
TUTORIAL = TrainConfig(
    method="fomaml",
    n_ways=(10,),  # ten labels, of which a task's five pictures show some
    q_query=1,  # so that a task asks about ten pictures
    inner_lr=0.01,
    inner_steps=1,
    meta_lr=1e-3,
    meta_batch_size=10,
    augment=False,
)
N_WAY = replace(TUTORIAL, n_ways=(5,), q_query=2)


def main() -> None:
    """Train each way and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=1000, help="of each training")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    data = registry.load("mnist")
    print(f"{len(data.inputs):,} digits, {parsed.updates} updates, n = {EPISODES}, seed 0")
    config = replace(TUTORIAL, meta_steps=parsed.updates)
    fixed_labels(data, config, "fixed labels, first-order MAML")
    multi_task = replace(config, method="multi_task", inner_steps=0)
    fixed_labels(data, multi_task, "fixed labels, no adaptation in training")
    config = replace(N_WAY, meta_steps=parsed.updates)
    train, test = (make_pool(data, digits) for digits in ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9]))
    model = MLP()
    start = initial_params(model, 0)
    for name, one in (
        ("5-way, first-order MAML", config),
        ("5-way, MAML, α = 0.4", replace(config, method="maml", inner_lr=0.4)),
    ):
        theta = trained(model, task_stream(train, one), one)
        n_way(model, theta, test, one.inner_lr, name)
        n_way(model, start, test, one.inner_lr, f"5-way, random initialisation, α = {one.inner_lr}")


def fixed_labels(data: CharacterSet, config: TrainConfig, name: str) -> None:
    """Train on tasks whose labels are the digits themselves, and print the accuracy on others."""
    model = MLP(10)
    pool = make_pool(data, list(range(10)))
    stream = digit_tasks(pool, config, held_out=False)
    theta = trained(model, stream, config)
    tests = digit_tasks(
        pool, replace(config, meta_steps=EPISODES, meta_batch_size=1), held_out=True
    )
    found = []
    for batch in tests:
        task = TaskBatch(*(value[0] for value in batch))
        points = adapt(
            model,
            theta,
            task.support_x,
            task.support_y,
            inner_lr=config.inner_lr,
            inner_steps=STEPS,
            differentiable=False,
        )
        outs = [logits(model, point, task.query_x) for point in points]
        found.append(torch.stack([accuracy(out, task.query_y) for out in outs]))
    say(name, estimate(torch.stack(found), 10 * config.q_query))


def digit_tasks(pool: TaskPool, config: TrainConfig, *, held_out: bool) -> Iterator[TaskBatch]:
    """Yield meta-batches of tasks: pictures of any digits, each labelled by its digit.

    Args:
        pool: All ten digits.
        config: How many batches of how many tasks.
        held_out: Of the pictures that are kept for the test, or of the others.
    """
    cut = (pool.counts * (1 - HELD_OUT)).long()
    n_pictures = IMAGES + 10 * config.q_query
    for step in range(config.meta_steps):
        generator = episode_generator(config.seed + held_out, step)
        shape = (config.meta_batch_size, n_pictures)
        y = torch.randint(10, shape, generator=generator)
        share = torch.rand(shape, generator=generator)
        low = cut[y] if held_out else torch.zeros_like(y)
        high = pool.counts[y] if held_out else cut[y]
        indices = pool.images[y, low + (share * (high - low)).long()]
        x = picture_tensors(pool, y.flatten(), indices.flatten()).reshape(*shape, 1, 28, 28)
        yield TaskBatch(x[:, :IMAGES], y[:, :IMAGES], x[:, IMAGES:], y[:, IMAGES:])


def n_way(model: MLP, params: Params, test: TaskPool, inner_lr: float, name: str) -> None:
    """Print the accuracy on episodes of digits that were not seen in training."""
    learner = Learner("maml", model, params, {5: inner_lr})
    spec = EpisodeSpec(5, 1, 2)
    *_, found = evaluate(
        learner, test, spec, EvaluationConfig(inner_steps=STEPS, episodes=EPISODES, seed=0)
    )
    say(name, found)


def trained(model: MLP, tasks: Iterator[TaskBatch], config: TrainConfig) -> Params:
    """Meta-train from a random initialisation and return θ."""
    *_, last = meta_train(model, TrainState(0, initial_params(model, 0)), tasks, config)
    return last.params


def say(name: str, found: Estimate) -> None:
    """Print the accuracy in % before adaptation and after one, five and ten steps."""
    shown = "  ".join(percent(found.accuracy[step], found.ci95[step]) for step in (0, 1, 5, 10))
    print(f"{name:42} after 0, 1, 5, 10 steps: {shown}", flush=True)


if __name__ == "__main__":
    main()
