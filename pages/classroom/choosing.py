"""Which of several things that the class handed in is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def choose_newest(label: str, options: Sequence[T], key: str, words: Callable[[T], str]) -> T:
    """Draw a choice of one, which goes to the last whenever that is another one than before.

    Args:
        label: What is chosen.
        options: From which, the newest at the end; at least one.
        key: Of the control.
        words: Returns what an option is called.
    """
    state, newest = st.session_state, options[-1]
    if state.get(f"{key}_newest") != newest or state.get(key) not in options:
        state[f"{key}_newest"] = state[key] = newest
    chosen: T = st.selectbox(
        label, options, format_func=words, key=key, label_visibility="collapsed"
    )
    return chosen
