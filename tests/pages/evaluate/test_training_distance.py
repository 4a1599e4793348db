"""MAML's lead by distance on the Evaluate page against the file that the study wrote."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from maml_core.evaluation.training_distance import DISTANCES_FILE
from maml_core.teaching.lesson_figures import figures_of
from tests.support.opened_page import chart, open_page, texts, unpacked

EVALUATE = "pages/evaluate/page.py"
FEATURES = "Features"
SETS = json.loads(DISTANCES_FILE.read_text(encoding="utf-8"))


def recorded(method: str, kind: str, n_way: int) -> dict[str, tuple[float, ...]]:
    """Distance, lead and half-width in points of each set, read from the file itself."""
    return {
        one["name"]: (one["distance"][kind], *(100 * value for value in found["lead"][method]))
        for one in SETS
        for found in one["comparisons"]
        if found["n_way"] == n_way and method in found["lead"]
    }


def shown(at: AppTest) -> dict[str, tuple[float, ...]]:
    """The same as the chart has it."""
    return {
        name: values
        for trace in chart(at, 0)["data"]
        if "customdata" in trace
        for name, *values in zip(
            trace["customdata"],
            unpacked(trace["x"]),
            unpacked(trace["y"]),
            unpacked(trace["error_y"]["array"]),
            strict=True,
        )
    }


def assert_shown(at: AppTest, method: str, kind: str, n_way: int) -> None:
    expected = recorded(method, kind, n_way)
    assert expected
    found = shown(at)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(values)
        assert f"{name}: {values[1]:+.1f}".replace("-", "−") in texts(at, "markdown")


def test_the_figure_is_drawn_when_it_is_wanted_with_the_files_numbers() -> None:
    at = open_page(EVALUATE)
    assert not at.get("plotly_chart")
    at.toggle(key="distance").set_value(True).run()
    assert not at.exception
    assert_shown(at, "pretrained", "ink", 5)
    at.selectbox(key="ahead_of").set_value("ProtoNet").run()
    assert_shown(at, "protonet", "ink", 5)
    at.segmented_control(key="distance_by").set_value(FEATURES).run()
    assert_shown(at, "protonet", "features", 5)
    assert "rank correlation" in texts(at, "markdown")


def test_a_link_opens_the_figure_and_one_that_names_no_method_is_told() -> None:
    at = open_page(EVALUATE, distance="true", ahead_of="ProtoNet", distance_by=FEATURES)
    assert_shown(at, "protonet", "features", 5)
    alternative = at.get("plotly_chart")[0].proto.alt
    for name in recorded("protonet", "features", 5):
        assert f"{name} at " in alternative
    broken = open_page(EVALUATE, distance="true", ahead_of="Nobody")
    assert "Nobody" in texts(broken, "warning")
    assert_shown(broken, "pretrained", "ink", 5)


def test_the_lesson_quotes_the_files_numbers() -> None:
    quoted = figures_of("glyphs")
    for name, (_, mean, half) in recorded("pretrained", "ink", 5).items():
        text = f"{mean:+.1f} ± {half:.1f}".replace("-", "−")
        assert quoted[f"{name}: lead over pretrained"] == text


def test_what_the_lesson_says_in_words_is_so() -> None:
    over, over_protonet = (recorded(name, "ink", 5) for name in ("pretrained", "protonet"))
    lead = {name: mean for name, (_, mean, _) in over.items()}
    far, farthest = "Omniglot, thick and cropped", "Omniglot, very thick and cropped"
    assert over_protonet["Omniglot"][1] < over_protonet["Omniglot"][2], "equally good"
    assert over_protonet[far][1] - over_protonet[far][2] > 5 > lead[far]
    assert max(over, key=lambda name: over[name][0]) == farthest
    assert lead[farthest] < over[farthest][2], "nothing is left"
    assert max(lead, key=lead.__getitem__) == "MNIST"
    assert lead["MNIST, Omniglot's size and pen"] / lead["MNIST"] == pytest.approx(0.5, abs=0.1)
    right = {
        one["name"]: {m: 100 * value for m, (value, _) in found["accuracy"].items()}
        for one in SETS
        for found in one["comparisons"][:1]
    }
    shares = {name: mean / (100 - right[name]["pretrained"]) for name, mean in lead.items()}
    assert max(shares, key=shares.__getitem__) == "Omniglot"
    assert right["Omniglot"]["maml"] - right[far]["maml"] > max(lead.values())
