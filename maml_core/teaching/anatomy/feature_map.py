"""Where a network's features put the pictures of an episode, before and after each inner step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from maml_core.config import AdaptConfig
from maml_core.episodes.sampling import Episode
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import at_each_point, block_features, features
from maml_core.networks.params import Params
from maml_core.optimisation.thread_pool import in_parallel

HEAD_INPUT = "Head input"  # the place where the head takes its features from
BLOCKS = ("Block 1", "Block 2", "Block 3")
PLACES = (HEAD_INPUT, *reversed(BLOCKS))


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """An episode's pictures in one place of a network, at θ₀ … θ_S.

    Attributes:
        support: On the two principal components, float64 [S + 1, n_way * k_shot, 2], by class.
        query: Likewise, [S + 1, n_way * q_query, 2]. NaN where the features are not finite.
        in_plane: The share of all variance that lies along each of the two, 0 to 1, [2].
        separation: Of the query pictures' features, all dimensions, [S + 1], see
            `class_separation`.
    """

    support: np.ndarray
    query: np.ndarray
    in_plane: np.ndarray
    separation: np.ndarray

    @property
    def movement(self) -> float:
        """How far the steps move the query pictures on the map, as a share of how far they spread.

        The root mean square of the way from θ₀ to θ_S over that of the distance from their mean at
        θ₀; NaN where that is 0 or not finite.
        """
        first, last = self.query[0], self.query[-1]
        way = float(((last - first) ** 2).sum())
        spread = float(((first - first.mean(0)) ** 2).sum())
        return (way / spread) ** 0.5 if spread > 0 else float("nan")


def compare_feature_maps(
    learners: Mapping[str, Learner], episode: Episode, inner_steps: int, lr_factor: float = 1.0
) -> dict[str, dict[str, FeatureMap]]:
    """Return each learner's maps, with `lr_factor` times its own α, by name and by place."""
    one = partial(_own_maps, episode, inner_steps, lr_factor)
    return dict(zip(learners, in_parallel(one, learners.values()), strict=True))


def _own_maps(
    episode: Episode, inner_steps: int, lr_factor: float, learner: Learner
) -> dict[str, FeatureMap]:
    inner_lr = learner.inner_lr(episode.spec.n_way) * lr_factor
    return feature_maps(learner, episode, AdaptConfig(inner_lr, inner_steps))


def feature_maps(
    learner: Learner, episode: Episode, config: AdaptConfig, *, transductive: bool = True
) -> dict[str, FeatureMap]:
    """Return the maps of a learner that adapts to an episode, by place, see `PLACES`.

    Args:
        learner: What adapts; only Conv4 has blocks, of others there is the head's input alone.
        episode: Its pictures.
        config: α and the number of inner steps S.
        transductive: How queries are normalised, see `query_logits`.
    """
    task = episode.task
    labels = np.concatenate([task.support_y.numpy(), task.query_y.numpy()])
    by_place: dict[str, list[np.ndarray]] = {}
    at_point = partial(_features_by_place, learner, episode, transductive)
    for here in at_each_point(at_point, adapt_to_episode(learner, episode, config)):
        for place, found in here.items():
            by_place.setdefault(place, []).append(found)
    return {
        place: _feature_map(np.stack(by_place[place]), labels, len(task.support_y))
        for place in PLACES
        if place in by_place
    }


@torch.no_grad()
def _features_by_place(
    learner: Learner, episode: Episode, transductive: bool, params: Params
) -> dict[str, np.ndarray]:
    """Return the features of support and query pictures by place, float64 [B, width]."""
    model, x = learner.model, (episode.task.support_x, episode.task.query_x)
    found = {HEAD_INPUT: features(model, params, *x, transductive=transductive)}
    if isinstance(model, Conv4):  # its last block is the head's input
        blocks = block_features(model, params, *x, transductive=transductive)
        found |= dict(zip(BLOCKS, blocks, strict=False))
    return {place: torch.cat(both).double().numpy() for place, both in found.items()}


def _feature_map(points: np.ndarray, labels: np.ndarray, n_support: int) -> FeatureMap:
    """Return the map of features [S + 1, B, width], those of the support set first."""
    places, in_plane = project_together(points)
    return FeatureMap(
        support=places[:, :n_support],
        query=places[:, n_support:],
        in_plane=in_plane,
        separation=np.array(
            [class_separation(at_step, labels[n_support:]) for at_step in points[:, n_support:]]
        ),
    )


def project_together(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project the points of all steps on the same two principal components.

    One mean and one pair of axes for all steps, so that what moves is the features and not the
    map. An axis points to where its component of largest magnitude is positive.

    Args:
        points: [S + 1, B, width]; rows that are not finite take no part.

    Returns:
        Their places, [S + 1, B, 2], NaN for rows that are not finite, and the share of the
        variance that lies along each axis, [2]; zeros where there is none.
    """
    rows = points.reshape(-1, points.shape[-1])
    known = np.isfinite(rows).all(1)
    places = np.full((len(rows), 2), np.nan)
    shares = np.zeros(2)
    if known.any():
        centred = _centred(rows[known])
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
        axes, total = axes[:2], float((lengths**2).sum())
        largest = axes[np.arange(len(axes)), np.abs(axes).argmax(1)]
        axes = axes * np.where(largest < 0, -1.0, 1.0)[:, None]
        places[known] = 0.0
        places[np.ix_(known, range(len(axes)))] = centred @ axes.T
        if total > 0:
            shares[: len(axes)] = lengths[:2] ** 2 / total
    return places.reshape(*points.shape[:-1], 2), shares


def _centred(points: np.ndarray) -> np.ndarray:
    """Return points [B, width] less their mean; exactly 0 where all are the same."""
    offsets = points - points[0]  # the mean of equal numbers need not be one of them
    centred: np.ndarray = offsets - offsets.mean(0)
    return centred


def class_separation(points: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of the points' variance that lies between the means of their classes.

    Σ_c n_c ‖μ_c − μ‖² / Σ_i ‖x_i − μ‖², over all dimensions: 0 where all classes have one mean, 1
    where each class is a single point (the correlation ratio η², Pearson 1905). Labels that have
    nothing to do with the points have (N − 1) / (B − 1) in expectation, see `chance_separation`.

    Args:
        points: [B, width].
        labels: [B].

    Returns:
        0 to 1; NaN where all points are the same or one is not finite.
    """
    offsets = _centred(points)
    total = float((offsets**2).sum())
    if not (np.isfinite(total) and total > 0):
        return float("nan")
    classes, own = np.unique(labels, return_inverse=True)
    members = np.eye(len(classes))[own]
    counts = members.sum(0)
    means = members.T @ offsets / counts[:, None]
    return float((counts * (means**2).sum(1)).sum() / total)


def chance_separation(n_way: int, pictures: int) -> float:
    """Return the mean of `class_separation` over all ways to shuffle the labels."""
    return (n_way - 1) / (pictures - 1)
