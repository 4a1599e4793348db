"""MAML, joint pretraining and the oracle side by side: in training, on one wave, on many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from maml_core.config import SinusoidConfig
from maml_core.episodes.sampling import episode_generator
from maml_core.evaluation.confidence import mean_and_ci95
from maml_core.networks.functional import initial_params
from maml_core.optimisation.outer_loop import TrainState
from maml_core.optimisation.thread_pool import in_parallel
from maml_core.paths import WEIGHTS
from maml_core.teaching.sinusoid_tasks import (
    METHODS,
    RANGE,
    Regressor,
    Waves,
    grid,
    network,
    outputs,
    sample_points,
    sample_waves,
    squared_errors,
    train,
)
from maml_core.training import recording

RECORDED = WEIGHTS / "sinusoid"
# Sequences of tasks; training draws from those of the seeds 0 to 999,999. Of the waves to be shown
# the first is what everybody sees first: a tall one, and not like the mean of all waves.
VALIDATION, TEST, SHOWN = 1_000_000, 1_000_001, 1_000_012
VALIDATION_TASKS = 100
# The baseline's α is chosen among these, on validation tasks.
INNER_LR_CANDIDATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
CHOSEN_FOR_SHOTS, CHOSEN_FOR_STEPS = (5, 10), 10


@dataclass(frozen=True)
class Wave:
    """One wave y = A sin(x − φ).

    Attributes:
        amplitude: A, 0.1 to 5.0.
        phase: φ, 0 to π.
    """

    amplitude: float
    phase: float

    def heights(self, x: np.ndarray) -> np.ndarray:
        """Return y at x."""
        found: np.ndarray = self.amplitude * np.sin(x - self.phase)
        return found


@dataclass(frozen=True)
class Errors:
    """Squared error after each inner step, a mean over tasks and `GRID` x of each.

    Attributes:
        tasks: How many.
        mean: [inner_steps + 1].
        ci95: Half-width of its 95 % confidence interval over tasks, likewise.
    """

    tasks: int
    mean: tuple[float, ...]
    ci95: tuple[float, ...]


class Mark(NamedTuple):
    """How good the methods are after some updates.

    Attributes:
        step: Updates made.
        errors: Mean squared error on validation tasks by method: before adaptation, and after the
            training's inner steps with its α.
    """

    step: int
    errors: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Stage:
    """A training of all methods after some updates.

    Attributes:
        config: Its settings.
        learners: By method.
        history: From the start to here.
    """

    config: SinusoidConfig
    learners: Mapping[str, Regressor]
    history: tuple[Mark, ...]

    @property
    def step(self) -> int:
        """Updates made."""
        return self.history[-1].step


@dataclass(frozen=True, eq=False)
class Fit:
    """What a network makes of some points of one wave.

    Attributes:
        method: One of `METHODS`.
        inner_lr: The α it took.
        curves: Its outputs on `grid()` after each inner step, [inner_steps + 1, GRID].
    """

    method: str
    inner_lr: float
    curves: np.ndarray

    def errors(self, wave: Wave, low: float = RANGE[0], high: float = RANGE[1]) -> np.ndarray:
        """Return the mean squared error on low ≤ x ≤ high after each step, [inner_steps + 1]."""
        x = grid()
        within = (low <= x) & (x <= high)
        found: np.ndarray = np.square(self.curves - wave.heights(x))[:, within].mean(1)
        return found


def train_together(config: SinusoidConfig, every: int) -> Iterator[Stage]:
    """Train all methods on the same tasks; yield where they are at the start and ever again.

    Args:
        config: How.
        every: Updates between two stages.
    """
    streams = {method: train(method, config) for method in METHODS}

    def ahead(method: str, updates: int) -> tuple[Regressor, tuple[float, float]]:
        done = TrainState(0, initial_params(network(method), config.seed))
        for done in islice(streams[method], updates):  # noqa: B007 - the last is used
            pass
        learner = Regressor(method, done.params, config.inner_lr, done.step)
        return learner, _validation_error(learner, config)

    history: tuple[Mark, ...] = ()
    for step in (0, *range(every, config.meta_steps, every), config.meta_steps):
        updates = step - history[-1].step if history else 0
        found = dict(
            zip(METHODS, in_parallel(partial(ahead, updates=updates), METHODS), strict=True)
        )
        history += (Mark(step, {method: error for method, (_, error) in found.items()}),)
        yield Stage(config, {method: learner for method, (learner, _) in found.items()}, history)


def _validation_error(learner: Regressor, config: SinusoidConfig) -> tuple[float, float]:
    found = squared_errors(learner, VALIDATION, VALIDATION_TASKS, config.k_shot, config.inner_steps)
    before, *_, after = found.mean(0).tolist()
    return before, after


def with_best_rate(
    learner: Regressor, candidates: Sequence[float] = INNER_LR_CANDIDATES
) -> Regressor:
    """Return the learner with the α that is best on validation tasks.

    By the mean error after 1 to 10 steps on 5 and on 10 points. The paper, too, tunes the step
    size of its pretrained baseline and leaves MAML the α of its training.
    """

    def error(rate: float) -> float:
        tried = replace(learner, inner_lr=rate)
        found = [
            squared_errors(tried, VALIDATION, VALIDATION_TASKS, k, CHOSEN_FOR_STEPS)[:, 1:].mean()
            for k in CHOSEN_FOR_SHOTS
        ]
        total = float(sum(found))
        return total if math.isfinite(total) else math.inf

    errors = list(in_parallel(error, candidates))
    return replace(learner, inner_lr=candidates[errors.index(min(errors))])


def tuned(stage: Stage) -> Stage:
    """Return the end of a training, joint pretraining with its best α."""
    joint = with_best_rate(stage.learners["joint"])
    return replace(stage, learners={**stage.learners, "joint": joint})


def save(folder: Path, stage: Stage, provenance: Mapping[str, Any]) -> None:
    """Write the end of a training, a file a method; θ in float16."""
    for method, learner in stage.learners.items():
        about = {
            "method": method,
            "inner_lr": learner.inner_lr,
            "config": asdict(stage.config),
            "history": [(mark.step, _rounded(mark.errors[method])) for mark in stage.history],
            **provenance,
        }
        path = folder / f"{method}.safetensors"
        recording.save_recording(path, {learner.updates: learner.params}, about)


def _rounded(errors: tuple[float, float]) -> tuple[float, float]:
    before, after = (round(error, 4) for error in errors)
    return before, after


def load(folder: Path = RECORDED) -> Stage:
    """Read what `save` wrote.

    Raises:
        CheckpointError: There is none, or it is damaged.
    """
    learners, histories = {}, {}
    for method in METHODS:
        points, about = recording.load_recording(folder / f"{method}.safetensors")
        ((updates, params),) = points.items()
        learners[method] = Regressor(method, params, about["inner_lr"], updates)
        histories[method] = dict(about["history"])
    marks = [
        Mark(step, {method: tuple(histories[method][step]) for method in METHODS})
        for step in histories["maml"]
    ]
    return Stage(SinusoidConfig(**about["config"]), learners, tuple(marks))


def evaluate(
    learners: Mapping[str, Regressor],
    k_shot: int,
    *,
    inner_steps: int,
    tasks: int,
    half: bool = False,
) -> dict[str, Errors]:
    """Return each learner's error on the same test tasks, see `squared_errors`."""

    def of(method: str) -> Errors:
        found = squared_errors(learners[method], TEST, tasks, k_shot, inner_steps, half=half)
        return Errors(tasks, *mean_and_ci95(found))

    return dict(zip(learners, in_parallel(of, learners), strict=True))


def shown_wave(seed: int) -> Wave:
    """Return the wave that a seed stands for."""
    waves = sample_waves(1, episode_generator(SHOWN, seed))
    return Wave(float(waves.amplitude[0]), float(waves.phase[0]))


def shown_points(seed: int, k_shot: int, half: bool) -> list[tuple[float, float]]:
    """Return K points of a seed's wave, x and y; another K takes the same ones first.

    With `half` they lie in the left half of `RANGE`, in the same order.
    """
    wave, generator = shown_wave(seed), episode_generator(SHOWN, seed)
    sample_waves(1, generator)  # the wave's own numbers come first
    x = sample_points(1, k_shot, generator, half)[0].double().numpy()
    return list(zip(x.tolist(), wave.heights(x).tolist(), strict=True))


def fit(
    learners: Mapping[str, Regressor],
    wave: Wave,
    points: Sequence[tuple[float, float]],
    inner_steps: int,
) -> dict[str, Fit]:
    """Adapt each learner to the same points, wherever they lie.

    Args:
        learners: By method.
        wave: What the oracle is told.
        points: x and y of each; there may be none.
        inner_steps: Gradient steps.
    """
    told = Waves(torch.tensor([wave.amplitude]), torch.tensor([wave.phase]))
    x, y = torch.tensor(points, dtype=torch.float32).reshape(-1, 2).T[:, None]
    at = torch.tensor(grid(), dtype=torch.float32)

    def of(method: str) -> Fit:
        said = outputs(learners[method], told, x, y, at, inner_steps)[0]
        return Fit(method, learners[method].inner_lr, said.double().numpy())

    return dict(zip(learners, in_parallel(of, learners), strict=True))
