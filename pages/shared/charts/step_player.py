"""The player: query pictures and charts move through the inner steps, all on the client."""

from __future__ import annotations

from collections.abc import Sequence

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.style import STYLES, class_letter, ink_on, takes_no_step
from pages.shared.charts.picture_html import caption, data_uri
from pages.shared.component import component

_mount = component("step_player")


def player_layout_css(container: str, chart: str, *player: str) -> str:
    """Return the style of a player, in the first column of a container, and charts in the second.

    The player is the first to be reached by keyboard, and stands to the right of the charts.
    Beside a long list of pictures the charts stay in view. On a phone the player stands between
    the first chart with its sentence and the others, so that its buttons and both are in view
    together: below twenty rows of pictures nobody finds the sentence.

    Args:
        container: Key of the container.
        chart: Key of the first chart.
        player: Keys of the player and of what belongs to it.
    """
    # A container of Streamlit's lies in a wrapper; that one is ordered.
    players = ", ".join(
        f".st-key-{container} :is(.st-key-{key}, :has(> .st-key-{key}))" for key in player
    )
    return f"""
<style>
.st-key-{container} > * > [data-testid="stHorizontalBlock"] {{ flex-direction: row-reverse; }}
.st-key-{container} [data-testid="stColumn"]:last-child > [data-testid="stVerticalBlock"] {{
  position: sticky; top: 3.5rem;
}}
@media (max-width: 640px) {{
  .st-key-{container} :is([data-testid="stHorizontalBlock"], [data-testid="stColumn"],
    [data-testid="stColumn"] > [data-testid="stVerticalBlock"]) {{ display: contents; }}
  .st-key-{container} [data-testid="stLayoutWrapper"]:has(
    > .st-key-chart_box_{chart}, > [class*="st-key-finding_"]) {{ order: -2; }}
  {players} {{ order: -1; }}
}}
</style>
"""


def player(
    data: CharacterSet,
    episode: Episode,
    trajectories: Sequence[AdaptationTrajectory],
    *,
    charts: Sequence[str],
    revision: str,
    predict: bool,
    names: Sequence[str] | None = None,
    key: str,
) -> str | None:
    """Draw the player.

    Args:
        data: Where the pictures come from.
        episode: Whose support and query pictures.
        trajectories: One a method.
        charts: Keys of the page's charts that have a frame for each step.
        revision: Changes when anything shown changes; one stays at the step one looks at.
        predict: Start at step 0, and report when the last step has been reached; until then what
            takes no step keeps its answers.
        names: What each stop is called, the last shown first; None: inner steps, the first.
        key: Of the component.

    Returns:
        With `predict`, the revision whose last step the person has seen; else None.
    """
    pictures = episode.query.ravel().tolist()
    n_way = episode.spec.n_way
    last = len(trajectories[0].accuracy) - 1
    result = _mount(
        key=key,
        data={
            "revision": revision,
            "predict": predict,
            "opensAt": 0 if predict else 1 if names is None else last,
            "charts": list(charts),
            "steps": last,
            "names": names or _step_names(trajectories),
            "letters": [class_letter(label) for label in range(n_way)],
            "classes": [str(data.classes[c]) for c in episode.classes],
            "support": [
                [
                    {"picture": data_uri(data, picture), "caption": caption(data, picture)}
                    for picture in row
                ]
                for row in episode.support.tolist()
            ],
            "pictures": [data_uri(data, picture) for picture in pictures],
            "captions": [caption(data, picture) for picture in pictures],
            "truth": [label for label in range(n_way) for _ in range(episode.spec.q_query)],
            "methods": [_method_data(trajectory, predict) for trajectory in trajectories],
        },
        default={"finished": None},
        on_finished_change=lambda: None,
    )
    finished: str | None = result.finished
    return finished


def _step_names(trajectories: Sequence[AdaptationTrajectory]) -> list[str]:
    """Return what the inner steps are called; where nobody takes any, what is seen by then."""
    last = len(trajectories[0].accuracy) - 1
    if all(takes_no_step(trajectory.method) for trajectory in trajectories):
        return [*["Before the answers"] * last, "Without an inner step"]
    return [f"Inner step {step} of {last}" for step in range(last + 1)]


def _method_data(trajectory: AdaptationTrajectory, predict: bool) -> dict[str, object]:
    style = STYLES[trajectory.method]
    predictions: list[list[int] | None] = trajectory.predictions.tolist()
    if predict and takes_no_step(trajectory.method):
        predictions[:-1] = [None] * (len(predictions) - 1)
    return {
        "label": style.label,
        "colour": style.colour,
        "ink": ink_on(style.colour),
        "predictions": predictions,
    }
