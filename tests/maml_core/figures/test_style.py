"""The palette: styles are told apart in every kind of colour vision."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from maml_core.config import MAX_WAY, META_METHODS, PARTS
from maml_core.figures.style import (
    CHART_CONFIG,
    OWN_LOOKS,
    PART_COLOURS,
    STYLES,
    class_label,
    class_letter,
    enlarge,
    ink_on,
    inner_lr_in_words,
    layout,
    own_name,
    own_parts,
    trained_method,
)
from maml_core.methods.catalogue import METHODS, NEAREST
from tests.support.figure_checks import channels, linear, luminance

# Okabe & Ito 2008, "Color Universal Design", without black.
OKABE_ITO = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}

LATER = (
    "imaml",
    "boil",
    "meta_sgd",
    "maml_plus_plus",
    "protonet",
    "r2d2",
)  # for which that palette has no colour left


def test_every_method_has_a_style_of_its_own():
    assert {*METHODS, *META_METHODS, *NEAREST} <= STYLES.keys()
    for part in ("label", "short_label", "colour", "dash", "marker"):
        values = [getattr(style, part) for style in STYLES.values()]
        assert len(set(values)) == len(values), part
    # There is more to be drawn than that palette has colours.
    others = {"random", *NEAREST, *LATER, "maml-head", "pretrained-head"}
    others |= {"ensemble", "oracle", "person"}
    assert {STYLES[method].colour for method in STYLES.keys() - others} <= OKABE_ITO
    for style in STYLES.values():
        go.Scatter(line={"color": style.colour, "dash": style.dash}, marker_symbol=style.marker)
        go.Scatter(marker_symbol=style.marker + "-open")


def test_ones_own_learners_have_styles_of_their_own():
    names = [own_name(number, "maml", "0f1e") for number in range(1, len(OWN_LOOKS) + 1)]
    for part in ("label", "short_label", "colour", "dash", "marker"):
        values = [getattr(STYLES[name], part) for name in [*STYLES, *names]]
        assert len(set(values)) == len(values), part
    for number, name in enumerate(names, 1):
        style = STYLES[name]
        assert own_parts(name) == (number, "maml")
        assert style.label == f"Mine {number}: MAML"
        assert min(contrast(style.colour, ground) for ground in ("#FFFFFF", "#0E1117")) >= 3
        go.Scatter(line_dash=style.dash, marker_symbol=style.marker)
        go.Scatter(marker_symbol=style.marker + "-open")


@pytest.mark.parametrize("name", ["", "mine", "mine-1", "mine-0-maml-x", "mine-4-maml-x", "mamll"])
def test_what_is_no_method_has_no_style(name):
    with pytest.raises(KeyError):
        STYLES[name]


# Linear RGB as seen without one kind of cone (Machado, Oliveira & Fernandes 2009, severity 1).
VISIONS = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # of linear sRGB


def lab(rgb):
    """CIE L*a*b* of linear sRGB; distances of 2 are just to be seen."""
    x, y, z = np.cbrt(TO_XYZ @ rgb / (TO_XYZ @ np.ones(3)))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    """WCAG 2's contrast ratio, 1 to 21."""
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("vision", VISIONS)
def test_nobody_mistakes_the_persons_colour_for_a_methods(vision):
    seen = {
        name: lab(np.clip(np.array(VISIONS[vision]) @ linear(style.colour), 0, 1))
        for name, style in STYLES.items()
    }
    mine = seen.pop("person")
    for name, other in seen.items():
        assert np.linalg.norm(mine - other) > 20, name


@pytest.mark.parametrize("vision", VISIONS)
def test_the_later_methods_are_told_from_all_others_and_seen_in_light_and_dark(vision):
    every = {
        **{n: s.colour for n, s in STYLES.items()},
        **dict(enumerate(c for c, *_ in OWN_LOOKS)),
    }
    seen = {
        name: lab(np.clip(np.array(VISIONS[vision]) @ linear(colour), 0, 1))
        for name, colour in every.items()
    }
    for name in LATER:
        assert min(contrast(every[name], ground) for ground in ("#FFFFFF", "#0E1117")) >= 3
        nearest = min(np.linalg.norm(seen[name] - seen[other]) for other in seen if other != name)
        assert nearest > 12.5, name


def test_the_persons_colour_is_seen_in_light_and_dark_and_carries_white():
    colour = STYLES["person"].colour
    assert contrast(colour, "#FFFFFF") >= 4.5
    assert contrast(colour, "#0E1117") >= 3


def test_every_part_has_a_colour_of_its_own():
    assert PART_COLOURS.keys() == set(PARTS)
    assert len(set(PART_COLOURS.values())) == len(PARTS)
    assert set(PART_COLOURS.values()) <= OKABE_ITO


def test_letters_and_labels_are_each_others_inverse():
    letters = [class_letter(label) for label in range(MAX_WAY)]
    assert "".join(letters) == "ABCDEFGHIJKLMNOPQRST"
    assert [class_label(letter) for letter in letters] == list(range(MAX_WAY))


def test_the_charts_menu_takes_a_sharp_picture():
    assert CHART_CONFIG["displayModeBar"] is False, "it cannot be reached by keyboard"
    assert json.loads(json.dumps(CHART_CONFIG)) == CHART_CONFIG


def test_of_ones_own_learner_the_head_alone_has_a_style_too() -> None:
    name = own_name(2, "maml", "abc123")
    assert STYLES[f"{name}-head"].label == "Mine 2: MAML, head alone"
    assert STYLES[f"{name}-head"].in_sentences == "“Mine 2: MAML”'s head alone"
    assert STYLES[f"{name}-head"].dash != STYLES[name].dash
    assert [trained_method(n) for n in (name, "reptile", f"{name}-head")] == [
        "maml",
        "reptile",
        f"{name}-head",
    ]


def test_letters_on_a_methods_colour_can_be_read():
    for colour in [*(style.colour for style in STYLES.values()), *(c for c, *_ in OWN_LOOKS)]:
        ground, ink = luminance(channels(colour)), luminance(channels(ink_on(colour)))
        assert (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) >= 4.5
    assert ink_on("#E69F00") == "#000000", "white on it has 2.3"


def test_an_enlarged_figure_has_larger_letters_lines_and_markers_and_the_same_numbers() -> None:
    figure = go.Figure(layout=layout(2))
    figure.add_scatter(x=[0, 1], y=[2, 3], mode="lines+markers", line_width=3, marker_size=[4, 8])
    figure.add_scatter(x=[0, 1], y=[5, 6])
    figure.add_heatmap(z=[[1, 2]])
    figure.frames = [go.Frame(data=[{"x": [0], "y": [2], "marker": {"size": 5}}], traces=[0])]
    before = figure.to_json()
    large = enlarge(figure, 2.0)
    assert figure.to_json() == before
    first, second, _ = large.data
    assert (first.line.width, first.marker.size, second.line.width) == (6, (8, 16), 4)
    assert (large.layout.font.size, large.layout.legend.font.size) == (24, 26)
    assert large.frames[0].data[0].marker.size == 10
    for old, new in zip(figure.data, large.data, strict=True):
        assert (old.x, old.y, old.z if "z" in old else None) == (
            new.x,
            new.y,
            new.z if "z" in new else None,
        )
    assert (large.layout.height, large.layout.legend.y) == (2 * figure.layout.height, -0.25)


@pytest.mark.parametrize("name", ["protonet", "r2d2", own_name(1, "protonet", "0f1e")])
def test_who_takes_no_step_is_given_no_alpha(name):
    assert inner_lr_in_words(name, 0.4) == f"{STYLES[name].label}: no inner step"


@pytest.mark.parametrize("name", ["maml", "boil", "maml-head", own_name(2, "meta_sgd", "0f1e")])
def test_who_takes_steps_is_given_its_alpha(name):
    assert inner_lr_in_words(name, 0.0625) == f"{STYLES[name].label} α = 0.0625"
