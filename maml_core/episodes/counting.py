"""How many episodes there are, and the division of all characters into disjoint tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from maml_core.config import EpisodeSpec


def log10_episodes(class_sizes: Sequence[int], n_pictures: int, spec: EpisodeSpec) -> float:
    """Return log₁₀ of the number of different episodes, the order of the classes counted.

    N of the classes in order, and for each K support and Q query pictures of its own:
    Σ over the alphabets (or once over all classes) of n! / (n − N)! · (C(p, K + Q) · C(K + Q, K))ᴺ.

    Args:
        class_sizes: How many classes each alphabet has; with `within_alphabet` an episode
            stays in one.
        n_pictures: p, pictures a class.
        spec: The episode's shape.

    Raises:
        ValueError: There is no such episode.
    """
    groups = class_sizes if spec.within_alphabet else [sum(class_sizes)]
    orders = sum(math.perm(size, spec.n_way) for size in groups)
    drawn = spec.k_shot + spec.q_query
    draws = math.comb(n_pictures, drawn) * math.comb(drawn, spec.k_shot)
    if not orders * draws:
        raise ValueError("There is no such episode; lower n_way, k_shot or q_query.")
    return math.log10(orders) + spec.n_way * math.log10(draws)


def disjoint_tasks(classes: Sequence[int], n_way: int, seed: int) -> list[list[int]]:
    """Divide classes into as many N-way tasks as there are, none sharing a class.

    Returns:
        ⌊len(classes) / n_way⌋ lists of n_way class numbers; what is left over is dropped.
        Omniglot's 1,623 characters make 81 tasks of 20.
    """
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(seed)).tolist()
    whole = range(0, len(order) - n_way + 1, n_way)
    return [[classes[i] for i in order[start : start + n_way]] for start in whole]
