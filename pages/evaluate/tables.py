"""The Evaluate page's tables: what was just measured, and the published results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

import pandas as pd
import streamlit as st

from maml_core.evaluation import results_table
from maml_core.evaluation.confidence_intervals import Estimate, percent
from maml_core.evaluation.published import NOT_SAID
from maml_core.evaluation.records import RecordError
from maml_core.figures.style import STYLES
from pages.shared.frame.finding import show_caption
from pages.shared.messages import show_error

ALL_STEPS_UP_TO = 10  # from there on the table has a column for every tenth step
METHOD_WIDTH = 170  # pixels of the column that stays in view: on a phone the others need room, too
THREE_LINES = 66  # pixels; in rows of up to 64 Streamlit cuts long names off instead
WORDS = ("Method", "Split", "Network", "Queries", "Source")  # columns; the others are of numbers
Rows = Sequence[Mapping[str, str]]


class _Shown(float):
    """A number with the text that a table shows for it, so that a column sorts by the numbers."""

    text: str

    def __new__(cls, text: str) -> _Shown:
        """Read the number at the beginning of a text, 0 of "none"; NaN where there is none."""
        number = text.partition(" ± ")[0].replace("−", "-").replace(",", "").replace("none", "0")
        try:
            shown = super().__new__(cls, number)
        except ValueError:
            shown = super().__new__(cls, "nan")
        shown.text = text
        return shown


def draw_table(rows: Rows, key: str, row_height: int | None = None) -> None:
    """Draw a table whose numbers, with an interval or without, can be put in order by a click.

    The methods' names stay in view when the others are scrolled.

    Args:
        rows: Text by column heading, of all the same; at least one.
        key: Of the table.
        row_height: In pixels; one line unless given.
    """
    numbers = [name for name in rows[0] if name not in WORDS]
    cells = [{k: _Shown(v) if k in numbers else v for k, v in row.items()} for row in rows]
    table = pd.DataFrame(cells, dtype=object)  # else pandas makes plain numbers of them
    st.dataframe(
        table.style.format(attrgetter("text"), subset=numbers),
        hide_index=True,
        key=key,
        row_height=row_height,
        placeholder="–",
        column_config={"Method": st.column_config.TextColumn(pinned=True, width=METHOD_WIDTH)},
    )


def shown_steps(estimates: Mapping[str, Estimate]) -> list[int]:
    """Return the inner steps that a table has columns for."""
    last = max(len(estimate.accuracy) for estimate in estimates.values()) - 1
    steps = [step for step in range(last + 1) if step <= ALL_STEPS_UP_TO or step % 10 == 0]
    return steps if last in steps else [*steps, last]


def draw_accuracies(estimates: Mapping[str, Estimate]) -> None:
    """Draw a row per method and a column per step; what takes none has the first only."""
    rows = [
        {"Method": STYLES[method].short_label}
        | {
            f"step {step}": percent(estimate.accuracy[step], estimate.ci95[step])
            if step < len(estimate.accuracy)
            else NOT_SAID
            for step in shown_steps(estimates)
        }
        for method, estimate in estimates.items()
    ]
    draw_table(rows, "evaluate_table")


def published_results() -> None:
    """Draw this project's recorded results next to published ones."""
    labels = {method: style.short_label for method, style in STYLES.items()}
    st.subheader("Comparison with published results", anchor=False)
    with st.container(key="published_results"):
        _show_table(results_table.accuracy_table, labels, "published_table")
    show_caption(
        "Accuracy in % on Omniglot's test characters. This project's rows were recorded by "
        "`python -m maml_core evaluate --all` (± 95 % CI, after the last inner step); the others "
        "are as reported by their authors, all on a split of the paper's kind. *Models* answer "
        "together; *queries* are normalised together or each alone; *views* are the ways in which "
        "a picture is looked at. –: the source does not say. Where *n* is 600 or less, the row is "
        "of the first of the 3,000 episodes: compare it with *MAML, first 600 episodes*.",
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
        draw_table(table(labels), key, THREE_LINES)
    except RecordError as error:
        show_error(error)
