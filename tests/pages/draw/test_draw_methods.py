"""Who answers on the Draw page: the list of methods, its link, and what each says of a query."""

from __future__ import annotations

import numpy as np
import torch
from streamlit.testing.v1 import AppTest

from maml_core.images.handwriting import to_character
from maml_core.images.tensors import character_to_tensor
from maml_core.learners import checkpoints
from maml_core.networks.functional import features
from tests.pages.draw.test_draw import (
    ANOTHER_C,
    LINES,
    component,
    drawn_board,
    edit,
    open_page,
    say,
)
from tests.support.opened_page import texts

FIRST = ["MAML", "Pretrained", "Random initialisation"]


def asked(**query: str | list[str]) -> AppTest:
    """Open the page, draw a 3-way board and the query."""
    return say(drawn_board(open_page(n_way="3", **query)), "query_pad", query=edit(ANOTHER_C))


def labels(at: AppTest) -> list[str]:
    return [one["label"] for one in component(at, "maml_probability_bars")["methods"]]


def test_maml_and_pretrained_answer_first_and_any_other_method_can() -> None:
    at = open_page(n_way="3")
    assert labels(at) == FIRST[:2]
    assert at.pills(key="draw_methods").options == FIRST
    at.checkbox(key="draw_methods_more_boil").check().run()
    assert not at.exception
    assert labels(at) == [*FIRST[:2], "BOIL"]
    at.pills(key="draw_methods").set_value([]).run()
    assert component(at, "maml_probability_bars")["verdict"] == "Choose at least one method."
    assert labels(at) == []


def test_a_link_names_who_answers() -> None:
    at = asked(draw_methods=["Reptile", "Ridge regression (R2D2)"], draw_steps="2")
    assert not at.warning
    assert labels(at) == ["Reptile", "R2D2"]
    assert at.query_params["draw_methods"] == ["Reptile", "R2D2"]


def test_protonet_answers_at_once_by_the_distance_to_the_boards_characters() -> None:
    at = asked(draw_methods=["ProtoNet", "R2D2"])
    told = component(at, "maml_probability_bars")
    learner = checkpoints.shipped("protonet")
    board = torch.stack([character_to_tensor(to_character(lines)) for lines in LINES.values()])
    query = character_to_tensor(to_character(ANOTHER_C))[None]
    with torch.no_grad():
        means, point = features(learner.model, learner.params, board, query, transductive=False)
    expected = (-torch.cdist(point, means).square()[0].double()).softmax(0)
    (shares,) = told["methods"][0]["probabilities"]
    np.testing.assert_allclose(shares, expected, atol=1e-4)
    assert told["methods"][0]["words"] == "ProtoNet: no inner step"
    assert told["steps"] == 0
    assert at.slider(key="draw_steps").disabled
    at.pills(key="draw_methods").set_value(["MAML", "ProtoNet"]).run()
    told = component(at, "maml_probability_bars")
    assert told["steps"] == at.slider(key="draw_steps").value == 5
    np.testing.assert_allclose(told["methods"][1]["probabilities"], [shares] * 6, atol=1e-4)


def test_as_many_answer_as_a_phone_has_room_for_and_the_others_are_named() -> None:
    chosen = ["MAML", "Pretrained", "ANIL", "Reptile", "BOIL", "ProtoNet", "R2D2"]
    at = asked(draw_methods=chosen)
    assert labels(at) == chosen[:5]
    assert (
        "Five answer at a time: for each one left out the next of these does, ProtoNet and R2D2."
        in texts(at, "caption")
    )
    at.pills(key="draw_methods").set_value(chosen[2:]).run()
    assert labels(at) == chosen[2:]
    assert "left out" not in texts(at, "caption")
