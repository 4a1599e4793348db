"""The toy world in the browser: θ is dragged, and curves, results and methods follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import streamlit as st

from maml_core.config import AdaptConfig
from maml_core.figures.style import STYLES
from maml_core.teaching.quadratic_tasks import (
    CENTRE_WEIGHTS,
    N_PARAMS,
    ToyWorld,
    affine_meta_update,
    centre_weights,
    closed_form_solution,
    inverse_square_root,
    toy_world,
)
from pages.shared.component import component
from pages.shared.link_settings import Check, parse_numbers

PERSON = "person"
META_UPDATES = 500  # after so many all have arrived, unless α overshoots in some direction
REACH = 4.0  # θ can be dragged from −4 to 4 in each parameter
START = (-3.0, 0.5)
# Plotly's names for the methods' dashes as SVG writes them, for lines with round ends.
SVG_DASHES = {
    "solid": "none",
    "dashdot": "9 7 1 7",
    "longdashdot": "16 7 1 7",
    "2px 5px": "0.1 6",
    "2px 2px 8px 2px": "2 5 8 5",
}
# Which mean loss of all tasks a method minimises, before or after adapting; others neither.
OBJECTIVES = {"multi_task": "before", "maml": "after"}
_mount = component("toy_world")


@dataclass(frozen=True)
class ToySettings:
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
    def world(self) -> ToyWorld:
        """The tasks."""
        return toy_world(self.layout, self.n_tasks, self.n_params)


def parse_theta(text: str) -> tuple[float, ...] | None:
    """Read θ from the URL, one or two numbers; None: it is not a θ."""
    theta = parse_numbers(text) or ()
    is_valid = len(theta) in N_PARAMS and all(abs(value) <= REACH for value in theta)
    return theta if is_valid else None


THETA_CHECK: Check = (
    lambda text: parse_theta(text) is not None,
    f"one or two numbers from {-REACH:g} to {REACH:g}",
)


def theta_from_url(n_params: int) -> tuple[float, ...]:
    """Return where θ was let go, as the URL says; what it leaves out is at its start."""
    if "theta" not in st.query_params and "theta_kept" in st.session_state:
        # Another page was open: like the controls, θ is where it was, and the link says so.
        st.query_params["theta"] = st.session_state["theta_kept"]
        st.rerun()
    theta = parse_theta(st.query_params.get("theta", "")) or START
    return (*theta, *START[len(theta) :])[:n_params]


def draw_toy_world(settings: ToySettings, *, by_hand: bool, key: str) -> None:
    """Draw the world; θ goes to the URL when it is let go.

    Args:
        settings: Tasks, α and inner steps.
        by_hand: Hide the curves until the methods are let go.
        key: Of the component.
    """
    world = settings.world
    _mount(
        key=key,
        data={
            "world": str((settings.layout, settings.n_tasks, settings.n_params)),
            "revision": str(asdict(settings)),
            "byHand": by_hand,
            "theta": list(theta_from_url(settings.n_params)),
            "reach": REACH,
            "innerLr": settings.config.inner_lr,
            "innerSteps": settings.config.inner_steps,
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
                    "level": inverse_square_root(curvature).tolist(),
                }
                for centre, curvature in zip(world.centres, world.curvatures, strict=True)
            ],
            "methods": [method_data(world, method, settings.config) for method in CENTRE_WEIGHTS],
        },
        on_theta_change=_save_theta_to_url(key),
    )


def method_data(world: ToyWorld, method: str, config: AdaptConfig) -> dict[str, object]:
    """Return a method as the component draws it: its style, its update and its solution."""
    style = STYLES[method]
    matrix, offset = affine_meta_update(world, method, config)
    solution = closed_form_solution(world, method, config)
    curvature = centre_weights(world, method, config).mean(0)
    return {
        "name": method,
        "label": style.label,
        "colour": style.colour,
        "marker": style.marker,
        "dash": SVG_DASHES[style.dash],
        "objective": OBJECTIVES.get(method),
        "matrix": matrix.tolist(),
        "offset": offset.tolist(),
        "end": None if solution is None else solution.tolist(),
        # MAML's and multi-task training's objectives are parabolas with this curvature.
        "level": None if solution is None else inverse_square_root(curvature).tolist(),
    }


def _save_theta_to_url(key: str) -> Callable[[], None]:
    def save() -> None:
        theta = (st.session_state.get(key) or {}).get("theta")  # none once the page has been left
        text = ",".join(f"{float(np.clip(value, -REACH, REACH)):.4g}" for value in theta or ())
        if parse_theta(text):
            st.query_params["theta"] = st.session_state["theta_kept"] = text

    return save
