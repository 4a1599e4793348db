"""How sharply the loss bends at θ, in numbers: why one step is enough."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from maml_core.figures.landscape import slope_figure
from maml_core.figures.style import CHART_CONFIG, STYLES
from maml_core.landscape.curvature import Curvature
from maml_core.landscape.planes import TOGETHER
from pages.landscape import plane_cache
from pages.landscape.plane_cache import Descent, Ground
from pages.shared.page_header import why

AT_ONCE = 25  # support pictures; of more, the measurement takes seconds and waits for a click
WHY_BEND = """
Near θ the support loss is almost a parabola along any line. The Hessian's eigenvalues λ say how
sharply it bends: along the direction of λ₁ descent overshoots, and grows from step to step, once
α > 2/λ₁. The gradient need not point along λ₁: **bend along the gradient**, gᵀHg/‖g‖², says what
the first step meets. One step is enough where the gradient is long and the way along it is
straight: then the loss falls by almost α‖g‖². Eigenvalues are found from exact products of the
Hessian with vectors (Lanczos); the Hessian itself, 100,000 × 100,000, is never formed.

On the support set the two starts are much alike: MAML's gradient is only a little longer. What
meta-training changed more is what a step does for the *query* pictures: see the map of query
accuracy along the paths.

Before the first step the head is zero. No weight below it changes the loss then, so the first
step moves the head alone, and λ below 0 come from moving both at once.
"""


def curving(here: Ground) -> None:
    """Draw the numbers of both methods, and the loss along their first step."""
    st.subheader("Why is one step enough?", anchor=False)
    ground = replace(here, kind="paths", seed=0)  # the same whichever plane is shown
    spec = ground.settings.spec
    # A dozen Hessian-vector products on few pictures are done at once.
    asked = st.session_state.setdefault("bends_asked", set())
    if spec.n_way * spec.k_shot > AT_ONCE and ground not in asked:
        if not st.button("Measure the curvature", key="measure_bends"):
            st.caption(f"On {spec.n_way * spec.k_shot} support pictures this takes some seconds.")
            return
        asked.add(ground)
    with st.spinner("Measuring the curvature …"):
        found = plane_cache.bends(ground)
    left, right = st.columns(2, gap="large")
    left.dataframe(_table(found), hide_index=True, key="bends_table")
    with left:
        st.caption(_in_words(found, _right_after_one_step(ground)))
        why("What do these numbers say?", WHY_BEND)
    with right:
        st.plotly_chart(slope_figure(found), key="slope_chart", config=CHART_CONFIG)
        st.caption(
            "The support loss along each method's first step, one episode. Dotted: the parabola "
            "with the same slope and bend at θ; the vertical line is the step itself."
        )


def _table(found: dict[str, Curvature]) -> list[dict[str, str]]:
    """Return a row a quantity, a column a method."""
    rows = {
        "Support loss at θ": lambda one: f"{one.loss:.3f}",
        "Gradient's length ‖g‖": lambda one: f"{one.gradient_norm:.2f}",
        "Largest λ": lambda one: (
            ", ".join(f"{value:.0f}" for value in one.eigenvalues)
            if one.eigenvalues[0] >= 10
            else ", ".join(f"{value:.2g}" for value in one.eigenvalues)
        ),
        "Smallest λ": lambda one: f"{one.lowest:.3g}".replace("-", "−"),
        "Bend along the gradient": lambda one: f"{one.along_gradient:.3g}",
        "α": lambda one: f"{one.inner_lr:.3g}",
        "2 / λ₁": lambda one: f"{2 / one.eigenvalues[0]:.3g}" if one.eigenvalues[0] > 0 else "–",
        "One step wins": lambda one: f"{one.actual_drop:.3f}",
        "The parabola says": lambda one: f"{one.predicted_drop:.3f}",
    }
    return [
        {"": words} | {STYLES[method].label: say(one) for method, one in found.items()}
        for words, say in rows.items()
    ]


def _right_after_one_step(ground: Ground) -> dict[str, float]:
    """Return the share of queries that each method answers right after its first step."""
    found = {}
    for name in plane_cache.on_map(TOGETHER, ground):
        path = plane_cache.path(ground, Descent(name, name, None, 1.0, 1))
        found[name] = float(path.accuracy["query"][1])
    return found


def _in_words(found: dict[str, Curvature], right: dict[str, float]) -> str:
    """Say what one step does to each method, and whether the eigenvalues are exact."""
    parts = [
        f"{STYLES[method].label}: one step of α = {one.inner_lr:.3g} takes the support loss from "
        f"{one.loss:.2f} to {one.loss - one.actual_drop:.2f} and {right[method]:.0%} of this "
        "episode's queries are then right"
        for method, one in found.items()
    ]
    unsettled = [STYLES[m].label for m, one in found.items() if not one.settled]
    note = f" The λ of {', '.join(unsettled)} had not settled." if unsettled else ""
    return "; ".join(parts) + "." + note
