"""The Evaluate page's tables: what was just measured, and the published results."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from maml_core.evaluation import results_table
from maml_core.evaluation.confidence_intervals import Estimate, percent
from maml_core.evaluation.records import RecordError
from maml_core.figures.style import STYLES, takes_no_step
from pages.shared.frame.finding import show_caption
from pages.shared.messages import show_error

ALL_STEPS_UP_TO = 10  # from there on the table has a column for every tenth step


def accuracy_by_step(estimates: Mapping[str, Estimate]) -> list[dict[str, str]]:
    """Return a row per method and a column per step; what takes none has the first only."""
    last = max(len(estimate.accuracy) for estimate in estimates.values()) - 1
    steps = [step for step in range(last + 1) if step <= ALL_STEPS_UP_TO or step % 10 == 0]
    steps += [] if last in steps else [last]
    return [
        {"Method": STYLES[method].label}
        | {f"step {step}": "–" for step in steps}
        | {
            f"step {step}": percent(estimate.accuracy[step], estimate.ci95[step])
            for step in steps
            if step < (1 if takes_no_step(method) else len(estimate.accuracy))
        }
        for method, estimate in estimates.items()
    ]


def published_results() -> None:
    """Draw this project's recorded results next to published ones."""
    labels = {method: style.label for method, style in STYLES.items()}
    st.subheader("Comparison with published results", anchor=False)
    with st.container(key="published_results"):
        _show_table(results_table.accuracy_table, labels, "published_table")
    show_caption(
        "Accuracy in % on Omniglot's test characters. This project's rows were recorded by "
        "`python -m maml_core evaluate --all` (± 95 % CI, after the last inner step); the others "
        "are as reported by their authors, all on a split of the paper's kind. *Models* answer "
        "together; *queries* are normalised together or each alone; *views* are the ways in which "
        "a picture is looked at. –: the source does not say.",
        "published",
    )
    st.subheader("Omniglot's one-shot challenge", anchor=False)
    with st.container(key="official_runs"):
        _show_table(results_table.official_runs_table, labels, "runs_table")
    show_caption(
        "Error rate in % on the 20 official runs of 20 queries each: unseen alphabets, each query "
        "alone. The switch “Official runs” above reproduces this project's rows; episodes sampled "
        "at random are harder.",
        "runs",
    )


def _show_table(
    table: Callable[[Mapping[str, str]], list[dict[str, str]]], labels: Mapping[str, str], key: str
) -> None:
    """Draw a table of the results file, or say why it cannot be read."""
    try:
        st.dataframe(table(labels), hide_index=True, key=key)
    except RecordError as error:
        show_error(error)
