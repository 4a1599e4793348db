"""The largest episode that a small pool can give, against trying all smaller ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maml_core.config import EpisodeSpec
from maml_core.data.character_set import CharacterSet, ClassName
from maml_core.episodes.pool import TaskPool, fit_spec, make_pool
from maml_core.episodes.sampling import sample_episode


def pool_of(alphabets: str, counts: list[int]) -> TaskPool:
    """Return a pool with a class for each letter, which names its alphabet."""
    n = sum(counts)
    data = CharacterSet(
        name="glyphs",
        classes=tuple(ClassName(letter, str(i)) for i, letter in enumerate(alphabets)),
        starts=np.cumsum([0, *counts]),
        drawers=np.concatenate([np.arange(1, count + 1) for count in counts]),
        inputs=np.zeros((n, 28, 28), dtype=np.uint8),
        bits=np.zeros((n, 105, 14), dtype=np.uint8),
    )
    return make_pool(data, list(range(len(counts))))


def can_be_sampled(pool: TaskPool, spec: EpisodeSpec) -> bool:
    try:
        sample_episode(pool, spec, 0)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("n_way", [2, 4, 9])
@pytest.mark.parametrize("k_shot", [1, 3, 9])
@pytest.mark.parametrize("q_query", [1, 2, 9])
def test_the_spec_is_lowered_as_far_as_needed_and_no_further(
    n_way: int, k_shot: int, q_query: int, within: bool
) -> None:
    pool = pool_of("aaabb", [4, 6, 5, 7, 4])
    wanted = EpisodeSpec(n_way, k_shot, q_query, within)
    fitted = fit_spec(pool, wanted)
    assert can_be_sampled(pool, fitted)
    if can_be_sampled(pool, wanted):
        assert fitted == wanted
    for field in ("n_way", "k_shot", "q_query"):
        value = getattr(fitted, field)
        if value < getattr(wanted, field):
            larger = replace(fitted, **{field: value + 1}, within_alphabet=False)
            assert not can_be_sampled(pool, larger), field
    assert fitted.within_alphabet == (within and fitted.n_way <= 3)


def test_a_class_with_one_picture_has_no_episode() -> None:
    fitted = fit_spec(pool_of("ab", [1, 3]), EpisodeSpec(5, 5, 5))
    assert fitted == EpisodeSpec(2, 1, 1)
    assert not can_be_sampled(pool_of("ab", [1, 3]), fitted)
