"""Characters that the board takes from the data set: whole classes, and queries of them.

Each row is one class. So a row is filled as a whole with one character of the data set, a row that
holds a drawing or an upload is left as it is, and a query is of a character that the board holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.figures.style import class_letter
from maml_core.images.board import Cell, cell_from_character
from maml_core.images.decoding import PictureError
from maml_core.images.handwriting import normalise_ink
from pages.draw.board_state import QUERY, BoardState
from pages.shared.link_settings import dataset_label


def fill_board(
    state: BoardState, data: CharacterSet, episode: Episode, n_way: int, k_shot: int
) -> None:
    """Put the episode's support pictures into all rows but those with characters of one's own.

    Where nothing is left to be filled, a message says why.
    """
    labels = [label for label in range(n_way) if not _has_own_character(state, label, k_shot)]
    state.messages.clear()
    changes = _episode_cells(state, data, episode, labels, k_shot)
    if all(state.cell(name) == cell for name, cell in changes.items()) and not state.messages:
        state.messages.append(
            "The board already holds this episode's characters; choose New episode for others."
            if labels
            else "Every row holds a character of your own, and stays as it is: clear a row, or "
            "the board, to have it filled."
        )
    query = state.cell(QUERY)
    origins = {changes.get(name, cell).origin for name, cell in _board_cells(state, n_way, k_shot)}
    if query.origin and not query.strokes and query.origin not in origins:
        changes[QUERY] = Cell()  # it is of a character that was there before
    state.set_cells(changes)


def query_from_board(
    state: BoardState, data: CharacterSet, episode: Episode, n_way: int, k_shot: int
) -> None:
    """Take another picture of a character of the board as the query, a different one each time.

    Rows that are still empty are filled first. Where no row is of the data set, a message says so.
    """
    state.query_messages.clear()
    empty = [
        label
        for label in range(n_way)
        if all(cell.is_empty for cell in state.row(label, k_shot).values())
    ]
    changes = _episode_cells(state, data, episode, empty, k_shot)
    after = {name: changes.get(name, cell) for name, cell in _board_cells(state, n_way, k_shot)}
    pictures = _pictures_of({cell.origin for cell in after.values()}, data)
    used = {cell.picture for cell in (*after.values(), state.cell(QUERY))}
    for number in range(state.n_data_queries, state.n_data_queries + len(pictures)):
        query = _cell_from_data(data, pictures[number % len(pictures)])
        if query is not None and query.picture not in used:
            state.n_data_queries = number + 1
            state.needs_redraw = bool(changes)  # the board too
            state.set_cells({**changes, QUERY: query})
            return
    words = dataset_label(data.name)
    state.query_messages.append(
        f"No row of the board is a character of {words}, so a query from there would be none of "
        "them. Draw the query, or clear a row and take it from the data set."
        if not pictures
        else f"{words} has no other picture of the characters on the board."
    )


def true_label(state: BoardState, rows: Sequence[Sequence[Cell]]) -> int | None:
    """Return the class that the query was taken from; None where nobody but its drawer knows."""
    query = state.cell(QUERY)
    if not query.origin or query.strokes:
        return None
    labels = [i for i, row in enumerate(rows) if {cell.origin for cell in row} == {query.origin}]
    return labels[0] if len(labels) == 1 else None


def rows_of_other_episodes(
    state: BoardState, data: CharacterSet, episode: Episode, n_way: int, k_shot: int
) -> list[str]:
    """Return the letters of the rows that hold characters of a data set, but not this episode's."""
    return [
        class_letter(label)
        for label in range(n_way)
        if not _has_own_character(state, label, k_shot)
        and _origins(state, label, k_shot) - {_origin(data, int(episode.classes[label]))}
    ]


def _board_cells(state: BoardState, n_way: int, k_shot: int) -> Iterator[tuple[str, Cell]]:
    for label in range(n_way):
        yield from state.row(label, k_shot).items()


def _origins(state: BoardState, label: int, k_shot: int) -> set[str]:
    """Return the origins of a row's characters."""
    return {cell.origin for cell in state.row(label, k_shot).values() if not cell.is_empty}


def _has_own_character(state: BoardState, label: int, k_shot: int) -> bool:
    """Say whether somebody drew or uploaded a character of a row, or drew over one."""
    return any(
        not cell.is_empty and (cell.strokes or not cell.origin)
        for cell in state.row(label, k_shot).values()
    )


def _episode_cells(
    state: BoardState, data: CharacterSet, episode: Episode, labels: list[int], k_shot: int
) -> dict[str, Cell]:
    """Return the cells of some rows with the episode's support pictures; say which show no ink."""
    cells = {}
    for label in labels:
        pictures = episode.support[label, :k_shot]
        for name, picture in zip(state.row(label, k_shot), pictures, strict=True):
            try:
                cells[name] = _read_cell(data, int(picture))
            except PictureError as error:
                state.messages.append(f"{name}: {error}")
    return cells


def _pictures_of(origins: set[str], data: CharacterSet) -> list[int]:
    """Return the numbers of all pictures of some classes, shuffled, always in the same way."""
    classes = [c for c in range(len(data.classes)) if _origin(data, c) in origins]
    pictures = [number for c in classes for number in data.images_of(c)]
    return [int(number) for number in np.random.default_rng(0).permutation(pictures)]


def _cell_from_data(data: CharacterSet, picture: int) -> Cell | None:
    """Return a cell with a picture of the data set; None if it shows no ink."""
    try:
        return _read_cell(data, picture)
    except PictureError:
        return None


def _read_cell(data: CharacterSet, picture: int) -> Cell:
    character = normalise_ink(data.ink(picture))
    return cell_from_character(character, _origin(data, data.class_of(picture)))


def _origin(data: CharacterSet, number: int) -> str:
    """Return what identifies a class of any data set."""
    return f"{data.name}: {data.classes[number]}"
