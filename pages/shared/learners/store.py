"""Learners that a visitor trained or brought: theirs alone, on all pages, while the tab is open.

Each has a name that holds a digest of its weights (`style.own_name`), so what the server keeps of
it in its caches never passes for another visitor's.
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
from pages.shared.settings import dataset_words

MAX_OWN = len(OWN_LOOKS)


def learners() -> dict[str, Learner]:
    """Return this visitor's learners by name."""
    found: dict[str, Learner] = st.session_state.setdefault("own_learners", {})
    return found


def names(split: str) -> tuple[str, ...]:
    """Return those that have seen no test characters of the sidebar's data set at a split."""
    dataset = dataset_words().get(st.session_state.get("dataset", ""))
    return tuple(
        name
        for name, found in learners().items()
        if all(seen[1] == split for seen in _trained_on(found) if seen[0] == dataset)
    )


def _trained_on(found: Learner) -> set[tuple[object, object]]:
    """Return the data sets and the splits whose training parts a learner has seen."""
    told = found.provenance
    seen = {(str(told.get("dataset")), told["split"])}
    if told.get("start") != "random":  # but from Omniglot's pretrained weights
        seen.add(("omniglot", "paper" if told["split"] == "paper" else "alphabets"))
    return seen


def file_of(name: str) -> bytes:
    """Return a learner's weights file."""
    found: bytes = st.session_state["own_files"][name]
    return found


def file_name(name: str) -> str:
    """Return what a learner's weights file is called when it is downloaded."""
    number, method = own_parts(name)
    return f"mine-{number}-{method}.safetensors"


def in_script(method: str) -> str:
    """Return what a method is called in a script that is taken away: one's own by its file."""
    return file_name(method) if method in learners() else method


def keep(content: bytes, file: str) -> str:
    """Add the learner of a weights file, which may be a stranger's; return its name.

    The same file twice is one learner.

    Args:
        content: All of the file.
        file: What to call it in messages.

    Raises:
        CheckpointError: It cannot be used, or there are as many as can be.
    """
    digest = short_digest(content)
    for name in learners():
        if name.endswith(digest):
            return name
    found = checkpoints.from_bytes(content, file).learner()
    _check(found, file)
    taken = {own_parts(name)[0] for name in learners()}
    free = [number for number in range(1, MAX_OWN + 1) if number not in taken]
    if not free:
        raise CheckpointError(
            f"You have {MAX_OWN} learners of your own already; drop one of them, then keep {file}."
        )
    name = own_name(free[0], found.method, digest)
    learners()[name] = replace(found, method=name)
    st.session_state.setdefault("own_files", {})[name] = content
    return name


def _check(found: Learner, file: str) -> None:
    """Check that the app can use a learner wherever it offers it.

    Raises:
        CheckpointError: It cannot.
    """
    if found.method not in (*META_METHODS, "pretrained"):
        raise CheckpointError(
            f"{file} says it was trained by {found.method!r:.40}, which is none "
            "of this app's methods; choose another file."
        )
    if found.provenance.get("split") not in SPLITS:
        raise CheckpointError(
            f"{file} does not say which characters it was trained on; choose a file that this app "
            "or `python -m maml_core train` wrote."
        )
    rows = len(found.params["head.weight"])
    if 1 < rows < MAX_WAY:
        raise CheckpointError(
            f"{file} has a head of {rows} rows, but the app goes up to {MAX_WAY}-way; train it "
            f"with a head of 1 or of {MAX_WAY} rows."
        )


def drop(name: str) -> None:
    """Forget a learner."""
    learners().pop(name, None)
    st.session_state.get("own_files", {}).pop(name, None)
