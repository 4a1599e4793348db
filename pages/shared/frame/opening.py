"""What a session opens on where its address leaves that open.

An address that says nothing of what is shown opens on an episode, and a round of Play, that are
typical of the mean, see `maml_core.teaching.openings`. One that says anything leaves the rest at
the defaults, as it always did. Either way the address says the seed from then on, so that a link
that is copied from it never means the opening of another version.
"""

from __future__ import annotations

import json
import time
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
from pages.shared.streamlit_internals import (
    browser_parameters,
    is_history_navigation,
    rewrite_link,
)

# Parameters that say nothing of an episode.
NEUTRAL = frozenset({"projector", "lesson", "teacher"})
OPENING_SHAPE = PRESETS["Harder"]
# In all of Play's modes the networks differ little once they have taken five steps.
PLAY_OPENING = {"mode": "20-way", "machine_steps": "1 step"}
# The same script twice would run once: it holds when it was sent.
_PUT_INTO_ADDRESS = """
<script>/* {sent} */
{{
  const query = new URLSearchParams(location.search);
  for (const [name, text] of Object.entries({texts})) query.set(name, text);
  history.replaceState(history.state, "", `?${{query}}`);
}}
</script>
"""


def complete_link(page: str, dataset: str) -> None:
    """Fill in what the address leaves open, once a session, before any control reads it.

    And have the browser's address say what the controls say. Streamlit sees to that, except for
    what was filled in here, and except after a click in the navigation before a page's controls
    are there: it takes them for gone.

    Args:
        page: The name of the one that the address leads to.
        dataset: What the characters are called that are used where the address names none.
    """
    state = st.session_state
    is_first_run = "opened" not in state
    if is_first_run or is_history_navigation():
        state["opened"] = True
        state["filled_in"] = _fill_in(page, dataset, is_first_run)
    state["address_speaks"] = PAGES_BY_NAME[page].shows_episode or state.get("address_speaks")
    if state["address_speaks"] and (unsaid := _unsaid_texts(dataset)):
        rewrite_link({key: [text] for key, text in unsaid.items()})  # or controls forget theirs
        script = _PUT_INTO_ADDRESS.format(sent=time.monotonic_ns(), texts=json.dumps(unsaid))
        st.html(script, unsafe_allow_javascript=True)


def _fill_in(page: str, dataset: str, is_first_run: bool) -> set[str]:
    """Set what the address leaves open; return the parameters that it is to name now."""
    st.session_state.setdefault("seed", DEFAULTS["seed"])  # for a link with one that cannot be used
    named = set(st.query_params) - NEUTRAL
    if not named:
        missing = opening_values(dataset)
    elif "seed" not in named:
        missing = {"seed": DEFAULTS["seed"]}
    else:
        return set()
    controls = LINK.keys() | (PLAY_OPENING.keys() if page == "play" else set())
    if is_first_run:  # controls of other pages find theirs when they are first drawn
        st.session_state.update({key: missing[key] for key in missing.keys() - controls})
    texts = {key: str(missing[key]) for key in missing.keys() & controls}
    rewrite_link({key: [text] for key, text in texts.items()})
    return set(texts)


def _unsaid_texts(dataset: str) -> dict[str, str]:
    """Return what the browser's address does not say yet, by parameter.

    A run that follows at once may take a script away before the browser has come to it: it is
    sent until the address says it.
    """
    state, said = st.session_state, browser_parameters()
    if "seed" in said:
        state["filled_in"] = set()
    expected = set(state["filled_in"])
    if not is_history_navigation():  # then the address is right, and the controls follow it
        defaults = DEFAULTS | {"dataset": dataset}
        expected |= {key for key in LINK if state.get(key, defaults[key]) != defaults[key]}
    values = {key: st.query_params.get(key, state.get(key)) for key in expected - said}
    return {key: _as_in_link(value) for key, value in values.items() if value is not None}


def _as_in_link(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
