"""A round of questions in the browser: the person chooses, all three answers are revealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from maml_core.config import N_QUESTIONS
from maml_core.data.character_set import CharacterSet
from maml_core.figures.style import STYLES, ink_on
from maml_core.teaching.play_round import PlayQuestion
from pages.shared.charts.picture_html import caption, data_uri
from pages.shared.component import component, keep_sent, last_sent

PERSON = "person"
NEXT_ROUND = "Next ten questions"
_mount = component("play_board")


def draw_board(
    data: CharacterSet,
    questions: Sequence[PlayQuestion],
    answers: Mapping[str, Sequence[int] | None],
    *,
    picks: Sequence[int | None],
    seconds: float | None,
    revision: str,
    on_again: Callable[[], None],
    on_learn: Callable[[int], None],
    hand_in: Mapping[str, object] | None = None,
    key: str,
) -> bool:
    """Draw a round.

    Args:
        data: Where the pictures come from.
        questions: The round.
        answers: The machines' labels by method; None: not known yet.
        picks: What the person has already chosen, in order; None: nothing in time.
        seconds: For each question; None: as long as one likes.
        revision: Names the round; with another one the board starts afresh.
        on_again: Called when the person asks for the next round.
        on_learn: Called with a question's number, from 1, when the person asks how it was learned.
        hand_in: What the picks are handed in as, to a class; see `visitor.own_hand_in`.
        key: Of the component; `picked_labels` reads its value.

    Returns:
        Whether the person has just asked for one of these.
    """
    players = [
        {
            "label": STYLES[name].label,
            "colour": STYLES[name].colour,
            "ink": ink_on(STYLES[name].colour),
            "marker": STYLES[name].marker,
            "answers": labels,
        }
        for name, labels in {PERSON: None, **answers}.items()
    ]
    result = _mount(
        key=key,
        data={
            "revision": revision,
            "questions": [_question_data(data, question) for question in questions],
            "players": players,
            "picks": list(picks),
            "seconds": seconds,
            "nextRound": NEXT_ROUND,
            "handIn": hand_in,
        },
        on_picks_change=lambda: keep_sent(key, "picks"),
        on_again_change=on_again,
        on_learn_change=lambda: _tell_question(key, on_learn),
    )
    return result.again is not None or result.learn is not None


def _tell_question(key: str, on_learn: Callable[[int], None]) -> None:
    number = (st.session_state.get(key) or {}).get("learn")
    if number in range(1, N_QUESTIONS + 1):
        on_learn(int(number or 0))


def picked_labels(
    key: str, questions: Sequence[PlayQuestion], revision: str, *, timed: bool
) -> list[int | None]:
    """Return what the person has chosen in a round according to the board, as far as it is valid.

    None, in a timed round only, stands for a question that was not answered in time.
    """
    picks = last_sent(key, "picks")
    if not isinstance(picks, Mapping) or picks.get("round") != revision:
        return []
    labels: list[int | None] = []
    for label, question in zip(picks.get("labels", ()), questions, strict=False):
        if label not in range(question.episode.spec.n_way) and not (timed and label is None):
            break
        labels.append(label)
    return labels


def _question_data(data: CharacterSet, question: PlayQuestion) -> dict[str, object]:
    episode = question.episode
    return {
        "query": data_uri(data, question.query),
        "caption": caption(data, question.query),
        "choices": [data_uri(data, int(row[0])) for row in episode.support],
        "names": [str(data.classes[c]) for c in episode.classes],
        "truth": question.truth,
    }
