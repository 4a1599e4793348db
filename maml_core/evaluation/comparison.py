"""Several learners on the same episodes, side by side: arrays for charts, no tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.confidence import Estimate
from maml_core.evaluation.trajectory import Trace, measure, trace
from maml_core.learners.adaptation import adapt_to
from maml_core.learners.learner import Learner
from maml_core.optimisation.thread_pool import in_parallel


@dataclass(frozen=True, eq=False)
class Recording:
    """One learner's adaptation to one episode at its S + 1 points θ₀ … θ_S.

    Attributes:
        method: The learner's name.
        inner_lr: The α it took.
        support_loss: Nats, float64 [S + 1]; not a number where α was too large.
        query_loss: Likewise.
        accuracy: On the query set, 0 to 1, [S + 1].
        predictions: The label each query picture gets, int64 [S + 1, n_way * q_query].
    """

    method: str
    inner_lr: float
    support_loss: np.ndarray
    query_loss: np.ndarray
    accuracy: np.ndarray
    predictions: np.ndarray

    @property
    def diverged_at(self) -> int | None:
        """The first step whose loss is no finite number, or None."""
        bad = ~(np.isfinite(self.support_loss) & np.isfinite(self.query_loss))
        return int(bad.argmax()) if bad.any() else None


def compare(
    learners: Mapping[str, Learner], episode: Episode, inner_steps: int, lr_factor: float = 1.0
) -> list[Recording]:
    """Adapt each learner to one episode with `lr_factor` times its own α."""
    configs = {
        method: AdaptConfig(learner.inner_lr(episode.spec.n_way) * lr_factor, inner_steps)
        for method, learner in learners.items()
    }
    adapted = in_parallel(
        lambda method: adapt_to(learners[method], episode, configs[method]), learners
    )
    # One learner's points are measured while the next still adapts: no core waits for the other.
    measured = [
        in_parallel(partial(measure, learner.model, task=episode.task), trajectory)
        for learner, trajectory in zip(learners.values(), adapted, strict=True)
    ]
    return [
        _recording(learner.method, configs[method].inner_lr, trace(points))
        for (method, learner), points in zip(learners.items(), measured, strict=True)
    ]


def _recording(method: str, inner_lr: float, found: Trace) -> Recording:
    return Recording(
        method=method,
        inner_lr=inner_lr,
        support_loss=found.support_loss.double().numpy(),
        query_loss=found.query_loss.double().numpy(),
        accuracy=found.accuracy.double().numpy(),
        predictions=found.query_logits.argmax(-1).numpy(),
    )


def evaluate_together(
    learners: Mapping[str, Learner],
    pool: TaskPool,
    spec: EpisodeSpec,
    *,
    inner_steps: int,
    episodes: int,
    seed: int,
    lr_factor: float = 1.0,
    transductive: bool = True,
    rotation_tta: bool = False,
    references: Mapping[str, Learner | None] | None = None,
) -> Iterator[dict[str, Estimate]]:
    """Yield each learner's estimate over the same episodes, as they grow in number.

    Args:
        learners: What adapts, by name, each with `lr_factor` times its own α.
        pool: The characters; where it has close-ups, these count as well, see `evaluate`.
        spec: The episodes' shape.
        inner_steps: Gradient steps on each support set.
        episodes: How many in all.
        seed: Chooses the sequence.
        lr_factor: On each learner's α.
        transductive: How queries are normalised, see `functional.query_logits`.
        rotation_tta: Whether each answers by the mean over four quarter turns, see `evaluate`.
        references: Whose features the nearest picture is found by, by name; None: pixels.
    """
    nearest = references or {}
    streams = [
        evaluate(
            learner,
            pool,
            spec,
            inner_steps=inner_steps,
            episodes=episodes,
            seed=seed,
            inner_lr=learner.inner_lr(spec.n_way) * lr_factor,
            transductive=transductive,
            rotation_tta=rotation_tta,
        )
        for learner in learners.values()
    ] + [
        evaluate_nearest(
            learner,
            pool,
            spec,
            episodes=episodes,
            seed=seed,
            transductive=transductive,
            rotation_tta=rotation_tta,
        )
        for learner in nearest.values()
    ]
    for estimates in zip(*streams, strict=True):
        yield dict(zip([*learners, *nearest], estimates, strict=True))


def confusion(episode: Episode, recording: Recording, step: int) -> np.ndarray:
    """Count how often each class was taken for each after an inner step.

    Returns:
        int64 [n_way, n_way], true class by predicted class.
    """
    n_way = episode.spec.n_way
    counts = np.zeros((n_way, n_way), dtype=np.int64)
    truth = np.repeat(np.arange(n_way), episode.spec.q_query)
    np.add.at(counts, (truth, recording.predictions[step]), 1)
    return counts
