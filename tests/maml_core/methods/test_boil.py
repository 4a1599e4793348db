"""BOIL: the head that it begins with."""

from __future__ import annotations

import pytest
import torch

from maml_core.methods.boil import first_head
from maml_core.networks.functional import HEAD


def test_a_head_of_zeros_gives_way_to_pytorchs_default_rows():
    zeros = {HEAD[0]: torch.zeros(1, 64), HEAD[1]: torch.zeros(1)}
    head = first_head(zeros, 200, seed=0)
    largest = torch.nn.Linear(64, 200).weight.abs().max().item()
    assert head[HEAD[0]].shape == (200, 64)
    assert head[HEAD[0]].abs().max().item() == pytest.approx(largest, rel=0.01)
    assert head[HEAD[0]].mean().item() == pytest.approx(0, abs=0.01)
    assert not head[HEAD[1]].any()
    assert not torch.equal(head[HEAD[0]], first_head(zeros, 200, seed=1)[HEAD[0]])


def test_rows_that_were_learned_stay():
    learned = {HEAD[0]: torch.ones(3, 4), HEAD[1]: torch.ones(3)}
    assert first_head(learned, 20, seed=0) == learned
