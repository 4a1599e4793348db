"""Forty characters and small weights for every command."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from maml_core.cli import commands, evaluation
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import Checkpoint
from maml_core.networks.functional import initial_params
from maml_core.training import inner_lr_search, recipes, training_run


@pytest.fixture(autouse=True)
def few_characters(make_characters, monkeypatch):
    """Forty characters in place of every data set: 27, 2 and 11 of them by 'paper'."""
    data = make_characters((10, 10, 10, 10), likeness=0.5)
    for module in (training_run, evaluation):
        monkeypatch.setattr(module, "load", lambda name: replace(data, name=name))
    monkeypatch.setattr(recipes, "VALIDATION_EPISODES", 2)
    monkeypatch.setattr(inner_lr_search, "INNER_LR_EPISODES", {2: 2})
    monkeypatch.setattr(inner_lr_search, "INNER_LR_CANDIDATES", (0.01, 0.2))
    monkeypatch.setattr(inner_lr_search, "INNER_LR_STEPS", 1)
    return data


@pytest.fixture(autouse=True)
def no_processes(monkeypatch):
    """Start none for commands that are long by default and end at once here."""
    monkeypatch.setattr(commands, "MANY_UPDATES", math.inf)
    monkeypatch.setattr(evaluation, "MANY_PICTURES", math.inf)


@pytest.fixture
def weights(model, tmp_path):
    """A file of untrained weights with a rate of its own for each of two N."""
    path = tmp_path / "small.safetensors"
    metadata = {"method": "maml", "model": {"channels": 4}, "inner_lrs": {"3": 0.25, "12": 0.05}}
    checkpoints.save_weights(path, Checkpoint(initial_params(model, 0), metadata))
    return path
