"""Pads to draw in, with what the network sees of each, and bars for the probabilities."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import streamlit as st

from maml_core.figures.style import STYLES, class_letter, inner_lr_in_words
from maml_core.images.board import Cell, cell_character, encode_png
from maml_core.images.handwriting import MAX_POINTS, PEN, SIDE
from maml_core.images.network_input import INPUT_SIZE, to_network_input
from pages.draw.board_state import QUERY, BoardState
from pages.shared.component import component, keep_sent, last_sent

BOARD_PADS, QUERY_PAD = "board_pads", "query_pad"  # keys of the components
SIZE_IN_WORDS = f"{INPUT_SIZE} × {INPUT_SIZE} pixels"
_mount_pads = component("drawing_pads")
_mount_bars = component("probability_bars")


@dataclass(frozen=True)
class Answer:
    """What the page says about the query.

    Attributes:
        verdict: In words.
        probabilities: [steps + 1, n_way] by method; None while there is no query.
        inner_lrs: α by method, where it is known.
        rejected: The query belongs to none of the classes.
    """

    verdict: str
    probabilities: Mapping[str, np.ndarray | None]
    inner_lrs: Mapping[str, float] = field(default_factory=dict)
    rejected: bool = False


def drawing_pads(
    state: BoardState, rows: Mapping[str, Sequence[str]], *, large: bool, key: str
) -> str | None:
    """Show pads, read the strokes that are new, and show what the network sees of them.

    Args:
        state: Whose cells they show.
        rows: Names of the cells of each row, by its title.
        large: Show them large.
        key: Of the component.

    Returns:
        The cell that a picture is to be uploaded into, if the person has just clicked so.
    """
    read_pads(state)
    _mount_pads(
        key=key,
        data={
            "large": large,
            "penWidth": PEN / SIDE,
            "maxPoints": MAX_POINTS,
            "rows": [
                {"title": title, "cells": [_pad_data(state, name) for name in names]}
                for title, names in rows.items()
            ],
        },
        on_ink_change=lambda: keep_sent(key, "ink"),
        on_upload_change=lambda: None,
    )
    upload_target: str | None = (st.session_state.get(key) or {}).get("upload")
    return upload_target


def read_pads(state: BoardState) -> None:
    """Apply the pen's edits that the pads hold and the state has not seen yet."""
    for key in (BOARD_PADS, QUERY_PAD):
        state.apply_pen_edits(last_sent(key, "ink"))


def cell_label(name: str) -> str:
    """Return a cell's name in words."""
    return "the query" if name == QUERY else f"{name[0]}, example {name[1:]}"


def _pad_data(state: BoardState, name: str) -> dict[str, object]:
    cell = state.cell(name)
    return {
        "name": name,
        "label": cell_label(name),
        "hint": "draw the query here" if name == QUERY else f"draw {name[0]} here",
        "version": state.versions.get(name, 0),
        "strokes": cell.strokes,
        "picture": _data_uri(cell.picture) if cell.picture else None,
        "seenLabel": f"What the network sees of {cell_label(name)}: {SIZE_IN_WORDS}",
        "seen": network_input_uri(cell) if state.has_character(name) else None,
        "note": state.problem(name),
    }


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


@lru_cache(maxsize=1024)
def network_input_uri(cell: Cell) -> str:
    """Return what the network sees of a cell, 28 × 28, ink white, as a data URI."""
    return _data_uri(encode_png(to_network_input(cell_character(cell))))


@lru_cache(maxsize=1024)
def character_uri(cell: Cell) -> str:
    """Return a cell's character, 105 × 105, ink black, as a data URI."""
    return _data_uri(encode_png(255 - cell_character(cell)))


BLANK = _data_uri(encode_png(np.full((1, 1), 255, dtype=np.uint8)))


def probability_bars(
    examples: Sequence[Cell | None], answer: Answer, *, steps: int, query_strokes: int, key: str
) -> None:
    """Show each method's probability of each class, at each inner step.

    Args:
        examples: One cell of each class; None where there is none yet.
        answer: The probabilities and the verdict.
        steps: Inner steps.
        query_strokes: Strokes of the query; benchmarks and tests wait for the number.
        key: Of the component.
    """
    _mount_bars(
        key=key,
        data={
            "letters": [class_letter(label) for label in range(len(examples))],
            "pictures": [character_uri(cell) if cell else BLANK for cell in examples],
            "methods": [_method_data(method, answer) for method in answer.probabilities],
            "steps": steps,
            "verdict": answer.verdict,
            "foreign": answer.rejected,
            "asked": query_strokes,
        },
    )


def _method_data(method: str, answer: Answer) -> dict[str, object]:
    style, probabilities = STYLES[method], answer.probabilities[method]
    lrs = answer.inner_lrs
    words = inner_lr_in_words(method, lrs[method]) if method in lrs else style.label
    return {
        "label": style.label,
        "words": words,
        "colour": style.colour,
        "dashed": style.dash != "solid",
        "probabilities": None
        if probabilities is None
        else np.nan_to_num(probabilities).round(4).tolist(),
    }
