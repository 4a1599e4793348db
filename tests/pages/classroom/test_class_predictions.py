"""Predict first in a class: what a pupil is asked, what the projector shows, and when."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from maml_core.classroom.activities import open_activity, open_activity_of, reveal_link
from maml_core.classroom.hand_ins import hand_in
from maml_core.config import EpisodeSpec
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.figures.style import STYLES
from maml_core.learners import checkpoints
from pages.shared.classroom import predictions
from pages.shared.classroom.links import link_to
from tests.pages.classroom.conftest import StartedClass
from tests.support.opened_page import chart, components, numbers, open_page, texts

ADAPT, EVALUATE = "pages/adapt/page.py", "pages/evaluate/page.py"
CLASS = "pages/classroom/page.py"
SHAPE = {"dataset": "Glyphs", "n_way": "3", "q_query": "5", "steps": "4"}
LINK = "adapt?n_way=3&predict=true&q_query=5&seed=0&steps=4"
NAMES = ["maml 1", "pretrained 1", "maml 4", "pretrained 4"]


def form(at: AppTest) -> dict:
    (found,) = (one for one in components(at) if "handIn" in one)
    return found


def hand_in_all(database: Engine, started: StartedClass) -> np.ndarray:
    """Let all pupils hand in predictions; return them, [P, M, S]."""
    predicted = np.random.default_rng(0).integers(101, size=(len(started.pupils), 4))
    for pupil, row in zip(started.pupils, predicted.tolist(), strict=True):
        hand_in(database, pupil, "prediction", LINK, dict(zip(NAMES, row, strict=True)), 1)
    return predicted.reshape(-1, 2, 2).transpose(0, 2, 1)


def measured(at: AppTest) -> dict[str, list[float]]:
    """Return the query accuracies that the Adapt page draws, by method, after steps 1 and 4."""
    return {
        name: [numbers(chart(at, 0), STYLES[name].label)[step] for step in (1, 4)]
        for name in ("maml", "pretrained")
    }


def test_the_same_page_has_one_link_whatever_goes_without_saying() -> None:
    said = {"seed": ["3"], "n_way": ["5"], "within": ["false"], "part": ["Never seen in training"]}
    said |= {"steps": ["10"], "alpha": ["× 1"], "dataset": ["Glyphs"], "projector": ["true"]}
    said |= {"methods": ["Random start", "Pretrained", "MAML"], "mode": ["20-way"]}
    short = link_to("adapt", {"seed": ["3"]})
    assert short == link_to("adapt", said) == "adapt?predict=true&seed=3"
    other = said | {"n_way": ["6"], "methods": ["Pretrained", "MAML"]}
    expected = "adapt?methods=MAML&methods=Pretrained&n_way=6&predict=true&seed=3"
    assert link_to("adapt", other) == expected
    said = {
        "seed": ["3"],
        "test_steps": ["5"],
        "who": ["Pretrained", "MAML"],
        "official": ["false"],
    }
    assert link_to("evaluate", said) == "evaluate?seed=3"
    assert link_to("lessons", {"seed": ["3"], "teacher": ["true"]}) == "lessons?lesson=1"
    assert link_to("play", {"seed": ["3"], "mode": ["20-way"]}) == "?mode=20-way&seed=3"


def test_without_a_class_it_is_asked_who_will_be_ahead() -> None:
    at = open_page(ADAPT, predict="true", **SHAPE)
    assert at.segmented_control(key="guess_first") is not None
    assert not [one for one in components(at) if "handIn" in one]


def test_a_pupil_hands_in_accuracies_on_the_link_that_the_teacher_leads_to(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    at = open_page(ADAPT, **SHAPE, projector="true")
    at.button(key="lead_here").click().run()
    assert at.session_state["predict"] is True, "the outcome is hidden on the teacher's screen, too"
    opened = open_activity_of(database, started.record.id)
    assert opened is not None
    assert (opened.kind, opened.link) == ("prediction", LINK)

    started.become_pupil(0)
    at = open_page(ADAPT, predict="true", **SHAPE)
    told = form(at)
    assert told["handIn"] == {
        "who": started.pupils[0].id,
        "kind": "prediction",
        "subject": opened.link,
    }
    assert [field["name"] for field in told["fields"]] == NAMES
    assert (told["handed"], told["closed"]) == (None, "")
    assert "you predicted" not in texts(at, "markdown")
    assert "After inner step 1" in told["fields"][0]["group"]

    hand_in_all(database, started)
    at.run()
    assert list(form(at)["handed"]) == NAMES
    assert len(at.get("plotly_chart")) == 2, "no chart of the class"


def test_who_has_seen_the_curves_predicts_no_more(started: StartedClass) -> None:
    started.become_pupil(0)
    at = open_page(ADAPT, predict="true", **SHAPE)
    (revision,) = (one["revision"] for one in components(at) if "revision" in one)
    at.session_state["player"] = {"finished": revision}
    at.run()
    assert form(at)["closed"].startswith("You have seen what comes out")


def test_who_has_looked_without_predicting_first_predicts_no_more(started: StartedClass) -> None:
    started.become_pupil(0)
    at = open_page(ADAPT, predict="true", **SHAPE)
    assert form(at)["closed"] == ""
    for predicts_first in (False, True):
        at.toggle(key="predict").set_value(predicts_first).run()
    assert form(at)["closed"].startswith("You have seen what comes out")


def test_before_anybody_has_predicted_there_is_nothing_to_reveal(
    database: Engine, started: StartedClass
) -> None:
    started.become_teacher()
    open_activity(database, started.record.id, "prediction", LINK)
    at = open_page(CLASS)
    assert at.button(key="reveal").disabled
    hand_in_all(database, started)
    at.run()
    assert not at.button(key="reveal").disabled


def test_after_the_reveal_a_pupil_sees_the_class_and_can_hand_in_nothing(
    database: Engine, started: StartedClass
) -> None:
    predicted = hand_in_all(database, started)
    truth = measured(open_page(ADAPT, **SHAPE))
    started.become_pupil(1)
    at = open_page(ADAPT, predict="true", **SHAPE)
    reveal_link(database, started.record.id, "prediction", LINK)
    at.run()
    assert form(at)["closed"].startswith("Your teacher has shown")
    said = texts(at, "markdown")
    own = predicted[1]
    for m, name in enumerate(("maml", "pretrained")):
        for s, step in enumerate((1, 4)):
            assert (
                f"{STYLES[name].short_label} after step {step}: you predicted {own[m, s]} %, "
                f"it is **{truth[name][s]:.0f} %**" in said
            )
    dots = numbers(chart(at, 0), "a prediction")
    assert sorted(dots) == sorted(predicted.ravel().tolist())


def test_the_projector_shows_the_truth_only_when_it_is_revealed(
    database: Engine, started: StartedClass
) -> None:
    truth = measured(open_page(ADAPT, **SHAPE))
    predicted = hand_in_all(database, started)
    started.become_teacher()
    at = open_page(CLASS)
    at.segmented_control(key="class_results").set_value("Predictions").run()
    assert at.selectbox(key="class_prediction").value == LINK
    assert "**3** predictions handed in." in texts(at, "markdown")
    assert not at.get("plotly_chart"), "not before the teacher wants it"
    at.toggle(key="class_predictions_shown").set_value(True).run()
    shown = chart(at, 0)
    assert sorted(numbers(shown, "a prediction")) == sorted(predicted.ravel().tolist())
    assert "measured" not in str(shown)
    at.toggle(key="class_predictions_shown").set_value(False).run()
    assert not at.get("plotly_chart")

    at.button(key="reveal").click().run()
    assert not at.exception
    assert at.button(key="reveal").disabled
    lines = [one for one in chart(at, 0)["data"] if one["name"].endswith("measured")]
    drawn = {one["legendgroup"]: [] for one in lines}
    for one in lines:
        drawn[one["legendgroup"]].append(numbers({"data": [{**one, "name": "x"}]}, "x")[0])
    for name, values in drawn.items():
        assert values == pytest.approx(truth[name], abs=1e-4)


def test_the_projector_turns_to_what_is_opened(database: Engine, started: StartedClass) -> None:
    started.become_teacher()
    at = open_page(ADAPT, **SHAPE)
    at.button(key="lead_here").click().run()
    at = open_page(CLASS)
    assert not at.warning
    assert at.session_state["class_results"] == "Predictions"
    assert "**0** predictions handed in." in texts(at, "markdown")
    at.segmented_control(key="class_results").set_value("Play").run()
    at.run()
    assert at.session_state["class_results"] == "Play", "until something else is opened"


@pytest.mark.parametrize(
    "link",
    [
        "",
        "play?seed=3",
        "adapt?seed=x",
        "adapt?steps=900",
        "adapt?methods=ANIL",
        "adapt?dataset=No",
    ],
)
def test_a_link_that_names_no_prediction_is_passed_over(
    database: Engine, started: StartedClass, link: str
) -> None:
    hand_in(database, started.pupils[0], "prediction", link or "x", {"maml 1": 1}, 1)
    started.become_teacher()
    at = open_page(CLASS)
    at.segmented_control(key="class_results").set_value("Predictions").run()
    assert not at.exception
    assert "Open Adapt" in texts(at, "info")


def test_a_link_with_one_step_and_one_method_asks_for_one_number(
    database: Engine, started: StartedClass
) -> None:
    how = {**SHAPE, "steps": "1", "alpha": "× 2", "methods": "Pretrained"}
    (truth,) = numbers(chart(open_page(ADAPT, **how), 0), STYLES["pretrained"].label)[1:]
    started.become_pupil(0)
    told = form(open_page(ADAPT, predict="true", **how))
    assert [field["name"] for field in told["fields"]] == ["pretrained 1"]
    subject = told["handIn"]["subject"]
    hand_in(database, started.pupils[0], "prediction", subject, {"pretrained 1": 40}, 1)
    reveal_link(database, started.record.id, "prediction", subject)
    started.become_teacher()
    at = open_page(CLASS)
    at.segmented_control(key="class_results").set_value("Predictions").run()
    assert "α × 2" in str(at.selectbox(key="class_prediction").options)
    assert f"it is {truth:.0f} %" in texts(at, "markdown")


def test_on_evaluate_the_mean_over_episodes_is_predicted(
    database: Engine, started: StartedClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "MEAN_EPISODES", 5)
    shape = {"dataset": "Glyphs", "n_way": "2", "q_query": "2", "test_steps": "2", "seed": "4"}
    started.become_teacher()
    at = open_page(EVALUATE, **shape)
    at.button(key="lead_here").click().run()
    opened = open_activity_of(database, started.record.id)
    assert opened is not None
    assert opened.kind == "prediction"
    started.become_pupil(0)
    told = form(open_page(EVALUATE, **shape))
    assert told["handIn"]["subject"] == opened.link
    names = ["maml 1", "pretrained 1", "maml 2", "pretrained 2"]
    assert [field["name"] for field in told["fields"]] == names
    hand_in(database, started.pupils[0], "prediction", opened.link, dict.fromkeys(names, 50), 1)
    reveal_link(database, started.record.id, "prediction", opened.link)

    task = prediction_task_of(opened.link)
    measured = measured_one_by_one(2, 2, 2, seed=4, episodes=5)
    np.testing.assert_allclose(task.accuracies(), measured, atol=1e-4)
    at = open_page(EVALUATE, **shape)
    said = texts(at, "markdown")
    assert f"MAML after step 2: you predicted 50 %, it is **{measured[0, 2]:.0f} %**" in said


def prediction_task_of(link: str) -> predictions.PredictionTask:
    """Read a link outside of any page's run."""
    found = predictions.prediction_task(link)
    assert found is not None
    return found


def measured_one_by_one(
    n_way: int, q_query: int, steps: int, *, seed: int, episodes: int
) -> np.ndarray:
    """Return the mean accuracy of both methods in percent, episode by episode, [2, steps + 1]."""
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    learners = {name: checkpoints.shipped(name) for name in ("maml", "pretrained")}
    rows = []
    for number in range(episodes):
        episode = sample_episode(pool, EpisodeSpec(n_way, 1, q_query), seed, number)
        rows.append([one.accuracy for one in compare(learners, episode, steps, 1.0)])
    mean: np.ndarray = 100 * np.mean(rows, axis=0)
    return mean


def test_an_evaluation_that_a_class_does_not_predict_has_no_form(started: StartedClass) -> None:
    started.become_pupil(0)
    for how in ({"official": "true"}, {"four_turns": "true"}, {"test_steps": "50"}):
        at = open_page(EVALUATE, n_way="2", **how)
        assert not [one for one in components(at) if "handIn" in one]
