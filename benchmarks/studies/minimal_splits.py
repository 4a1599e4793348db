"""What do five alphabets teach? Omniglot's minimal splits, on the official runs.

    python -m benchmarks.studies.minimal_splits --splits minimal-1 minimal-2

Lake et al. 2019 (arXiv:1902.03477) train on five background alphabets instead of thirty. Here
Pretrained learns these, and MAML and ProtoNet go on from its weights, as with all alphabets in
docs/training.md. α is chosen at 20-way 1-shot on validation characters: those of the background
alphabets that nothing was trained on. The official runs are measured at the end, each query alone.
Weights that lie in --out are not trained again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.studies.results_tables import markdown_table
from benchmarks.studies.training_seeds import train
from maml_core.config import (
    OFFICIAL_RUNS,
    EpisodeSpec,
    EvaluationConfig,
)
from maml_core.data.splits import MINIMAL
from maml_core.episodes.official_runs import RUNS
from maml_core.evaluation import results_table
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.confidence_intervals import Estimate, plus_minus
from maml_core.learners.checkpoints import load_weights
from maml_core.learners.learner import Learner
from maml_core.methods.catalogue import BY_NAME
from maml_core.training.inner_lr_search import (
    INNER_LR_CANDIDATES,
    INNER_LR_EPISODES,
    choose_inner_lr,
)
from maml_core.training.training_run import VALIDATION_QUERY, TrainingRun

N_WAY = OFFICIAL_RUNS.n_way
INNER_STEPS = 5
TRAINED = ("pretrained", "maml", "protonet")  # the first is what the others start from


def main() -> None:
    """Train what is missing, then print the error rates as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--splits", nargs="+", choices=MINIMAL, default=[*MINIMAL])
    parser.add_argument("--epochs", type=int, default=24, help="of Pretrained")
    parser.add_argument("--updates", type=int, default=400, help="of MAML and ProtoNet each")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of the weights")
    parsed = parser.parse_args()
    found = {split: dict(errors(split, parsed)) for split in parsed.splits}
    rows = [
        [
            BY_NAME[method].short_label,
            *(
                plus_minus(100 - 100 * row[method].accuracy[-1], 100 * row[method].ci95[-1])
                for row in found.values()
            ),
        ]
        for method in found[parsed.splits[0]]
    ]
    print(markdown_table(["method", *found], rows))


def errors(split: str, parsed: argparse.Namespace) -> Iterator[tuple[str, Estimate]]:
    """Yield each method and its estimate over the official runs, all trained before any."""
    learners = {method: trained(method, split, parsed) for method in TRAINED}
    pool = results_table.omniglot_test_pool(split)
    config = EvaluationConfig(INNER_STEPS, len(RUNS), transductive=False)
    for method, learner in learners.items():
        *_, last = evaluate(learner, pool, OFFICIAL_RUNS, config)
        yield method, last
    for method, features in (
        ("nearest-features", learners["pretrained"]),
        ("nearest-pixels", None),
    ):
        *_, last = evaluate_nearest(features, pool, OFFICIAL_RUNS, config)
        yield method, last


def trained(method: str, split: str, parsed: argparse.Namespace) -> Learner:
    """Return a learner with its α, trained where its weights are not there."""
    folder = parsed.out / split
    folder.mkdir(parents=True, exist_ok=True)
    run = TrainingRun(folder / f"{method}.safetensors", split=split)
    if run.state.exists() or not run.out.exists():
        run = replace(run, resume=run.state.exists())
        start = folder / "pretrained.safetensors"
        train(method, run, start, epochs=parsed.epochs, updates=parsed.updates)
    learner = load_weights(run.out).learner()
    if learner.solve_head is not None:
        return learner
    inner_lr = choose_inner_lr(
        learner,
        run.pool("validation"),
        EpisodeSpec(N_WAY, 1, VALIDATION_QUERY),
        INNER_LR_CANDIDATES,
        inner_steps=INNER_STEPS,
        episodes=INNER_LR_EPISODES[N_WAY],
        seed=0,
    )
    print(f"{split}, {method}: α = {inner_lr}", flush=True)
    return replace(learner, inner_lrs={N_WAY: inner_lr})


if __name__ == "__main__":
    main()
