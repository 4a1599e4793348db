"""Layer norms and how far adaptation moves them, against a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from maml_core.learners.learner import Learner, head_only
from maml_core.teaching.anatomy.layer_changes import layer_norms, relative_layer_changes


def test_a_layers_length_is_that_of_all_its_parameters():
    params = {
        "head.bias": torch.tensor([2.0]),
        "blocks.1.gain": torch.tensor([3.0, 0.0]),
        "blocks.1.conv.weight": torch.full((1, 1, 2, 2), 2.0),
        "blocks.0.shift": torch.zeros(2),
    }
    assert layer_norms(params) == {"Block 1": 0.0, "Block 2": 5.0, "Head": 2.0}


def test_layers_move_as_in_a_plain_loop_and_of_the_head_alone_nothing_else(
    model, theta, batch, plain, config
):
    learner = Learner("maml", model, theta, {3: config.inner_lr})
    found = relative_layer_changes({"maml": learner, "head": head_only(learner)}, batch[:2], 2)
    leaves = {n: v.clone().requires_grad_() for n, v in theta.items()}
    names = [n for n in theta if n.startswith("blocks.2.")]
    shares = []
    for episode in batch[:2]:
        points, _ = plain(leaves, episode, 2)
        moved = math.hypot(*(float((points[2][n] - points[0][n]).detach().norm()) for n in names))
        shares.append(moved / math.hypot(*(float(theta[n].norm()) for n in names)))
    assert found["maml"]["Block 3"] == pytest.approx(np.mean(shares))
    assert set(found["maml"]) == {f"Block {i}" for i in (1, 2, 3, 4)}
    assert set(found["head"].values()) == {0.0}
