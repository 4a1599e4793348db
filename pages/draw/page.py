"""Draw: somebody's own characters, and the methods that learn them while they watch."""

from functools import partial

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.figures.style import class_letter
from maml_core.images.board import MAX_CELLS, MAX_ROWS, Cell
from pages.draw.board_state import Desk, cell_name, desk
from pages.draw.canvas import PADS, pads, take_ink
from pages.draw.class_collection import collect
from pages.draw.query_panel import MAX_STEPS, query_and_answers
from pages.draw.upload_dialog import ask_for_pictures, fetch, keep
from pages.shared.page_header import begin
from pages.shared.settings import dataset_in_words, whole
from pages.shared.widgets import show_until_read

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
        query_and_answers(here, data, episode, n_way, k_shot)
    if upload or into:
        ask_for_pictures(n_way, k_shot, into)


def _tools(here: Desk, data: CharacterSet, episode: Episode, n_way: int, k_shot: int) -> bool:
    """Draw what changes many cells at once; return whether pictures are to be uploaded."""
    cells = [cell_name(label, shot) for label in range(n_way) for shot in range(k_shot)]
    # Before anything is drawn: what the buttons are for depends on it.
    take_ink(here)
    with st.container(horizontal=True, key="board_tools"):
        if st.button(
            f"Fill from {dataset_in_words(data.name)}",
            key="fill_board",
            icon=":material/auto_awesome:",
            help="Fills the empty squares with this episode's characters.",
        ):
            with st.spinner("Filling …"):  # a large board takes a second
                _fill(here, data, episode, cells)
        upload = st.button("Upload", key="upload_pictures", icon=":material/upload:")
        keep(here, n_way, k_shot)
        fetch(here)
        st.button(
            "Clear the board",
            key="clear_board",
            icon=":material/delete:",
            disabled=all(here.drawing(name).is_empty for name in cells),
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
    show_until_read(here.messages, "messages", ":material/image_not_supported:")
    return upload


def _fill(here: Desk, data: CharacterSet, episode: Episode, cells: list[str]) -> None:
    """Put the episode's support pictures into empty cells, brought there like all others."""
    pictures = {
        cell_name(label, shot): picture
        for label, row in enumerate(episode.support)
        for shot, picture in enumerate(row)
    }
    here.put_pictures(
        {name: data.ink(pictures[name]) for name in cells if here.drawing(name).is_empty}
    )


def _clear(here: Desk, cells: list[str]) -> None:
    take_ink(here)  # the last stroke may have come with this click
    here.put({name: Cell() for name in cells})


main()
