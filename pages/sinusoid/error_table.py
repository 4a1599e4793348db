"""The errors of the networks for sinusoids over many waves, as a chart and a table."""

from __future__ import annotations

import streamlit as st

from maml_core.evaluation.confidence_intervals import plus_minus
from maml_core.figures.sinusoid import error_figure
from maml_core.figures.style import STYLES
from maml_core.teaching.exports.csv_exports import sinusoid_errors_csv
from maml_core.teaching.exports.facts import sinusoid_facts
from maml_core.teaching.sentences.sinusoid import describe_errors
from maml_core.teaching.sinusoids.evaluation import ErrorEstimate, evaluate
from maml_core.teaching.sinusoids.training import SinusoidCheckpoint
from pages.shared.charts.chart import draw_chart
from pages.shared.frame.finding import show_caption, show_finding
from pages.shared.widgets import segmented_choice
from pages.sinusoid.training_panel import SessionTraining, shipped_checkpoint

N_TASKS = 600
TABLE_STEPS = (0, 1, 2, 5, 10)
# K, and whether the support is in the left half, by the words for it.
SUPPORT_SHAPES = {
    "K = 10": (10, False),
    "K = 5": (5, False),
    "K = 10, left half only": (10, True),
}
ErrorsByShape = dict[str, dict[str, ErrorEstimate]]


def draw_error_table(session: SessionTraining) -> None:
    """Draw the errors over many waves, once no training is running."""
    st.subheader(f"Over {N_TASKS} waves", anchor=False)
    if session.running:
        st.caption("Measured when the training has ended or been stopped.")
        return
    with st.spinner(f"Measuring on {N_TASKS} waves …"):
        if session.trained:
            errors = _session_errors(session.number, session.trained)
        else:
            errors = _shipped_errors()
    _draw(errors, session.checkpoint)


@st.cache_data(show_spinner=False)
def _shipped_errors() -> ErrorsByShape:
    return _measure(shipped_checkpoint())


def _session_errors(number: int, checkpoint: SinusoidCheckpoint) -> ErrorsByShape:
    measured: dict[int, ErrorsByShape] = st.session_state.setdefault("sinusoid_errors", {})
    if number not in measured:
        measured[number] = _measure(checkpoint)
    return measured[number]


def _measure(checkpoint: SinusoidCheckpoint) -> ErrorsByShape:
    """Return the errors at a checkpoint by the words for the support's shape and by method."""
    return {
        words: evaluate(
            checkpoint.regressors,
            k_shot,
            inner_steps=max(TABLE_STEPS),
            n_tasks=N_TASKS,
            support_in_left_half=in_left_half,
        )
        for words, (k_shot, in_left_half) in SUPPORT_SHAPES.items()
    }


@st.fragment
def _draw(errors: ErrorsByShape, checkpoint: SinusoidCheckpoint) -> None:
    words = segmented_choice(
        "Points given", SUPPORT_SHAPES, "error_shape", bind=None, label_visibility="collapsed"
    )
    title = f"Mean error by inner step over {N_TASKS} sinusoids, {words}"
    draw_chart(error_figure(errors[words]), "error_chart", title)
    rivals = [method for method in errors[words] if method != "oracle"]
    means = {STYLES[m].in_sentences: errors[words][m].mean for m in rivals}
    ci95 = {STYLES[m].in_sentences: errors[words][m].ci95 for m in rivals}
    show_finding(describe_errors(means, ci95, N_TASKS), "sinusoid_errors")
    show_caption(
        f"Mean squared error over {N_TASKS} waves that no network was trained on, with the mean's "
        "95 % confidence interval, on "
        + ("the right half of the range." if SUPPORT_SHAPES[words][1] else "the whole range."),
        "errors",
    )
    st.dataframe(_table(errors), hide_index=True, key="error_table")
    st.download_button(
        "These numbers as CSV",
        sinusoid_errors_csv(
            errors,
            {name: regressor.inner_lr for name, regressor in checkpoint.regressors.items()},
            sinusoid_facts(checkpoint.config),
        ),
        f"sinusoids-{N_TASKS}-waves.csv",
        "text/csv",
        key="errors_csv",
        on_click="ignore",
    )
    st.caption(
        "Finn et al. (2017), section 5.1, show such fits in their Figure 2 and the error by step, "
        "after their longer training, in Figure 3."
    )


def _table(errors: ErrorsByShape) -> list[dict[str, str]]:
    return [
        {"Points": words, "Method": STYLES[method].label}
        | {
            f"step {step}": _with_interval(estimate.mean[step], estimate.ci95[step])
            for step in TABLE_STEPS
        }
        for words, by_method in errors.items()
        for method, estimate in by_method.items()
    ]


def _with_interval(mean: float, half_width: float) -> str:
    digits = 2 if mean >= 0.1 else 4
    return plus_minus(mean, half_width, digits)
