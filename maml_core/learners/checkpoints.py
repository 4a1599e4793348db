"""Weights on disk: parameters in a safetensors file, and beside them how they came to be.

safetensors holds no code, so opening a stranger's file runs none.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as deserialise
from safetensors.torch import save as serialise
from torch import nn

from maml_core.config import AdaptConfig, SettingError, TrainConfig
from maml_core.data.storage.disk_cache import atomic_write
from maml_core.learners.adaptation import adapt_to_support
from maml_core.learners.learner import Learner, random_learner
from maml_core.learners.provenance import Provenance, current_names
from maml_core.methods.catalogue import BY_NAME, current_name, moving_of, weights_of
from maml_core.methods.maml_plus_plus import NORMALISATION
from maml_core.methods.r2d2 import FIRST as RIDGE
from maml_core.methods.registry import HEAD_SOLVERS
from maml_core.networks.functional import HEAD, logits
from maml_core.networks.meta_params import (
    LOG_LR_PREFIX,
    LR_PREFIX,
    STEP_PREFIX,
    learned_steps,
    multipliers_of,
    split_lr_multipliers,
    step_params_of,
)
from maml_core.networks.params import Params
from maml_core.networks.registry import make_model
from maml_core.paths import WEIGHTS

MAX_INPUT = 1_000_000  # numbers of a picture that a network reads
# What a network or a learner raises when a file names arguments for it that make no sense.
UNUSABLE = (AttributeError, KeyError, OverflowError, RuntimeError, TypeError, ValueError)


class CheckpointError(Exception):
    """A weights file that cannot be used; the message is a sentence that says why."""


class OtherSettingsError(CheckpointError, SettingError):
    """A file that is of other settings than those that are asked for."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a weights file holds.

    Attributes:
        params: θ, and what was learned beside it.
        metadata: JSON values, those of a `Provenance`.
    """

    params: Params
    metadata: Mapping[str, Any]

    @property
    def provenance(self) -> Provenance:
        """How the weights came to be, as far as the metadata make sense."""
        return Provenance.from_json(self.metadata)

    def learner(self) -> Learner:
        """Return the learner that these weights make, which adapts as its method does."""
        told = self.provenance
        params, learned = split_lr_multipliers(self.params)
        lr_multipliers = multipliers_of(moving_of(told.method), params, learned)
        solver_of = HEAD_SOLVERS.get(told.method)
        solve_head = solver_of(self.params) if solver_of else None
        proximal = 0.0
        if told.method in BY_NAME and BY_NAME[told.method].is_proximal:
            proximal = float(told.config.get("proximal", TrainConfig.proximal))
        return Learner(
            told.method,
            make_model(told.model),
            params,
            told.inner_lrs,
            lr_multipliers,
            told,
            solve_head,
            proximal,
            step_params_of(self.params),
        )


def save_weights(path: Path, checkpoint: Checkpoint) -> None:
    """Write a weights file in one move: an interrupted write leaves the old file whole."""
    write_file(path, checkpoint.params, checkpoint.metadata)


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """Return what `save_weights` writes."""
    return pack(checkpoint.params, checkpoint.metadata)


def load_weights(path: Path) -> Checkpoint:
    """Read a weights file.

    Raises:
        CheckpointError: There is none, it is damaged, or it is not one of this project's.
    """
    return from_bytes(_content(path), str(path))


def from_bytes(content: bytes, path: str) -> Checkpoint:
    """Read a weights file that is in memory; it may be a stranger's.

    Args:
        content: All of the file.
        path: What to call it in messages.

    Raises:
        CheckpointError: It is damaged, or it is not one of this project's.
    """
    tensors, metadata = unpack(content, path)
    missing = {"method", "model", "inner_lrs"} - metadata.keys()
    if missing:
        raise CheckpointError(
            f"{path} does not say its {', '.join(sorted(missing))}; "
            "choose a file that `python -m maml_core train` or `pretrain` wrote."
        )
    checkpoint = Checkpoint(tensors, metadata)
    try:
        with torch.device("meta"):  # without memory: it may name a network that has no end
            shapes = _shapes(make_model(metadata["model"]), tensors)
        fits = {name: value.shape for name, value in tensors.items()} == shapes
        if fits:
            checkpoint.learner()
    except UNUSABLE as error:
        raise CheckpointError(
            f"{path} names no usable network or step sizes ({str(error).rstrip('.')}); "
            "choose another file."
        ) from error
    if not fits:
        raise CheckpointError(
            f"{path} holds weights of another network than it names; choose another file."
        )
    if any(v.dtype != torch.float32 or not v.isfinite().all() for v in tensors.values()):
        raise CheckpointError(
            f"{path} holds weights that are not finite 32-bit numbers; choose another file."
        )
    try:
        _check_adapts(checkpoint.learner(), path)
    except UNUSABLE as error:
        raise CheckpointError(
            f"{path} names a network that cannot be run ({str(error)[:80].rstrip('.')}); "
            "choose another file."
        ) from error
    return checkpoint


def _check_adapts(learner: Learner, path: str) -> None:
    """Refuse weights with which one inner step on a few pictures gives no finite numbers."""
    shape: tuple[int, ...] = tuple(getattr(learner.model, "input_shape"))  # noqa: B009
    if math.prod(shape) > MAX_INPUT:
        raise CheckpointError(
            f"{path} names a network for pictures of {'×'.join(map(str, shape))}, more than "
            f"{MAX_INPUT:,} numbers; choose another file."
        )
    x = torch.rand(4, *shape, generator=torch.Generator().manual_seed(0))
    config = AdaptConfig(learner.inner_lr(2), inner_steps=1)
    params = adapt_to_support(learner, x, torch.arange(4) % 2, 2, config)[-1]
    largest = max(float(value.abs().max()) for value in learner.params.values())
    if not logits(learner.model, params, x).isfinite().all():
        raise CheckpointError(
            f"{path} holds weights, up to {largest:.3g}, with which nothing finite can be "
            "computed; choose another file."
        )


def _shapes(model: nn.Module, tensors: Params) -> dict[str, torch.Size]:
    """Return what the shapes of a file's tensors must be: only the head's rows may vary."""
    shapes = {name: value.shape for name, value in model.named_parameters()}
    rows = max(tensors.get("head.bias", torch.empty(1)).numel(), 1)
    shapes |= {name: torch.Size((rows, *shapes[name][1:])) for name in HEAD}
    steps = learned_steps(tensors)
    own = {name for name in shapes if name.endswith(NORMALISATION)} if steps else set()
    by_step = (steps,) if steps else ()
    beside = (
        {LOG_LR_PREFIX + name: torch.Size(by_step) for name in shapes.keys() - own}
        | {STEP_PREFIX + name: torch.Size((*by_step, *shapes[name])) for name in own},
        {LR_PREFIX + name: shape for name, shape in shapes.items()},
        dict.fromkeys(RIDGE, torch.Size()),
    )
    for group in beside:  # all of one, or none
        if group.keys() & tensors.keys():
            shapes |= group
    return shapes


def write_file(path: Path, tensors: Params, metadata: Mapping[str, Any]) -> None:
    # Not safetensors' `save_file`: what it writes is for nobody but the owner to read.
    with atomic_write(path) as file:
        file.write(pack(tensors, metadata))


def pack(tensors: Params, metadata: Mapping[str, Any]) -> bytes:
    """Return what `write_file` writes."""
    content: bytes = serialise(_whole(tensors), _told(metadata))
    return content


def _whole(tensors: Params) -> Params:
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def _told(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {"maml_core": json.dumps(metadata, indent=1)}


def read_file(path: Path, device: str = "cpu") -> tuple[Params, dict[str, Any]]:
    return unpack(_content(path), str(path), device)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise CheckpointError(f"There are no weights at {path}; train them or name another file.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error}); name another file.") from error


def unpack(content: bytes, path: str, device: str = "cpu") -> tuple[Params, dict[str, Any]]:
    try:
        # By name: `deserialise` hands them out in another order in every process, and processes
        # that average their gradients must agree on one.
        found = sorted(deserialise(content).items())
        tensors = {name: value.to(device) for name, value in found}
        # The first eight bytes say how long the header is, JSON; `deserialise` has checked both.
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        written = json.loads(header.get("__metadata__", {}).get("maml_core", "{}"))
        metadata = current_names(dict(written))
    except RecursionError as error:
        raise CheckpointError(
            f"{path} has metadata that are nested too deeply; choose another file."
        ) from error
    except (SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or not a safetensors file ({error}); choose another file."
        ) from error
    return tensors, metadata


def shipped(method: str, split: str = "alphabets", folder: Path = WEIGHTS) -> Learner:
    """Return the project's own learner of a method for a split; 'random' needs no file.

    Raises:
        CheckpointError: There is no such file, or it is damaged.
    """
    if method == "random":
        return random_learner()
    return load_weights(shipped_file(method, split, folder)).learner()


def is_shipped(method: str, split: str = "alphabets", folder: Path = WEIGHTS) -> bool:
    """Say whether the project has weights of a method that were trained on a split."""
    return shipped_file(method, split, folder).is_file()


def can_answer(method: str, split: str = "alphabets") -> bool:
    """Say whether the weights that a method answers with are shipped, or it needs none."""
    name = weights_of(method)
    return name in (None, "random") or is_shipped(name, split)


def shipped_fingerprint(method: str, split: str = "alphabets", folder: Path = WEIGHTS) -> str:
    """Return what tells a method's shipped weights from others of another training.

    It is the beginning of their file's SHA-256; "" where there is no file, as of 'random'.
    """
    path = shipped_file(method, split, folder)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


def shipped_file(method: str, split: str = "alphabets", folder: Path = WEIGHTS) -> Path:
    """Return where the project's own weights of a method for a split are, if there are any."""
    return folder / split / f"{current_name(method)}.safetensors"
