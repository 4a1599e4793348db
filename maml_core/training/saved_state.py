"""The state of an unfinished training on disk, to resume from bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maml_core.data.character_set import CharacterSet
from maml_core.learners.checkpoints import (
    CheckpointError,
    pack,
    read_file,
    unpack,
    write_file,
)
from maml_core.methods.catalogue import current_name
from maml_core.networks.params import Params
from maml_core.optimisation.outer_loop import TrainState

# What Adam and what Muon remember of a parameter, as torch.optim names it.
FORMER_SETTINGS = {  # as older states name them in their `config`
    "learn_rates": "learn_inner_lr",
    "one_alphabet": "alternate_within_alphabet",
    "composed_per_class": "spliced_per_class",
    "close_ups": "ink_crops",
}
MOMENTS = ({"exp_avg", "exp_avg_sq"}, {"momentum_buffer"})


def fingerprint(data: CharacterSet) -> str:
    """Return a digest of all pictures as a network sees them and of the names of their classes.

    It is of what they are and not of where they lie: pictures that were moved keep it.
    """
    names = data.classes, data.evaluation_alphabets, data.validation_alphabets
    digest = hashlib.sha256(ascii(names).encode())
    for array in (data.starts, data.drawers, data.inputs):
        digest.update(f"{array.shape} {array.dtype.str}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def save_update(path: Path, update: TrainState, metadata: Mapping[str, Any]) -> None:
    """Write the state of an unfinished training, to resume from with `load_update`."""
    write_file(path, *_to_tensors(update, metadata))


def update_to_bytes(update: TrainState, metadata: Mapping[str, Any]) -> bytes:
    """Return what `save_update` writes."""
    return pack(*_to_tensors(update, metadata))


def _to_tensors(update: TrainState, metadata: Mapping[str, Any]) -> tuple[Params, dict[str, Any]]:
    tensors = {f"params/{name}": value for name, value in update.params.items()}
    for name, state in update.optimizer.items():
        tensors |= {f"{m}/{name}": value for m, value in state.items() if m != "step"}
    # A sum over all parameters, such as a gradient's norm, depends on their order in its last bit.
    return tensors, {**metadata, "step": update.step, "parameters": list(update.params)}


def load_update(path: Path, device: str = "cpu") -> tuple[TrainState, dict[str, Any]]:
    """Read the state of an unfinished training and its metadata, with today's names in it.

    Raises:
        CheckpointError: There is none, it is damaged, or it is not a saved state.
    """
    return _from_tensors(*read_file(path, device), str(path))


def update_from_bytes(content: bytes) -> tuple[TrainState, dict[str, Any]]:
    """Read what `update_to_bytes` returned.

    Raises:
        CheckpointError: It is not a saved state.
    """
    name = "the saved state"
    return _from_tensors(*unpack(content, name), name)


def _from_tensors(
    tensors: Params, metadata: dict[str, Any], path: str
) -> tuple[TrainState, dict[str, Any]]:
    groups: dict[str, Params] = {"params": {}}
    for key, value in tensors.items():
        prefix, _, name = key.partition("/")
        groups.setdefault(prefix, {})[name] = value
    params = groups.pop("params")
    order = metadata.pop("parameters", list(params))  # older states do not say it
    if sorted(order) == sorted(params):
        params = {name: params[name] for name in order}
    moments = {n: {m: group[n] for m, group in groups.items() if n in group} for n in params}
    stray = any(group.keys() - params.keys() for group in groups.values())
    known = all(one.keys() in MOMENTS for one in moments.values())
    if "step" not in metadata or not moments or not known or stray:
        raise CheckpointError(
            f"{path} is not the state of a training; train without --resume and with --overwrite."
        )
    if not all(value.isfinite().all() for value in tensors.values()):
        raise CheckpointError(
            f"{path} is the state of a training that diverged; train without --resume and with "
            "--overwrite."
        )
    step = int(metadata.pop("step"))
    optimizer = {n: {"step": torch.tensor(float(step)), **one} for n, one in moments.items()}
    return TrainState(step, params, None, optimizer), _with_current_names(metadata)


def _with_current_names(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a state's metadata with the names that methods and settings have today."""
    config = {FORMER_SETTINGS.get(n, n): v for n, v in metadata.get("config", {}).items()}
    current = {**metadata, "config": config}
    for record in (current, config):
        if "method" in record:
            record["method"] = current_name(record["method"])
    return current
