"""The one way in which a Plotly chart comes on a page."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from maml_core.figures.description import describe
from maml_core.figures.style import CHART_CONFIG, enlarge
from pages.shared.component import component
from pages.shared.link_settings import Settings, dataset_label

# All of it before any figure is made: Streamlit imports it when it first draws a chart, and Plotly
# takes what it then finds in `sys.modules`, also what another visitor's thread is still importing.
import_module("pandas")
PROJECTOR = 1.4  # times as large are letters and lines
# A chart that fills the screen is Plotly's, whose styles are in the page's head.
_mount_tools = component("chart_tools", isolate_styles=False)


def draw_chart(
    figure: go.Figure,
    key: str,
    title: str,
    *,
    settings: Settings | None = None,
    numbers: str | None = None,
    **options: Any,
) -> Any:
    """Draw a chart that scrolls with the page, can fill the screen, and is read out in words.

    Args:
        figure: From `maml_core.figures`.
        key: Of the chart.
        title: What it shows, without a full stop: the beginning of its text alternative, and of
            the name under which its picture is saved.
        settings: Of the episode that it shows, if it shows one; named in the file, too.
        numbers: The rest of the text alternative where it is not to be read off the traces.
        options: Of `st.plotly_chart`.

    Returns:
        What `st.plotly_chart` returns.
    """
    with st.container(key=f"chart_box_{key}"):
        result = st.plotly_chart(
            for_the_room(figure),
            key=key,
            config=chart_config(title, settings),
            alt=f"{title}. {numbers}" if numbers else describe(figure, title),
            **options,
        )
        _mount_tools(key=f"chart_tools_{key}", data={"chart": key, "title": title})
    return result


def for_the_room(figure: go.Figure) -> go.Figure:
    """Return a figure as it is to be shown: larger where the sidebar says that it is projected."""
    return enlarge(figure, PROJECTOR) if st.session_state.get("projector") else figure


def chart_config(title: str, settings: Settings | None = None) -> dict[str, Any]:
    """Return Plotly's configuration of a chart; its picture's name says what it shows.

    Args:
        title: What the chart shows.
        settings: Of its episode, if it shows one.
    """
    return CHART_CONFIG | {"toImageButtonOptions": {"filename": file_name(title, settings)}}


def file_name(title: str, settings: Settings | None = None) -> str:
    """Return a file's name without its ending: lower case, a hyphen between words.

    Args:
        title: What the file holds.
        settings: Of the episode, if it holds one.
    """
    words = [title]
    if settings:
        spec = settings.spec
        words += [dataset_label(settings.dataset), f"{spec.n_way}-way", f"{spec.k_shot}-shot"]
        words += [f"seed-{settings.seed}"]
        words += [f"question-{settings.number + 1}"] if settings.number else []
    text = " ".join(words).lower()
    return "-".join("".join(c if c.isalnum() else " " for c in text).split())
