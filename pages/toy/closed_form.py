"""The closed form behind the toy world: which θ each method converges to, and why."""

from __future__ import annotations

import numpy as np
import streamlit as st

from maml_core.figures.style import STYLES
from maml_core.teaching.quadratic_tasks import (
    CENTRE_WEIGHTS,
    MIN_RELATIVE_CURVATURE,
    centre_weights,
    closed_form_solution,
)
from pages.toy.texts import REASONS
from pages.toy.world_view import ToySettings

# The weights as they are written for one parameter.
FORMULAS = {
    "maml": "a (1 − αa)²ᵏ",
    "fomaml": "a (1 − αa)ᵏ",
    "reptile": "1 − (1 − αa)ᵏ",
    "imaml": "a / (1 + kαa)²",
    "multi_task": "a",
}
ONE_PARAMETER = """
With Lᵢ(θ) = ½ aᵢ (θ − cᵢ)² an inner step multiplies θ − cᵢ by 1 − αaᵢ. Each method's meta-gradient
is then a weight times θ − cᵢ, and it ends at the weighted mean of the centres:
"""
TWO_PARAMETERS = """
With Lᵢ(θ) = ½ (θ − cᵢ)ᵀ Aᵢ (θ − cᵢ) an inner step multiplies θ − cᵢ by I − αAᵢ. Along each axis of
a valley the weights are as follows, where a is the curvature along it; each method ends at
(Σ Wᵢ)⁻¹ Σ Wᵢ cᵢ:
"""


def draw_closed_form(settings: ToySettings) -> None:
    """Show the closed form with this world's numbers."""
    st.markdown(REASONS[settings.layout])
    st.markdown(ONE_PARAMETER if settings.n_params == 1 else TWO_PARAMETERS)
    st.container(key="closed_form").markdown(_table(settings))
    for remark in _remarks(settings):
        st.markdown(remark)


def _table(settings: ToySettings) -> str:
    """Return each task's share of each method's weight, and the solutions, as Markdown."""
    world, config = settings.world, settings.config
    rows = [
        ["", *(STYLES[method].label for method in CENTRE_WEIGHTS)],
        ["---", *["---:"] * len(CENTRE_WEIGHTS)],
        ["**weight**", *(FORMULAS[method] for method in CENTRE_WEIGHTS)],
    ]
    if settings.n_params == 1:
        by_method = [centre_weights(world, method, config).ravel() for method in CENTRE_WEIGHTS]
        tasks = zip(world.centres.ravel(), world.curvatures.ravel(), strict=True)
        for i, (centre, curvature) in enumerate(tasks):
            name = f"task {i + 1}: c = {_signed(centre, 'g')}, a = {curvature:g}"
            rows.append([name, *(_share(weights[i], weights.sum()) for weights in by_method)])
    solutions = [closed_form_solution(world, method, config) for method in CENTRE_WEIGHTS]
    rows.append(["**ends at**", *map(_coordinates, solutions)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _share(weight: float, total: float) -> str:
    has_shares = total > MIN_RELATIVE_CURVATURE
    return f"{_signed(100 * weight / total, '.0f')} %" if has_shares else _signed(weight, ".2g")


def _coordinates(solution: np.ndarray | None) -> str:
    if solution is None:
        return "nowhere"
    return "**" + ", ".join(_signed(value, ".2f") for value in solution) + "**"


def _signed(number: float, spec: str) -> str:
    """Format a number with a true minus sign, and without one before 0.00."""
    return f"{number:z{spec}}".replace("-", "−")


def _remarks(settings: ToySettings) -> list[str]:
    """Return what is special about these settings, a sentence each."""
    config, remarks = settings.config, []
    if config.inner_steps == 1:
        remarks.append("With one inner step Reptile's weights are α times multi-task training's.")
    divergent = [
        STYLES[method].label
        for method in CENTRE_WEIGHTS
        if closed_form_solution(settings.world, method, config) is None
    ]
    if divergent:
        verb = "ends" if len(divergent) == 1 else "end"
        remarks.append(
            f"**{' and '.join(divergent)}** {verb} nowhere: α = {config.inner_lr:g} overshoots so "
            "far that the weights don't add up to more than 0 in every direction."
        )
    return remarks
