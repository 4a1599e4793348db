"""One table of words for the app and the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from maml_core.teaching.glossary import SYMBOLS, TERMS, as_markdown, terms

DOCS = Path(__file__).parents[3] / "docs"


def test_the_document_is_written_from_the_table() -> None:
    assert (DOCS / "glossary.md").read_text(encoding="utf-8") == as_markdown()


def test_words_are_in_order_each_once_and_explained_in_a_line() -> None:
    names = [term.name for term in TERMS]
    in_order = [name.removeprefix("1-").split(",")[0].lower() for name in names]
    assert in_order == sorted(in_order)
    every = [*SYMBOLS, *TERMS]
    assert len({term.name for term in every}) == len(every)
    for term in every:
        assert "\n" not in term.meaning
        assert "|" not in term.name + term.meaning  # would end the table's cell
        assert not term.meaning.endswith(".")
        assert not term.see or (DOCS / term.see.partition("#")[0]).exists()


def test_an_unknown_word_is_refused() -> None:
    assert [term.name for term in terms(["θ", "nats"])] == ["θ", "nats"]
    with pytest.raises(KeyError, match="nat"):
        terms(["nat"])
