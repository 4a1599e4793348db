"""The toy world on the client: θ is dragged, and curves, results and methods follow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import streamlit as st

from maml_core.config import AdaptConfig
from maml_core.figures.style import STYLES
from maml_core.teaching import quadratic_tasks
from maml_core.teaching.quadratic_tasks import WEIGHTS
from pages.shared.component import component
from pages.shared.settings import Check

PERSON = "person"
META_UPDATES = 500  # after so many all have arrived, unless α overshoots in some direction
REACH = 4.0  # θ is dragged from −4 to 4 in each parameter
START = (-3.0, 0.5)
# Plotly's names of the methods' dashes as SVG writes them, for lines with round ends.
DASHES = {"solid": "none", "dashdot": "9 7 1 7", "longdashdot": "16 7 1 7", "2px 5px": "0.1 6"}
_mount = component("toy_world", "element")


@dataclass(frozen=True)
class Asked:
    """What the page's own controls say.

    Attributes:
        layout: One of `quadratic_tasks.LAYOUTS`.
        n_tasks: 2 or 4.
        n_params: 1 or 2.
        config: α and the inner steps.
    """

    layout: str
    n_tasks: int
    n_params: int
    config: AdaptConfig

    @property
    def world(self) -> quadratic_tasks.World:
        """The tasks."""
        return quadratic_tasks.world(self.layout, self.n_tasks, self.n_params)


def theta_of(text: str) -> tuple[float, ...] | None:
    """Read θ from the URL, one or two numbers; None: it is none."""
    try:
        found = tuple(map(float, text.split(",")))
    except ValueError:
        return None
    fits = len(found) in quadratic_tasks.N_PARAMS and all(
        math.isfinite(one) and abs(one) <= REACH for one in found
    )
    return found if fits else None


CHECK: Check = (
    lambda text: theta_of(text) is not None,
    f"one or two numbers from {-REACH:g} to {REACH:g}",
)


def theta(n_params: int) -> tuple[float, ...]:
    """Return where θ was let go, as the URL says; what it leaves out is at its start."""
    if "theta" not in st.query_params and "theta_kept" in st.session_state:
        # Another page was open: as the controls, θ is where it was, and the link says so.
        st.query_params["theta"] = st.session_state["theta_kept"]
        st.rerun()
    found = theta_of(st.query_params.get("theta", "")) or START
    return (*found, *START[len(found) :])[:n_params]


def board(asked: Asked, *, by_hand: bool, key: str) -> None:
    """Draw the world; θ goes to the URL when it is let go.

    Args:
        asked: Tasks, α and inner steps.
        by_hand: Hide the curves until the methods are let go.
        key: Of the component.
    """
    this = asked.world
    _mount(
        key=key,
        data={
            "world": str((asked.layout, asked.n_tasks, asked.n_params)),
            "revision": str(asdict(asked)),
            "byHand": by_hand,
            "theta": list(theta(asked.n_params)),
            "innerLr": asked.config.inner_lr,
            "innerSteps": asked.config.inner_steps,
            "updates": META_UPDATES,
            "you": {
                "label": STYLES[PERSON].label,
                "colour": STYLES[PERSON].colour,
                "marker": STYLES[PERSON].marker,
            },
            "tasks": [
                {
                    "centre": centre.tolist(),
                    "curvature": curvature.tolist(),
                    "level": quadratic_tasks.level(curvature).tolist(),
                }
                for centre, curvature in zip(this.centres, this.curvatures, strict=True)
            ],
            "methods": [_method(asked, this, name) for name in WEIGHTS],
        },
        on_theta_change=_keep(key),
    )


def _method(asked: Asked, this: quadratic_tasks.World, name: str) -> dict[str, object]:
    style = STYLES[name]
    matrix, offset = quadratic_tasks.meta_update(this, name, asked.config)
    end = quadratic_tasks.end(this, name, asked.config)
    pull = quadratic_tasks.weights(this, name, asked.config).mean(0)
    return {
        "name": name,
        "label": style.label,
        "colour": style.colour,
        "marker": style.marker,
        "dash": DASHES[style.dash],
        "matrix": matrix.tolist(),
        "offset": offset.tolist(),
        "end": None if end is None else end.tolist(),
        # MAML's and joint pretraining's meta-gradients are those of a parabola with this curvature.
        "level": None if end is None else quadratic_tasks.level(pull).tolist(),
    }


def _keep(key: str) -> Callable[[], None]:
    def keep() -> None:
        places = st.session_state[key].get("theta")
        text = ",".join(f"{float(np.clip(place, -REACH, REACH)):.4g}" for place in places or ())
        if theta_of(text):
            st.query_params["theta"] = st.session_state["theta_kept"] = text

    return keep
