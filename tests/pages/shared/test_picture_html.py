"""How pictures stand in rows."""

from __future__ import annotations

import re

import pytest

from maml_core.data import registry
from pages.shared.charts.picture_html import GROUP, picture_strip


@pytest.mark.parametrize("count", range(1, 21))
def test_pictures_wrap_in_even_groups(count: int) -> None:
    strip = picture_strip(registry.load("glyphs"), range(count))
    groups = [group.count("<img") for group in re.findall(r"<div>(.*?)</div>", strip)]
    assert sum(groups) == count
    assert max(groups) <= GROUP
    assert max(groups) - min(groups) <= 1
    assert len(groups) == -(-count // 5)
