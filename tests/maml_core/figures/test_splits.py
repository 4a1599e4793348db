"""The blocks of a split."""

from __future__ import annotations

import pytest

from maml_core.figures.splits import split_figure
from maml_core.figures.style import luminance
from tests.support.figure_checks import assert_sound


@pytest.fixture
def alphabets():
    return {
        "train": {"Greek": 24, "Early_Aramaic": 22, "Futurama": 26},
        "validation": {"Korean": 40},
        "test": {"Tibetan": 42, "Greek": 3},  # by 'paper' an alphabet is in several parts
    }


def test_the_blocks_of_a_split_add_up(alphabets):
    (tree,) = split_figure(alphabets, marked=["Korean"]).data
    rows = {
        one: {"label": label, "parent": parent, "value": value}
        for one, label, parent, value in zip(
            tree.ids, tree.labels, tree.parents, tree.values, strict=True
        )
    }
    assert len(rows) == len(tree.ids) == 3 + 6
    assert tree.branchvalues == "total"
    for part, sizes in alphabets.items():
        blocks = {r["label"]: r["value"] for r in rows.values() if r["parent"] == part}
        assert blocks == {name.replace("_", " "): size for name, size in sizes.items()}
        assert rows[part]["parent"] == ""
        assert rows[part]["value"] == sum(sizes.values())
        assert f"{sum(sizes.values())}" in rows[part]["label"]
        assert part in rows[part]["label"].lower()


@pytest.mark.parametrize("marked", [[], ["Korean"], {"Greek", "Early_Aramaic"}, ["Nowhere"]])
def test_the_marked_alphabets_are_outlined(marked, alphabets):
    figure = split_figure(alphabets, marked)
    (tree,) = figure.data
    outlined = {
        one for one, width in zip(tree.ids, tree.marker.line.width, strict=True) if width > 0
    }
    assert outlined == {
        f"{part}/{name}" for part, sizes in alphabets.items() for name in sizes if name in marked
    }
    assert_sound(figure)


def test_thousands_are_set_apart():
    (tree,) = split_figure({"train": {"All": 1100}}, []).data
    assert "1,100" in tree.labels[0]


def test_names_are_legible_in_both_themes_or_left_out(alphabets):
    figure = split_figure(alphabets, [])
    (tree,) = figure.data
    assert "Early<br>Aramaic" in tree.text, "a name wraps as Plotly's blocks do not"
    assert figure.layout.uniformtext.mode == "hide"
    assert figure.layout.uniformtext.minsize >= 11
    # No colour of a block depends on the page below it.
    for colour in tree.marker.colors:
        assert (luminance(colour) + 0.05) / (luminance(tree.textfont.color) + 0.05) >= 4.5
