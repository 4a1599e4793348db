"""How far do two trainings differ that have everything in common but their seed?

    python -m benchmarks.studies.training_seeds --seeds 0 1 2 --updates 1000 --epochs 0

An interval over episodes says how sure the mean over all episodes of *these* weights is; of other
weights, trained in the same way, it says nothing. So each method is trained once for each seed, on
the alphabet split: MAML and ProtoNet from the shipped pretrained weights, with the settings of
docs/training.md and fewer updates; Pretrained, where --epochs is not 0, from a random
initialisation. α is that of the shipped weights, which was chosen on validation characters. All are
measured on the same test episodes. Weights that lie in --out are not trained again.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.studies.results_tables import markdown_table
from maml_core.config import EpisodeSpec, EvaluationConfig, PretrainConfig, TrainConfig
from maml_core.evaluation import results_table
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.confidence_intervals import (
    Estimate,
    mean_and_ci95,
    paired_difference,
    percent,
)
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner
from maml_core.methods.catalogue import BY_NAME
from maml_core.paths import WEIGHTS
from maml_core.training import recipes
from maml_core.training.training_run import TrainingRun

START = WEIGHTS / "alphabets" / "pretrained.safetensors"
INNER_STEPS = 5
PAIRS = (("maml", "protonet"), ("maml", "pretrained"), ("protonet", "nearest-features"))
Measured = dict[str, dict[int, Estimate]]  # by method and seed


def main() -> None:
    """Train what is missing, measure all, and print a table for each shape."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the trainings")
    parser.add_argument("--updates", type=int, default=1_000, help="of MAML and ProtoNet each")
    parser.add_argument("--epochs", type=int, default=0, help="of Pretrained; 0: leave it out")
    parser.add_argument("--episodes", type=int, default=results_table.EPISODES)
    parser.add_argument("--n-ways", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--k-shots", type=int, nargs="+", default=[1])
    parser.add_argument(
        "--out", type=Path, default=Path("runs/seeds"), help="folder of the weights"
    )
    parsed = parser.parse_args()
    parsed.out.mkdir(parents=True, exist_ok=True)
    learners = trained(parsed)
    pool = results_table.omniglot_test_pool("alphabets")
    config = EvaluationConfig(INNER_STEPS, parsed.episodes, seed=0)
    for k_shot, n_way in itertools.product(parsed.k_shots, parsed.n_ways):
        spec = EpisodeSpec(n_way, k_shot, results_table.QUERIES)
        found: Measured = {}
        for (method, seed), learner in learners.items():
            *_, found.setdefault(method, {})[seed] = evaluate(learner, pool, spec, config)
            if method == "pretrained":
                nearest = found.setdefault("nearest-features", {})
                *_, nearest[seed] = evaluate_nearest(learner, pool, spec, config)
        print(f"\n{n_way}-way {k_shot}-shot\n")
        print(table(found), flush=True)


def trained(parsed: argparse.Namespace) -> dict[tuple[str, int], Learner]:
    """Return the learner of each method and seed, trained where it is not there."""
    methods = ("maml", "protonet", *(["pretrained"] if parsed.epochs else []))
    found = {}
    for seed, method in itertools.product(parsed.seeds, methods):
        path = parsed.out / f"{method}-{seed}.safetensors"
        begun = TrainingRun(path).state.exists()
        if begun or not path.exists():
            run = TrainingRun(path, resume=begun)
            train(method, run, START, epochs=parsed.epochs, updates=parsed.updates, seed=seed)
        inner_lrs = checkpoints.shipped(method).inner_lrs
        found[method, seed] = replace(checkpoints.load_weights(path).learner(), inner_lrs=inner_lrs)
    return found


def train(
    method: str, run: TrainingRun, start: Path, *, epochs: int, updates: int, seed: int = 0
) -> None:
    """Train one method as docs/training.md does, but as long as is asked.

    Args:
        method: Pretrained, which begins at random, or what goes on from its weights.
        run: Data and files.
        start: Pretrained's weights.
        epochs: Of Pretrained.
        updates: Of any other.
        seed: Of the episodes and the initialisation.
    """
    if method == "pretrained":
        pretraining = PretrainConfig(epochs, weight_decay=0.05, seed=seed)
        recipes.train_baseline(run, pretraining, {"name": "conv4"}, inner_lr=0.1)
        return
    config = TrainConfig(
        method,
        n_ways=(20,),
        q_query=3,
        inner_steps=1 if method == "maml" else 0,
        meta_batch_size=4,
        meta_steps=updates,
        transductive=False,
        alternate_within_alphabet=True,
        seed=seed,
    )
    recipes.train(run, config, {"name": "conv4"}, start)


def table(found: Measured) -> str:
    """Return a row a method and a pair of methods, a column a seed, as Markdown, in %.

    The last columns are the standard deviation between the trainings, the mean's interval over
    trainings (Student's t), and, of methods, the largest paired difference between two trainings.
    """
    seeds = list(next(iter(found.values())))
    head = ["", *(f"seed {seed}" for seed in seeds), "SD", "mean over trainings", "largest gap"]
    rows = []
    for method, by_seed in found.items():
        means = [estimate.accuracy[-1] for estimate in by_seed.values()]
        cells = [percent(one.accuracy[-1], one.ci95[-1], 2) for one in by_seed.values()]
        rows.append([BY_NAME[method].short_label, *cells, *spread(means), largest_gap(by_seed)])
    for first, second in PAIRS:
        if first in found and second in found:
            gaps = [_gap(found[first][seed], found[second][seed]) for seed in seeds]
            label = f"{BY_NAME[first].short_label} − {BY_NAME[second].short_label}"
            cells = [percent(*gap, 2) for gap in gaps]
            rows.append([label, *cells, *spread([mean for mean, _ in gaps]), ""])
    return markdown_table(head, rows)


def spread(means: list[float]) -> tuple[str, str]:
    """Return the standard deviation of one mean a training, and their mean ± its 95 % interval."""
    values = torch.tensor(means).double()
    (mean,), (half,) = mean_and_ci95(values[:, None])
    return f"{100 * float(values.std()):.2f}", percent(mean, half, 2)


def largest_gap(by_seed: dict[int, Estimate]) -> str:
    """Return the paired difference of the two trainings that are furthest apart."""
    ordered = sorted(by_seed.values(), key=lambda estimate: estimate.accuracy[-1])
    return percent(*_gap(ordered[-1], ordered[0]), 2)


def _gap(first: Estimate, second: Estimate) -> tuple[float, float]:
    gap = paired_difference(first, second, -1, -1)
    assert gap is not None  # sampled episodes are kept
    return gap


if __name__ == "__main__":
    main()
