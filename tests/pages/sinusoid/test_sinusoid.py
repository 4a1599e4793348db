"""The Sinusoid page through Streamlit's own test runner."""

from functools import partial

import numpy as np
import pytest

from maml_core.config import SinusoidConfig
from maml_core.teaching.sinusoids import evaluation
from maml_core.teaching.sinusoids.regressors import fit_curves
from maml_core.teaching.sinusoids.tasks import displayed_sinusoid, displayed_support
from maml_core.teaching.sinusoids.weights import load_checkpoint
from pages.sinusoid import error_table, support_points, training_panel
from tests.support import opened_page
from tests.support.opened_page import texts

open_page = partial(opened_page.open_page, "pages/sinusoid/page.py")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run train one stage, and errors be measured on few waves."""
    monkeypatch.setattr(error_table, "N_TASKS", 8)
    monkeypatch.setattr(training_panel, "PIECE_SECONDS", 0.0)
    monkeypatch.setattr(evaluation, "VALIDATION_TASKS", 4)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What the charts' component was given, run by run; its JavaScript does not run here."""
    given = []
    monkeypatch.setattr(
        "pages.sinusoid.clickable_charts._mount",
        lambda **arguments: given.append(arguments["data"]),
    )
    return given


def curves(data: dict, method: str) -> dict[str, np.ndarray]:
    (panel,) = (panel for panel in data["panels"] if panel["name"] == method)
    return {line["name"]: np.array(line["y"], float) for line in panel["figure"]["data"]}


def test_the_charts_show_what_the_engine_computes_and_points_that_are_put_change_it(
    drawn: list[dict],
) -> None:
    at = open_page(seed="7", wave_k="5")
    learners, wave = load_checkpoint().regressors, displayed_sinusoid(7)
    own = displayed_support(7, 5, False)
    assert drawn[-1]["points"] == [list(point) for point in own]
    found = fit_curves(learners, wave, own, 10)
    for method in ("maml", "multi_task"):
        lines = curves(drawn[-1], method)
        np.testing.assert_allclose(lines["after 10 steps"], found[method].curves[10], rtol=1e-5)
        np.testing.assert_allclose(lines["after 1 step"], found[method].curves[1], rtol=1e-5)
        np.testing.assert_allclose(lines["oracle"], found["oracle"].curves[0], rtol=1e-5)
    assert "5 points" in texts(at, "caption")
    errors = {m: found[m].squared_errors(wave) for m in ("maml", "multi_task")}
    said = next(one.value for one in at.markdown if one.value.startswith("After one step "))
    assert all(f"{by_step[1]:.2f}" in said for by_step in errors.values())

    at.button(key="clear_points").click().run()
    assert (drawn[-1]["points"], at.button(key="clear_points").disabled) == ([], True)
    assert "place some" in texts(at, "markdown")
    lines = curves(drawn[-1], "maml")
    np.testing.assert_array_equal(lines["after 10 steps"], lines["before"])

    at.button(key="own_points").click().run()
    assert drawn[-1]["points"] == [list(point) for point in own]
    at.toggle(key="half").set_value(True).run()
    assert all(x < 0 for x, _ in drawn[-1]["points"])
    assert "In the right half, where there is no point" in texts(at, "caption")


def test_a_link_carries_points_until_another_wave_is_asked_for(drawn: list[dict]) -> None:
    at = open_page(points="1,2;-3,4.5", half="true")
    assert not at.warning
    assert drawn[-1]["points"] == [[1.0, 2.0], [-3.0, 4.5]]
    assert not at.button(key="own_points").disabled
    at.button(key="new_wave").click().run()
    assert len(drawn[-1]["points"]) == 10
    assert "points" not in at.query_params


def test_a_bad_value_in_the_link_is_a_sentence_and_the_default(drawn: list[dict]) -> None:
    bad = {"wave_k": "0", "half": "maybe", "updates": "7", "points": "6,0"}
    at = open_page(**bad)
    for name, value in bad.items():
        assert f"{name} = '{value}'" in texts(at, "warning")
    assert len(drawn[-1]["points"]) == 10


@pytest.mark.parametrize(
    "text", ["1,2,3", "1", "a,b", "0,nan", "0,inf", "-5.1,0", "0,101", "1,2;x"]
)
def test_what_names_no_points_is_told_from_no_points(text: str) -> None:
    assert support_points.parse_points(text) is None
    assert support_points.parse_points("") == []
    many = ";".join(f"0,{y}" for y in range(30))
    assert support_points.parse_points(many) == [(0.0, float(y)) for y in range(10, 30)]


def test_a_click_counts_only_on_the_points_it_was_made_on(
    drawn: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    query: dict[str, str] = {}
    task = support_points.SinusoidTask(3, 10, False)
    state = {support_points.CHART: {"points": {"revision": f"{task} 0", "points": [[1.0, 2.0]]}}}
    monkeypatch.setattr(support_points.st, "query_params", query)
    monkeypatch.setattr(support_points.st, "session_state", state)
    support_points.take_clicked_points(task)
    assert support_points.support_points(task) == [(1.0, 2.0)]
    support_points.restore_points()
    support_points.take_clicked_points(task)  # on its way when the points were put back
    assert support_points.support_points(task) == displayed_support(3, 10, False)


def test_a_training_runs_stops_is_shown_and_gives_way_to_the_recorded_one(
    drawn: list[dict],
) -> None:
    at = open_page(updates="500")
    assert "Recorded in advance" in texts(at, "caption")
    recorded = curves(drawn[-1], "maml")["before"]
    at.button(key="train").click().run()
    assert "0 of 500 updates" in texts(at, "caption")
    assert not curves(drawn[-1], "maml")["before"].any(), "from nothing"
    assert not at.dataframe, "the numbers wait"

    at.run()
    assert "10 of 500 updates" in texts(at, "caption")
    assert curves(drawn[-1], "maml")["before"].any()

    at.button(key="stop_training").click().run()
    assert "Trained here and now" in texts(at, "caption")
    assert "20 of 500 updates" in texts(at, "caption")
    assert len(at.dataframe) == 1
    at.button(key="recorded_again").click().run()
    assert "Recorded in advance" in texts(at, "caption")
    np.testing.assert_array_equal(curves(drawn[-1], "maml")["before"], recorded)
    assert not at.exception


def test_a_training_comes_to_its_end_and_pauses_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_panel, "PIECE_SECONDS", 600.0)
    running = training_panel.RunningTraining(SinusoidConfig(meta_steps=12))
    assert not running.is_done
    running._last_rerun -= 1000.0  # as if the page had been left
    running.advance()
    assert running.is_done
    assert [errors.step for errors in running.checkpoint.history] == [0, 10, 12]
    assert running.seconds == training_panel.PAUSE_SECONDS
    assert running.seconds_left == 0


def test_the_numbers_are_those_of_the_engine(drawn: list[dict]) -> None:
    table = open_page().dataframe[0].value
    found = evaluation.evaluate(load_checkpoint().regressors, 5, inner_steps=10, n_tasks=8)
    row = table[(table["Points"] == "K = 5") & (table["Method"] == "MAML")].iloc[0]
    for step in (0, 1, 2, 5, 10):
        mean, half = found["maml"].mean[step], found["maml"].ci95[step]
        assert row[f"step {step}"] == f"{mean:.2f} ± {half:.2f}"
