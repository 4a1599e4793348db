"""Of many like cases some in the default suite, the others with the slow tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_but(cases: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """Return parametrize's cases: those of `quick` as they are, each other one marked slow."""
    cases = list(cases)
    assert set(quick) <= set(cases), "a quick case that is none would be lost"
    return [one if one in quick else pytest.param(one, marks=pytest.mark.slow) for one in cases]
