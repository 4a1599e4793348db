"""MAML's lead by distance on the Evaluate page against the file that the study wrote."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from maml_core.evaluation.training_distance import DISTANCES_FILE
from maml_core.methods.catalogue import BY_NAME
from maml_core.teaching import lessons
from maml_core.teaching.lesson_figures import LESSONS, figures_of
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
        assert quoted[f"lead over pretrained on {name}"] == text
    pages = {"", "evaluate", "draw", "adapt", "episodes", "inside", "landscape"}
    *_, last = lessons.load(LESSONS, pages)[0]
    assert "distance=true" in last.links[0]
    labels = {method.short_label for method in BY_NAME.values()}
    assert any(f"ahead_of={label}" in link for link in last.links for label in labels)
