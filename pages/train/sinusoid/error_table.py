"""The errors of the networks for sinusoids over many waves, as a chart and a table."""

from __future__ import annotations

import streamlit as st

from maml_core.figures.sinusoid import error_figure
from maml_core.figures.style import CHART_CONFIG, STYLES
from maml_core.teaching import sinusoid_comparison as comparison
from maml_core.teaching.exports import errors_csv
from maml_core.teaching.sinusoid_comparison import Errors, Stage
from pages.shared.widgets import choice
from pages.train.sinusoid.training import Bench, recorded

TASKS = 600
Found = dict[str, dict[str, Errors]]
TABLE_STEPS = (0, 1, 2, 5, 10)
# K, and whether of the left half alone, by the words for it.
SHAPES = {
    "K = 10": (10, False),
    "K = 5": (5, False),
    "K = 10, left half only": (10, True),
}


def numbers(here: Bench) -> None:
    """Draw the errors over many waves, once no training runs."""
    st.subheader(f"Over {TASKS} waves", anchor=False)
    if here.running:
        st.caption("Measured when the training has ended or is stopped.")
        return
    with st.spinner(f"Measuring on {TASKS} waves …"):
        found = _of_session(here.number, here.trained) if here.trained else _of_recorded()
    _draw(found)


@st.cache_data(show_spinner=False)
def _of_recorded() -> Found:
    return _measured(recorded())


def _of_session(number: int, stage: Stage) -> Found:
    kept: dict[int, Found] = st.session_state.setdefault("sinusoid_errors", {})
    if number not in kept:
        kept[number] = _measured(stage)
    return kept[number]


def _measured(stage: Stage) -> Found:
    """Return the errors of a stage by the words of their shape and by method."""
    return {
        words: comparison.evaluate(
            stage.learners, k_shot, inner_steps=max(TABLE_STEPS), tasks=TASKS, half=half
        )
        for words, (k_shot, half) in SHAPES.items()
    }


@st.fragment
def _draw(found: Found) -> None:
    words = choice("Points given", SHAPES, "error_shape", bind=None, label_visibility="collapsed")
    st.plotly_chart(error_figure(found[words]), key="error_chart", config=CHART_CONFIG)
    st.caption(
        f"Mean squared error over {TASKS} waves on which nothing was trained, with the mean's "
        "95 % confidence interval, on "
        + ("the right half of the range." if SHAPES[words][1] else "the whole range.")
    )
    st.dataframe(_table(found), hide_index=True, key="error_table")
    st.download_button(
        "These numbers as CSV",
        errors_csv(found),
        f"sinusoids-{TASKS}-waves.csv",
        "text/csv",
        key="errors_csv",
        on_click="ignore",
    )
    st.caption(
        "Finn et al. (2017), section 5.1, show such fits in their Figure 2 and the error by step, "
        "after their longer training, in Figure 3."
    )


def _table(found: Found) -> list[dict[str, str]]:
    return [
        {"Points": words, "Method": STYLES[method].label}
        | {
            f"step {step}": _with_interval(errors.mean[step], errors.ci95[step])
            for step in TABLE_STEPS
        }
        for words, by_method in found.items()
        for method, errors in by_method.items()
    ]


def _with_interval(mean: float, half: float) -> str:
    digits = 2 if mean >= 0.1 else 4
    return f"{mean:.{digits}f} ± {half:.{digits}f}"
