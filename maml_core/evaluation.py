"""Accuracy after each inner step over many episodes, with its confidence interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from maml_core.adaptation import accuracy, adapt
from maml_core.baselines import nearest_by_features, nearest_by_pixels
from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.episodes import Episode, TaskBatch, TaskPool, sample_episode
from maml_core.learners import Learner
from maml_core.models import check_pictures, for_n_way, query_logits
from maml_core.params import Params
from maml_core.threads import in_parallel

Z_95 = 1.959964  # two-sided 95 % quantile of the normal distribution
CHUNK = 2  # episodes between two estimates, at which whoever listens can stop: one a core


@dataclass(frozen=True)
class Estimate:
    """A mean over episodes so far.

    Attributes:
        episodes: How many.
        accuracy: Mean query accuracy after each inner step, [inner_steps + 1], 0 to 1.
        ci95: Half-width of its 95 % confidence interval over episodes, likewise; 0 for one.
    """

    episodes: int
    accuracy: tuple[float, ...]
    ci95: tuple[float, ...]


def mean_and_ci95(values: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and 1.96 s / √n over n of values [n, m], each [m]; the second is 0 for n = 1."""
    n, exact = len(values), values.double()
    spread = exact.std(0, correction=1) if n > 1 else torch.zeros_like(exact[0])
    return tuple(exact.mean(0).tolist()), tuple((Z_95 * spread / n**0.5).tolist())


def estimate(accuracies: Tensor) -> Estimate:
    """Return mean ± 1.96 s / √n of accuracies [n_episodes, inner_steps + 1]."""
    return Estimate(len(accuracies), *mean_and_ci95(accuracies))


def adapt_to(learner: Learner, episode: Episode, config: AdaptConfig) -> list[Params]:
    """Return a learner's parameters θ₀ … θ_S on an episode, see `adapt`."""
    task = episode.task
    return adapt_to_pictures(learner, task.support_x, task.support_y, episode.spec.n_way, config)


def adapt_to_pictures(
    learner: Learner, x: Tensor, y: Tensor, n_way: int, config: AdaptConfig
) -> list[Params]:
    """Return a learner's parameters θ₀ … θ_S on any support set.

    Args:
        learner: What adapts.
        x: Support pictures, [B, *input_shape].
        y: Their labels, [B], 0 to n_way - 1.
        n_way: Classes.
        config: How, see `adapt`.
    """
    return adapt(
        learner.model,
        for_n_way(learner.params, n_way),
        x,
        y,
        inner_lr=config.inner_lr,
        inner_steps=config.inner_steps,
        differentiable=False,
        rates=learner.rates,
    )


def episode_accuracy(
    learner: Learner,
    episode: Episode,
    config: AdaptConfig,
    *,
    transductive: bool = True,
    four_turns: bool = False,
) -> Tensor:
    """Return the query accuracy of one episode after each step, [inner_steps + 1], on the CPU.

    By the mean of the logits of one adaptation to each of `Episode.looks`, all from the same θ.
    """
    looks, n_way = episode.looks(four_turns=four_turns), episode.spec.n_way
    answers = [_answers(learner, task, n_way, config, transductive) for task in looks]
    means = torch.stack(answers).mean(0)
    return torch.stack([accuracy(one, episode.task.query_y) for one in means]).cpu()


@torch.no_grad()
def _answers(
    learner: Learner, task: TaskBatch, n_way: int, config: AdaptConfig, transductive: bool
) -> Tensor:
    """Return the query logits after each step, [inner_steps + 1, n_way * q_query, n_way]."""
    points = adapt_to_pictures(learner, task.support_x, task.support_y, n_way, config)
    x = task.support_x, task.query_x
    return torch.stack(
        [query_logits(learner.model, fast, *x, transductive=transductive) for fast in points]
    )


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
    four_turns: bool = False,
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
        transductive: How queries are normalised, see `models.query_logits`.
        four_turns: Whether the mean over quarter turns answers, see `episode_accuracy`.

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
            learner, episode, config, transductive=transductive, four_turns=four_turns
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
    four_turns: bool = False,
) -> Iterator[Estimate]:
    """Yield estimates as `evaluate` does, of one accuracy: that of the nearest support picture.

    Args:
        learner: Whose features are compared before any adaptation; None compares pixels.
        pool: The characters; where it has close-ups, these are compared, too.
        spec: The episodes' shape.
        episodes: How many in all.
        seed: Chooses the sequence.
        transductive: How queries are normalised, see `models.query_logits`.
        four_turns: Whether the features are compared at four quarter turns at once; of pixels
            these say nothing new.
    """

    def accuracy_of(number: int) -> Tensor:
        episode = sample_episode(pool, spec, seed, number)
        if learner is None:
            return nearest_by_pixels(episode.looks())[None].cpu()
        looks = episode.looks(four_turns=four_turns)
        with torch.no_grad():
            found = nearest_by_features(
                learner.model, learner.params, looks, transductive=transductive
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


def choose_inner_lr(
    learner: Learner,
    pool: TaskPool,
    spec: EpisodeSpec,
    candidates: Iterable[float],
    *,
    inner_steps: int,
    episodes: int,
    seed: int,
) -> float:
    """Return the candidate α with the best accuracy, the mean over all steps but step 0.

    Hand it a pool of validation classes; the test classes choose nothing.
    """

    def score(rate: float) -> float:
        *_, last = evaluate(
            learner,
            pool,
            spec,
            inner_steps=inner_steps,
            episodes=episodes,
            seed=seed,
            inner_lr=rate,
        )
        return sum(last.accuracy[1:]) / inner_steps

    return max(candidates, key=score)
