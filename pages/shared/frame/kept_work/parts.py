"""A session's work as files, which another server reads, and another version of the app may."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maml_core.training.background.job import BackgroundTraining

ROUNDS = "rounds_played"
# In the session: what was begun on another server, until the page that it is of reads it.
KEPT_BOARD, KEPT_ROUNDS = "kept_board", "kept_rounds"
KEYS = (
    *("board_state", KEPT_BOARD, ROUNDS, KEPT_ROUNDS),
    *("own_learners", "own_files", "visitor_zip"),
)
_BOARD, _ROUNDS, _ZIP, _LEARNER = "board.json", "play.json", "zip.txt", ".learner.safetensors"


def parts_of(values: Mapping[str, Any], training: BackgroundTraining | None) -> dict[str, bytes]:
    """Return the files of what a session has made.

    Args:
        values: What it has under `KEYS`.
        training: Its training, if it has one.
    """
    parts = {f"{name}{_LEARNER}": file for name, file in values.get("own_files", {}).items()}
    if "board_state" in values:
        parts[_BOARD] = values["board_state"].to_json()
    elif KEPT_BOARD in values:
        parts[_BOARD] = values[KEPT_BOARD]
    if ROUNDS in values:  # JSON's objects have texts for keys
        parts[_ROUNDS] = json.dumps(list(values[ROUNDS].items())).encode()
    elif KEPT_ROUNDS in values:
        parts[_ROUNDS] = values[KEPT_ROUNDS]
    if "visitor_zip" in values:  # the zip itself is on the disk
        parts[_ZIP] = values["visitor_zip"].encode()
    return parts | (training.to_parts() if training else {})


def values_of(parts: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what is to stand in the session, of the files that `parts_of` gave.

    Raises:
        ValueError: A learner's file is damaged.
    """
    values: dict[str, Any] = {}
    if _BOARD in parts:
        values[KEPT_BOARD] = parts[_BOARD]
    if _ROUNDS in parts:
        values[KEPT_ROUNDS] = parts[_ROUNDS]
    if _ZIP in parts:
        values["visitor_zip"] = parts[_ZIP].decode()
    files = {
        name.removesuffix(_LEARNER): content
        for name, content in parts.items()
        if name.endswith(_LEARNER)
    }
    if files:
        from maml_core.learners import checkpoints  # Here: it loads torch.

        values["own_files"] = files
        try:
            values["own_learners"] = {
                name: replace(checkpoints.from_bytes(content, name).learner(), method=name)
                for name, content in files.items()
            }
        except checkpoints.CheckpointError as error:
            raise ValueError(str(error)) from error
    return values
