"""The curvature of the loss at θ, in numbers: why one step is enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from maml_core.figures.descent import first_step_figure
from maml_core.figures.style import STYLES, trained_method
from maml_core.landscape.curvature import Curvature
from maml_core.landscape.planes import SHARED_PLANE
from maml_core.optimisation.fair_pool import while_waiting
from maml_core.teaching.sentences.landscape import FirstStep, describe_first_steps
from maml_core.teaching.sentences.words import kind_of
from pages.landscape import plane_cache
from pages.landscape.plane_cache import Descent, PlaneSettings
from pages.shared import cached
from pages.shared.charts.chart import draw_chart
from pages.shared.charts.typicality import show_typicality
from pages.shared.frame.finding import show_finding
from pages.shared.frame.page_header import explanation
from pages.shared.learners.recorded import recorded_params
from pages.shared.streamlit_internals import end_if_unwanted

MAX_WITHOUT_CLICK = 25  # support pictures; with more, the measurement takes seconds
WHY_CURVATURE = """
Near θ the support loss is almost a parabola along any line. The Hessian's eigenvalues λ say how
strongly it curves: along the direction of λ₁, descent overshoots, and diverges from step to step,
once α > 2/λ₁. The gradient need not point along λ₁: **the curvature along the gradient**,
gᵀHg/‖g‖², is what the first step meets. One step is enough where the gradient is long and the loss
curves little along it: then the loss decreases by almost α‖g‖². The eigenvalues are computed from
exact products of the Hessian with vectors (Lanczos); the Hessian itself, 100,000 × 100,000, is
never formed.

The two starting points are much alike on the support set: MAML's gradient is only a little longer.
What meta-training changed more is what a step does for the *query* pictures: see the map of query
accuracy along the paths.

Before the first step the head is zero. Then no weight below it changes the loss, so the first
step moves the head alone, and eigenvalues below 0 come from moving both at once.
"""


def draw_curvature(shown: PlaneSettings) -> None:
    """Draw the curvature at both methods' θ, and the loss along their first steps."""
    st.subheader("Why is one step enough?", anchor=False)
    plane_settings = replace(shown, kind="paths", seed=0)  # the same whichever plane is shown
    spec = plane_settings.settings.spec
    n_support = spec.n_way * spec.k_shot
    asked_for = st.session_state.setdefault("curvature_asked_for", set())
    if n_support > MAX_WITHOUT_CLICK and plane_settings not in asked_for:
        if not st.button("Measure the curvature", key="measure_curvature"):
            st.caption(f"With {n_support} support pictures this takes a few seconds.")
            return
        asked_for.add(plane_settings)
    with (
        st.spinner("Measuring the curvature, which takes seconds …", show_time=True),
        while_waiting(lambda _: end_if_unwanted()),  # so that others' clicks come first
    ):
        measured = plane_cache.curvatures(plane_settings)
    left, right = st.columns(2, gap="large")
    left.dataframe(_table(measured), hide_index=True, key="curvature_table")
    with left:
        first_steps = _first_steps(plane_settings, measured)
        settings = plane_settings.settings
        available = cached.available_classes(settings.dataset, settings.part)
        show_finding(describe_first_steps(first_steps, spec, available), "first_step")
        _show_typicality(plane_settings, first_steps)
        inner_lrs = [f"{STYLES[m].label} α = {c.inner_lr:.3g}" for m, c in measured.items()]
        st.caption(f"One episode; {', '.join(inner_lrs)}. {_remark(measured)}")
        explanation("What do these numbers say?", WHY_CURVATURE)
    with right:
        draw_chart(
            first_step_figure(measured),
            "slope_chart",
            "Support loss along the first inner step",
            settings=plane_settings.settings,
        )
        st.caption(
            "The support loss along each method's first step, one episode. Dotted: the parabola "
            "with the same slope and curvature at θ; the vertical line is the step itself."
        )


def _show_typicality(plane_settings: PlaneSettings, first_steps: Sequence[FirstStep]) -> None:
    """Say how typical the first steps are, of the two that were measured on many episodes."""
    settings = plane_settings.settings
    shares = [step.correct / step.total for step in first_steps if step.correct is not None]
    is_shipped = plane_settings.method == "maml" and plane_settings.update == max(recorded_params())
    if is_shipped and len(shares) == 2:
        pair = shares[0], shares[1]
        show_typicality(settings.dataset, settings.part, "episode", settings.spec, pair)


ROWS: dict[str, Callable[[Curvature], str]] = {
    "Support loss at θ": lambda found: f"{found.loss:.3f}",
    "Gradient norm ‖g‖": lambda found: f"{found.gradient_norm:.2f}",
    "Largest λ": lambda found: ", ".join(map(_eigenvalue, found.largest_eigenvalues)),
    "Smallest λ": lambda found: f"{found.smallest_eigenvalue:.3g}".replace("-", "−"),
    "Curvature along the gradient": lambda found: f"{found.along_gradient:.3g}",
    "α": lambda found: f"{found.inner_lr:.3g}",
    "2 / λ₁": lambda found: (
        f"{2 / found.largest_eigenvalues[0]:.3g}" if found.largest_eigenvalues[0] > 0 else "–"
    ),
    "Loss decrease in one step": lambda found: f"{found.loss_decrease:.3f}",
    "Predicted by the parabola": lambda found: f"{found.predicted_decrease:.3f}",
}


def _table(measured: dict[str, Curvature]) -> list[dict[str, str]]:
    """Return a row per quantity, a column per method; what is not a number is a dash."""

    def cell(value: str) -> str:
        return "–" if value == "nan" else value

    return [
        {"": words}
        | {STYLES[method].label: cell(as_text(found)) for method, found in measured.items()}
        for words, as_text in ROWS.items()
    ]


def _eigenvalue(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _first_steps(plane_settings: PlaneSettings, measured: dict[str, Curvature]) -> list[FirstStep]:
    """Return what the first step of each method did."""
    spec = plane_settings.settings.spec
    total = spec.n_way * spec.q_query
    steps = []
    for name in plane_cache.on_map(SHARED_PLANE, plane_settings):
        path = plane_cache.path(plane_settings, Descent(name, name, None, 1.0, 1))
        correct = None if path.diverged else round(float(path.accuracy["query"][1]) * total)
        found = measured[name]
        after = found.loss - found.loss_decrease
        kind = kind_of(trained_method(name))
        steps.append(FirstStep(STYLES[name].in_sentences, kind, found.loss, after, correct, total))
    return steps


def _remark(measured: dict[str, Curvature]) -> str:
    """Say whether the eigenvalues converged."""
    unsure = [STYLES[method].label for method, found in measured.items() if not found.converged]
    if not all(math.isfinite(found.smallest_eigenvalue) for found in measured.values()):
        return "Where the loss is not finite, there is no curvature."
    return f"The λ of {' and '.join(unsure)} did not converge." if unsure else ""
