"""Replay: a recorded meta-training, point by point, on the episode that the sidebar names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.training import course_figure, replay_figure
from maml_core.teaching.exports.csv_exports import replay_csv
from maml_core.teaching.sentences.training import describe_replay
from pages.shared import cached
from pages.shared.charts.chart import draw_chart
from pages.shared.charts.facts import episode_facts
from pages.shared.charts.step_player import player, player_layout_css
from pages.shared.charts.typicality import FIRST_STEP, show_typicality
from pages.shared.frame.finding import show_caption, show_finding
from pages.shared.learners.recorded import learner_at_update, recorded_params
from pages.shared.link_settings import PARTS, Settings, current_settings, one_of
from pages.shared.messages import show_error
from pages.shared.widgets import segmented_choice

STEPS = 5
PICTURES_STEP = 1  # where the points differ most
SHOWN = (0, 1, STEPS)  # inner steps of which the course is drawn
CHECKS = {"replay_step": one_of(*map(str, range(1, STEPS + 1)))}
CHARTS = ("replay_chart", "course_chart")


def draw() -> None:
    """Draw the section."""
    chosen = current_settings()
    st.markdown(
        "The training that made this app's MAML was recorded at 20 points. **Slide through it: how "
        "well does θ adapt to *this* episode, early and late?**"
    )
    try:
        episode = cached.episode(chosen)
    except ValueError as error:
        show_error(error)
        return
    _draw(chosen, cached.characters(chosen.dataset), episode, _points(chosen))


def _points(chosen: Settings) -> dict[int, AdaptationTrajectory]:
    """Return how each recorded θ adapts to the episode; shows how far it is the first time."""
    updates = list(recorded_params())
    shown = st.empty()
    found = {}
    for number, update in enumerate(updates, 1):
        found[update] = _point(chosen, update)
        shown.progress(number / len(updates), f"Adapting: point {number} of {len(updates)}")
    shown.empty()
    return found


@st.cache_resource(show_spinner=False, max_entries=1024, ttl=cached.RESULT_SECONDS)
def _point(chosen: Settings, update: int) -> AdaptationTrajectory:
    """Return how one recorded θ adapts to the episode."""
    learner = learner_at_update(update)
    (found,) = compare({"maml": learner}, cached.episode(chosen), STEPS)
    return found


def _draw(
    chosen: Settings,
    data: CharacterSet,
    episode: Episode,
    found: Mapping[int, AdaptationTrajectory],
) -> None:
    updates, trajectories = list(found), list(found.values())
    n_way = chosen.spec.n_way
    st.html(player_layout_css("replay", CHARTS[0], "replay_step", "replay_player"))
    player_column, charts_column = st.container(key="replay").columns([5, 4], gap="large")
    with charts_column:
        draw_chart(
            replay_figure(trajectories, n_way),
            CHARTS[0],
            "Accuracy by inner step at the end of the recorded meta-training",
            settings=chosen,
        )
        draw_chart(
            course_figure(trajectories, updates, SHOWN, n_way),
            CHARTS[1],
            "Accuracy over the recorded meta-training",
            settings=chosen,
        )
        total = episode.query.size
        correct = {u: np.rint(t.accuracy * total).astype(int).tolist() for u, t in found.items()}
        available = cached.available_classes(chosen.dataset, chosen.part)
        show_finding(describe_replay(correct, total, chosen.spec, available), "replay")
        show_caption(
            f"One episode, {len(episode.query.ravel())} query pictures of characters "
            f"{PARTS[chosen.part]}, normalised together; faint lines are the other points; "
            f"α = {trajectories[0].inner_lr:.3g}, the final one, at every point. Point 0 is the "
            "pretrained network that training started from. It is already strong: the more "
            "classes, the more there is to gain.",
            "replay",
        )
        gained = trajectories[-1].accuracy[FIRST_STEP], trajectories[0].accuracy[FIRST_STEP]
        show_typicality(chosen.dataset, chosen.part, "replay", chosen.spec, gained)
    with player_column:
        steps = range(1, STEPS + 1)
        step = segmented_choice(
            "Pictures after inner step", steps, "replay_step", default=PICTURES_STEP
        )
        player(
            data,
            episode,
            [_over_training(trajectories, step)],
            charts=CHARTS,
            revision=str((chosen, step)),
            predict=False,
            names=[f"After {update:,} meta-updates" for update in updates],
            key="replay_player",
        )
        st.caption(
            f"Below each query picture: its predicted class after inner step {step} from the θ of "
            "that point. Filled: correct; struck through: wrong."
        )
        st.download_button(
            "The charts' numbers (CSV)",
            replay_csv(found, episode_facts(chosen, method="maml")),
            "replay.csv",
            "text/csv",
            key="replay_csv",
            on_click="ignore",
        )


def _over_training(trajectories: list[AdaptationTrajectory], step: int) -> AdaptationTrajectory:
    """Return an inner step's values at each point, in place of the inner steps of one θ."""
    return replace(
        trajectories[0],
        support_loss=np.stack([one.support_loss[step] for one in trajectories]),
        query_loss=np.stack([one.query_loss[step] for one in trajectories]),
        accuracy=np.stack([one.accuracy[step] for one in trajectories]),
        predictions=np.stack([one.predictions[step] for one in trajectories]),
    )
