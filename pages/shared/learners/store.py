"""Learners that a visitor trained or uploaded: theirs alone, on all pages, while the tab is open.

Each has a name that holds a digest of its weights (`style.own_name`), so that what the server
caches for it is never shown as another visitor's.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from maml_core.config import MAX_WAY, META_METHODS, SPLITS
from maml_core.data.storage.disk_cache import short_digest
from maml_core.figures.style import OWN_LOOKS, own_name, own_parts
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.learners.learner import Learner

MAX_OWN = len(OWN_LOOKS)


def learners() -> dict[str, Learner]:
    """Return this visitor's learners by name."""
    own: dict[str, Learner] = st.session_state.setdefault("own_learners", {})
    return own


def weights_file(name: str) -> bytes:
    """Return a learner's weights file."""
    content: bytes = st.session_state["own_files"][name]
    return content


def download_name(name: str) -> str:
    """Return the file name under which a learner's weights are downloaded."""
    number, method = own_parts(name)
    return f"mine-{number}-{method}.safetensors"


def name_in_script(method: str) -> str:
    """Return how an exported script names a method: a visitor's own learner by its file."""
    return download_name(method) if method in learners() else method


def keep(content: bytes, file: str) -> str:
    """Add the learner of a weights file, which may be a stranger's; return its name.

    The same file twice is one learner.

    Args:
        content: All of the file.
        file: What to call it in messages.

    Raises:
        CheckpointError: It cannot be used, or the visitor has as many learners as are allowed.
    """
    digest = short_digest(content)
    for name in learners():
        if name.endswith(digest):
            return name
    learner = checkpoints.from_bytes(content, file).learner()
    _check(learner, file)
    taken = {own_parts(name)[0] for name in learners()}
    free = [number for number in range(1, MAX_OWN + 1) if number not in taken]
    if not free:
        raise CheckpointError(
            f"You already have {MAX_OWN} learners of your own; remove one of them, then keep "
            f"{file}."
        )
    name = own_name(free[0], learner.method, digest)
    learners()[name] = replace(learner, method=name)
    st.session_state.setdefault("own_files", {})[name] = content
    return name


def _check(learner: Learner, file: str) -> None:
    """Check that the app can use a learner wherever it offers it.

    Raises:
        CheckpointError: It cannot.
    """
    if learner.method not in (*META_METHODS, "pretrained"):
        raise CheckpointError(
            f"{file} says it was trained by {learner.method!r:.40}, which is not one of this app's "
            "methods; choose another file."
        )
    if learner.provenance is None or learner.provenance.split not in SPLITS:
        raise CheckpointError(
            f"{file} does not say which characters it was trained on; choose a file that this app "
            "or `python -m maml_core train` wrote."
        )
    rows = len(learner.params["head.weight"])
    if 1 < rows < MAX_WAY:
        raise CheckpointError(
            f"{file} has a head of {rows} rows, but the app goes up to {MAX_WAY}-way; train it "
            f"with a head of 1 or of {MAX_WAY} rows."
        )


def remove(name: str) -> None:
    """Remove a learner."""
    learners().pop(name, None)
    st.session_state.get("own_files", {}).pop(name, None)
