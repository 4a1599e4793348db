"""A visitor's own learners, kept from a training or uploaded: their list, and a way to pick one."""

from __future__ import annotations

import streamlit as st

from maml_core.figures.style import STYLES
from maml_core.learners.checkpoints import CheckpointError
from maml_core.learners.learner import Learner
from pages.shared import cached
from pages.shared.learners import store
from pages.shared.link_settings import DATASET_NAMES, dataset_labels
from pages.shared.streamlit_internals import UploadedFile
from pages.shared.widgets import MAX_MEGABYTES, show_until_dismissed


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1."""
    return f"{number:,} {noun}" + ("s" if number != 1 else "")


def keep(content: bytes, file: str) -> None:
    """Make a learner of a weights file, or say why not."""
    try:
        name = store.keep(content, file)
        notice = f"{STYLES[name].label} is now available on the other pages."
    except CheckpointError as error:
        notice = f"{error}"
    st.session_state.setdefault("own_notices", []).append(notice)


def own_learners() -> None:
    """Draw the visitor's own learners, and the upload of another."""
    st.subheader("Your learners", anchor=False)
    notices = st.session_state.setdefault("own_notices", [])
    show_until_dismissed(notices, "own_notices", ":material/info:", warns=False)
    if not store.learners():
        st.caption("None yet: keep the weights of a training, or load a file that you downloaded.")
    for name, learner in store.learners().items():
        with st.container(key=f"own_{name}", horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{STYLES[name].label}**  \n{_description(learner)}")
            st.download_button(
                "Download",
                store.weights_file(name),
                store.download_name(name),
                "application/octet-stream",
                key=f"download_{name}",
                icon=":material/download:",
                on_click="ignore",
            )
            st.button(
                "Remove",
                key=f"drop_{name}",
                icon=":material/delete:",
                on_click=store.remove,
                args=(name,),
            )
    uploads = st.session_state.setdefault("own_uploads", 0)
    key = f"own_file_{uploads}"
    # A new one after each file: it starts closed, so that it covers no notice.
    with st.popover("Load weights", icon=":material/folder_open:", key=f"load_weights_{uploads}"):
        st.file_uploader(
            "A .safetensors file from “Download” here or from `python -m maml_core train`",
            key=key,
            max_upload_size=MAX_MEGABYTES,
            on_change=lambda: _load(st.session_state[key]),
        )


def in_place_of_maml(*, descends: bool = False) -> str:
    """Let a visitor show a learner of their own in MAML's place; return the name to show.

    The choice is shared by all pages that ask. It is not drawn for visitors without learners.

    Args:
        descends: Offer only those that take inner steps from a head of zeros, as MAML does.
    """
    own = store.learners()
    offered = ["maml"] + [
        name
        for name in cached.unseen_own_learners(cached.SPLIT)
        if not descends or _descends_as_maml(own[name])
    ]
    if len(offered) == 1:
        return offered[0]
    names = {STYLES[name].label: name for name in offered}
    if st.session_state.get("in_place_of_maml") not in names:  # it was removed
        st.session_state.pop("in_place_of_maml", None)
    label = st.selectbox(
        "In place of MAML",
        list(names),
        key="in_place_of_maml",
        persist_state="session",
        width=240,
        help="Your own learners, which you keep on the Train page.",
    )
    return names[label]


def _descends_as_maml(learner: Learner) -> bool:
    return learner.solve_head is None and len(learner.params["head.weight"]) == 1


def _description(learner: Learner) -> str:
    """Describe a learner's training, as far as its file, perhaps a stranger's, makes sense."""
    provenance = learner.provenance
    if provenance is None:
        return "Nothing is known of its training"
    updates = provenance.updates
    length = "Unknown number of updates" if updates is None else count(updates, "update")
    ways = " and ".join(f"{n_way}-way" for n_way in sorted(learner.inner_lrs))
    names = DATASET_NAMES | {name: words for words, name in dataset_labels().items()}
    words = names.get(provenance.dataset or "", "other pictures")
    return f"{length} on {words}, {ways}, split “{provenance.split}”"


def _load(file: UploadedFile | None) -> None:
    if file is not None:
        st.session_state["own_uploads"] += 1  # the next uploader starts empty
        st.session_state["own_notices"].clear()  # what was said of the one before
        keep(file.getvalue(), file.name[-80:])
