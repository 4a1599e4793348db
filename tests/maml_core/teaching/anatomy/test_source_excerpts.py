"""The source that pages show is that of the running code."""

from __future__ import annotations

from pathlib import Path

import pytest

from maml_core.methods import inner_loop
from maml_core.methods.inner_loop import adapt
from maml_core.networks.meta_params import multipliers_of
from maml_core.teaching.anatomy import source_excerpts
from maml_core.teaching.anatomy.source_excerpts import SourceExcerpt, body_of


@pytest.mark.parametrize("function", [adapt, multipliers_of, source_excerpts.body_of])
def test_a_body_is_what_stands_in_the_file(function):
    found = body_of(function)
    root = Path(inner_loop.__file__).parents[2]
    text = (root / found.file).read_text(encoding="utf-8").splitlines()
    there = text[found.first_line - 1 : found.first_line - 1 + len(found.lines)]
    assert [line.strip() for line in there] == [line.strip() for line in found.lines]
    assert "\n".join(there).rstrip().endswith(found.lines[-1])
    assert not any('"""' in line for line in found.lines), "no docstring"
    assert not found.lines[0].startswith(" ")
    assert found.lines[-1].strip().startswith("return") or function is source_excerpts.body_of
    # Above it is the docstring's end, below it the function's.
    assert text[found.first_line - 2].strip().endswith('"""')
    assert not text[found.first_line - 1 + len(found.lines) :][:1] or not text[
        found.first_line - 1 + len(found.lines)
    ].startswith(" ")


def test_lines_are_found_by_what_they_hold():
    body = SourceExcerpt("f", "f.py", 1, ("x = 1", "y = x", "return y"))
    assert body.positions_of(["return", "x = 1"]) == (0, 2)
    for part, count in (("x", 2), ("z", 0)):
        with pytest.raises(ValueError, match=f"'{part}' is in {count} lines of f"):
            body.positions_of([part])


def test_every_inner_step_is_in_the_body_of_adapt():
    body = body_of(adapt)
    (line,) = body.positions_of(["stepped = "])
    assert body.lines[line].strip() == (
        "stepped = {n: current[n] - inner_lr * factors[n] * gradients[n] for n in moving}"
    )
