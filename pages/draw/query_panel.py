"""The query, and what both methods say to it while it is drawn."""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.evaluation import open_set
from maml_core.evaluation.single_query import probabilities
from maml_core.figures.style import class_letter
from maml_core.images.board import cell_character
from pages.draw.board_state import QUERY, Desk, cell_name
from pages.draw.canvas import PADS, bars, pads
from pages.draw.upload_dialog import ask_for_pictures
from pages.shared import cached
from pages.shared.page_header import why
from pages.shared.settings import dataset_in_words

METHODS = ("maml", "pretrained")
MAX_STEPS = 10
WHY_ALONE = """
A network that has seen thousands of characters must still be told what *your* A is. Both methods
start from weights that know nothing of these classes, take a few steps of gradient descent on the
characters of the board, and then answer. Each layer normalises your query with the mean and the
variance of the board's pictures (not of other queries: there are none), which is what these
weights were trained for.
"""


@st.fragment
def query_and_answers(
    here: Desk, data: CharacterSet, episode: Episode, n_way: int, k_shot: int
) -> None:
    """Draw the query and what both methods say to it, anew with each of its strokes."""
    st.subheader("The query", anchor=False)
    first, second = st.columns([5, 4])
    with first:
        into = pads(here, {"": [QUERY]}, large=True, key=PADS[1])
    with second:
        steps = st.slider("Inner steps", 1, MAX_STEPS, 5, key="draw_steps", bind="query-params")
        st.button(
            f"From {dataset_in_words(data.name)}",
            key="ask_from_data",
            icon=":material/auto_awesome:",
            help="Another drawing of one of this episode's characters.",
            on_click=partial(_ask_from_data, here, data, episode, n_way),
        )
    _answer(here, n_way, k_shot, steps)
    if into:
        ask_for_pictures(n_way, k_shot, into)


def _ask_from_data(here: Desk, data: CharacterSet, episode: Episode, n_way: int) -> None:
    """Put another query picture of the episode onto the query's pad, one after the other."""
    pictures = np.random.default_rng(0).permutation(episode.query[:n_way].ravel())
    picture = pictures[here.asked % len(pictures)]
    here.asked += 1
    here.put_pictures({QUERY: data.ink(picture)})


def _answer(here: Desk, n_way: int, k_shot: int, steps: int) -> None:
    """Draw the bars, or what is missing for them."""
    names = [[cell_name(label, shot) for shot in range(k_shot)] for label in range(n_way)]
    rows = [[here.drawing(name) for name in row if here.usable(name)] for row in names]
    methods = [method for method in METHODS if method in cached.available_methods()]
    methods += cached.unseen_own_learners(cached.SPLIT)
    answers = dict.fromkeys(methods)
    inner_lrs: dict[str, float] = {}
    foreign, missing = False, [class_letter(label) for label, row in enumerate(rows) if not row]
    if missing:
        verdict = f"Still empty: {', '.join(missing)}. Each row needs at least one character."
    else:
        support = [[cell_character(one) for one in row] for row in rows]
        with st.spinner("Adapting …"):
            adapted = cached.adapted(_digest(support), tuple(methods), steps, support)
        inner_lrs = {method: one.inner_lr for method, one in adapted.items()}
        who = "Both" if len(methods) == 2 else "All"
        verdict = f"{who} have adapted to the board. Now draw a query."
        if here.usable(QUERY):
            character = cell_character(here.drawing(QUERY))
            learners = {method: cached.learner(method) for method in methods}
            answers = probabilities(learners, adapted, support, character)
            threshold = open_set.thresholds()[n_way, min(map(len, rows))]
            likeness = open_set.likeness(cached.learner(open_set.METHOD), support, character)
            foreign = likeness < threshold.likeness
            verdict = _verdict(foreign, likeness, threshold)
    examples = [row[0] if row else None for row in rows]
    bars(
        examples,
        answers,
        inner_lrs,
        steps=steps,
        verdict=verdict,
        foreign=foreign,
        asked=len(here.drawing(QUERY).strokes),
        key="answer_bars",
    )
    st.caption(
        "Probability of each class after so many inner steps, for this one query. Before the "
        f"first step every class has 1/{n_way}."
    )
    with st.container(horizontal=True):
        why("What happens here?", WHY_ALONE)
        why("When is it “none of these”?", _why_none(n_way, min(map(len, rows)) or k_shot))


def _digest(support: list[list[np.ndarray]]) -> str:
    """Return what is the same for the same characters in the same rows only."""
    found = hashlib.sha256()
    for row in support:
        found.update(len(row).to_bytes(2))
        for character in row:
            found.update(np.packbits(character).tobytes())
    return found.hexdigest()


def _verdict(foreign: bool, likeness: float, threshold: open_set.Threshold) -> str:
    found = "None of these" if foreign else "Fits the board"
    return f"{found} (likeness {likeness:.2f}, needed {threshold.likeness:.2f})."


def _why_none(n_way: int, k_shot: int) -> str:
    found = open_set.thresholds()[n_way, k_shot]
    return f"""
A softmax shares 100 % out among the classes it has, however foreign the query is: the bars must
name something all the same. So something else is asked: how alike is the query to its nearest
class, by the cosine of the features that MAML's network has *before* it adapts? Below
{found.likeness:.2f} the page says "none of these".

The threshold for {n_way}-way {k_shot}-shot was set on Omniglot's validation characters so that 5 %
of the queries that belong to a class fall below it. On test characters of other alphabets it errs
so: **{found.false_alarms:.1%}** of {found.n_known:,} queries that belonged to a class were called
none of these, and **{found.misses:.1%}** of {found.n_foreign:,} queries of other characters were
not. Your scribbles are not Omniglot's characters: expect other rates.
"""
