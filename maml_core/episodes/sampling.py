"""N-way K-shot episodes and the sampler that draws them.

A *task* is a set of N classes. An *episode* is a sample from it: K support and Q query
pictures per class (Vinyals et al. 2016, arXiv:1606.04080). The class order is shuffled for
each episode, so a label says nothing about a class and accuracy before adaptation is at
chance, 1/N.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from maml_core.config import MAX_WAY, EpisodeSpec, SettingError
from maml_core.data.character_set import ClassName
from maml_core.episodes.official_runs import RUNS
from maml_core.episodes.pool import TaskPool, picture_tensors
from maml_core.episodes.task_batch import TaskBatch, first_task
from maml_core.episodes.views import rotated_views


@dataclass(frozen=True, eq=False)
class Episode:
    """One sampled episode: its classes, its pictures and their tensors.

    Attributes:
        spec: Its shape.
        classes: int64 [n_way], class numbers in the data set; label i is classes[i].
        support: int64 [n_way, k_shot], picture numbers in the data set.
        query: int64 [n_way, q_query], picture numbers, none of them in `support`.
        tensors: What a network sees, a `TaskBatch` of one episode.
        ink_crop: The ink crops of the same pictures, where the pool has them.
    """

    spec: EpisodeSpec
    classes: np.ndarray
    support: np.ndarray
    query: np.ndarray
    tensors: TaskBatch
    ink_crop: TaskBatch | None = None

    @property
    def task(self) -> TaskBatch:
        """The tensors without the batch dimension."""
        return first_task(self.tensors)

    def views(self, *, rotation_tta: bool = False) -> list[TaskBatch]:
        """Return the views of the task to average over in test-time augmentation.

        These are the pictures as they are and, where the pool has them, their ink crops; with
        `rotation_tta` each of the two at every quarter turn. To a network each view is another
        task, so its errors on them differ, and the mean of its logits has a lower error rate.
        """
        tasks = [self.task] if self.ink_crop is None else [self.task, first_task(self.ink_crop)]
        return [view for task in tasks for view in rotated_views(task)] if rotation_tta else tasks


def sample_tasks(
    pool: TaskPool,
    spec: EpisodeSpec,
    n_tasks: int,
    generator: torch.Generator,
    *,
    augment: bool = False,
    part: slice | None = None,
) -> TaskBatch:
    """Sample the tensors of several episodes for training.

    Args:
        pool: What to sample from.
        spec: The episodes' shape.
        n_tasks: How many episodes, B.
        generator: The source of all randomness.
        augment: Deform each picture by a small random affine map.
        part: Which of the episodes to return, from a first one to before a last; all unless given.

    Raises:
        ValueError: The official runs, which are for testing only, or as `sample_episode`.
    """
    if spec.official:
        raise ValueError(
            "The official runs are for testing only; sample tasks of CHALLENGE instead."
        )
    chosen, support, query = _sample_indices(pool, spec, n_tasks, generator)
    how = generator if augment else None, part or slice(0, n_tasks)
    return TaskBatch(*_tensors(pool, chosen, support, *how), *_tensors(pool, chosen, query, *how))


def sample_episode(pool: TaskPool, spec: EpisodeSpec, seed: int, number: int = 0) -> Episode:
    """Sample one episode; the same pool, spec, seed and number give the same one everywhere.

    A larger K keeps the support pictures and a larger Q the query pictures. A larger N keeps the
    classes; with `within_alphabet` only as long as no alphabet becomes too small, because the
    alphabet is sampled from those with at least N characters. The official runs do not depend on
    the seed.

    Args:
        pool: What to sample from.
        spec: The episode's shape.
        seed: Any integer from 0 on.
        number: Position in the seed's endless sequence of episodes, from 0.

    Raises:
        ValueError: The pool has too few classes or pictures for the spec, it lacks a character of
            the official run with this number, or there is no such run.
    """
    if spec.official:
        chosen, support, query = _official_indices(pool, number)
    else:
        chosen, support, query = _sample_indices(pool, spec, 1, episode_generator(seed, number))

    def tensors_from(source: TaskPool) -> TaskBatch:
        how = None, slice(0, 1)
        return TaskBatch(
            *_tensors(source, chosen, support, *how), *_tensors(source, chosen, query, *how)
        )

    return Episode(
        spec=spec,
        classes=pool.classes[chosen[0]].numpy(),
        support=support[0].numpy(),
        query=query[0].numpy(),
        tensors=tensors_from(pool),
        ink_crop=tensors_from(pool.ink_crops) if pool.ink_crops else None,
    )


def sample_episodes(
    pool: TaskPool, spec: EpisodeSpec, seed: int, count: int, start: int = 0
) -> Iterator[Episode]:
    """Yield the episodes `start` to `start + count - 1` of a seed's sequence."""
    for number in range(start, start + count):
        yield sample_episode(pool, spec, seed, number)


def count_available_episodes(spec: EpisodeSpec, requested: int) -> int:
    """Return `requested`, capped at the number of official runs where `spec` names those."""
    return min(requested, len(RUNS)) if spec.official else requested


def episode_generator(seed: int, number: int) -> torch.Generator:
    """Return the random generator of one episode of a seed's sequence.

    Raises:
        ValueError: A negative seed or number.
    """
    if seed < 0 or number < 0:
        raise ValueError(f"The seed is {seed} and the number {number}; both start at 0.")
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> 1))  # torch takes 63 bits


def _sample_indices(
    pool: TaskPool, spec: EpisodeSpec, n_tasks: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return pool rows [B, N] and picture numbers, support [B, N, K] and query [B, N, Q]."""
    _check_pictures(pool, spec)
    keys = torch.rand(n_tasks, len(pool.classes), generator=generator)
    if spec.within_alphabet:
        keys = keys + _outside_one_alphabet(pool, spec, n_tasks, generator)
    elif spec.n_way > len(pool.classes):
        raise SettingError(
            "{n_way} is {wanted}, but there are only {count} classes; lower {n_way}.",
            wanted=spec.n_way,
            count=len(pool.classes),
        )
    chosen = keys.topk(spec.n_way, largest=False).indices
    most = pool.images.shape[1]
    # Always sampled for the largest N, so that the drawers do not change when N does.
    keys = torch.rand(n_tasks, MAX_WAY, most, generator=generator)[:, : spec.n_way]
    if spec.same_drawers:
        keys = keys[:, :1].expand_as(keys)
    counts = pool.counts[chosen][..., None]
    order = keys.masked_fill(torch.arange(most) >= counts, 1.0).argsort(-1)  # no key is 1
    images = pool.images[chosen].gather(2, order)
    # Support from the front and query from the back: neither moves when the other grows.
    back = counts - spec.q_query + torch.arange(spec.q_query)
    return chosen, images[..., : spec.k_shot], images.gather(2, back)


def _official_indices(pool: TaskPool, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rows and picture numbers of one official run as `_sample_indices` does, B = 1."""
    if not 0 <= number < len(RUNS):
        raise ValueError(
            f"There are {len(RUNS)} official runs, numbered from 0; there is no run {number}; ask "
            f"for {len(RUNS)} episodes or fewer."
        )
    run = RUNS[number]
    upright = zip(pool.classes.tolist(), pool.rotations.tolist(), strict=True)
    rows = {pool.data.classes[c]: row for row, (c, turn) in enumerate(upright) if turn == 0}
    wanted = [ClassName(run.alphabet, f"character{index:02}") for index in run.characters]
    for name in wanted:
        if name not in rows:
            raise ValueError(
                f"The official runs are on characters of Omniglot's evaluation part, and {name} is "
                "not among these; choose Omniglot, the split by alphabets and its test characters."
            )
    chosen = torch.tensor([[rows[name] for name in wanted]])
    images = pool.images[chosen]
    drawers = torch.tensor(pool.data.drawers[images.numpy()])
    support, query = (
        images[drawers == drawer][None, :, None]
        for drawer in (run.support_drawer, run.query_drawer)
    )
    return chosen, support, query


def _check_pictures(pool: TaskPool, spec: EpisodeSpec) -> None:
    """Raise `ValueError` naming the class that has too few pictures for the spec, if any."""
    fewest = int(pool.counts.argmin())
    count = int(pool.counts[fewest])
    if spec.k_shot + spec.q_query > count:
        name = pool.data.classes[int(pool.classes[fewest])]
        raise SettingError(
            "{support} support and {query} query pictures per class are more than the {count} "
            "there are of {name}; lower {k_shot} or {q_query}.",
            support=spec.k_shot,
            query=spec.q_query,
            count=count,
            name=name,
        )


def _outside_one_alphabet(
    pool: TaskPool, spec: EpisodeSpec, n_tasks: int, generator: torch.Generator
) -> Tensor:
    """Return 1 where a class is outside the alphabet sampled for a task, else 0, [B, n_classes]."""
    alphabets, sizes = torch.unique(pool.alphabets, return_counts=True)
    large = alphabets[sizes >= spec.n_way]
    if not len(large):
        raise SettingError(
            "{n_way} is {wanted}, but the largest alphabet has {count} characters; lower {n_way} "
            "or turn off {within_alphabet}.",
            wanted=spec.n_way,
            count=int(sizes.max()),
        )
    sampled = large[torch.randint(len(large), (n_tasks,), generator=generator)]
    outside: Tensor = pool.alphabets != sampled[:, None]
    return outside.float()


def _tensors(
    pool: TaskPool, chosen: Tensor, indices: Tensor, augment: torch.Generator | None, part: slice
) -> tuple[Tensor, Tensor]:
    """Return inputs [P, N * n, …] and labels [P, N * n] of a part of the pictures [B, N, n]."""
    _, n_way, n = indices.shape
    rows, n_tasks = chosen[..., None].expand_as(indices), part.stop - part.start
    pictures = slice(part.start * n_way * n, part.stop * n_way * n)
    x = picture_tensors(pool, rows.flatten(), indices.flatten(), augment, pictures)
    y = torch.arange(n_way, device=x.device).repeat_interleave(n).expand(n_tasks, -1)
    return x.reshape(n_tasks, n_way * n, *x.shape[1:]), y
