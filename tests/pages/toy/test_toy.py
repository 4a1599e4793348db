"""The Toy world page through Streamlit's own test runner; its JavaScript does not run here."""

from __future__ import annotations

import json
from functools import partial
from itertools import product

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from maml_core.config import AdaptConfig
from maml_core.figures.style import STYLES
from maml_core.teaching.quadratic_tasks import (
    CENTRE_WEIGHTS,
    LAYOUTS,
    N_PARAMS,
    N_TASKS,
    ToyWorld,
    closed_form_solution,
    inner_loop_trajectories,
    task_losses,
    toy_world,
)
from pages.toy import world_view
from tests.support import opened_page
from tests.support.opened_page import run, texts, told

open_page = partial(opened_page.open_page, "pages/toy/page.py")


def table(at: AppTest) -> dict[str, list[str]]:
    """Return the rows of the closed form's table by their first cell."""
    (text,) = (one.value for one in at.expander[0].markdown if one.value.startswith("|"))
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in text.split("\n")]
    return {row[0]: row[1:] for row in rows}


def descend(data: dict, method: dict) -> np.ndarray:
    """Make the component's meta-updates."""
    theta = np.array(data["theta"])
    for _ in range(data["updates"]):
        theta = method["matrix"] @ theta + method["offset"]
    return theta


def assert_told(data: dict, this: ToyWorld, config: AdaptConfig) -> None:
    assert [one["centre"] for one in data["tasks"]] == this.centres.tolist()
    assert [one["curvature"] for one in data["tasks"]] == this.curvatures.tolist()
    assert (data["innerLr"], data["innerSteps"]) == (config.inner_lr, config.inner_steps)
    assert [one["name"] for one in data["methods"]] == list(CENTRE_WEIGHTS)
    for one in data["methods"]:
        style = STYLES[one["name"]]
        assert (one["label"], one["colour"]) == (style.label, style.colour)
        expected = closed_form_solution(this, one["name"], config)
        np.testing.assert_allclose(one["end"], expected)
        np.testing.assert_allclose(descend(data, one), expected, atol=0.01)


def test_opens_with_a_world_in_which_the_methods_part() -> None:
    at = open_page()
    data = told(at)
    assert data["byHand"] is True
    assert data["theta"] == [-3.0]
    assert_told(data, toy_world("Steep and flat", 2, 1), AdaptConfig(0.2, 2))
    ends = [one["end"][0] for one in data["methods"]]
    assert min(np.diff(sorted(ends))) > 0.1
    assert not at.warning


def test_every_control_changes_what_it_says_and_nothing_else() -> None:
    at = open_page(theta="1.25")
    before = told(at)
    at.segmented_control(key="layout").set_value("All different")
    at.segmented_control(key="n_tasks").set_value("4")
    assert_told(told(run(at)), toy_world("All different", 4, 1), AdaptConfig(0.2, 2))
    at.segmented_control(key="n_params").set_value("2")
    at.select_slider(key="toy_lr").set_value("0.15")
    at.slider(key="toy_steps").set_value(3)
    data = told(run(at))
    assert_told(data, toy_world("All different", 4, 2), AdaptConfig(0.15, 3))
    assert data["theta"] == [1.25, 0.5], "the first parameter stays where it was"
    assert data["world"] != before["world"]
    world = data["world"]
    at.slider(key="toy_steps").set_value(2)
    data = told(run(at))
    assert data["world"] == world, "who plays on the same tasks is shown what was shown"
    assert data["revision"] != before["revision"]


def test_a_link_reproduces_the_world() -> None:
    at = open_page(
        **{"layout": "Same curvature", "n_tasks": "4", "n_params": "2", "toy_lr": "0.3"},
        **{"toy_steps": "5", "by_hand": "false", "theta": "0.5,-1.2"},
    )
    data = told(at)
    assert_told(data, toy_world("Same curvature", 4, 2), AdaptConfig(0.3, 5))
    assert (data["byHand"], data["theta"]) == (False, [0.5, -1.2])
    assert not at.warning


def test_theta_is_where_it_was_when_one_comes_back_from_another_page() -> None:
    at = open_page()
    at.session_state["theta_kept"] = "1.5"
    assert told(run(at))["theta"] == [1.5]
    assert at.query_params["theta"] == "1.5", "and a link says so"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("theta", text) for text in ("x", "", "5", "1,nan", "1,2,3", "1;2")),
        *(("layout", "Corners"), ("n_tasks", "3"), ("toy_lr", "0.7"), ("toy_steps", "6")),
    ],
)
def test_a_bad_value_in_the_link_gives_the_default_and_a_sentence(name: str, value: str) -> None:
    at = open_page(**{name: value})
    assert f"{name} = '{value}'" in texts(at, "warning")
    assert_told(told(at), toy_world("Steep and flat", 2, 1), AdaptConfig(0.2, 2))
    assert told(at)["theta"] == [-3.0]


def test_the_closed_form_is_shown_with_this_worlds_numbers() -> None:
    rows = table(open_page(toy_lr="0.1", toy_steps="3"))
    assert rows[""] == [STYLES[method].label for method in CENTRE_WEIGHTS]
    left = {3.0: 0.7**3, 0.5: 0.95**3}
    for (task, a), other in zip(
        (("task 1: c = −2, a = 3", 3.0), ("task 2: c = 2, a = 0.5", 0.5)), (0.5, 3.0), strict=True
    ):
        expected = [
            one(a) / (one(a) + one(other))
            for one in (
                lambda a: a * left[a] ** 2,
                lambda a: a * left[a],
                lambda a: 1 - left[a],
                # φ* = (a c + λ θ) / (a + λ) with λ = 1 / (kα): θ counts λ / (a + λ) there, twice.
                lambda a: a * (1 / 0.3 / (a + 1 / 0.3)) ** 2,
                lambda a: a,
            )
        ]
        assert rows[task] == [f"{100 * share:.0f} %" for share in expected]
    assert rows["ends at"][-1] == f"{(3 * -2 + 0.5 * 2) / 3.5:.2f}".replace("-", "−")


def test_what_is_special_is_said() -> None:
    at = open_page(toy_steps="1", toy_lr="0.6", layout="All different", n_params="2")
    said = texts(at.expander[0], "markdown")
    assert "With one inner step Reptile's weights are α times multi-task training's" in said
    assert "**First-order MAML** ends nowhere: α = 0.6" in said
    assert table(at)["ends at"][1] == "nowhere"
    data = told(at)
    assert [one["end"] is None for one in data["methods"]] == [False, True, False, False, False]
    at.slider(key="toy_steps").set_value(2)
    said = texts(run(at).expander[0], "markdown")
    assert "nowhere" not in said
    assert "With one inner step" not in said


def test_every_setting_is_drawn() -> None:
    """What the component is told is finite in all worlds, whatever α and the inner steps."""
    seen = []
    for layout, n_tasks, n_params in product(LAYOUTS, N_TASKS, N_PARAMS):
        for inner_lr, steps in product((0.05, 0.35, 0.5, 0.6), (1, 3, 5)):
            config = AdaptConfig(inner_lr, steps)
            settings = world_view.ToySettings(layout, n_tasks, n_params, config)
            for method in CENTRE_WEIGHTS:
                found = world_view.method_data(settings.world, method, config)
                json.dumps(found, allow_nan=False)
                seen.append(found["end"] is None)
            assert found["end"], "the multi-task curve's lowest point scales the picture"
    assert 0 < sum(seen) < len(seen)


@pytest.mark.parametrize("method", world_view.OBJECTIVES)
def test_a_method_minimises_the_objective_that_the_page_draws_for_it(method: str) -> None:
    world, config = toy_world("All different", 4, 2), AdaptConfig(0.2, 3)
    end = closed_form_solution(world, method, config)
    assert end is not None

    def objective(theta: np.ndarray) -> float:
        ends = inner_loop_trajectories(world, theta, config)[:, -1]
        at = {"before": theta, "after": ends}[world_view.OBJECTIVES[method]]
        return float(task_losses(world, at).mean())

    for direction in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1)):
        assert objective(end + 0.01 * np.array(direction)) > objective(end)
