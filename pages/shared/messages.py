"""What the core refuses, in the words of the controls that a visitor sees."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from maml_core.config import SettingError
from pages.shared.link_settings import CONTROL_LABELS
from pages.shared.widgets import plain_text

# By the core's name for a setting. No page has a control for the split but Evaluate; elsewhere
# other characters are divided in another way.
_SIDEBAR = {
    "n_way": CONTROL_LABELS["n_way"],
    "k_shot": CONTROL_LABELS["k_shot"],
    "q_query": CONTROL_LABELS["q_query"],
    "within_alphabet": CONTROL_LABELS["within"],
    "part": CONTROL_LABELS["part"],
    "split": CONTROL_LABELS["dataset"],
    "seed": CONTROL_LABELS["seed"],
}


def message_of(error: Exception, controls: Mapping[str, str] | None = None) -> str:
    """Return the sentence of an error, with each setting called what its control is called.

    Args:
        error: What the core raised.
        controls: Labels of the page's own controls, by the core's name for the setting; the
            sidebar's are known.
    """
    if not isinstance(error, SettingError):
        return str(error)
    labels = {**_SIDEBAR, **(controls or {})}
    sentence = error.worded({name: f"“{label}”" for name, label in labels.items()})
    return sentence[0].upper() + sentence[1:]


def show_error(error: Exception, controls: Mapping[str, str] | None = None) -> None:
    """Say on the page what `message_of` returns."""
    show_error_text(message_of(error, controls))


def show_error_text(text: str) -> None:
    """Say in plain text what went wrong."""
    st.error(plain_text(text), icon=":material/error:")
