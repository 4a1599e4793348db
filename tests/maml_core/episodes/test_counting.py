"""The number of episodes against a list of them all, and tasks that share no class."""

from __future__ import annotations

import itertools
import math

import pytest

from maml_core.config import EpisodeSpec
from maml_core.episodes.counting import disjoint_tasks, log10_episodes


def all_episodes(class_sizes, n_pictures, spec):
    """Yield every episode: labelled classes, each with a support and a query set of pictures."""
    classes = [(a, c) for a, size in enumerate(class_sizes) for c in range(size)]
    draws = [
        (frozenset(support), frozenset(query))
        for support in itertools.combinations(range(n_pictures), spec.k_shot)
        for query in itertools.combinations(range(n_pictures), spec.q_query)
        if not set(support) & set(query)
    ]
    for chosen in itertools.product(classes, repeat=spec.n_way):
        different = len(set(chosen)) == spec.n_way
        together = len({alphabet for alphabet, _ in chosen}) == 1 or not spec.within_alphabet
        if different and together:
            yield from itertools.product([chosen], itertools.product(draws, repeat=spec.n_way))


@pytest.mark.parametrize(
    ("class_sizes", "n_pictures", "spec"),
    [
        ((2,), 2, EpisodeSpec(2, 1, 1)),
        ((3, 2), 3, EpisodeSpec(2, 1, 2)),
        ((3, 2), 3, EpisodeSpec(2, 1, 2, within_alphabet=True)),
        ((3, 1, 2), 4, EpisodeSpec(2, 2, 1)),
        ((3, 1, 2), 4, EpisodeSpec(2, 2, 1, within_alphabet=True)),
        ((3, 4), 2, EpisodeSpec(3, 1, 1)),
        ((3, 4), 2, EpisodeSpec(3, 1, 1, within_alphabet=True)),
        ((2, 4), 3, EpisodeSpec(3, 1, 1, within_alphabet=True)),
    ],
)
def test_the_count_is_that_of_all_episodes_listed(class_sizes, n_pictures, spec):
    listed = list(all_episodes(class_sizes, n_pictures, spec))
    assert len(set(listed)) == len(listed)
    found = log10_episodes(class_sizes, n_pictures, spec)
    assert found == pytest.approx(math.log10(len(listed)), abs=1e-12)


def test_the_largest_episodes_of_omniglot_can_be_counted():
    """It has 170 digits: the oracle adds the logarithms of its factors."""
    spec = EpisodeSpec(20, 10, 10)
    factors = [*range(1604, 1624), *(20 * [math.factorial(20) / math.factorial(10) ** 2])]
    found = log10_episodes([32] * 50 + [23], 20, spec)
    assert found == pytest.approx(sum(map(math.log10, factors)), rel=1e-12)


@pytest.mark.parametrize(
    ("class_sizes", "n_pictures", "spec"),
    [
        ((2, 2), 20, EpisodeSpec(5, 1, 1)),
        ((4, 4), 20, EpisodeSpec(5, 1, 1, within_alphabet=True)),
        ((5,), 4, EpisodeSpec(5, 2, 3)),
        ((5,), 4, EpisodeSpec(5, 1, 4)),
        ((5,), 4, EpisodeSpec(5, 5, 1)),  # not even the support pictures are there
        ((), 20, EpisodeSpec(5, 1, 1)),
    ],
)
def test_where_there_is_no_episode_that_is_told(class_sizes, n_pictures, spec):
    assert not list(itertools.islice(all_episodes(class_sizes, n_pictures, spec), 1))
    with pytest.raises(ValueError, match="no such episode; lower n_way, k_shot or q_query"):
        log10_episodes(class_sizes, n_pictures, spec)


@pytest.mark.parametrize(
    ("n_classes", "n_way", "n_tasks"),
    [(1623, 20, 81), (1623, 5, 324), (1623, 2, 811), (20, 20, 1), (19, 20, 0), (40, 20, 2)],
)
def test_tasks_share_no_class(n_classes, n_way, n_tasks):
    classes = [7 * c + 3 for c in range(n_classes)]  # numbers that are no positions
    tasks = disjoint_tasks(classes, n_way, seed=0)
    assert [len(task) for task in tasks] == n_tasks * [n_way]
    members = [c for task in tasks for c in task]
    assert len(set(members)) == len(members)
    assert set(members) <= set(classes)
    assert len(set(classes) - set(members)) == n_classes % n_way


@pytest.mark.usefixtures("untouched_global_rng")
def test_the_division_belongs_to_its_seed():
    classes = list(range(100))
    one, same, other = (disjoint_tasks(classes, 10, seed) for seed in (0, 0, 1))
    assert one == same != other
    assert classes == list(range(100))
    assert any(task != sorted(task) for task in one)  # shuffled: neighbours are no task
