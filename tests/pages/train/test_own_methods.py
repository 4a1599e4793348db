"""A visitor's own learner of every method, kept on Train, on the pages that offer it."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from streamlit.testing.v1 import AppTest

from maml_core.config import META_METHODS, TrainConfig
from maml_core.figures.style import STYLES
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import Checkpoint
from maml_core.methods.registry import FIRST_META_PARAMS
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from pages.shared.learners import picker
from tests.support.opened_page import chart, components, numbers, open_page, texts, told
from tests.support.quick_and_slow import slow_but

SMALL = {"n_way": "2", "q_query": "1"}
FURTHER = ["imaml", "boil", "meta_sgd", "maml_plus_plus", "protonet", "r2d2"]
NO_STEP = ["protonet", "r2d2"]


def weights(method: str) -> bytes:
    """Return the file of a training of no update."""
    steps = META_METHODS[method].inner_steps[0]
    config = TrainConfig(method=method, n_ways=(2,), meta_steps=4, inner_steps=steps)
    params = initial_params(Conv4(channels=4), 5)
    first = FIRST_META_PARAMS.get(method, lambda *_: {})(params, config)
    told_of = {
        "method": method,
        "model": {"name": "conv4", "n_out": 1, "channels": 4},
        "inner_lrs": {"2": 0.05},
        "config": asdict(config),
        "dataset": "glyphs",
        "split": "alphabets",
        "start": "random",
        "updates": 4,
    }
    return checkpoints.to_bytes(Checkpoint({**params, **first}, told_of))


def kept(method: str) -> tuple[AppTest, str]:
    """Open Train and load such a file; return the page and the learner's label."""
    at = open_page("pages/train/page.py", **SMALL)
    at.segmented_control(key="what").set_value("Images").run()
    at.file_uploader(key="own_file_0").upload("own.safetensors", weights(method)).run()
    assert not at.exception
    label = f"Mine 1: {STYLES[method].label}"
    assert label in texts(at, "markdown")
    return at, label


@pytest.mark.parametrize("method", FURTHER)
def test_it_adapts_is_drawn_for_and_can_be_evaluated(method: str) -> None:
    at, label = kept(method)
    at.switch_page("pages/adapt/page.py").run()
    at.pills(key="methods").set_value(["MAML", label]).run()
    assert not at.exception
    level = len(set(numbers(chart(at, 0), label))) == 1
    words = f"{label}: no inner step" if method in NO_STEP else f"{label} α = 0.05"
    assert words in texts(at, "caption")
    assert level or method not in NO_STEP
    at.switch_page("pages/draw/page.py").run()
    assert not at.exception
    assert label in at.pills(key="draw_methods").options
    at.button(key="fill_board").click().run()
    assert not at.exception
    at.pills(key="draw_methods").set_value([label]).run()
    assert not at.exception
    assert [one["label"] for told in components(at) for one in told.get("methods", [])] == [label]
    assert f"“{label}” has adapted to the board" in str(components(at))
    at.switch_page("pages/evaluate/page.py").run()
    assert label in at.pills(key="who").options
    at.pills(key="who").set_value([label]).run()
    assert not at.exception


@pytest.mark.parametrize("method", slow_but(FURTHER, ["imaml", "protonet"]))
def test_in_mamls_place_stands_only_what_descends_from_a_head_of_zeros(method: str) -> None:
    at, label = kept(method)
    for name in ("landscape", "inside"):
        at.switch_page(f"pages/{name}/page.py").run()
        assert not at.exception
        offered = [o for box in at.selectbox if box.key == "in_place_of_maml" for o in box.options]
        assert (label in offered) == (method in ("imaml", "meta_sgd", "maml_plus_plus"))
    at.switch_page("pages/play/page.py").run()
    at.selectbox(key="in_place_of_maml").set_value(label).run()
    assert not at.exception
    assert told(at)["players"][1]["label"] == label
    words = f"{label}: no inner step" if method in NO_STEP else f"{label} α = 0.05"
    assert words in texts(at, "caption")


@pytest.mark.parametrize(
    "method", slow_but(["imaml", "meta_sgd", "maml_plus_plus"], ["maml_plus_plus"])
)
def test_its_descent_and_its_layers_are_drawn(method: str) -> None:
    at, label = kept(method)
    for name in ("landscape", "inside"):
        at.switch_page(f"pages/{name}/page.py").run()
        at.selectbox(key="in_place_of_maml").set_value(label).run()
        assert not at.exception
        assert not at.error
        assert label in texts(at, "caption") + texts(at, "markdown")


def test_a_boil_that_is_trained_at_few_ways_serves_at_all_of_the_apps() -> None:
    learner = checkpoints.from_bytes(weights("boil"), "own").learner()
    assert len(learner.params["head.weight"]) == 20
    assert learner.params["head.weight"].any()
    assert not picker._descends_as_maml(learner)
