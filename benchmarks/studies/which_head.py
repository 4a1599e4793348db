"""Which head lets one set of weights serve every N? Three answers, equally long trained.

    python -m benchmarks.studies.which_head --updates 600

(a) 20 learned rows, of which N-way episodes use the first N; (b) one row shared by all classes,
which is the same as zeros (see `functional.for_n_way`); (c) a head for each N: to give it its best,
two separate networks, each trained on its own N only, with the updates of the others.
MAML with one inner step, from a random initialisation or from the body of other weights (--start),
measured on validation characters.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from maml_core.config import EpisodeSpec, EvaluationConfig, TrainConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.evaluation.accuracy import evaluate
from maml_core.evaluation.confidence_intervals import Estimate, percent
from maml_core.learners.checkpoints import load_weights
from maml_core.learners.learner import Learner
from maml_core.learners.training_classes import check_unseen
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import HEAD, initial_params
from maml_core.networks.meta_params import split_lr_multipliers, with_lr_multipliers
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import TrainState
from maml_core.training.meta_training import meta_train, task_stream

WAYS = (5, 20)
EPISODES = 100
STEPS = 3


def main() -> None:
    """Train and print one line for each head and N."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=600, help="of each training")
    parser.add_argument("--start", type=Path, help="weights whose body to begin from")
    parser.add_argument("--dataset", default="omniglot", help="omniglot or glyphs")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pools = pools_of(parsed.dataset)
    for name, rows, ways in (
        ("(a) first N of 20 rows", {5: 20, 20: 20}, [WAYS]),
        ("(b) one row for all", {5: 1, 20: 1}, [WAYS]),
        ("(c) a head for each N", {5: 5, 20: 20}, [(5,), (20,)]),
    ):
        for trained_on in ways:
            head_rows = rows[max(trained_on)]
            params = (
                load_start(parsed.start, parsed.dataset)
                if parsed.start
                else initial_params(Conv4(), seed=0)
            )
            start = with_random_head(params, head_rows)
            report(name, start, trained_on, parsed.updates, pools)


def load_start(path: Path, dataset: str) -> Params:
    """Return the parameters of a weights file that has not seen the validation characters."""
    checkpoint = load_weights(path)
    check_unseen(checkpoint.provenance, registry.load(dataset), "alphabets", "validation")
    return checkpoint.params


def pools_of(dataset: str) -> list[TaskPool]:
    """Return the characters to train on and those to measure on, of the alphabet split."""
    data = registry.load(dataset)
    return [
        make_pool(data, split_classes(data, "alphabets", part), rotate=part == "train")
        for part in ("train", "validation")
    ]


def trained(start: Params, config: TrainConfig, pools: list[TaskPool]) -> Learner:
    """Meta-train from `start` and return what came of it."""
    model = Conv4(len(start["head.weight"]))
    begun = TrainState(0, with_lr_multipliers(start) if config.learn_inner_lr else start)
    *_, last = meta_train(model, begun, task_stream(pools[0], config), config)
    params, rates = split_lr_multipliers(last.params)
    return Learner(config.method, model, params, {config.n_ways[0]: config.inner_lr}, rates)


def in_words(found: Estimate) -> str:
    """Return an estimate's accuracy after each inner step, in %."""
    pairs = zip(found.accuracy[1:], found.ci95[1:], strict=True)
    return "  ".join(percent(mean, half) for mean, half in pairs)


def report(name: str, start: Params, ways: tuple[int, ...], updates: int, pools: list) -> None:
    """Train one head and print its accuracy at each N that it was trained on."""
    config = TrainConfig(n_ways=ways, q_query=2, meta_batch_size=8, meta_steps=updates)
    learner = trained(start, config, pools)
    for n_way in ways:
        spec = EpisodeSpec(n_way, 1, 5)
        *_, found = evaluate(
            learner, pools[1], spec, EvaluationConfig(inner_steps=STEPS, episodes=EPISODES, seed=0)
        )
        shown = f"{n_way:2}-way, by step: {in_words(found)}"
        print(f"{name:24} trained on N in {ways!s:8} {shown}", flush=True)


def with_random_head(params: Params, rows: int) -> Params:
    """Start several rows at random, as a linear layer does; zeros would make them alike."""
    if rows == 1:
        return params
    layer = torch.nn.Linear(params["head.weight"].shape[1], rows)
    return {**params, **dict(zip(HEAD, (v.detach() for v in layer.parameters()), strict=True))}


if __name__ == "__main__":
    main()
