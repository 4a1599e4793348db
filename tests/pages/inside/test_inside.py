"""The Inside page through Streamlit's own test runner: its JavaScript does not run here."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from maml_core.config import EpisodeSpec, TrainConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episodes
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.figures.style import STYLES
from maml_core.learners import checkpoints
from maml_core.teaching.anatomy import meta_update
from maml_core.training import recording
from pages.inside import layer_changes, meta_batch
from pages.inside.algorithm_steps import ALGORITHM_LINES, STEPS
from pages.shared import cached
from pages.shared.charts.picture_html import data_uri
from pages.shared.learners import recorded
from pages.shared.progress import ProgressLine
from tests.support import opened_page
from tests.support.opened_page import components, texts, told

ROOT = Path(__file__).parents[3]
SMALL = {"n_way": "2", "q_query": "1", "meta_tasks": "2"}
open_page = partial(opened_page.open_page, "pages/inside/page.py", **SMALL)


@pytest.fixture(autouse=True)
def nobody_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no machine answer on the page that the app opens first: it takes two seconds."""
    monkeypatch.setattr(cached, "machine_answers", lambda *_: {})


def row(at: AppTest, label: str) -> list:
    (cells,) = (one["cells"] for one in told(at)["rows"] if one["label"].startswith(label))
    return cells


def engine(n_tasks: int = 2):
    """Return what the page should have computed: episodes and the update."""
    data = registry.load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    spec = EpisodeSpec(2, 1, 1)
    episodes = list(sample_episodes(pool, spec, 0, 2 * n_tasks))
    config = TrainConfig(
        n_ways=(2,), q_query=1, inner_lr=0.05, meta_batch_size=n_tasks, augment=False
    )
    points, _ = recording.load_recording(recorded.RECORDING)
    model, batch = checkpoints.shipped("maml").model, episodes[:n_tasks]
    tasks = list(meta_update.decompose_meta_update(model, points[0], batch, config))
    found = meta_update.apply_meta_update(
        model, points[0], tasks, batch, episodes[n_tasks:], config
    )
    return data, batch, found


def test_the_walk_shows_what_the_engine_computes_and_a_control_changes_what_it_must() -> None:
    at = open_page()
    data, batch, found = engine()
    shown = told(at)
    assert [line["number"] for line in shown["lines"]] == list(range(1, 10))
    assert shown["columns"] == ["Task 1", "Task 2", "All (mean)"]
    for task, (cell, episode) in enumerate(zip(row(at, "An example"), batch, strict=False)):
        pictures = [one["source"] for one in cell["pictures"]]
        assert pictures == [data_uri(data, int(n)) for n in episode.support[:, 0]], task
    losses = [task.query_loss for task in found.tasks]
    mean = sum(losses) / 2
    assert [float(v) for v in row(at, "Query loss at")] == pytest.approx([*losses, mean], abs=6e-4)
    assert [float(v) for v in row(at, "Query loss from")[:2]] == pytest.approx(
        found.query_losses, abs=6e-4
    )
    bars = row(at, "The arrow's length")[-1]["bars"]
    assert [bar["label"] for bar in bars] == ["Block 1", "Block 2", "Block 3", "Block 4", "Head"]
    assert shown["steps"][-1]["note"].startswith(
        f"From the new θ the same inner steps lead to a query loss of "
        f"{sum(found.query_losses) / 2:.3f} instead of {mean:.3f}."
    )
    after = sum(found.query_losses) / 2
    assert any(
        f"from {mean:.3f} to {after:.3f} nats on its two" in one.value for one in at.markdown
    )
    chart = json.loads(at.get("plotly_chart")[0].proto.spec)
    assert shown["chart"] == "arrows_chart"
    assert len(at.get("plotly_chart")) == 4, "arrows, methods' gradients, layers, rates"
    assert [trace["name"] for trace in chart["data"][1:5]] == ["task 1", "task 2", "mean", "update"]

    before = {label: row(at, label) for label in ("Query loss at", "Query loss from")}
    at.select_slider(key="meta_beta").set_value(0.01).run()
    assert row(at, "Query loss at") == before["Query loss at"], "β does not move the inner loop"
    assert row(at, "Query loss from") != before["Query loss from"]
    assert not at.exception
    check_code(shown)


def check_code(shown: dict) -> None:
    """The highlighted code is the engine's, where the page says it is."""
    for step, one in zip(STEPS, shown["steps"], strict=True):
        code = shown["codes"][one["code"]]
        path, _, name = code["file"].removesuffix("()").partition(", ")
        source = (ROOT / path).read_text(encoding="utf-8").splitlines()
        assert name == step.function.__name__
        assert one["marked"], step.title
        for number in one["marked"]:
            assert source[code["first"] - 1 + number].strip() == code["lines"][number].strip()
        assert set(one["lines"]) <= {number for number, *_ in ALGORITHM_LINES}
    highlighted = [number for one in shown["steps"] for number in one["lines"]]
    assert set(highlighted) == {1, 2, 3, 4, 5, 6, 8, 9}
    assert "inner_lr * factors[n] * gradients[n]" in "".join(
        shown["codes"][shown["steps"][3]["code"]]["lines"][number]
        for number in shown["steps"][3]["marked"]
    )


def test_in_one_step_reptile_has_no_direction_and_in_two_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point = {"fomaml": 60.0, "reptile": 95.0}
    monkeypatch.setattr(
        meta_batch, "angles_to_maml", lambda batches, methods: iter([point] * len(batches))
    )
    at = open_page()
    table = at.dataframe[0].value.set_index("Method")
    assert table.loc["MAML", "Angle to MAML's"] == "0°"
    assert table.loc["Reptile"].tolist() == ["0", "no direction"]
    assert table.loc[STYLES["multi_task"].label].tolist() == ["0", "no direction"]
    assert float(table.loc["First-order MAML", "Length"]) > 0
    assert "take two steps or more" in texts(at, "caption")
    at.button(key="measure_angles").click().run()
    charts = [json.loads(one.proto.spec) for one in at.get("plotly_chart")]
    turned = [one for one in charts if "Angle" in str(one["layout"].get("yaxis", {}).get("title"))]
    assert [len(one["data"][0]["x"]) for one in turned] == [5, 7]
    assert not [one for one in at.button if one.key == "measure_angles"], "it is done"
    at.slider(key="meta_inner").set_value(2).run()
    table = at.dataframe[0].value.set_index("Method")
    assert table.loc["Reptile", "Angle to MAML's"].endswith("°")
    assert "take two steps or more" not in texts(at, "caption")
    assert not at.exception


def test_head_against_whole_network_is_measured_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def few(learners, pool, spec, config):
        asked.update({name: learner.lr_multipliers for name, learner in learners.items()})
        yield {name: Estimate(10, (0.5, 0.9, 0.95), (0.0, 0.01, 0.02)) for name in learners}

    monkeypatch.setattr(layer_changes, "evaluate_together", few)
    at = open_page()
    at.button(key="head_only").click().run()
    assert list(asked) == ["maml", "pretrained", "maml-head", "pretrained-head"]
    assert asked["maml"] is None
    assert set(asked["maml-head"]) == {"head.weight", "head.bias"}
    assert "head alone **95.0 ± 2.0 %** (n = 10)" in texts(at, "markdown")
    assert STYLES["maml-head"].label in at.get("plotly_chart")[-2].proto.spec
    assert not at.exception


def test_large_batches_wait_for_a_click_and_go_on_where_they_were_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(meta_batch, "MAX_IMMEDIATE_WORK", 0)
    begun, steps, told_of = [], meta_batch.task_contributions, []

    def counted(batch: meta_batch.MetaBatch, done: int = 0):
        begun.append(done)
        return steps(batch, done)

    def stop_at_the_second(self: ProgressLine, *_: object, **__: object) -> None:
        told_of.append(self)
        if len(told_of) == 2:
            raise StopException  # what a call does in a run that was stopped

    monkeypatch.setattr(meta_batch, "task_contributions", counted)
    at = open_page()
    assert not components(at)
    assert "takes a while" in texts(at, "caption")
    monkeypatch.setattr(ProgressLine, "show", stop_at_the_second)
    at.button(key="decompose_update").click().run()
    assert not components(at), "one of two tasks is done"
    at.run()
    at.button(key="decompose_update").click().run()
    assert begun == [0, 1]
    losses = [float(value) for value in row(at, "Query loss at")]
    assert losses[:2] == pytest.approx([t.query_loss for t in engine()[2].tasks], abs=6e-4)


def test_bad_values_in_the_link_and_an_episode_that_cannot_be_drawn_are_sentences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = {"meta_tasks": "9", "meta_alpha": "7", "meta_theta": "12", "meta_inner": "0"}
    at = open_page(**bad, meta_beta="x")
    for name, value in {**bad, "meta_beta": "x"}.items():
        assert f"{name} = '{value}'" in texts(at, "warning")
    assert len(told(at)["columns"]) == 4
    assert [float(value) for value in row(at, "Support loss at θ, nats")] == pytest.approx(
        [math.log(2)] * 4, abs=6e-4
    )

    def refuse(*_: object) -> None:
        raise ValueError("n_way is 2, but there is only 1 class.")

    monkeypatch.setattr(cached, "sample_episode", refuse)
    at.sidebar.button(key="new_episode").click().run()
    assert "only 1 class" in texts(at, "error")
    assert not components(at)
    assert not at.exception


def test_an_alpha_that_breaks_the_loss_is_said_and_not_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points, _ = recording.load_recording(recorded.RECORDING)
    broken = {0: {name: value * math.nan for name, value in points[0].items()}}
    monkeypatch.setattr(recorded, "recorded_params", lambda: broken)
    at = open_page()
    assert told(at)["chart"] is None
    assert "zero or not finite" in texts(at, "info")
    assert not at.exception
