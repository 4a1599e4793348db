"""What is said of the toy world: where each method must end, and why."""

from __future__ import annotations

import numpy as np
import streamlit as st

from maml_core.figures.style import STYLES
from maml_core.teaching import quadratic_tasks
from maml_core.teaching.quadratic_tasks import WEIGHTS
from pages.toy.world_view import Asked

# The weights as they are written for one parameter.
FORMULAS = {
    "maml": "a (1 − αa)²ᵏ",
    "fomaml": "a (1 − αa)ᵏ",
    "reptile": "1 − (1 − αa)ᵏ",
    "joint": "a",
}
REASONS = {
    "Steep and flat": """
A steep task punishes distance most, so joint pretraining goes to where the **steep** tasks are. But
a few inner steps lead down a steep slope fast and along a flat one hardly at all: MAML leaves the
steep tasks to the inner loop and starts near the **flat** ones; Reptile and first-order MAML lie
between. Only when α is so large that a step overshoots on the steep tasks do these pull again.
""",
    "Same curvature": """
All tasks bend alike, so each method weighs all centres alike, and all end at their mean. MAML is
then **no better than joint pretraining**: what it can learn is which tasks are hard for the inner
loop to reach, and here they are all equally hard.
""",
    "All different": """
Each task bends in its own way, so each method weighs the centres in its own way. Raise α or the
inner steps: joint pretraining knows neither and stays; MAML moves to those tasks that the
inner loop still cannot reach.
""",
}
WHY_TWO = """
The vermilion curve asks: how good is θ *as it is*, on average? Joint pretraining looks for its
lowest point. The blue one asks: how good is it *after a few steps of descent on each task*? That is
MAML's meta-objective, and its lowest point can lie where θ itself is bad on every task. Summing the
losses at θ is not wrong; it answers another question.
"""
WHY_FIRST_ORDER = """
Full MAML follows the slope of the blue curve. It knows that moving θ by 1 moves the adapted θ′ᵢ by
(1 − αaᵢ)ᵏ only, and multiplies by that. First-order MAML takes it for 1, and so counts steep tasks
more than it should. Where αaᵢ > 1 the step jumps across the valley: for an odd number of steps the
factor is negative, and first-order MAML pushes θ *away* from that task. With a large enough α it
never rests at all.
"""
WHY_REPTILE = """
Reptile moves θ towards the adapted θ′ᵢ. In one step θ − θ′ᵢ is α times the gradient at θ, so it is
joint pretraining. In many steps each task is solved, θ′ᵢ = cᵢ, and Reptile goes to the plain mean
of the centres, whatever the curvatures.
"""
WHY_NETWORKS = """
A network's loss is no parabola: it bends differently at each θ, so nothing can be written down and
all of this must be computed, as the other pages do. Each task has one loss here, where a real
episode has two, support and query. And the four start from the same θ and take their exact
meta-gradient over all tasks, where training sees a few at a time.
"""


def explain(asked: Asked) -> None:
    """Show the closed form with this world's numbers."""
    st.markdown(REASONS[asked.layout])
    if asked.n_params == 1:
        st.markdown(
            "With Lᵢ(θ) = ½ aᵢ (θ − cᵢ)² an inner step multiplies θ − cᵢ by 1 − αaᵢ. Each method's "
            "meta-gradient is then a weight times θ − cᵢ, and it ends at the weighted mean of the "
            "centres:"
        )
    else:
        st.markdown(
            "With Lᵢ(θ) = ½ (θ − cᵢ)ᵀ Aᵢ (θ − cᵢ) an inner step multiplies θ − cᵢ by I − αAᵢ. "
            "Along each axis of a valley the weights are these, with a, the curvature along it; "
            "each method ends at (Σ Wᵢ)⁻¹ Σ Wᵢ cᵢ:"
        )
    st.html("<style>.st-key-closed_form { overflow-x: auto; }</style>")
    st.container(key="closed_form").markdown(_table(asked))
    for remark in _remarks(asked):
        st.markdown(remark)


def _table(asked: Asked) -> str:
    """Return each task's share of each method's weight, and the ends, as Markdown."""
    this, config = asked.world, asked.config
    rows = [
        ["", *(STYLES[method].label for method in WEIGHTS)],
        ["---", *["---:"] * len(WEIGHTS)],
        ["**weight**", *(FORMULAS[method] for method in WEIGHTS)],
    ]
    if asked.n_params == 1:
        each = [quadratic_tasks.weights(this, method, config).ravel() for method in WEIGHTS]
        places = zip(this.centres.ravel(), this.curvatures.ravel(), strict=True)
        for i, (centre, curvature) in enumerate(places):
            name = f"task {i + 1}: c = {_signed(centre, 'g')}, a = {curvature:g}"
            rows.append([name, *(_share(found[i], found.sum()) for found in each)])
    ends = [quadratic_tasks.end(this, method, config) for method in WEIGHTS]
    rows.append(["**ends at**", *map(_place, ends)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _share(weight: float, total: float) -> str:
    shared = total > quadratic_tasks.FLAT
    return _signed(weight / total, ".0%") if shared else _signed(weight, ".2g")


def _place(end: np.ndarray | None) -> str:
    if end is None:
        return "nowhere"
    return "**" + ", ".join(_signed(one, ".2f") for one in end) + "**"


def _signed(number: float, how: str) -> str:
    """Write a number with a true minus sign, and without one before 0.00."""
    return f"{number:z{how}}".replace("-", "−")


def _remarks(asked: Asked) -> list[str]:
    """Say what is special about these settings."""
    config, found = asked.config, []
    if config.inner_steps == 1:
        found.append("In one inner step Reptile's weights are α times joint pretraining's.")
    nowhere = [
        STYLES[method].label
        for method in WEIGHTS
        if quadratic_tasks.end(asked.world, method, config) is None
    ]
    if nowhere:
        found.append(
            f"**{' and '.join(nowhere)}** ends nowhere: α = {config.inner_lr:g} overshoots so far "
            "that the weights do not add up to more than 0 in every direction."
        )
    return found
