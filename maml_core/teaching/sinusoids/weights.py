"""The networks for sinusoids as files: one a method, with the history of its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from maml_core.config import SinusoidConfig
from maml_core.paths import WEIGHTS
from maml_core.teaching.sinusoids.regressors import METHODS, Regressor
from maml_core.teaching.sinusoids.training import SinusoidCheckpoint, ValidationErrors
from maml_core.training.recording import load_recording, save_recording

SHIPPED_FOLDER = WEIGHTS / "sinusoid"
DECIMALS = 4  # of the errors in the history


def save_checkpoint(
    folder: Path, checkpoint: SinusoidCheckpoint, provenance: Mapping[str, Any]
) -> None:
    """Write the end of a training, one file a method; θ in float16."""
    for method, regressor in checkpoint.regressors.items():
        history = [
            (errors.step, [round(error, DECIMALS) for error in errors.by_method[method]])
            for errors in checkpoint.history
        ]
        metadata = {
            "method": method,
            "inner_lr": regressor.inner_lr,
            "config": asdict(checkpoint.config),
            "history": history,
            **provenance,
        }
        path = folder / f"{method}.safetensors"
        save_recording(path, {regressor.updates: regressor.params}, metadata)


def load_checkpoint(folder: Path = SHIPPED_FOLDER) -> SinusoidCheckpoint:
    """Read what `save_checkpoint` wrote.

    Raises:
        CheckpointError: A file is missing or damaged.
    """
    regressors, histories = {}, {}
    for method in METHODS:
        recorded, metadata = load_recording(folder / f"{method}.safetensors")
        ((updates, params),) = recorded.items()
        regressors[method] = Regressor(method, params, metadata["inner_lr"], updates)
        histories[method] = dict(metadata["history"])
    history = tuple(
        ValidationErrors(step, {method: tuple(histories[method][step]) for method in METHODS})
        for step in histories["maml"]
    )
    return SinusoidCheckpoint(SinusoidConfig(**metadata["config"]), regressors, history)
