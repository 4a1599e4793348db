"""Who is taken for whom: an episode's confusion chart, with the pictures behind each cell."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.comparison import confusion_matrix
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.evaluation import confusion_figure
from maml_core.figures.style import CHART_CONFIG, STYLES, class_label, class_letter
from pages.shared.picture_html import STYLE, strip
from pages.shared.widgets import choice


@st.fragment
def confusion_of(
    data: CharacterSet, episode: Episode, found: Sequence[AdaptationTrajectory]
) -> None:
    """Draw which class is taken for which, and the pictures behind the cell a person chooses."""
    st.subheader("Who is taken for whom?", anchor=False)
    by_label = {STYLES[trajectory.method].label: trajectory for trajectory in found}
    first, second = st.columns([3, 2])
    with first:
        label = choice("Method", by_label, "confused", bind=None)
    trajectory = by_label[label]
    last = len(trajectory.accuracy) - 1
    step = second.slider("After inner step", 0, last, last, key="confused_step")
    counts = confusion_matrix(episode, trajectory, step)
    left, right = st.columns(2, gap="large")
    with left:
        event = st.plotly_chart(
            confusion_figure(counts),
            key="confusion_chart",
            config=CHART_CONFIG,
            on_select="rerun",
            selection_mode="points",
        )
        st.caption(
            f"Counts over this episode's {counts.sum()} query pictures. Click or tap a cell to "
            "see its pictures."
        )
    with right:
        _cell(data, episode, trajectory, step, event.selection.points)


def _cell(
    data: CharacterSet,
    episode: Episode,
    trajectory: AdaptationTrajectory,
    step: int,
    points: list[dict],
) -> None:
    """Show the pictures behind a cell of the confusion chart beside the two classes' examples."""
    if not points:
        st.info("Choose a cell.", icon=":material/touch_app:")
        return
    true, predicted = (class_label(points[0][axis]) for axis in ("y", "x"))
    answers = trajectory.predictions[step].reshape(episode.query.shape)
    pictures = episode.query[true][answers[true] == predicted]
    st.markdown(
        f"**{len(pictures)}** of class **{class_letter(true)}** taken for "
        f"**{class_letter(predicted)}**"
    )
    st.html(STYLE + strip(data, pictures))
    for label in dict.fromkeys((true, predicted)):
        st.markdown(
            f"Examples of **{class_letter(label)}**: {data.classes[episode.classes[label]]}"
        )
        st.html(STYLE + strip(data, episode.support[label], small=True))
