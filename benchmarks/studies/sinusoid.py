"""Train MAML, joint pretraining and the oracle on sinusoids, and measure them on 600 waves.

    python -m benchmarks.studies.sinusoid
    python -m benchmarks.studies.sinusoid --updates 6000 --record
    python -m benchmarks.studies.sinusoid --recorded

The first times the Train page's own training, from nothing; `--record` keeps the weights that
the page opens with; `--recorded` measures those. The squared error is a mean over 101 x from −5
to 5, after each inner step on K points, mean ± 95 % CI over waves never trained on; "half" gives
points for x < 0 alone and measures where x > 0.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

import torch

from maml_core.config import SinusoidConfig
from maml_core.teaching import sinusoid_comparison as comparison
from maml_core.teaching.sinusoid_comparison import Stage
from maml_core.teaching.sinusoid_tasks import Regressor

TASKS = 600
EVERY = 10  # updates between two looks at validation tasks, as on the page
STEPS = (0, 1, 2, 5, 10)
SHAPES = ((5, False), (10, False), (10, True))  # K, and whether of the left half alone
TOLD = (0.1, 0.25, 0.5, 1.0)  # shares of the training that are printed


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=SinusoidConfig().meta_steps)
    parser.add_argument("--record", action="store_true", help="keep the weights for the app")
    parser.add_argument("--recorded", action="store_true", help="measure those; train nothing")
    parsed = parser.parse_args()
    if parsed.recorded:
        table(comparison.load().learners)
        return
    stage, provenance = trained(SinusoidConfig(meta_steps=parsed.updates))
    if parsed.record:
        comparison.save(comparison.RECORDED, stage, provenance)
        stage = comparison.load()  # as they are kept, in float16
    table(stage.learners)


def trained(config: SinusoidConfig) -> tuple[Stage, Mapping[str, object]]:
    """Train all methods, telling how far they are, and return them with how it was done."""
    print(config)
    started, used = time.perf_counter(), time.process_time()
    left = [share * config.meta_steps for share in TOLD]
    for stage in comparison.train_together(config, EVERY):
        if left and stage.step >= left[0]:
            left.pop(0)
            told = ", ".join(
                f"{method} {before:.2f} → {after:.2f}"
                for method, (before, after) in stage.history[-1].errors.items()
            )
            print(f"{stage.step} updates, {time.perf_counter() - started:.1f} s: {told}")
    stage = comparison.tuned(stage)
    seconds, busy = time.perf_counter() - started, time.process_time() - used
    print(f"{seconds:.1f} s, of which the processors computed {busy:.1f} s")
    command = f"python -m benchmarks.studies.sinusoid --updates {config.meta_steps} --record"
    return stage, {"command": command, "seconds": round(seconds, 1), "torch": torch.__version__}


def table(learners: Mapping[str, Regressor]) -> None:
    """Print the README's table."""
    steps = " | ".join(f"step {step}" for step in STEPS)
    print(f"|  | method | α | {steps} | n |\n| --- | --- | --- |{' --- |' * (len(STEPS) + 1)}")
    for k_shot, half in SHAPES:
        found = comparison.evaluate(
            learners, k_shot, inner_steps=max(STEPS), tasks=TASKS, half=half
        )
        for method, one in found.items():
            cells = " | ".join(cell(one.mean[step], one.ci95[step]) for step in STEPS)
            words = f"K = {k_shot}" + ", half" * half
            rate = f"{learners[method].inner_lr:g}" if method != "oracle" else "–"
            print(f"| {words} | {method} | {rate} | {cells} | {TASKS} |")


def cell(mean: float, half: float) -> str:
    """Return an error with its interval, small ones with more digits."""
    digits = 2 if mean >= 0.1 else 4
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


if __name__ == "__main__":
    main()
