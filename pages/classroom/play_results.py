"""A round of Play on the projector: question by question, the class beside the machines."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from maml_core.classroom.activities import Activity
from maml_core.classroom.hand_ins import HandIn, hand_ins_of
from maml_core.classroom.membership import ClassRecord
from maml_core.classroom.summaries import PlaySummary, ranking
from maml_core.figures.classroom import round_figure, round_in_words
from maml_core.teaching.play_round import PlayQuestion
from pages.classroom.choosing import choose_newest
from pages.classroom.rounds import COLOURS, LABELS, opened_round, round_title, rounds_of, summary_of
from pages.shared import cached
from pages.shared.charts.chart import draw_chart
from pages.shared.charts.picture_html import picture_strip
from pages.shared.classroom.store import database
from pages.shared.classroom.subjects import PlaySubject

RANKED = 10  # pupils on the projector


def draw_play_results(taught: ClassRecord, opened: Activity | None) -> None:
    """Draw one round, at first the one that is open, else the one that was begun last."""
    rounds = rounds_of(hand_ins_of(database(), taught.id, "play"))
    led = opened_round(opened) if opened is not None and opened.kind == "play" else None
    if led is not None and rounds:  # who plays another one meanwhile does not turn the projector
        rounds[led] = rounds.pop(led, [])
    if not rounds:
        st.info(
            "Open Play, choose a round, and press *Lead everybody here*: what the class answers "
            "appears on this page."
        )
        return
    shown = choose_newest("Round", list(rounds), "class_round", round_title)
    _draw_round(taught, shown, rounds[shown])


def _draw_round(taught: ClassRecord, subject: PlaySubject, handed_in: Sequence[HandIn]) -> None:
    with st.spinner("The machines answer, too …"):
        found = summary_of(subject, handed_in)
    if found is None:
        st.warning("The characters of this round are not on this server.")
        return
    summary, questions = found
    draw_chart(
        round_figure(summary, LABELS, COLOURS),
        "class_round_chart",
        "What the class answered",
        numbers=round_in_words(summary, LABELS),
    )
    _draw_scores(summary)
    _draw_most_missed(subject, questions, summary)
    if taught.options["ranking"]:
        _draw_ranking(ranking(summary.scores))


def _draw_ranking(ranked: Sequence[tuple[int, str, int]]) -> None:
    st.table([{"": place, "Name": name, "Right": score} for place, name, score in ranked[:RANKED]])
    if len(ranked) > RANKED:
        st.caption(f"And {len(ranked) - RANKED} more, in the report.")


def _draw_scores(summary: PlaySummary) -> None:
    """Compare the class's mean with the machines."""
    finished = list(summary.finished.values())
    total = len(summary.truths)
    with st.container(horizontal=True, key="class_scores"):
        mean = f"{sum(finished) / len(finished):.1f} of {total}" if finished else "–"
        st.metric(f"The class, mean of {len(finished)} who finished", mean)
        for name, label in LABELS.items():
            st.metric(label, f"{int(summary.machine_right[name].sum())} of {total}")


def _draw_most_missed(
    subject: PlaySubject, questions: Sequence[PlayQuestion], summary: PlaySummary
) -> None:
    """Show the question that most got wrong, with what they chose."""
    worst = summary.most_missed
    if worst is None:
        return
    question = questions[worst]
    data = cached.characters(subject.dataset)
    right, total = summary.chosen[worst, question.truth], summary.n_answers[worst]
    st.markdown(f"**Most missed: question {worst + 1}**, which {right} of {total} got right.")
    with st.container(horizontal=True, key="class_most_missed"):
        with st.container(width="content"):
            st.html(picture_strip(data, [question.query]))
            st.markdown("the question", text_alignment="center")
        for label, row in enumerate(question.episode.support):
            count = int(summary.chosen[worst, label])
            if count or label == question.truth:
                with st.container(width="content"):
                    st.html(picture_strip(data, [int(row[0])]))
                    mark = " ✓" if label == question.truth else ""
                    st.markdown(f"**{count}** chose it{mark}", text_alignment="center")
