"""Accuracy after each inner step over many episodes, with its confidence interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import Episode, sample_episode
from maml_core.episodes.task_batch import TaskBatch
from maml_core.evaluation.confidence import Estimate, estimate
from maml_core.learners.adaptation import adapt_to_support
from maml_core.learners.learner import Learner
from maml_core.methods.losses import accuracy
from maml_core.methods.nearest_neighbour import nearest_by_features, nearest_by_pixels
from maml_core.networks.functional import trajectory_query_logits
from maml_core.networks.registry import check_pictures
from maml_core.optimisation.thread_pool import in_parallel

CHUNK = 2  # episodes between two estimates, at which whoever listens can stop: one a core


def episode_accuracy(
    learner: Learner,
    episode: Episode,
    config: AdaptConfig,
    *,
    transductive: bool = True,
    rotation_tta: bool = False,
) -> Tensor:
    """Return the query accuracy of one episode after each step, [inner_steps + 1], on the CPU.

    By the mean of the logits of one adaptation to each of `Episode.views`, all from the same θ.
    """
    views, n_way = episode.views(rotation_tta=rotation_tta), episode.spec.n_way
    logits = [_query_logits(learner, task, n_way, config, transductive) for task in views]
    means = torch.stack(logits).mean(0)
    return torch.stack([accuracy(one, episode.task.query_y) for one in means]).cpu()


@torch.no_grad()
def _query_logits(
    learner: Learner, task: TaskBatch, n_way: int, config: AdaptConfig, transductive: bool
) -> Tensor:
    """Return the query logits after each step, [inner_steps + 1, n_way * q_query, n_way]."""
    trajectory = adapt_to_support(learner, task.support_x, task.support_y, n_way, config)
    pictures = task.support_x, task.query_x
    return trajectory_query_logits(learner.model, trajectory, *pictures, transductive=transductive)


def evaluate(
    learner: Learner,
    pool: TaskPool,
    spec: EpisodeSpec,
    *,
    inner_steps: int,
    episodes: int,
    seed: int,
    inner_lr: float | None = None,
    transductive: bool = True,
    rotation_tta: bool = False,
) -> Iterator[Estimate]:
    """Yield the estimate over the first 2, 4, … `episodes` episodes of a seed's sequence.

    Args:
        learner: What adapts.
        pool: The characters; say on the chart which part of which split. Where it has close-ups,
            the mean of adaptations to the pictures as they are and close up answers.
        spec: The episodes' shape.
        inner_steps: Gradient steps on each support set.
        episodes: How many in all.
        seed: Chooses the sequence; every learner sees the same episodes.
        inner_lr: α; the learner's own for this N unless given.
        transductive: How queries are normalised, see `functional.query_logits`.
        rotation_tta: Whether the mean over quarter turns answers, see `episode_accuracy`.

    Raises:
        ValueError: No episodes, a negative number of steps, an α that is no positive number, a
            network for other pictures, or a pool too small for the spec; some of it only at the
            first estimate.
    """
    check_pictures(learner.model, pool.data.input_shape)
    rate = learner.inner_lr(spec.n_way) if inner_lr is None else inner_lr
    config = AdaptConfig(rate, inner_steps)

    def accuracy_of(number: int) -> Tensor:
        episode = sample_episode(pool, spec, seed, number)
        return episode_accuracy(
            learner, episode, config, transductive=transductive, rotation_tta=rotation_tta
        )

    return _growing(accuracy_of, episodes)


def evaluate_nearest(
    learner: Learner | None,
    pool: TaskPool,
    spec: EpisodeSpec,
    *,
    episodes: int,
    seed: int,
    transductive: bool = True,
    rotation_tta: bool = False,
) -> Iterator[Estimate]:
    """Yield estimates as `evaluate` does, of one accuracy: that of the nearest support picture.

    Args:
        learner: Whose features are compared before any adaptation; None compares pixels.
        pool: The characters; where it has close-ups, these are compared, too.
        spec: The episodes' shape.
        episodes: How many in all.
        seed: Chooses the sequence.
        transductive: How queries are normalised, see `functional.query_logits`.
        rotation_tta: Whether the features are compared at four quarter turns at once; of pixels
            these say nothing new.
    """

    def accuracy_of(number: int) -> Tensor:
        episode = sample_episode(pool, spec, seed, number)
        if learner is None:
            return nearest_by_pixels(episode.views())[None].cpu()
        views = episode.views(rotation_tta=rotation_tta)
        with torch.no_grad():
            found = nearest_by_features(
                learner.model, learner.params, views, transductive=transductive
            )
        return found[None].cpu()

    return _growing(accuracy_of, episodes)


def _growing(accuracy_of: Callable[[int], Tensor], episodes: int) -> Iterator[Estimate]:
    """Yield the estimate over the first 2, 4, … episodes of numbers 0 to `episodes` - 1."""
    if episodes < 1:
        raise ValueError(f"episodes is {episodes}; choose at least 1.")
    done: list[Tensor] = []
    for start in range(0, episodes, CHUNK):
        done += in_parallel(accuracy_of, range(start, min(start + CHUNK, episodes)))
        yield estimate(torch.stack(done))
