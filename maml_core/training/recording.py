"""θ at several updates of one training, to replay how it was learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maml_core.learners.checkpoints import CheckpointError, read_file, write_file
from maml_core.networks.meta_params import theta_of
from maml_core.networks.params import Params


def save_recording(path: Path, points: Mapping[int, Params], metadata: Mapping[str, Any]) -> None:
    """Write θ at several updates of one training, in float16: half of the space."""
    tensors = {
        f"{step}/{name}": value.half()
        for step, params in points.items()
        for name, value in theta_of(params).items()
    }
    write_file(path, tensors, metadata)


def load_recording(path: Path) -> tuple[dict[int, Params], dict[str, Any]]:
    """Read θ at several updates of one training, by update in ascending order, and its metadata.

    Raises:
        CheckpointError: There is none, it is damaged, or it is not a recording.
    """
    tensors, metadata = read_file(path)
    points: dict[int, Params] = {}
    for key, value in tensors.items():
        step, slash, name = key.partition("/")
        if not (slash and step.isdigit()):
            raise CheckpointError(
                f"{path} is not a recording; choose a file that `train --record` wrote."
            )
        points.setdefault(int(step), {})[name] = value.float()
    return dict(sorted(points.items())), metadata
