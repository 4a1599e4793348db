"""Every page spells MAML out and offers the words that it uses."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from maml_core.teaching.glossary import terms
from pages.shared.frame import glossary

PAGES = sorted((Path(__file__).parents[3] / "pages").glob("*/page.py"))


def calls_of_introduce(path: Path) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "introduce"
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.parent.name)
def test_every_page_has_a_line_for_newcomers_and_known_words(path: Path) -> None:
    (call,) = calls_of_introduce(path)
    line, *words = call.args
    assert isinstance(line, ast.Name)
    assert "**MAML**, model-agnostic meta-learning" in getattr(glossary, line.id)
    names = [
        part.value for word in words for part in ast.walk(word) if isinstance(part, ast.Constant)
    ]
    assert len(names) == len(set(names)) == len(terms(names)) >= 5
