"""The list of methods on Adapt, Evaluate, Draw and Train: short, complete, linked to."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from maml_core.config import META_METHODS, EpisodeSpec
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.figures.style import STYLES
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner, random_learner
from maml_core.methods.catalogue import ALL, BY_NAME, FORMER_LABELS, GROUPS, METHODS
from maml_core.methods.protonet import prototype_head
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import features, initial_params
from pages.shared.learners import method_list
from pages.shared.link_settings import DEFAULTS
from tests.support.opened_page import chart, numbers, open_page, texts

ADAPT, EVALUATE, DRAW, TRAIN = (
    f"pages/{name}/page.py" for name in ("adapt", "evaluate", "draw", "train")
)
SMALL = {"n_way": "2", "q_query": "2", "steps": "2"}
FIRST = ["MAML", "Pretrained", "Random initialisation"]


@pytest.fixture(autouse=True)
def every_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Narrow untrained networks in place of all shipped weights."""

    def shipped(method: str, split: str = "alphabets") -> Learner:
        if method == "random":
            return random_learner()
        params = initial_params(Conv4(channels=4), list(BY_NAME).index(method))
        found = Learner(method, Conv4(channels=4), params, {5: 0.25})
        solves = BY_NAME[method].adapts == "solved head"
        return replace(found, solve_head=prototype_head) if solves else found

    monkeypatch.setattr(checkpoints, "is_shipped", lambda method, split: method != "resnet")
    monkeypatch.setattr(checkpoints, "shipped", shipped)


def lines(at: AppTest, number: int = 0) -> set[str]:
    return {line["name"] for line in chart(at, number)["data"] if line.get("name")}


def test_three_methods_come_first_and_the_others_are_grouped_with_what_they_do() -> None:
    at = open_page(ADAPT, **SMALL)
    assert at.pills(key="methods").options == FIRST
    others = [one for one in ALL if one.name in METHODS and one.label not in FIRST]
    assert {box.label for box in at.checkbox} == {one.label for one in others}
    assert not any(box.value for box in at.checkbox)
    said = texts(at, "caption")
    for one in others:
        assert one.summary in said
        assert one.paper.split(",")[0] in said
        assert one.paper.partition("arXiv:")[2].split(",")[0] in said
    headings = [one.value.strip("*") for one in at.markdown if one.value.strip("*") in GROUPS]
    assert headings == list(GROUPS[:-1]), "no reference adapts"


def test_a_run_leaves_the_other_boxes_as_the_browser_has_them() -> None:
    """One that is ticked while a run is under way is not unticked by that run."""
    at = open_page(ADAPT, **SMALL)
    at.checkbox(key="methods_more_anil").check().run()
    assert not [box.label for box in at.checkbox if box.proto.set_value]


def test_evaluate_lists_references_too() -> None:
    at = open_page(EVALUATE, **SMALL)
    assert at.pills(key="who").options == FIRST
    headings = [one.value.strip("*") for one in at.markdown if one.value.strip("*") in GROUPS]
    assert headings == list(GROUPS)
    at.checkbox(key="who_more_nearest-pixels").check().run()
    assert not at.exception
    assert at.session_state.who == ["MAML", "Pretrained", "1-NN on pixels"]


def test_a_method_behind_more_methods_joins_the_list_and_stays_when_it_is_left_out() -> None:
    at = open_page(ADAPT, **SMALL)
    at.checkbox(key="methods_more_protonet").check().run()
    assert not at.exception
    assert at.session_state.methods == [*FIRST, "ProtoNet"]
    assert at.pills(key="methods").options == [*FIRST, "ProtoNet"]
    assert lines(at) == {*FIRST, "ProtoNet"}
    at.pills(key="methods").set_value(["MAML"]).run()
    assert not at.checkbox(key="methods_more_protonet").value
    assert at.pills(key="methods").options == [*FIRST, "ProtoNet"]
    assert lines(at) == {"MAML"}


@pytest.mark.parametrize(
    "named",
    [
        ["MAML", "ANIL"],
        ["ProtoNet"],
        ["Joint pretraining", "Random start"],
        [one.label for one in ALL if one.name in METHODS],
    ],
)
def test_what_a_link_chooses_is_seen_to_be_chosen_wherever_it_stands(named: list[str]) -> None:
    at = open_page(ADAPT, **SMALL, methods=named)
    assert not at.warning
    today = {FORMER_LABELS.get(label, label) for label in named}
    assert set(at.session_state.methods) == today
    assert set(at.pills(key="methods").options) == {*FIRST, *today}
    assert {box.label for box in at.checkbox if box.value} == today - {*FIRST}
    assert lines(at) == today


def episode_of(seed: int):
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    return sample_episode(pool, EpisodeSpec(2, 1, 2), seed)


def test_protonets_line_is_level_at_the_accuracy_of_the_nearest_prototypes() -> None:
    at = open_page(ADAPT, **SMALL, methods=["MAML", "ProtoNet"])
    task = episode_of(int(DEFAULTS["seed"])).task
    learner = checkpoints.shipped("protonet")
    with torch.no_grad():
        support, query = features(
            learner.model, learner.params, task.support_x, task.query_x, transductive=True
        )
    nearest = task.support_y[torch.cdist(query, support).argmin(1)]
    share = 100 * float((nearest == task.query_y).double().mean())
    assert numbers(chart(at, 0), "ProtoNet") == pytest.approx([share] * 3)
    assert "Without a step ProtoNet has " in texts(at, "markdown")
    assert "MAML α = 0.25, ProtoNet: no inner step" in texts(at, "caption")
    at.segmented_control(key="confused").set_value("ProtoNet").run()
    assert at.slider(key="confused_step").disabled


def downloads(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return what the page offers to download, by the file's ending, once it is opened."""
    offered: dict[str, str] = {}

    def button(label: str, content: str, name: str, *_: object, **__: object) -> None:
        if isinstance(content, str):
            offered[name.rpartition(".")[2]] = content

    monkeypatch.setattr("streamlit.download_button", button)
    return offered


def test_what_is_taken_away_gives_no_alpha_to_who_takes_no_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = downloads(monkeypatch)
    at = open_page(ADAPT, **SMALL, methods=["MAML", "ProtoNet", "BOIL"])
    rows = list(csv.DictReader(io.StringIO(offered["csv"])))
    assert {(row["method"], row["inner_lr"]) for row in rows} == {
        ("maml", "0.25"),
        ("protonet", ""),
        ("boil", "0.25"),
    }
    cells = [cell for cell in json.loads(offered["ipynb"])["cells"] if cell["cell_type"] == "code"]
    (adapting,) = ("".join(c["source"]) for c in cells if "INNER_LRS" in "".join(c["source"]))
    assert "'protonet': None" in adapting
    exec(offered["py"], {})
    for line in capsys.readouterr().out.splitlines():
        method, *shown = line.split()
        drawn = numbers(chart(at, 0), STYLES[method].label)
        np.testing.assert_allclose([float(one) for one in shown], drawn, atol=0.05)


def test_train_offers_every_meta_method_and_calls_the_one_of_the_link_chosen() -> None:
    at = open_page(TRAIN, what="Images", train_by="R2D2")
    assert at.segmented_control(key="train_by").options == ["MAML", "R2D2"]
    named = {one.key.removeprefix("train_by_more_") for one in at.button if one.key}
    assert META_METHODS.keys() - {"maml"} <= named


@pytest.mark.parametrize(
    ("path", "parameter"),
    [(ADAPT, "methods"), (EVALUATE, "who"), (DRAW, "draw_methods"), (TRAIN, "train_by")],
)
def test_a_method_has_one_name_in_links_and_answers_to_its_others(
    path: str, parameter: str
) -> None:
    for spelling in ("R2D2", "Ridge regression (R2D2)"):
        at = open_page(path, **SMALL, **{parameter: spelling, "what": "Images"})
        assert f"{parameter} = " not in texts(at, "warning")
        assert at.session_state[parameter] in ("R2D2", ["R2D2"])
        assert at.query_params[parameter] in ("R2D2", ["R2D2"])


def test_every_page_has_the_methods_in_the_same_order() -> None:
    for path, parameter in ((ADAPT, "methods"), (EVALUATE, "who"), (DRAW, "draw_methods")):
        at = open_page(path, **SMALL)
        named = [box.key.removeprefix(f"{parameter}_more_") for box in at.checkbox]
        assert named == [one.name for one in ALL if one.name in named]
        assert "imaml" in named
    at = open_page(TRAIN, what="Images")
    keys = [one.key or "" for one in at.button]
    named = [key.removeprefix("train_by_more_") for key in keys if key.startswith("train_by_more")]
    assert named == [one.name for one in ALL if one.name in META_METHODS and one.name != "maml"]


def test_a_list_without_others_has_nothing_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "is_shipped", lambda method, _: method in ("maml",))
    at = open_page(ADAPT, **SMALL)
    assert not at.checkbox
    assert method_list.MORE not in texts(at, "markdown")
