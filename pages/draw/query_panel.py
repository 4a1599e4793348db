"""The query, and each method's probabilities for it while it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.data.storage.disk_cache import short_digest
from maml_core.episodes.sampling import Episode
from maml_core.evaluation import open_set
from maml_core.evaluation.single_query import probabilities
from maml_core.figures.style import STYLES, class_letter
from maml_core.images.board import Cell, cell_character
from maml_core.teaching.sentences.drawing import describe_answers, describe_readiness
from maml_core.teaching.sentences.words import capitalised, listed, spelled
from pages.draw.board_state import QUERY, BoardState
from pages.draw.canvas import QUERY_PAD, Answer, drawing_pads, probability_bars
from pages.draw.data_set_characters import query_from_board, true_label
from pages.draw.upload_dialog import open_upload_dialog
from pages.shared import cached
from pages.shared.frame.page_header import explanation
from pages.shared.learners.method_list import by_label, choose_methods, why_no_steps
from pages.shared.link_settings import Check, dataset_label, some_of, whole_number
from pages.shared.widgets import show_until_dismissed

METHODS = ("maml", "pretrained")  # unless the link names others, and one's own
MAX_ANSWERS = 5  # more bars a class fill a phone before the last class
MAX_STEPS = 10
HOW_IT_WORKS = """
A network that has seen thousands of characters must still be told what *your* A is. Each method
starts from weights that know nothing of these classes, takes a few steps of gradient descent on the
characters of the board, and then answers; ProtoNet and R2D2 take no step, but work out their head
from the board. Each layer normalises your query with the mean and the variance of the board's
pictures (not of other queries: there are none), which is what these weights were trained for.
"""
OPEN_SET = """
A softmax always shares out 100 % among the classes it has, even if the query is none of them. So
the page also looks at how similar the query is to the most similar class: the maximum cosine
similarity between its features and the mean features of each class, in MAML's network *before* it
adapts. Below {threshold:.2f} the page says "none of these" (open-set rejection).

The threshold for {n_way}-way {k_shot}-shot was set on Omniglot's validation characters so that 5 %
of the queries that belong to a class fall below it. On test characters of other alphabets the
false rejection rate is **{rejection:.1f} %** (queries that belong to a class but are called none of
these, n = {n_known:,}) and the false acceptance rate is **{acceptance:.1f} %** (queries of other
characters that are not, n = {n_unknown:,}). Your drawings are not Omniglot's: expect other rates.
"""


@st.fragment
def query_panel(
    state: BoardState, data: CharacterSet, episode: Episode, n_way: int, k_shot: int
) -> None:
    """Show the query and the methods' answers, updated after each stroke."""
    st.subheader("The query", anchor=False)
    first, second = st.columns([5, 4])
    with first:
        upload_target = drawing_pads(state, {"": [QUERY]}, large=True, key=QUERY_PAD)
    with second:
        methods, steps = _method_controls()
        st.button(
            f"From {dataset_label(data.name)}",
            key="ask_from_data",
            icon=":material/auto_awesome:",
            help="Another drawing of one of the characters on the board.",
            on_click=partial(query_from_board, state, data, episode, n_way, k_shot),
        )
    if state.needs_redraw:
        state.needs_redraw = False
        st.rerun()
    show_until_dismissed(state.query_messages, "query_messages", ":material/info:")
    rows = _filled_rows(state, n_way, k_shot)
    probability_bars(
        [row[0] if row else None for row in rows],
        _answer(state, rows, methods, steps),
        steps=steps,
        query_strokes=len(state.cell(QUERY).strokes),
        key="answer_bars",
    )
    st.caption(
        "Probability of each class after each number of inner steps, for this one query. Before "
        f"the first step a head of zeros, such as MAML's, gives each class 1/{n_way}; without a "
        "step there is one answer."
    )
    with st.container(horizontal=True):
        explanation("What happens here?", HOW_IT_WORKS)
        explanation(
            "When is it “none of these”?", _explain_rejection(n_way, min(map(len, rows)) or k_shot)
        )
    if upload_target:
        open_upload_dialog(n_way, k_shot, upload_target)


def link_checks() -> dict[str, Check]:
    """Return the checks of the panel's own values in the URL, by parameter."""
    return {
        "draw_methods": some_of(*by_label(cached.available_methods())),
        "draw_steps": whole_number(1, MAX_STEPS),
    }


def _method_controls() -> tuple[tuple[str, ...], int]:
    """Draw the choice of methods and of inner steps; return who answers, and after how many."""
    available = cached.available_methods()
    default = (*METHODS, *cached.unseen_own_learners(cached.SPLIT))
    chosen = choose_methods(by_label(available), default, "draw_methods")
    methods, others = chosen[:MAX_ANSWERS], chosen[MAX_ANSWERS:]
    with st.container():  # always there, see `show_until_dismissed`
        if others:
            st.caption(
                f"{capitalised(spelled(MAX_ANSWERS))} answer at a time: for each one left out "
                f"the next of these does, {listed([STYLES[m].in_sentences for m in others])}."
            )
    why_disabled = why_no_steps(methods)
    steps = st.slider(
        "Inner steps",
        1,
        MAX_STEPS,
        5,
        key="draw_steps",
        bind="query-params",
        disabled=why_disabled is not None,
        help=why_disabled,
    )
    return methods, 0 if why_disabled else steps


def _filled_rows(state: BoardState, n_way: int, k_shot: int) -> list[list[Cell]]:
    """Return the cells of each row that hold a character."""
    rows = [state.row(label, k_shot) for label in range(n_way)]
    return [[cell for name, cell in row.items() if state.has_character(name)] for row in rows]


def _answer(
    state: BoardState, rows: Sequence[Sequence[Cell]], methods: tuple[str, ...], steps: int
) -> Answer:
    """Adapt to the board and classify the query, or say what is still missing."""
    if not methods:
        return Answer("Choose at least one method.", {})
    empty_rows = [class_letter(label) for label, row in enumerate(rows) if not row]
    if empty_rows:
        verdict = f"Still empty: {', '.join(empty_rows)}. Each row needs at least one character."
        return Answer(verdict, dict.fromkeys(methods))
    support = [[cell_character(cell) for cell in row] for row in rows]
    with st.spinner("Adapting …"):
        adapted = cached.adapted(_digest(support), methods, steps, support)
    inner_lrs = {method: trajectory.inner_lr for method, trajectory in adapted.items()}
    if not state.has_character(QUERY):
        verdict = describe_readiness([STYLES[method].in_sentences for method in methods])
        return Answer(verdict, dict.fromkeys(methods), inner_lrs)
    character = cell_character(state.cell(QUERY))
    learners = {method: cached.learner(method) for method in methods}
    similarity = open_set.max_cosine_similarity(cached.learner(open_set.METHOD), support, character)
    threshold = open_set.thresholds()[len(rows), min(map(len, rows))].max_cosine_similarity
    rejected = similarity < threshold
    shares = probabilities(learners, adapted, support, character)
    similarities = f"(cosine similarity {similarity:.2f}, threshold {threshold:.2f})"
    return Answer(
        _verdict(shares, true_label(state, rows), similarities, rejected),
        shares,
        inner_lrs,
        rejected,
    )


def _verdict(
    shares: Mapping[str, np.ndarray], truth: int | None, similarities: str, rejected: bool
) -> str:
    """Say what the methods answer after the last step, and whether the query fits the board."""
    n_way = next(iter(shares.values())).shape[1]
    answers = describe_answers(
        {STYLES[method].in_sentences: rows[-1] for method, rows in shares.items()},
        [class_letter(label) for label in range(n_way)],
        truth,
        rejected=rejected,
    )
    if rejected:
        return f"None of these {similarities}. If it had to be one: {answers}".removesuffix(": ")
    return f"{answers} It fits the board {similarities}.".strip()


def _digest(support: Sequence[Sequence[np.ndarray]]) -> str:
    """Return a digest that is the same only for the same characters in the same rows."""
    rows = (
        len(row).to_bytes(2) + b"".join(np.packbits(character).tobytes() for character in row)
        for row in support
    )
    return short_digest(b"".join(rows))


def _explain_rejection(n_way: int, k_shot: int) -> str:
    threshold = open_set.thresholds()[n_way, k_shot]
    return OPEN_SET.format(
        threshold=threshold.max_cosine_similarity,
        n_way=n_way,
        k_shot=k_shot,
        rejection=100 * threshold.false_rejection_rate,
        acceptance=100 * threshold.false_acceptance_rate,
        n_known=threshold.n_known,
        n_unknown=threshold.n_unknown,
    )
