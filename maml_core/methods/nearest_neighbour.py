"""1-nearest neighbour (Wang et al. 2019, arXiv:1911.04623) on features or pixels: nothing adapts.

On features it compares by their cosine, as that paper's "L2N" does, but with each support picture
and not with the mean of its class.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.losses import accuracy
from maml_core.networks.functional import HEAD, features
from maml_core.networks.params import Params


def nearest_by_pixels(views: Sequence[TaskBatch]) -> Tensor:
    """Return the accuracy of the nearest support picture, by Euclidean distance of the pixels.

    Args:
        views: One episode, without a batch dimension, seen in one way or several, see
            `episodes.Episode.views`; the squared distances add up.
    """
    return _nearest([(one.support_x.flatten(1), one.query_x.flatten(1)) for one in views], views[0])


def nearest_by_features(
    model: nn.Module, params: Params, views: Sequence[TaskBatch], *, transductive: bool
) -> Tensor:
    """Return the accuracy of the nearest support picture, by the cosine of the features.

    Args:
        model: The network.
        params: Where its features are taken, before any adaptation; the head plays no part.
        views: As in `nearest_by_pixels`; the mean of the cosines counts.
        transductive: How queries are normalised, see `functional.query_logits`.
    """
    found = [
        normalised_features(model, params, one.support_x, one.query_x, transductive=transductive)
        for one in views
    ]
    return _nearest(found, views[0])


def normalised_features(
    model: nn.Module, params: Params, support_x: Tensor, query_x: Tensor, *, transductive: bool
) -> tuple[Tensor, Tensor]:
    """Return `functional.features` as unit vectors, each [B, width of the head]."""
    support, query = features(model, params, support_x, query_x, transductive=transductive)
    return F.normalize(support, dim=1), F.normalize(query, dim=1)


def cosine_head(features: Tensor, y: Tensor, n_way: int) -> Params:
    """Return the linear head that is the cosine to the mean of each class's unit features.

    Up to a query's own length, which is the same for all classes. With one example a class it
    answers as `nearest_by_features` does: a `HeadSolver`.

    Args:
        features: Of the support set, [..., B, width].
        y: Its labels, [..., B], each of 0 to n_way − 1 at least once.
        n_way: N.
    """
    members = F.one_hot(y, n_way).to(features)  # [..., B, N]
    means = F.normalize(members.mT @ F.normalize(features, dim=-1), dim=-1)
    weight, bias = HEAD
    return {weight: means, bias: means.new_zeros(means.shape[:-1])}


def _nearest(found: Sequence[tuple[Tensor, Tensor]], task: TaskBatch) -> Tensor:
    """Return the accuracy of the nearest by support and query vectors, those of all looks."""
    support, query = (torch.cat(vectors, dim=1) for vectors in zip(*found, strict=True))
    n_way = int(task.support_y.max()) + 1
    distances = torch.cdist(query, support).reshape(len(query), n_way, -1)
    return accuracy(-distances.amin(-1), task.query_y)
