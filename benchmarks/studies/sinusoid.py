"""Train MAML, multi-task training and the oracle on sinusoids, and measure them on 600 waves.

    python -m benchmarks.studies.sinusoid
    python -m benchmarks.studies.sinusoid --updates 6000 --record
    python -m benchmarks.studies.sinusoid --recorded

The first one times the page's own training, from scratch; `--record` keeps the weights that
the page opens with; `--recorded` measures those. The squared error is a mean over 101 x from −5
to 5, after each inner step on K points, mean ± 95 % CI over waves never trained on; "left half"
gives points for x < 0 alone and measures where x > 0.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

import torch

from maml_core.config import SinusoidConfig
from maml_core.evaluation.confidence_intervals import plus_minus
from maml_core.teaching.sinusoids.evaluation import evaluate
from maml_core.teaching.sinusoids.regressors import Regressor
from maml_core.teaching.sinusoids.training import (
    SinusoidCheckpoint,
    train_side_by_side,
    tune_baseline,
)
from maml_core.teaching.sinusoids.weights import (
    SHIPPED_FOLDER,
    load_checkpoint,
    save_checkpoint,
)

N_TASKS = 600
VALIDATE_EVERY = 10  # updates, as on the page
STEPS = (0, 1, 2, 5, 10)
SUPPORT_SHAPES = ((5, False), (10, False), (10, True))  # K, and whether of the left half alone
PRINTED = (0.1, 0.25, 0.5, 1.0)  # shares of the training that are printed


def main() -> None:
    """Train or load the networks, and print their errors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=SinusoidConfig().meta_steps)
    parser.add_argument("--record", action="store_true", help="keep the weights for the app")
    parser.add_argument("--recorded", action="store_true", help="measure those; train nothing")
    parsed = parser.parse_args()
    if parsed.recorded:
        print_table(load_checkpoint().regressors)
        return
    checkpoint, provenance = train(SinusoidConfig(meta_steps=parsed.updates))
    if parsed.record:
        save_checkpoint(SHIPPED_FOLDER, checkpoint, provenance)
        checkpoint = load_checkpoint()  # as they are kept, in float16
    print_table(checkpoint.regressors)


def train(config: SinusoidConfig) -> tuple[SinusoidCheckpoint, Mapping[str, object]]:
    """Train all methods, printing their progress, and return them with their provenance."""
    print(config)
    started, used = time.perf_counter(), time.process_time()
    left = [share * config.meta_steps for share in PRINTED]
    for checkpoint in train_side_by_side(config, VALIDATE_EVERY):
        if left and checkpoint.step >= left[0]:
            left.pop(0)
            errors = ", ".join(
                f"{method} {before:.2f} → {after:.2f}"
                for method, (before, after) in checkpoint.history[-1].by_method.items()
            )
            print(f"{checkpoint.step} updates, {time.perf_counter() - started:.1f} s: {errors}")
    checkpoint = tune_baseline(checkpoint)
    seconds, busy = time.perf_counter() - started, time.process_time() - used
    print(f"{seconds:.1f} s, {busy:.1f} s of processor time")
    command = f"python -m benchmarks.studies.sinusoid --updates {config.meta_steps} --record"
    provenance = {
        "command": command,
        "seconds": round(seconds, 1),
        "torch": torch.__version__,
    }
    return checkpoint, provenance


def print_table(regressors: Mapping[str, Regressor]) -> None:
    """Print the errors as a Markdown table."""
    steps = " | ".join(f"step {step}" for step in STEPS)
    print(f"|  | method | α | {steps} | n |\n| --- | --- | --- |{' --- |' * (len(STEPS) + 1)}")
    for k_shot, in_left_half in SUPPORT_SHAPES:
        estimates = evaluate(
            regressors,
            k_shot,
            inner_steps=max(STEPS),
            n_tasks=N_TASKS,
            support_in_left_half=in_left_half,
        )
        for method, estimate in estimates.items():
            cells = " | ".join(cell(estimate.mean[step], estimate.ci95[step]) for step in STEPS)
            shape = f"K = {k_shot}" + ", left half" * in_left_half
            inner_lr = f"{regressors[method].inner_lr:g}" if method != "oracle" else "–"
            print(f"| {shape} | {method} | {inner_lr} | {cells} | {N_TASKS} |")


def cell(mean: float, half_width: float) -> str:
    """Return an error with its interval, small ones with more digits."""
    digits = 2 if mean >= 0.1 else 4
    return plus_minus(mean, half_width, digits)


if __name__ == "__main__":
    main()
