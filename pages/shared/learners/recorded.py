"""MAML's θ at the recorded points of its meta-training, as a learner to adapt."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from maml_core.learners.learner import Learner
from maml_core.networks.params import Params
from maml_core.paths import ASSETS
from maml_core.training import recording
from pages.shared import cached

RECORDING = ASSETS / "recordings" / "maml.safetensors"


@st.cache_resource(show_spinner=False)
def recorded_params() -> dict[int, Params]:
    """Return MAML's θ by meta-update; the last are the shipped weights themselves."""
    points, _ = recording.load_recording(RECORDING)
    return points | {max(points): cached.learner("maml").params}


def learner_at_update(update: int, method: str = "maml") -> Learner:
    """Return a learner; MAML with the θ of a recorded meta-update and its α of the end."""
    found = cached.learner(method)
    return replace(found, params=recorded_params()[update]) if method == "maml" else found
