"""The state of an unfinished training on disk, to resume from bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from maml_core.learners.checkpoints import CheckpointError, read_file, write_file
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import TrainState

# What Adam and what Muon remember of a parameter, as torch.optim names it.
MOMENTS = ({"exp_avg", "exp_avg_sq"}, {"momentum_buffer"})


def save_update(path: Path, update: TrainState, metadata: Mapping[str, Any]) -> None:
    """Write the state of an unfinished training, to go on from with `load_update`."""
    tensors = {f"params/{name}": value for name, value in update.params.items()}
    for name, state in update.optimizer.items():
        tensors |= {f"{m}/{name}": value for m, value in state.items() if m != "step"}
    write_file(path, tensors, {**metadata, "step": update.step})


def load_update(path: Path, device: str = "cpu") -> tuple[TrainState, dict[str, Any]]:
    """Read the state of an unfinished training and its metadata.

    Raises:
        CheckpointError: There is none, it is damaged, or it is no state, as a weights file.
    """
    tensors, metadata = read_file(path, device)
    groups: dict[str, Params] = {"params": {}}
    for key, value in tensors.items():
        prefix, _, name = key.partition("/")
        groups.setdefault(prefix, {})[name] = value
    params = groups.pop("params")
    found = {n: {m: group[n] for m, group in groups.items() if n in group} for n in params}
    stray = any(group.keys() - params.keys() for group in groups.values())
    known = all(one.keys() in MOMENTS for one in found.values())
    if "step" not in metadata or not found or not known or stray:
        raise CheckpointError(f"{path} is not the state of a training; train without --resume.")
    step = int(metadata.pop("step"))
    optimizer = {n: {"step": torch.tensor(float(step)), **one} for n, one in found.items()}
    return TrainState(step, params, None, optimizer), metadata
