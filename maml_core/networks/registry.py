"""Networks by name: which there are, their arguments, and the pictures they read."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from maml_core.config import check_choice
from maml_core.networks.conv4 import Conv4
from maml_core.networks.lstm import LSTM
from maml_core.networks.mlp import MLP
from maml_core.networks.resnet import ResNet

MODELS: dict[str, type[nn.Module]] = {"conv4": Conv4, "resnet": ResNet, "mlp": MLP, "lstm": LSTM}


def make_model(given: Mapping[str, Any]) -> nn.Module:
    """Return a network by its `name` among `MODELS` (Conv4 where it is left out) and arguments.

    Raises:
        ValueError: There is no such network, or an argument is out of its range or none it has.
    """
    arguments = model_arguments(given)
    return MODELS[arguments.pop("name")](**arguments)


def model_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a network's `name` and all of its arguments, those left out at their defaults.

    Raises:
        ValueError: There is no such network, or it has no such argument.
    """
    asked = dict(given)
    name = asked.pop("name", "conv4")
    check_choice("model", name, tuple(MODELS))
    known = inspect.signature(MODELS[name]).parameters
    odd = [one for one in asked if one not in known]
    if odd:
        raise ValueError(
            f"{MODELS[name].__name__} has no {', '.join(odd)}; leave that out or take another one."
        )
    return {"name": name} | {one: asked.get(one, known[one].default) for one in known}


def for_pictures(given: Mapping[str, Any], shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return a network's arguments for pictures of a shape; 1x28x28 need none.

    Args:
        given: Its other arguments.
        shape: Channels, height and width, these two alike.
    """
    defaults = {"in_channels": 1, "side": 28}
    wanted = {"in_channels": shape[0], "side": shape[1]}
    return {**given, **{n: value for n, value in wanted.items() if value != defaults[n]}}


def check_pictures(model: nn.Module, shape: tuple[int, int, int]) -> None:
    """Raise `ValueError` if a network cannot read pictures of a shape: channels, height, width."""
    expected = getattr(model, "input_shape", shape)
    if expected != shape:
        reads, given = ("×".join(map(str, one)) for one in (expected, shape))
        raise ValueError(
            f"These weights read pictures of {reads} (channels, height, width), but there are "
            f"pictures of {given}; choose other weights or another data set."
        )
