"""Accuracy after each inner step over many episodes, with its confidence interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from maml_core.config import AdaptConfig, EpisodeSpec, EvaluationConfig
from maml_core.episodes.official_runs import RUNS
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import Episode, sample_episode
from maml_core.episodes.task_batch import TaskBatch
from maml_core.evaluation.confidence_intervals import Estimate, estimate
from maml_core.learners.adaptation import adapt_to_support
from maml_core.learners.learner import Learner
from maml_core.learners.training_classes import warn_of_seen_classes
from maml_core.methods.losses import accuracy
from maml_core.methods.nearest_neighbour import nearest_by_features, nearest_by_pixels
from maml_core.networks.functional import trajectory_query_logits
from maml_core.networks.registry import check_pictures
from maml_core.optimisation.cores import worker_count
from maml_core.optimisation.distributed import n_joined, shared_out
from maml_core.optimisation.thread_pool import in_parallel

CHUNK = 2  # episodes per estimate; a caller can stop after each
LEAST_DEVIATION = 1e-12  # of a query's logits, which before the first step are all alike
SHARE = 64  # episodes that each of several processes measures before they exchange them


Member = tuple[Learner, AdaptConfig]
"""Who adapts, and by what steps."""


def episode_accuracy(
    members: Sequence[Member],
    episode: Episode,
    *,
    transductive: bool = True,
    rotation_tta: bool = False,
) -> Tensor:
    """Return the query accuracy of one episode after each step, [inner_steps + 1], on the CPU.

    The logits are averaged over `Episode.views`, each with an adaptation of its own from θ. Of
    several members each adapts from its own θ, all as many steps, and the mean of their logits
    decides. Methods' logits are not on one scale, so each member's are first divided, for each
    query, by their standard deviation over the classes.
    """
    views, n_way = episode.views(rotation_tta=rotation_tta), episode.spec.n_way
    means = []
    for learner, config in members:
        logits = [member_logits(learner, task, n_way, config, transductive) for task in views]
        means.append(torch.stack(logits).mean(0))
    votes = means[0] if len(means) == 1 else together(means)
    return accuracy(votes, episode.task.query_y).cpu()


def together(logits: Sequence[Tensor]) -> Tensor:
    """Return the mean of several members' logits, each [..., n_way], brought to one scale."""
    scales = [one.std(-1, keepdim=True).clamp_min(LEAST_DEVIATION) for one in logits]
    return torch.stack([one / scale for one, scale in zip(logits, scales, strict=True)]).mean(0)


@torch.no_grad()
def member_logits(
    learner: Learner, task: TaskBatch, n_way: int, config: AdaptConfig, transductive: bool
) -> Tensor:
    """Return one's query logits after each step, [inner_steps + 1, n_way * q_query, n_way]."""
    trajectory = adapt_to_support(learner, task.support_x, task.support_y, n_way, config)
    pictures = task.support_x, task.query_x
    return trajectory_query_logits(learner.model, trajectory, *pictures, transductive=transductive)


def pictures_passed(
    spec: EpisodeSpec,
    config: EvaluationConfig,
    *,
    ink_crops: bool = False,
    takes_steps: bool = True,
) -> int:
    """Count the pictures that one learner's evaluation passes through the network.

    A gradient counts as three passes of the support set. A core passes about 10,000 a second.

    Args:
        spec: The episodes' shape.
        config: As for `evaluate`.
        ink_crops: Whether the pool has them.
        takes_steps: False: it solves for its head, and the queries pass once.
    """
    n_views = (4 if config.rotation_tta else 1) * (2 if ink_crops else 1)
    support, queries = spec.n_way * spec.k_shot, spec.n_way * spec.q_query
    measured = queries if config.transductive else support + queries
    adapting, points = (3 * config.inner_steps, config.inner_steps + 1) if takes_steps else (1, 1)
    return config.episodes * n_views * (adapting * support + points * measured)


def own_steps(learners: Sequence[Learner], config: EvaluationConfig) -> EvaluationConfig:
    """Return how learners are evaluated: where all solve for their heads, without a step."""
    return replace(config, inner_steps=0) if all(one.solve_head for one in learners) else config


def evaluate(
    learner: Learner | Sequence[Learner],
    pool: TaskPool,
    spec: EpisodeSpec,
    config: EvaluationConfig,
) -> Iterator[Estimate]:
    """Yield the estimate over the first 2, 4, … `config.episodes` episodes of a seed's sequence.

    Args:
        learner: What adapts; several answer together, as an ensemble, see `episode_accuracy`.
        pool: The characters. Where it has ink crops, the logits are averaged over an adaptation to
            the pictures and one to their crops.
        spec: The episodes' shape.
        config: Steps, number of episodes, seed, normalisation and views.

    Warns:
        SeenClassesWarning: The learner was trained on some of the pool's classes, not on all.

    Raises:
        ValueError: The network does not read pictures of this shape, or the pool is too small for
            the spec; the latter is raised only at the first estimate.
    """
    learners = [learner] if isinstance(learner, Learner) else learner
    for one in learners:
        check_pictures(one.model, pool.data.input_shape)
        warn_of_seen_classes(one.provenance, pool.data, pool.classes.tolist())
    accuracy_of = partial(
        episode_accuracy,
        [(one, _adapt_config(one, spec, config)) for one in learners],
        transductive=config.transductive,
        rotation_tta=config.rotation_tta,
    )
    return _growing_estimate(accuracy_of, pool, spec, config)


def _adapt_config(learner: Learner, spec: EpisodeSpec, config: EvaluationConfig) -> AdaptConfig:
    inner_lr = config.inner_lr or learner.inner_lr(spec.n_way)
    return AdaptConfig(inner_lr * config.lr_factor, config.inner_steps)


def evaluate_nearest(
    learner: Learner | None, pool: TaskPool, spec: EpisodeSpec, config: EvaluationConfig
) -> Iterator[Estimate]:
    """Yield the estimates of 1-nearest neighbour classification, a single accuracy each.

    Args:
        learner: The network whose features are compared, without adaptation; None compares
            pixels, for which rotation TTA changes nothing.
        pool: The characters; where it has ink crops, these are compared as well.
        spec: The episodes' shape.
        config: As for `evaluate`; the inner steps are not used.
    """

    accuracy_of = partial(_nearest_accuracy, learner, config)
    return _growing_estimate(accuracy_of, pool, spec, config)


@torch.no_grad()
def _nearest_accuracy(
    learner: Learner | None, config: EvaluationConfig, episode: Episode
) -> Tensor:
    if learner is None:
        return nearest_by_pixels(episode.views())[None].cpu()
    views = episode.views(rotation_tta=config.rotation_tta)
    score = nearest_by_features(
        learner.model, learner.params, views, transductive=config.transductive
    )
    return score[None].cpu()


def _growing_estimate(
    accuracy_of: Callable[[Episode], Tensor],
    pool: TaskPool,
    spec: EpisodeSpec,
    config: EvaluationConfig,
) -> Iterator[Estimate]:
    """Yield the estimate over the first 2, 4, … episodes of the seed's sequence."""

    def measure(numbers: Iterable[int]) -> Iterator[Tensor]:
        episodes = (sample_episode(pool, spec, config.seed, number) for number in numbers)
        return in_parallel(accuracy_of, episodes)

    measured: list[Tensor] = []
    at_once = SHARE * n_joined() if n_joined() > 1 else max(CHUNK, worker_count())
    for start in range(0, config.episodes, at_once):
        numbers = range(start, min(start + at_once, config.episodes))
        for found in shared_out(measure, numbers):
            measured.append(found)
            if len(measured) % CHUNK == 0 or len(measured) == config.episodes:
                clusters = [run.alphabet for run in RUNS[: len(measured)]]
                yield estimate(
                    torch.stack(measured),
                    spec.n_way * spec.q_query,
                    clusters if spec.official else None,
                )
