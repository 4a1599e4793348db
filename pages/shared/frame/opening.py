"""What a session opens on where its address leaves that open.

An address that says nothing of what is shown opens on an episode, and a round of Play, that are
typical of the mean, see `maml_core.teaching.openings`. One that says anything leaves the rest at
the defaults, as it always did. Either way the address says the seed from then on, so that a link
that is copied from it never means the opening of another version.
"""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from maml_core.teaching.openings import load_openings
from pages.shared.frame.navigation import PAGES_BY_NAME
from pages.shared.link_settings import (
    DATASET_LABELS,
    DEFAULTS,
    LINK,
    PRESETS,
    shape_values,
)
from pages.shared.streamlit_internals import is_history_navigation, rewrite_link

# Parameters that say nothing of an episode.
NEUTRAL = frozenset({"projector", "lesson", "teacher"})
OPENING_SHAPE = PRESETS["Harder"]
# In all of Play's modes the networks differ little once they have taken five steps.
PLAY_OPENING = {"mode": "20-way", "machine_steps": "1 step"}
_PUT_INTO_ADDRESS = """
<script>
{
  const query = new URLSearchParams(location.search);
  for (const [name, text] of Object.entries(%s)) query.set(name, text);
  history.replaceState(history.state, "", `?${query}`);
}
</script>
"""


def complete_link(page: str, dataset: str) -> None:
    """Fill in what the address leaves open, once a session, before any control reads it.

    Args:
        page: The name of the one that the address leads to.
        dataset: What the characters are called that are used where the address names none.
    """
    is_first_run = "opened" not in st.session_state
    if not (is_first_run or is_history_navigation()):
        return
    st.session_state["opened"] = True
    st.session_state.setdefault("seed", DEFAULTS["seed"])  # for a link with one that cannot be used
    named = set(st.query_params) - NEUTRAL
    if not named:
        missing = opening_values(dataset)
    elif "seed" not in named:
        missing = {"seed": DEFAULTS["seed"]}
    else:
        return
    controls = LINK.keys() | (PLAY_OPENING.keys() if page == "play" else set())
    if is_first_run:  # controls of other pages find theirs when they are first drawn
        st.session_state.update({key: missing[key] for key in missing.keys() - controls})
    texts = {key: str(missing[key]) for key in missing.keys() & controls}
    rewrite_link({key: [text] for key, text in texts.items()})
    if PAGES_BY_NAME[page].shows_episode:
        st.html(_PUT_INTO_ADDRESS % json.dumps(texts), unsafe_allow_javascript=True)


def opening_values(dataset: str) -> dict[str, Any]:
    """Return what the controls say at the opening, by their keys, where it is not the default.

    Args:
        dataset: What the characters are called.
    """
    opening = load_openings().get(DATASET_LABELS.get(dataset, ""))
    if opening is None:
        return {"seed": DEFAULTS["seed"]}
    values = {"dataset": dataset, **shape_values(OPENING_SHAPE)}
    changed = {key: value for key, value in values.items() if value != DEFAULTS[key]}
    return {**changed, "seed": opening.seed, **PLAY_OPENING}
