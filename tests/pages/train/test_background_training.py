"""The Train page through Streamlit's own test runner, on a stand-in for the training's process."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from maml_core.config import META_METHODS, EpisodeSpec, TrainConfig
from maml_core.data import registry
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.figures.style import STYLES
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import Checkpoint
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.training.background import queue
from maml_core.training.background.job import BackgroundTraining
from pages.shared import cached, streamlit_internals
from pages.shared.learners import store, training_session
from pages.shared.learners.recorded import learner_at_update, recorded_params
from pages.shared.link_settings import DEFAULTS
from pages.train.images import controls
from tests.support.opened_page import chart, open_page, texts, unpacked

ROOT = Path(__file__).parents[3]
STAND_IN = ROOT / "tests" / "support" / "stand_in_training.py"
TIMEOUT = 60
TRAIN, ADAPT, EVALUATE = "pages/train/page.py", "pages/adapt/page.py", "pages/evaluate/page.py"
SHORT = {"what": "Images", "train_n": "2", "train_updates": "4", "train_alpha": "0.3"}


def metadata(**changes: object) -> dict[str, object]:
    config = TrainConfig(n_ways=(2,), meta_steps=4)
    return {
        "method": "fomaml",
        "model": {"n_out": 1, "channels": 4},
        "inner_lrs": {"2": 0.3},
        "config": asdict(config),
        "dataset": "glyphs",
        "split": "alphabets",
        "updates": 4,
    } | changes


def weights(rows: int = 1, **changes: object) -> bytes:
    params = initial_params(Conv4(n_out=rows, channels=4), 5)
    return checkpoints.to_bytes(Checkpoint(params, metadata(**changes)))


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    file = tmp_path / "stand-in.safetensors"
    file.write_bytes(weights())
    monkeypatch.setattr(queue, "COMMAND", (sys.executable, str(STAND_IN), str(file)))
    yield
    training_session.training_queue().close()


@pytest.fixture
def glyphs_to_train_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the glyphs have alphabets for training, too: the first five are all for test."""
    monkeypatch.setattr(registry, "GLYPHS", {"n_alphabets": 8, "n_drawers": 20, "seed": 0})


def button(at: AppTest, key: str) -> bool:
    return key in {one.key for one in at.button}


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def started(at: AppTest) -> BackgroundTraining:
    at.button(key="start_training").click().run()
    assert not at.exception
    (found,) = training_session.training_queue()._by_owner.values()
    return found


@pytest.mark.usefixtures("glyphs_to_train_on")
def test_a_training_is_watched_kept_and_used_on_the_other_pages() -> None:
    at = open_page(
        TRAIN, **SHORT, train_by="First-order MAML", train_from="Pretrained", train_seed="7"
    )
    assert not at.warning
    found = started(at)
    config = found.job.config
    assert (config.method, config.n_ways, config.k_shots) == ("fomaml", (2,), (1,))
    assert (config.inner_lr, config.meta_steps, config.seed) == (0.3, 4, 7)
    assert (found.job.dataset, found.job.start) == ("glyphs", str(controls.PRETRAINED))
    until(lambda: found.is_finished)
    at.run()
    assert "First-order MAML on Glyphs, 2-way 1-shot" in texts(at, "subheader")
    after = next(one for one in chart(at, 0)["data"] if one.get("name") == "after 1 inner step")
    assert unpacked(after["x"]) == [1, 2, 3, 4]
    assert unpacked(after["y"]) == pytest.approx([50, 75, 100 * 5 / 6, 87.5])
    assert unpacked(chart(at, 1)["data"][0]["y"]) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert unpacked(chart(at, 2)["data"][0]["y"]) == pytest.approx([1, 2, 3, 4])
    assert "20 episodes of validation characters" in texts(at, "caption")
    assert "Conv4 from the pretrained weights" in texts(at, "caption")

    at.button(key="keep_training").click().run()
    at.button(key="keep_training").click().run()  # the same again is the same learner
    (name,) = at.session_state["own_learners"]
    label = STYLES[name].label
    assert label == "Mine 1: First-order MAML"
    assert label in texts(at, "info")
    assert "4 updates on Glyphs, 2-way, split “alphabets”" in texts(at, "markdown")

    at.switch_page(ADAPT).run()
    assert [link.label for link in at.sidebar.get("page_link")] == ["Training done"]
    at.pills(key="methods").set_value([label]).run()
    assert not at.exception
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(5, 1, DEFAULTS["q_query"]), DEFAULTS["seed"])
    learner = checkpoints.from_bytes(found.weights, "kept").learner()
    (expected,) = compare({"own_training": learner}, episode, 10)
    shown = next(one for one in chart(at, 0)["data"] if one.get("name") == label)
    np.testing.assert_allclose(unpacked(shown["y"]), 100 * expected.accuracy, atol=1e-4)

    at.switch_page(EVALUATE).run()
    assert label in at.pills(key="who").options
    at.segmented_control(key="split").set_value("Unseen characters (paper)").run()
    assert label not in at.pills(key="who").options, "it may have seen these test characters"

    at.switch_page(TRAIN).run()
    at.button(key=f"drop_{name}").click().run()
    assert not at.session_state["own_learners"]
    at.switch_page(ADAPT).run()
    assert not at.exception
    assert label not in at.pills(key="methods").options


def test_of_few_classes_it_is_said_what_can_be_trained_and_what_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three classes two are for training and none for validation."""
    for number, name in enumerate(("ant", "bee", "cow")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(8):
            picture = Image.new("L", (20, 20), 255)
            picture.paste(10 * i, (3, 3 + number, 9, 15))
            picture.save(tmp_path / "pets" / name / f"{i}.png")
    monkeypatch.setenv("PICTURES_DIR", str(tmp_path / "pets"))
    at = open_page(TRAIN, **SHORT | {"train_n": "3"}, train_on="My folder")
    assert "My folder has 2 classes for training, too few for 3-way: choose at most 2-way" in (
        texts(at, "error")
    )
    assert at.button(key="start_training").disabled
    at.number_input(key="train_n").set_value(2).run()
    at.number_input(key="train_k").set_value(8).run()
    assert "a class of 8 pictures, too few for 8-shot and a query: choose at most 7-shot" in (
        texts(at, "error")
    )
    at.number_input(key="train_k").set_value(5).run()
    assert not at.error
    assert "accuracy is measured on the training classes" in texts(at, "caption")
    found = started(at)
    assert (found.job.split, found.job.validate_on) == ("classes", "train")
    assert found.job.config.q_query == 3, "as many as there are"
    until(lambda: found.is_finished)
    at.run()
    caption = texts(at, "caption")
    assert "the characters that are trained on, because there are too few others" in caption
    (words,) = [one.value for one in at.main.code]
    assert "--dataset folder-28 --split classes" in words
    assert "Let PICTURES_DIR name the folder" in texts(at, "caption")


def test_another_visitor_sees_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    who = ["one"]
    monkeypatch.setattr(training_session, "session_id", lambda: who[0])
    at = open_page(TRAIN, **SHORT)
    found = started(at)
    until(lambda: found.is_finished)
    at.run()
    at.button(key="keep_training").click().run()
    assert at.session_state["own_learners"]
    who[0] = "two"
    other = open_page(TRAIN, **SHORT)
    assert button(other, "start_training")
    assert not button(other, "keep_training")
    assert not other.session_state["own_learners"]
    other.switch_page(ADAPT).run()
    assert not [one for one in other.pills(key="methods").options if one.startswith("Mine")]


def test_pause_resume_and_stop() -> None:
    at = open_page(TRAIN, **SHORT | {"train_updates": "10000"})
    found = started(at)
    assert not button(at, "start_training")
    until(lambda: found.progress)
    at.button(key="pause_training").click().run()
    until(lambda: found.state == "paused")
    assert at.run().button(key="pause_training").label == "Resume"
    at.button(key="pause_training").click().run()
    assert found.state == "running"
    at.button(key="stop_training").click().run()
    until(lambda: found.is_finished)
    at.run()
    assert found.state == "stopped"
    assert button(at, "start_training")
    assert not button(at, "stop_training")


def test_where_others_train_one_sees_ones_place_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    full = queue.TrainingQueue(max_running=0)
    monkeypatch.setattr(training_session, "training_queue", lambda: full)
    at = open_page(TRAIN, **SHORT)
    found = started(at)
    assert found.state == "waiting"
    assert "number 1 in the queue" in at.get("progress")[0].proto.text
    at.button(key="stop_training").click().run()
    assert found.state == "stopped"
    full.close()


def test_a_training_that_fails_says_why_and_another_can_be_started() -> None:
    at = open_page(TRAIN, **SHORT, train_seed="13")
    found = started(at)
    until(lambda: found.is_finished)
    at.run()
    assert "ended by itself (code 7)" in texts(at, "error")
    assert button(at, "start_training")
    assert not button(at, "keep_training")


def test_a_slow_network_is_said_to_be_slow_and_is_the_one_ordered() -> None:
    at = open_page(TRAIN, **SHORT, train_with="MLP")
    assert "four to five times as long" not in texts(at, "caption")
    at.segmented_control(key="train_with").set_value("ResNet").run()
    assert "four to five times as long" in texts(at, "caption")
    assert started(at).job.model["name"] == "resnet"


def test_choosing_a_method_brings_settings_that_work_for_it() -> None:
    at = open_page(TRAIN, **SHORT)
    for method in [name for name in controls.METHODS.values() if name != "maml"]:
        at.button(key=f"train_by_more_{method}").click().run()
        assert not at.exception
        alpha, _ = META_METHODS[method].suits
        assert at.session_state.train_by == STYLES[method].label
        assert at.session_state.train_alpha == alpha
        assert not at.error, "the settings fit the method"
        drawn = {one.key for one in at.number_input}
        solves = method in ("protonet", "r2d2")
        assert ("train_alpha" in drawn) == (not solves)
        assert ("train_steps" in drawn) == (not solves and method != "multi_task")
        assert ("train_lambda" in drawn) == (method == "imaml")
        for name in ("train_alpha", "train_steps", "train_lambda"):
            assert name in drawn or name not in at.query_params
    at.segmented_control(key="train_by").set_value("Reptile").run()
    at.number_input(key="train_steps").set_value(1).run()
    assert "Reptile needs at least 2" in texts(at, "error")
    assert at.button(key="start_training").disabled


def test_imamls_lambda_is_chosen_and_said() -> None:
    at = open_page(TRAIN, **SHORT, train_by="iMAML", train_lambda="0.5")
    assert not at.warning
    assert "Rajeswaran et al. 2019" in at.number_input(key="train_lambda").help
    found = started(at)
    assert found.job.config.proximal == 0.5
    until(lambda: found.is_finished)
    at.run()
    assert "λ = 0.5" in texts(at, "caption")
    (words,) = [one.value for one in at.main.code]
    assert "--proximal 0.5" in words


@pytest.mark.parametrize("method", [m for m in META_METHODS if META_METHODS[m].suits[1]])
def test_a_link_that_names_a_method_alone_opens_with_what_suits_it(method: str) -> None:
    at = open_page(TRAIN, what="Images", train_by=STYLES[method].short_label)
    alpha, steps = META_METHODS[method].suits
    assert at.number_input(key="train_alpha").value == alpha
    assert at.number_input(key="train_steps").value == steps
    typed = open_page(TRAIN, what="Images", train_by=STYLES[method].short_label, train_steps="4")
    assert typed.number_input(key="train_steps").value == 4


def test_bad_values_in_the_link_give_the_defaults_and_a_sentence_each() -> None:
    bad = {
        "train_by": "Magic",
        "train_on": "Omniglot",  # it is not here
        "train_n": "1",
        "train_updates": "0",
        "train_alpha": "-1",
        "train_beta": "nan",
        "replay_step": "6",
    }
    at = open_page(TRAIN, what="Images", **bad)
    for name, text in bad.items():
        assert f"{name} = '{text}'" in texts(at, "warning")
    assert at.session_state.train_alpha == TrainConfig().inner_lr
    assert not at.button(key="start_training").disabled


def foreign() -> bytes:
    return save({"weight": initial_params(Conv4(), 0)["head.bias"]}, {"format": "pt"})


def test_files_that_cannot_be_used_are_refused_by_their_name() -> None:
    at = open_page(TRAIN, **SHORT)
    for number, (content, sentence) in enumerate(
        [
            (b"no tensors", "is damaged or not a safetensors file"),
            (weights()[:-5], "is damaged or not a safetensors file"),
            (foreign(), "does not say its inner_lrs, method, model"),
            (weights(method="magic"), "says it was trained by 'magic'"),
            (weights(split=None), "does not say which characters"),
            (weights(rows=5), "has a head of 5 rows"),
        ]
    ):
        name = f"{number}.safetensors"
        at.file_uploader(key=f"own_file_{number}").upload(name, content).run()
        assert not at.exception
        assert f"{name} {sentence}" in texts(at, "info")
        assert texts(at, "info").count(".safetensors") == 1, (
            "what was said of the one before is gone"
        )
    assert not at.session_state["own_learners"]
    at.button(key="own_notices_read").click().run()
    assert not at.info


def test_files_are_loaded_up_to_as_many_as_have_a_colour() -> None:
    at = open_page(TRAIN, **SHORT)
    odd = {"updates": "many", "dataset": ["x"], "config": 3}  # nothing of it is relied upon
    for number in range(store.MAX_OWN + 1):
        content = weights(inner_lrs={"3": 0.1 + number}, **odd)
        at.file_uploader(key=f"own_file_{number}").upload(f"{number}.safetensors", content).run()
        assert not at.exception
    assert [STYLES[name].label for name in at.session_state["own_learners"]] == [
        f"Mine {number}: First-order MAML" for number in range(1, store.MAX_OWN + 1)
    ]
    assert "remove one of them, then keep 3.safetensors" in texts(at, "info")
    assert "other pictures, 3-way" in texts(at, "markdown")


@pytest.mark.usefixtures("glyphs_to_train_on")
@pytest.mark.parametrize(
    ("told", "offered"),
    [
        ({"dataset": "glyphs", "split": "alphabets", "start": "random"}, {"alphabets"}),
        ({"dataset": "glyphs", "split": "paper", "start": "random"}, {"paper"}),
        # It has seen none of the glyphs at all.
        ({"dataset": "omniglot", "split": "paper", "start": "x"}, {"alphabets", "paper"}),
        ({}, set()),
    ],
)
def test_a_learner_is_offered_where_the_test_characters_are_new_to_it(
    told: dict, offered: set, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {"dataset": "Glyphs"}
    monkeypatch.setattr(store.st, "session_state", state)
    glyphs = load("glyphs")  # in the place of Omniglot, too
    monkeypatch.setattr(cached, "characters", lambda name: replace(glyphs, name=name))
    cached._n_seen.clear()
    if told:
        store.keep(weights(**told), "mine.safetensors")

    def offered_at() -> set[str]:
        return {s for s in ("alphabets", "paper") if cached.unseen_own_learners(s)}

    assert offered_at() == offered
    state["dataset"] = "Omniglot"
    on_omniglot = offered_at()
    cached._n_seen.clear()
    seen = told.get("dataset") == "omniglot"
    assert on_omniglot == ({told["split"]} if seen else {"alphabets", "paper"} if told else set())


def test_who_has_left_is_known_by_the_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    class Runtime:
        def is_active_session(self, session: str) -> bool:
            return session == "open"

    monkeypatch.setattr(streamlit_internals.runtime, "exists", lambda: True)
    monkeypatch.setattr(streamlit_internals.runtime, "get_instance", Runtime)
    assert streamlit_internals.is_connected("open")
    assert not streamlit_internals.is_connected("closed")


def test_the_replay_adapts_from_every_recorded_point_to_the_episode() -> None:
    at = open_page(TRAIN, what="Replay", n_way="3", q_query="2", replay_step="2")
    assert not at.warning
    updates = list(recorded_params())
    by_step, over_time = chart(at, 0), chart(at, 1)
    names = [str(number) for number in range(len(updates))]
    for figure in (by_step, over_time):
        assert [frame["name"] for frame in figure["frames"]] == names
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(3, 1, 2), DEFAULTS["seed"])
    for place in (0, 7, len(updates) - 1):
        learner = learner_at_update(updates[place])
        (expected,) = compare({"maml": learner}, episode, 5)
        frame = by_step["frames"][place]["data"][0]
        np.testing.assert_allclose(unpacked(frame["y"]), 100 * expected.accuracy, atol=1e-4)
        for line, step in zip(over_time["data"], (0, 1, 5), strict=False):
            shown = unpacked(line["y"])[place]
            assert shown == pytest.approx(100 * expected.accuracy[step], abs=1e-4)
