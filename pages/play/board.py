"""A round of questions on the client: the person chooses, all three answers are revealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.figures.style import STYLES
from maml_core.teaching.play_round import Question
from pages.shared.component import component
from pages.shared.picture_html import caption, data_uri

PERSON = "person"
NEXT_ROUND = "Next ten questions"
_mount = component("play_board")


def board(
    data: CharacterSet,
    asked: Sequence[Question],
    answers: Mapping[str, Sequence[int] | None],
    *,
    picks: Sequence[int | None],
    seconds: float | None,
    revision: str,
    on_again: Callable[[], None],
    key: str,
) -> bool:
    """Draw a round.

    Args:
        data: Where the pictures come from.
        asked: The questions.
        answers: The machines' labels by method; None: not known yet.
        picks: What the person has chosen before, in order; None: nothing in time.
        seconds: For each question; None: as long as one likes.
        revision: Names the round; with another one the board starts anew.
        on_again: Called when the person asks for the next round.
        key: Of the component; `picked` reads what it says.

    Returns:
        Whether the person just asked for the next round.
    """
    players = [
        {
            "label": STYLES[name].label,
            "colour": STYLES[name].colour,
            "marker": STYLES[name].marker,
            "answers": found,
        }
        for name, found in {PERSON: None, **answers}.items()
    ]
    result = _mount(
        key=key,
        data={
            "revision": revision,
            "questions": [_question(data, one) for one in asked],
            "players": players,
            "picks": list(picks),
            "seconds": seconds,
            "nextRound": NEXT_ROUND,
        },
        default={"picks": None},
        on_picks_change=lambda: None,
        on_again_change=on_again,
    )
    return result.again is not None


def picked(key: str, asked: Sequence[Question], revision: str, *, timed: bool) -> list[int | None]:
    """Return what the board says the person has chosen in a round, as far as it makes sense.

    None, in a timed round only, stands for a question that was not answered in time.
    """
    said = (st.session_state.get(key) or {}).get("picks")
    if not isinstance(said, Mapping) or said.get("round") != revision:
        return []
    labels: list[int | None] = []
    for label, one in zip(said.get("labels", ()), asked, strict=False):
        if label not in range(one.episode.spec.n_way) and not (timed and label is None):
            break
        labels.append(label)
    return labels


def _question(data: CharacterSet, one: Question) -> dict[str, object]:
    return {
        "query": data_uri(data, one.query),
        "caption": caption(data, one.query),
        "choices": [data_uri(data, int(row[0])) for row in one.episode.support],
        "names": [str(data.classes[c]) for c in one.episode.classes],
        "truth": one.truth,
    }
