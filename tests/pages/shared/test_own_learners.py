"""A visitor's own learner in MAML's place, through Streamlit's own test runner."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from maml_core.config import EpisodeSpec, TrainConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episodes
from maml_core.figures.style import STYLES
from maml_core.landscape import loss_maps, plane_descent, planes
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import Checkpoint
from maml_core.learners.learner import Learner
from maml_core.networks.functional import initial_params
from maml_core.networks.registry import MODELS
from maml_core.teaching import play_round
from maml_core.teaching.anatomy import meta_update
from pages.landscape import grid_cache
from pages.shared.link_settings import DEFAULTS
from tests.support.opened_page import open_page, texts, told

SMALL = {"n_way": "2", "q_query": "1", "meta_tasks": "2"}
LANDSCAPE, INSIDE = "pages/landscape/page.py", "pages/inside/page.py"
WHOSE = "in_place_of_maml"


@pytest.fixture(autouse=True)
def coarse_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the maps have 3 × 3 points."""
    for module in (loss_maps, grid_cache):
        monkeypatch.setattr(module, "RESOLUTIONS", (3, 3))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What the maps' component was given, run by run; its JavaScript does not run here."""
    given: list[dict] = []
    monkeypatch.setattr(
        "pages.landscape.map_component._mount", lambda **arguments: given.append(arguments["data"])
    )
    return given


def weights(name: str = "conv4", rows: int = 1, **shape: int) -> bytes:
    """Return the file of a network that nothing was trained into."""
    model = MODELS[name](n_out=rows, **shape)
    told = {
        "method": "maml",
        "model": {"name": name, "n_out": rows, **shape},
        "inner_lrs": {"2": 0.05},
        "config": asdict(TrainConfig(n_ways=(2,), meta_steps=4)),
        "dataset": "glyphs",
        "split": "alphabets",
        "start": "random",
        "updates": 4,
    }
    return checkpoints.to_bytes(Checkpoint(initial_params(model, 5), told))


def open_with(content: bytes, path: str, **query: str) -> tuple[AppTest, Learner]:
    """Open a page after a file was loaded on Train and put in MAML's place."""
    at = open_page("pages/train/page.py", **SMALL | query)
    at.segmented_control(key="what").set_value("Images").run()
    at.file_uploader(key="own_file_0").upload("own.safetensors", content).run()
    at.switch_page(path).run()
    assert not at.exception
    (name,) = at.session_state["own_learners"]
    at.selectbox(key=WHOSE).set_value(STYLES[name].label).run()
    assert not at.exception
    return at, checkpoints.from_bytes(content, "own").learner()


def glyphs() -> TaskPool:
    data = registry.load("glyphs")
    return make_pool(data, split_classes(data, "alphabets", "test"))


def test_who_has_no_learner_is_not_asked(drawn: list[dict]) -> None:
    for path in ("pages/play/page.py", LANDSCAPE, INSIDE):
        at = open_page(path, **SMALL)
        assert WHOSE not in {one.key for one in at.selectbox}


def test_it_plays_and_when_it_is_dropped_maml_plays_again() -> None:
    at, learner = open_with(weights("lstm", hidden=8), "pages/play/page.py", seed="3")
    player = told(at)["players"][1]
    assert player["label"] == "Mine 1: MAML"
    asked = play_round.sample_questions(glyphs(), "5-way", 3)
    assert player["answers"] == play_round.answer_questions({"mine": learner}, asked)["mine"]
    (name,) = at.session_state["own_learners"]
    at.switch_page("pages/train/page.py").run()
    at.button(key=f"drop_{name}").click().run()
    at.switch_page("pages/play/page.py").run()
    assert not at.exception
    assert told(at)["players"][1]["label"] == "MAML"


def test_its_descent_is_drawn_and_the_recorded_training_is_not_its_own(drawn: list[dict]) -> None:
    at, learner = open_with(weights(), LANDSCAPE, plane="Both ends")
    assert at.select_slider(key="update").disabled
    learners = {"mine": learner, "pretrained": checkpoints.shipped("pretrained")}
    (episode,) = sample_episodes(glyphs(), EpisodeSpec(2, 1, 1), DEFAULTS["seed"], 1)
    descend = partial(
        plane_descent.descend, learner, episode, inner_lr=learner.inner_lr(2), inner_steps=10
    )

    def check(panel: dict, plane: planes.Plane) -> None:
        line = next(
            one
            for one in panel["figure"]["data"]
            if one.get("meta") == "path" and "markers" in one["mode"]
        )
        np.testing.assert_allclose(np.array(line["x"], float), descend(plane).x, atol=1e-5)

    (together,) = drawn[-1]["panels"]
    assert "meta-updates" not in json.dumps(together["figure"]["data"]), "the way is MAML's"
    check(together, plane_descent.build_planes("ends", learners, episode, 0)["together"])
    at.segmented_control(key="plane").set_value("Paths").run()
    panel = drawn[-1]["panels"][0]
    check(panel, plane_descent.build_planes("paths", learners, episode, 0)["mine"])
    assert panel["title"] == "Mine 1: MAML"
    assert "Mine 1: MAML α = 0.05" in texts(at, "caption")
    assert "One step takes “Mine 1: MAML”'s support loss from " in texts(at, "markdown")


OTHERS = pytest.mark.parametrize(
    "file", [weights("mlp"), weights("resnet", channels=4)], ids=["mlp", "resnet"]
)


@OTHERS
def test_networks_of_different_shapes_share_no_plane(file: bytes, drawn: list[dict]) -> None:
    at, _ = open_with(file, LANDSCAPE, plane="Both ends")
    assert "have different shapes, so no plane contains both" in texts(at, "info")
    at.segmented_control(key="plane").set_value("Random").run()
    assert not at.exception
    assert [one["title"] for one in drawn[-1]["panels"]] == ["Mine 1: MAML", "Pretrained"]


@OTHERS
def test_it_is_taken_apart(file: bytes) -> None:
    at, learner = open_with(file, INSIDE)
    assert at.select_slider(key="meta_theta").disabled
    config = TrainConfig(n_ways=(2,), q_query=1, inner_lr=0.05, meta_batch_size=2, augment=False)
    batch = sample_episodes(glyphs(), EpisodeSpec(2, 1, 1), DEFAULTS["seed"], 2)
    losses = [
        one.query_loss
        for one in meta_update.decompose_meta_update(
            learner.model, learner.params, list(batch), config
        )
    ]
    (cells,) = (
        one["cells"] for one in told(at)["rows"] if one["label"].startswith("Query loss at")
    )
    assert [float(cell) for cell in cells[:2]] == pytest.approx(losses, abs=6e-4)
    assert "where Mine 1: MAML now stands" in json.dumps(told(at), ensure_ascii=False)


def test_where_the_head_must_begin_at_zero_one_with_rows_of_its_own_is_not_offered(
    drawn: list[dict],
) -> None:
    at, _ = open_with(weights(rows=20, channels=4), "pages/play/page.py")
    for path in (LANDSCAPE, INSIDE):
        at.switch_page(path).run()
        assert not at.exception
        assert WHOSE not in {one.key for one in at.selectbox}
