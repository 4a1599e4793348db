"""The number of possible episodes, and a partition of the classes into disjoint tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from maml_core.config import EpisodeSpec, SettingError


def log10_episodes(class_sizes: Sequence[int], n_pictures: int, spec: EpisodeSpec) -> float:
    """Return log₁₀ of the number of different episodes; the order of the classes counts.

    An episode has N classes in order, and K support and Q query pictures of each:
    Σ over the alphabets (or once over all classes) of n! / (n − N)! · (C(p, K + Q) · C(K + Q, K))ᴺ.

    Args:
        class_sizes: How many classes each alphabet has; with `within_alphabet` all classes of
            an episode are from one alphabet.
        n_pictures: p, pictures per class.
        spec: The episode's shape.

    Raises:
        ValueError: There is no such episode.
    """
    groups = class_sizes if spec.within_alphabet else [sum(class_sizes)]
    class_orders = sum(math.perm(size, spec.n_way) for size in groups)
    n_sampled = spec.k_shot + spec.q_query
    choices = math.comb(n_pictures, n_sampled) * math.comb(n_sampled, spec.k_shot)
    if not class_orders * choices:
        raise SettingError("There is no such episode; lower {n_way}, {k_shot} or {q_query}.")
    return math.log10(class_orders) + spec.n_way * math.log10(choices)


def disjoint_tasks(classes: Sequence[int], n_way: int, seed: int) -> list[list[int]]:
    """Partition classes at random into N-way tasks that share no class.

    Returns:
        ⌊len(classes) / n_way⌋ lists of n_way class numbers; the remainder is dropped.
        Omniglot's 1,623 characters make 81 tasks of 20.
    """
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(seed)).tolist()
    starts = range(0, len(order) - n_way + 1, n_way)
    return [[classes[i] for i in order[start : start + n_way]] for start in starts]
