"""Draw: somebody's own characters, and the methods that learn them while they watch."""

import hashlib
from functools import partial

import numpy as np
import streamlit as st

from maml_core import open_set
from maml_core.answers import probabilities
from maml_core.boards import MAX_CELLS, MAX_ROWS, Drawing, character_in, picture_of
from maml_core.datasets.base import CharacterSet
from maml_core.episodes import Episode
from maml_core.figures import class_letter
from maml_core.handwriting import as_character
from pages.shared import loaders
from pages.shared.bringing import ask_for_pictures, fetch, keep
from pages.shared.collecting import collect
from pages.shared.desk import QUERY, Desk, cell_name, desk
from pages.shared.frame import begin, why
from pages.shared.pads import bars, pads, take_ink
from pages.shared.settings import whole

METHODS = ("maml", "pretrained")
PADS = ("board_pads", "query_pad")
MAX_STEPS = 10
# Beside a long board the query and its answers stay in view.
ARRANGEMENT = """
<style>
@media (min-width: 641px) {
  [data-testid="stColumn"] > [data-testid="stVerticalBlock"]:has(.st-key-query_pad) {
    position: sticky; top: 3.5rem;
  }
}
</style>
"""
WHY_ALONE = """
A network that has seen thousands of characters must still be told what *your* A is. Both methods
start from weights that know nothing of these classes, take a few steps of gradient descent on the
characters of the board, and then answer. Each layer normalises your query with the mean and the
variance of the board's pictures (not of other queries: there are none), which is what these
weights were trained for.
"""


def main() -> None:
    """Draw the page."""
    ready = begin("Draw", {"draw_steps": whole(1, MAX_STEPS)})
    st.markdown(
        "Draw a character in each row, any you like. **Then draw one of them again** as a query "
        "and watch who recognises it."
    )
    if ready is not None:
        _, data, episode = ready
        _bench(data, episode)


@st.fragment
def _bench(data: CharacterSet, episode: Episode) -> None:
    """Draw the board and, beside it, the query with its answers."""
    here, spec = desk(), episode.spec
    n_way, k_shot = min(spec.n_way, MAX_ROWS), min(spec.k_shot, MAX_CELLS)
    st.html(ARRANGEMENT)
    left, right = st.columns([5, 4], gap="large")
    with left:
        st.subheader(f"The board: {n_way}-way {k_shot}-shot", anchor=False)
        if (n_way, k_shot) != (spec.n_way, spec.k_shot):
            st.caption(
                f"The sidebar asks for {spec.n_way}-way {spec.k_shot}-shot; a board has at most "
                f"{MAX_ROWS} rows of {MAX_CELLS}."
            )
        upload = _tools(here, data, episode, n_way, k_shot)
        rows = {
            class_letter(label): [cell_name(label, shot) for shot in range(k_shot)]
            for label in range(n_way)
        }
        into = pads(here, rows, large=False, key=PADS[0])
        st.caption(
            "Under each square: what the network sees of it, 28 × 28 pixels, moved to the middle "
            "and brought to the size and the pen of Omniglot's characters."
        )
        collect(here, n_way, k_shot)
    with right:
        _query(here, data, episode, n_way, k_shot)
    if upload or into:
        ask_for_pictures(n_way, k_shot, into)


def _tools(here: Desk, data: CharacterSet, episode: Episode, n_way: int, k_shot: int) -> bool:
    """Draw what changes many cells at once; return whether pictures are to be uploaded."""
    cells = [cell_name(label, shot) for label in range(n_way) for shot in range(k_shot)]
    # Before anything is drawn: what the buttons are for depends on it.
    take_ink(here, *PADS)
    empty = [name for name in cells if here.drawing(name).is_empty]
    with st.container(horizontal=True, key="board_tools"):
        st.button(
            f"Fill from {data.name.capitalize()}",
            key="fill_board",
            icon=":material/auto_awesome:",
            disabled=not empty,
            help="Fills the empty squares with this episode's characters.",
            on_click=partial(_fill, here, data, episode, cells),
        )
        upload = st.button("Upload", key="upload_pictures", icon=":material/upload:")
        keep(here, n_way, k_shot)
        fetch(here)
        st.button(
            "Clear the board",
            key="clear_board",
            icon=":material/delete:",
            disabled=len(empty) == len(cells),
            on_click=partial(_clear, here, cells),
        )
        if here.before:
            st.button(
                "Undo",
                key="take_back",
                icon=":material/undo:",
                on_click=here.take_back,
                help="Undoes the last filling, upload, loading or clearing; again brings it back.",
            )
    if here.messages:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning("  \n".join(here.messages), icon=":material/image_not_supported:")
            st.button("OK", key="messages_read", on_click=here.messages.clear)
    return upload


def _fill(here: Desk, data: CharacterSet, episode: Episode, cells: list[str]) -> None:
    """Put the episode's support pictures into empty cells, brought there like all others."""
    take_ink(here, *PADS)  # the last stroke may have come with this click
    pictures = {
        cell_name(label, shot): picture
        for label, row in enumerate(episode.support)
        for shot, picture in enumerate(row)
    }
    here.put(
        {
            name: picture_of(as_character(data.picture(pictures[name])))
            for name in cells
            if here.drawing(name).is_empty
        }
    )


def _clear(here: Desk, cells: list[str]) -> None:
    take_ink(here, *PADS)
    here.put({name: Drawing() for name in cells})


@st.fragment
def _query(here: Desk, data: CharacterSet, episode: Episode, n_way: int, k_shot: int) -> None:
    """Draw the query and what both methods say to it, anew with each of its strokes."""
    st.subheader("The query", anchor=False)
    first, second = st.columns([5, 4])
    with first:
        into = pads(here, {"": [QUERY]}, large=True, key=PADS[1])
    with second:
        steps = st.slider("Inner steps", 1, MAX_STEPS, 5, key="draw_steps", bind="query-params")
        st.button(
            f"From {data.name.capitalize()}",
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
    here.put({QUERY: picture_of(as_character(data.picture(picture)))})


def _answer(here: Desk, n_way: int, k_shot: int, steps: int) -> None:
    """Draw the bars, or what is missing for them."""
    names = [[cell_name(label, shot) for shot in range(k_shot)] for label in range(n_way)]
    rows = [[here.drawing(name) for name in row if here.usable(name)] for row in names]
    methods = [method for method in METHODS if method in loaders.available_methods()]
    answers = dict.fromkeys(methods)
    inner_lrs: dict[str, float] = {}
    foreign, missing = False, [class_letter(label) for label, row in enumerate(rows) if not row]
    if missing:
        verdict = f"Still empty: {', '.join(missing)}. Each row needs at least one character."
    else:
        support = [[character_in(one) for one in row] for row in rows]
        with st.spinner("Adapting …"):
            adapted = loaders.adapted(_digest(support), tuple(methods), steps, support)
        inner_lrs = {method: one.inner_lr for method, one in adapted.items()}
        verdict = "Both have adapted to the board. Now draw a query."
        if here.usable(QUERY):
            character = character_in(here.drawing(QUERY))
            answers = probabilities(adapted, character)
            threshold = open_set.thresholds()[n_way, min(map(len, rows))]
            likeness = open_set.likeness(loaders.learner(open_set.METHOD), support, character)
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
    if foreign:
        return (
            f"None of these: likeness {likeness:.2f}, a character of the board has "
            f"{threshold.likeness:.2f} or more. The bars must name something all the same."
        )
    return (
        f"Fits the board: likeness {likeness:.2f} (none of these: below {threshold.likeness:.2f})."
    )


def _why_none(n_way: int, k_shot: int) -> str:
    found = open_set.thresholds()[n_way, k_shot]
    return f"""
A softmax shares 100 % out among the classes it has, however foreign the query is. So something
else is asked: how alike is the query to its nearest class, by the cosine of the features that
MAML's network has *before* it adapts? Below {found.likeness:.2f} the page says "none of these".

The threshold for {n_way}-way {k_shot}-shot was set on Omniglot's validation characters so that 5 %
of the queries that belong to a class fall below it. On test characters of other alphabets it errs
so: **{found.false_alarms:.1%}** of {found.n_known:,} queries that belonged to a class were called
none of these, and **{found.misses:.1%}** of {found.n_foreign:,} queries of other characters were
not. Your scribbles are not Omniglot's characters: expect other rates.
"""


main()
