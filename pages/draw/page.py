"""Draw: your own characters, and the methods that learn them while you watch."""

from functools import partial

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.figures.style import class_letter
from maml_core.images.board import MAX_CELLS, MAX_ROWS, Cell
from pages.draw.board_state import BoardState, board_state, cell_name
from pages.draw.canvas import BOARD_PADS, drawing_pads, read_pads
from pages.draw.class_collection import class_collection
from pages.draw.data_set_characters import fill_board, rows_of_other_episodes
from pages.draw.examples import note_examples, show_examples
from pages.draw.hand_in import hand_in_button
from pages.draw.query_panel import link_checks, query_panel
from pages.draw.upload_dialog import load_board_popover, open_upload_dialog, save_board_button
from pages.shared.frame.glossary import IN_SYMBOLS, introduce
from pages.shared.frame.page_header import page_with_episode
from pages.shared.link_settings import dataset_label
from pages.shared.widgets import show_until_dismissed

FEW_ROWS = 5  # that one draws in a minute


def main() -> None:
    """Draw the page."""
    ready = page_with_episode("Draw", link_checks())
    st.markdown(
        "Draw a character in each square; a row is one character, any you like. **Then draw one "
        "of them again** as a query and watch which method recognises it."
    )
    introduce(
        IN_SYMBOLS,
        *("N-way K-shot", "support set, query set", "θ", "α", "inner loop, inner step"),
        *("chance", "open-set rejection", "normalised together, each alone", "pretrained"),
        *("random initialisation", "first-order MAML", "ANIL", "Reptile", "multi-task training"),
        *("iMAML", "BOIL", "Meta-SGD", "MAML++", "ProtoNet", "R2D2"),
    )
    if ready is not None:
        _, data, episode = ready
        _board_and_query(data, episode)


@st.fragment
def _board_and_query(data: CharacterSet, episode: Episode) -> None:
    """Show the board and, beside it, the query with its answers."""
    state, spec = board_state(), episode.spec
    n_way, k_shot = min(spec.n_way, MAX_ROWS), min(spec.k_shot, MAX_CELLS)
    left, right = st.columns([5, 4], gap="large")
    with left:
        st.subheader(f"The board: {n_way}-way {k_shot}-shot", anchor=False)
        if (n_way, k_shot) != (spec.n_way, spec.k_shot):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(
                    f"The sidebar says {spec.n_way}-way {spec.k_shot}-shot; a board has at most "
                    f"{MAX_ROWS} rows of {MAX_CELLS}.",
                    width="content",
                )
                if st.button(
                    f"{FEW_ROWS} rows are enough",
                    key="few_rows",
                    on_click=lambda: st.session_state.update(n_way=FEW_ROWS),
                ):
                    st.rerun()  # the sidebar too
        upload_clicked = _board_tools(state, data, episode, n_way, k_shot)
        show_examples()
        rows = {
            class_letter(label): [cell_name(label, shot) for shot in range(k_shot)]
            for label in range(n_way)
        }
        upload_target = drawing_pads(state, rows, large=False, key=BOARD_PADS)
        note_examples(state, n_way, k_shot)
        st.caption(
            "Under each square: what the network sees of it, 28 × 28 pixels, centred and scaled "
            "to the size and pen width of Omniglot's characters."
        )
        hand_in_button(state, n_way, k_shot)
        class_collection(state)
    with right:
        query_panel(state, data, episode, n_way, k_shot)
    if upload_clicked or upload_target:
        open_upload_dialog(n_way, k_shot, upload_target)


def _board_tools(
    state: BoardState, data: CharacterSet, episode: Episode, n_way: int, k_shot: int
) -> bool:
    """Show the buttons that change many cells at once; return whether “Upload” was clicked."""
    cells = [cell_name(label, shot) for label in range(n_way) for shot in range(k_shot)]
    read_pads(state)  # before anything is drawn: the buttons depend on it
    with st.container(horizontal=True, key="board_tools"):
        if st.button(
            f"Fill from {dataset_label(data.name)}",
            key="fill_board",
            icon=":material/auto_awesome:",
            help="Fills the board with this episode's characters. Rows with characters of your own "
            "stay as they are.",
        ):
            with st.spinner("Filling …"):  # a large board takes a second
                fill_board(state, data, episode, n_way, k_shot)
        upload_clicked = st.button("Upload", key="upload_pictures", icon=":material/upload:")
        save_board_button(state, n_way, k_shot)
        load_board_popover(state)
        _clear_and_undo_buttons(state, cells)
    show_until_dismissed(state.messages, "messages", ":material/info:")
    if others := rows_of_other_episodes(state, data, episode, n_way, k_shot):
        st.caption(
            f"Of another episode: {', '.join(others)}. *Fill from {dataset_label(data.name)}* "
            "replaces them with this one's characters."
        )
    return upload_clicked


def _clear_and_undo_buttons(state: BoardState, cells: list[str]) -> None:
    st.button(
        "Clear the board",
        key="clear_board",
        icon=":material/delete:",
        disabled=all(state.cell(name).is_empty for name in cells),
        on_click=partial(_clear_cells, state, cells),
    )
    if state.previous_cells:
        st.button(
            "Undo",
            key="take_back",
            icon=":material/undo:",
            on_click=state.undo,
            help="Undoes the last fill, upload, load or clear; click again to redo it.",
        )


def _clear_cells(state: BoardState, cells: list[str]) -> None:
    read_pads(state)  # the last stroke may have come with this click
    state.set_cells({name: Cell() for name in cells})


main()
