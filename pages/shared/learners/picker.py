"""The list of a visitor's own learners: kept from a training, or brought in a file."""

from __future__ import annotations

import streamlit as st

from maml_core.figures.style import STYLES
from maml_core.learners.checkpoints import CheckpointError
from maml_core.learners.learner import Learner
from pages.shared import cached
from pages.shared.learners import store
from pages.shared.settings import dataset_words
from pages.shared.widgets import show_until_read


def many(number: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{number:,} {what}" + ("s" if number != 1 else "")


def keep(content: bytes, file: str) -> None:
    """Make a learner of a weights file, or say why not."""
    try:
        name = store.keep(content, file)
        said = f"{STYLES[name].label} now stands on all pages that ask for a learner."
    except CheckpointError as error:
        said = f"{error}"
    st.session_state.setdefault("own_notices", []).append(said)


def own_learners() -> None:
    """Draw the visitor's own learners, and the way to bring one."""
    st.subheader("Your learners", anchor=False)
    notices = st.session_state.setdefault("own_notices", [])
    show_until_read(notices, "own_notices", ":material/info:", warns=False)
    if not store.learners():
        st.caption("None yet: keep what a training made, or load a file that you downloaded.")
    for name, learner in store.learners().items():
        with st.container(key=f"own_{name}", horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{STYLES[name].label}**  \n{_made_how(learner)}")
            st.download_button(
                "Download",
                store.file_of(name),
                store.file_name(name),
                "application/octet-stream",
                key=f"download_{name}",
                icon=":material/download:",
                on_click="ignore",
            )
            st.button(
                "Drop",
                key=f"drop_{name}",
                icon=":material/delete:",
                on_click=store.drop,
                args=(name,),
            )
    brought = st.session_state.setdefault("own_uploads", 0)
    key = f"own_file_{brought}"
    # Another one after each file: it begins closed, above nothing that is to be read.
    with st.popover("Load weights", icon=":material/folder_open:", key=f"load_weights_{brought}"):
        st.file_uploader(
            "A .safetensors file that “Download” here or `python -m maml_core train` wrote",
            key=key,
            on_change=lambda: _load(st.session_state[key]),
        )


def in_place_of_maml(*, zero_head: bool = False) -> str:
    """Let a visitor with learners of their own put one in MAML's place; return whose name counts.

    It is the same on all pages that ask. Whoever has none sees nothing.

    Args:
        zero_head: Offer those alone whose head begins at zero, as MAML's does.
    """
    mine = store.learners()
    offered = ["maml"] + [
        name
        for name in store.names(cached.SPLIT)
        if not zero_head or len(mine[name].params["head.weight"]) == 1
    ]
    if len(offered) == 1:
        return offered[0]
    names = {STYLES[name].label: name for name in offered}
    if st.session_state.get("in_place_of_maml") not in names:  # it was dropped
        st.session_state.pop("in_place_of_maml", None)
    label = st.selectbox(
        "In MAML’s place",
        list(names),
        key="in_place_of_maml",
        persist_state="session",
        width=240,
        help="Your learners: kept on Train, from a training or a file.",
    )
    return names[label]


def _made_how(learner: Learner) -> str:
    """Say how a learner came to be, as far as its file, perhaps a stranger's, makes sense."""
    told = learner.provenance
    updates = told.get("updates")
    said = many(updates, "update") if isinstance(updates, int) else "Nobody knows how many updates"
    ways = " and ".join(f"{n_way}-way" for n_way in sorted(learner.inner_lrs))
    known = (words for words, name in dataset_words().items() if name == told.get("dataset"))
    return f"{said} on {next(known, 'other pictures')}, {ways}, split “{told['split']}”"


def _load(file: object) -> None:
    if file is not None:
        st.session_state["own_uploads"] += 1  # the uploader begins empty the next time
        keep(file.getvalue(), file.name[-80:])
