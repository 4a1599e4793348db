"""Forty characters and small weights for every command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maml_core import __main__ as command_line
from maml_core import checkpoints, driving, runs
from maml_core.checkpoints import Checkpoint
from maml_core.models import initial_params


@pytest.fixture(autouse=True)
def few_characters(make_characters, monkeypatch):
    """Forty characters in place of every data set: 27, 2 and 11 of them by 'paper'."""
    data = make_characters((10, 10, 10, 10), likeness=0.5)
    for module in (driving, command_line):
        monkeypatch.setattr(module, "load", lambda name: replace(data, name=name))
    monkeypatch.setattr(runs, "VALIDATION_EPISODES", 2)
    monkeypatch.setattr(runs, "INNER_LR_EPISODES", {2: 2})
    monkeypatch.setattr(runs, "INNER_LR_CANDIDATES", (0.01, 0.2))
    monkeypatch.setattr(runs, "INNER_LR_STEPS", 1)
    return data


@pytest.fixture
def weights(model, tmp_path):
    """A file of untrained weights with a rate of its own for each of two N."""
    path = tmp_path / "small.safetensors"
    metadata = {"method": "maml", "model": {"channels": 4}, "inner_lrs": {"3": 0.25, "12": 0.05}}
    checkpoints.save(path, Checkpoint(initial_params(model, 0), metadata))
    return path
