"""What is drawn is what was measured, and every figure is one that Plotly takes."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import plotly.graph_objects as go
import plotly.io
import pytest

from maml_core.config import MAX_QUERY, MAX_WAY, META_METHODS, PARTS
from maml_core.evaluation.confidence import Estimate
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.adaptation import accuracy_figure, loss_figure
from maml_core.figures.evaluation import confidence_figure, confusion_figure
from maml_core.figures.splits import split_figure
from maml_core.figures.style import (
    CHART_CONFIG,
    MIN_LOSS,
    OWN_LOOKS,
    PART_COLOURS,
    STYLES,
    class_label,
    class_letter,
    own_name,
    own_parts,
)
from maml_core.methods.catalogue import METHODS, NEAREST

# Okabe & Ito 2008, "Color Universal Design", without black.
OKABE_ITO = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
STEPS = 4


@pytest.fixture
def trajectories():
    """Two methods of known numbers; the second one's loss breaks, and its first is tiny."""
    none = np.zeros((STEPS + 1, 6), dtype=np.int64)
    good = AdaptationTrajectory(
        method="maml",
        inner_lr=0.4,
        support_loss=np.array([1.6, 0.3, 0.01, 1e-9, 0.0]),
        query_loss=np.array([1.6, 0.7, 0.5, 0.4, 0.35]),
        accuracy=np.array([0.2, 0.6, 0.8, 0.9, 1.0]),
        predictions=none,
    )
    broken = AdaptationTrajectory(
        method="random",
        inner_lr=3.0,
        support_loss=np.array([1.6, 40.0, math.inf, math.nan, math.nan]),
        query_loss=np.array([1.6, 7e3, math.nan, -math.inf, math.nan]),
        accuracy=np.array([0.2, 0.4, 0.2, 0.2, 0.2]),
        predictions=none,
    )
    return [good, broken]


@pytest.fixture
def estimates():
    return {
        "maml": Estimate(100, (0.2, 0.85, 0.97), (0.0, 0.02, 0.01)),
        "pretrained": Estimate(100, (0.2, 0.7, 0.8), (0.0, 0.03, 0.025)),
    }


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def assert_sound(figure):
    """Plotly takes its own JSON back, which is plain JSON, and draws the same from it."""
    text = figure.to_json(validate=True)
    json.loads(text, parse_constant=refuse)  # browsers know no NaN there
    again = plotly.io.from_json(text, skip_invalid=False)
    assert json.loads(again.to_json()) == json.loads(text)


def strong(figure):
    """The lines with markers, and their places among the traces."""
    places = [i for i, one in enumerate(figure.data) if one.mode == "lines+markers"]
    return [figure.data[i] for i in places], tuple(places)


def numbers(values):
    """A trace's numbers, None for a gap."""
    return [None if value is None or np.isnan(value) else float(value) for value in values]


def chance_line(figure):
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1
    assert line.xref.endswith("domain")
    (note,) = figure.layout.annotations
    return line.y0, note.text


def test_every_method_has_a_style_of_its_own():
    assert {*METHODS, *META_METHODS, *NEAREST} <= STYLES.keys()
    for part in ("label", "short_label", "colour", "dash", "marker"):
        values = [getattr(style, part) for style in STYLES.values()]
        assert len(set(values)) == len(values), part
    # There is more to be drawn than that palette has colours.
    others = {"random", *NEAREST, "maml-head", "pretrained-head", "oracle", "person"}
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


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


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
    assert CHART_CONFIG["toImageButtonOptions"]["format"] == "svg"
    assert json.loads(json.dumps(CHART_CONFIG)) == CHART_CONFIG


@pytest.mark.parametrize("predict", [False, True])
def test_each_step_has_a_frame_that_ends_there(predict, trajectories):
    figure = accuracy_figure(trajectories, 5, predict)
    lines, places = strong(figure)
    assert [line.name for line in lines] == ["MAML", "Random initialisation"]
    assert [frame.name for frame in figure.frames] == [str(k) for k in range(STEPS + 1)]
    for k, frame in enumerate(figure.frames):
        assert frame.traces == places
        for trajectory, line in zip(trajectories, frame.data, strict=True):
            assert list(line.x) == list(range(k + 1))
            np.testing.assert_allclose(line.y, [100 * a for a in trajectory.accuracy[: k + 1]])
    assert_sound(figure)


def test_all_of_the_accuracy_is_drawn_strong_and_faint(trajectories):
    figure = accuracy_figure(trajectories, 5, predict=False)
    lines, places = strong(figure)
    faint = [one for i, one in enumerate(figure.data) if i not in places]
    for trajectory, line, shadow in zip(trajectories, lines, faint, strict=True):
        style = STYLES[trajectory.method]
        for one in (line, shadow):
            np.testing.assert_allclose(one.y, 100 * trajectory.accuracy)
            assert list(one.x) == list(range(STEPS + 1))
            assert one.line.color == style.colour
        assert (line.line.dash, line.marker.symbol) == (style.dash, style.marker)
        assert shadow.opacity < 0.5
        assert shadow.showlegend is False


@pytest.mark.parametrize(
    "draw", [lambda r: accuracy_figure(r, 5, True), lambda r: loss_figure(r, True)]
)
def test_a_prediction_is_made_with_step_0_alone_in_view(draw, trajectories):
    figure = draw(trajectories)
    lines, places = strong(figure)
    assert all(list(line.x) == [0] and len(line.y) == 1 for line in lines)
    for i, shadow in enumerate(figure.data):
        if i not in places:
            assert numbers(shadow.y) == (STEPS + 1) * [None]
    assert figure.layout.xaxis.range[1] > STEPS  # room for what is to come


@pytest.mark.parametrize("n_way", [2, 3, 5, 8, 20])
def test_chance_is_one_in_n(n_way, trajectories, estimates):
    for figure in (
        accuracy_figure(trajectories, n_way, predict=False),
        confidence_figure(estimates, n_way),
    ):
        height, text = chance_line(figure)
        assert height == pytest.approx(100 / n_way)
        percent = float(text.removeprefix("chance ").removesuffix(" %"))
        assert percent == pytest.approx(100 / n_way, abs=0.51)
        low, high = figure.layout.yaxis.range
        assert low < 0
        assert high > 100


@pytest.mark.parametrize("n_steps", [0, 1, 20])
@pytest.mark.parametrize("predict", [False, True])
def test_any_number_of_steps_can_be_drawn(n_steps, predict):
    rising = np.linspace(0.2, 0.9, n_steps + 1)
    one = AdaptationTrajectory(
        "anil", 0.4, 1 - rising, 1 - rising, rising, np.zeros((n_steps + 1, 4), int)
    )
    for figure in (accuracy_figure([one], 5, predict), loss_figure([one], predict)):
        assert len(figure.frames) == n_steps + 1
        low, high = figure.layout.xaxis.range
        assert low < 0
        assert high > n_steps
        assert_sound(figure)


@pytest.mark.parametrize("predict", [False, True])
def test_losses_are_drawn_from_the_smallest_that_the_axis_has_and_without_what_broke(
    predict, trajectories
):
    figure = loss_figure(trajectories, predict)
    lines, places = strong(figure)
    expected = {
        "MAML · query": [1.6, 0.7, 0.5, 0.4, 0.35],
        "MAML · support": [1.6, 0.3, 0.01, MIN_LOSS, MIN_LOSS],
        "Random initialisation · query": [1.6, 7e3, None, None, None],
        "Random initialisation · support": [1.6, 40.0, None, None, None],
    }
    assert {line.name for line in lines} == expected.keys()
    for line in lines:
        assert numbers(line.y) == expected[line.name][: 1 if predict else None]
        assert line.marker.symbol.endswith("-open") == line.name.endswith("support")
    for k, frame in enumerate(figure.frames):
        assert frame.name == str(k)
        assert frame.traces == places
        for line, drawn in zip(lines, frame.data, strict=True):
            assert numbers(drawn.y) == expected[line.name][: k + 1]
    assert figure.layout.yaxis.type == "log"
    low, high = figure.layout.yaxis.range
    assert math.log10(MIN_LOSS) - 1 < low < math.log10(MIN_LOSS)
    assert math.log10(7e3) < high < math.log10(7e3) + 1
    assert_sound(figure)


@pytest.mark.parametrize("low", [3e-3, 0.05, 0.4, 1.6, 2.9, 12.0, 700.0])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 4.0, 9.0, 11.0, 300.0])
def test_the_loss_axis_is_never_without_a_tick(low, ratio):
    values = np.array([low * ratio, low])
    one = AdaptationTrajectory(
        "maml", 0.4, values, values, np.zeros(2), np.zeros((2, 4), dtype=np.int64)
    )
    axis = loss_figure([one], predict=False).layout.yaxis
    bottom, top = (10.0**end for end in axis.range)
    assert bottom < low <= low * ratio < top
    assert any(bottom <= tick <= top for tick in axis.tickvals)
    assert [float(text) for text in axis.ticktext] == pytest.approx(axis.tickvals)


def test_losses_none_of_which_is_a_number_can_be_drawn():
    gone = np.array([math.nan, math.inf])
    one = AdaptationTrajectory(
        "maml", 9.0, gone, gone, np.zeros(2), np.zeros((2, 4), dtype=np.int64)
    )
    figure = loss_figure([one], predict=False)
    assert all(numbers(line.y) == [None, None] for line in figure.data)
    assert all(math.isfinite(end) for end in figure.layout.yaxis.range)
    assert_sound(figure)


def test_drawing_changes_no_recording(trajectories):
    before = [np.stack([r.support_loss, r.query_loss, r.accuracy]) for r in trajectories]
    loss_figure(trajectories, predict=True)
    accuracy_figure(trajectories, 5, predict=True)
    for trajectory, was in zip(trajectories, before, strict=True):
        now = np.stack([trajectory.support_loss, trajectory.query_loss, trajectory.accuracy])
        np.testing.assert_array_equal(now, was)


def test_the_band_is_the_mean_and_its_interval_in_percent(estimates):
    figure = confidence_figure(estimates, 5)
    lines, places = strong(figure)
    bands = [one for i, one in enumerate(figure.data) if i not in places]
    for (method, found), line, band in zip(estimates.items(), lines, bands, strict=True):
        assert line.name == STYLES[method].label
        assert line.line.color == STYLES[method].colour
        np.testing.assert_allclose(line.y, [100 * mean for mean in found.accuracy])
        np.testing.assert_allclose(line.customdata, [100 * half for half in found.ci95])
        assert band.fill == "toself"
        corners = dict.fromkeys(range(3), ())
        for x, y in zip(band.x, band.y, strict=True):
            corners[x] += (y,)
        for step, (upper, lower) in corners.items():
            mean, half = found.accuracy[step], found.ci95[step]
            assert upper == pytest.approx(100 * (mean + half))
            assert lower == pytest.approx(100 * (mean - half))
        assert list(band.x) == [0, 1, 2, 2, 1, 0]  # once around, not a zigzag
        red, green, blue = (int(STYLES[method].colour[i : i + 2], 16) for i in (1, 3, 5))
        assert band.fillcolor.startswith(f"rgba({red},{green},{blue},0.")
    assert_sound(figure)


def band_of(figure, label):
    """The lowest and the highest y of a method's band at each x."""
    line = next(i for i, one in enumerate(figure.data) if one.name == label)
    band = figure.data[line - 1]
    at = {}
    for x, y in zip(band.x, band.y, strict=True):
        at.setdefault(x, []).append(float(y))
    return {x: (min(ys), max(ys)) for x, ys in at.items()}


@pytest.mark.parametrize("first", [False, True])
def test_what_takes_no_steps_is_flat_over_all_of_them(first, estimates):
    reference = {"nearest-pixels": Estimate(100, (0.625,), (0.03125,))}
    figure = confidence_figure({**reference, **estimates} if first else estimates | reference, 5)
    lines, _ = strong(figure)
    assert [len(line.x) for line in lines] == 3 * [3]
    (flat,) = (line for line in lines if line.name == STYLES["nearest-pixels"].short_label)
    assert list(flat.x) == [0, 1, 2]
    assert list(flat.y) == 3 * [62.5]
    assert list(flat.customdata) == 3 * [3.125]
    assert band_of(figure, flat.name) == dict.fromkeys(range(3), (59.375, 65.625))
    assert_sound(figure)


@pytest.mark.parametrize(
    ("accuracy", "ci95"),
    [
        ((0.2, 0.85, 0.97), (0.0, 0.02, 0.01)),
        ((0.2, 0.97, 0.6), (0.0, 0.01, 0.2)),  # lowest at the last step
        ((0.5, 0.95, 0.9), (0.0, 0.14, 0.06)),  # higher than 100 %
        ((0.5,), (0.07,)),
    ],
)
@pytest.mark.parametrize("reference", [0.9, 0.45])
def test_close_shows_all_bands_from_step_1_on_and_little_else(accuracy, ci95, reference):
    estimates = {
        "maml": Estimate(20, accuracy, ci95),
        "nearest-features": Estimate(20, (reference,), (0.025,)),
    }
    near, far = (confidence_figure(estimates, 5, close) for close in (True, False))
    drawn, drawn_far = (json.loads(figure.to_json())["data"] for figure in (near, far))
    assert drawn == drawn_far
    shown = near.layout.yaxis.range
    ends = [
        end
        for method in estimates
        for step, band in band_of(near, STYLES[method].short_label).items()
        if step or len(accuracy) == 1
        for end in band
    ]
    assert shown[0] < min(ends) < shown[0] + 2
    assert shown[1] - 2 < max(100, *ends) < shown[1]
    assert far.layout.yaxis.range[0] < 0 < shown[0]
    assert_sound(near)


@pytest.fixture
def counts():
    """Ten queries a class; no two cells of a row alike."""
    return np.array([[7, 1, 2], [0, 10, 0], [3, 4, 3]])


def test_every_cell_says_its_count_and_can_be_clicked(counts):
    figure = confusion_figure(counts)
    (cells,) = (one for one in figure.data if one.type == "scatter")
    assert cells.mode == "markers+text"
    seen = set()
    for x, y, text, (true, predicted, count) in zip(
        cells.x, cells.y, cells.text, cells.customdata, strict=True
    ):
        assert (class_label(y), class_label(x)) == (true, predicted)
        assert count == counts[true, predicted]
        assert text == (str(count) if count else "")
        seen.add((true, predicted))
    assert len(seen) == counts.size
    assert figure.layout.xaxis.title.text == "Predicted"
    assert figure.layout.yaxis.title.text == "True"
    assert figure.layout.yaxis.autorange == "reversed"  # A at the top
    assert_sound(figure)


def test_right_and_wrong_cells_have_a_colour_each_on_one_scale_and_empty_cells_none(counts):
    figure = confusion_figure(counts)
    right, wrong = (one for one in figure.data if one.type == "heatmap")
    for true in range(3):
        for predicted in range(3):
            here, there = (right, wrong) if true == predicted else (wrong, right)
            count = counts[true, predicted]
            assert here.z[true][predicted] == pytest.approx(count or math.nan, nan_ok=True)
            assert math.isnan(there.z[true][predicted])
    assert right.colorscale[1][1] != wrong.colorscale[1][1]
    assert (right.zmin, right.zmax) == (wrong.zmin, wrong.zmax) == (0, 10)


def test_the_chosen_cell_is_outlined(counts):
    assert not confusion_figure(counts).layout.shapes
    figure = confusion_figure(counts, chosen=(2, 1))  # C taken for B
    (box,) = figure.layout.shapes
    assert (box.x0, box.x1, box.y0, box.y1) == (0.5, 1.5, 1.5, 2.5)
    assert_sound(figure)


@pytest.mark.parametrize("n_way", [2, 20])
def test_no_query_at_all_and_any_n_can_be_drawn(n_way):
    figure = confusion_figure(np.zeros((n_way, n_way), dtype=np.int64))
    (cells,) = (one for one in figure.data if one.type == "scatter")
    assert len(cells.text) == n_way**2
    assert set(cells.text) == {""}
    assert_sound(figure)


def luminance(channels):
    """Relative luminance of sRGB channels 0 to 255, WCAG 2.2."""
    shares = [c / 255 for c in channels]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def channels(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def test_counts_can_be_read_on_every_cell():
    """WCAG 2.2, success criterion 1.4.3: a contrast of 4.5 or more."""
    ratios = {Fraction(a, b) for b in range(1, MAX_QUERY + 1) for a in range(1, b + 1)}
    for ratio in ratios:
        count, largest = ratio.as_integer_ratio()
        figure = confusion_figure(np.array([[count, count], [0, largest]]))
        right, wrong, cells = figure.data
        for heatmap, place in ((right, 0), (wrong, 1)):
            (_, light), (_, full) = heatmap.colorscale
            pairs = zip(channels(light), channels(full), strict=True)
            cell = luminance([a + (b - a) * count / largest for a, b in pairs])
            text = luminance(channels(cells.textfont.color[place]))
            dark, bright = sorted((cell, text))
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ratio, place)


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


@pytest.mark.parametrize(("steps", "mode"), [(5, "lines+markers"), (100, "lines")])
def test_so_many_steps_that_markers_would_touch_are_drawn_without_them(steps, mode):
    values = (0.9,) * (steps + 1)
    figure = confidence_figure({"maml": Estimate(10, values, values)}, 5)
    (line,) = (one for one in figure.data if one.name == STYLES["maml"].label)
    assert line.mode == mode
    assert steps / figure.layout.xaxis.dtick <= 15, "the axis' numbers keep apart"
