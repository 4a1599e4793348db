"""Squares to draw in, with what the network sees of each beside it, and bars for the answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import streamlit as st

from maml_core.figures.style import STYLES, class_letter
from maml_core.images.board import Cell, cell_character, encode_png
from maml_core.images.handwriting import MAX_POINTS, PEN, SIDE
from maml_core.images.network_input import INPUT_SIZE, to_network_input
from pages.draw.board_state import QUERY, Desk
from pages.shared.component import component

PADS = ("board_pads", "query_pad")  # keys: of the board's and of the query's
SIZE_IN_WORDS = f"{INPUT_SIZE} × {INPUT_SIZE} pixels"
_mount_pads = component("drawing_pads")
_mount_bars = component("probability_bars")


def pads(desk: Desk, rows: Mapping[str, Sequence[str]], *, large: bool, key: str) -> str | None:
    """Draw squares to draw in; take the ink that is new, and show what the network sees of it.

    Args:
        desk: Whose cells they show.
        rows: Names of the cells of each row, by its title.
        large: Draw them large.
        key: Of the component.

    Returns:
        The cell that a picture is to be uploaded into, if the person just asked for it.
    """
    take_ink(desk)
    _mount_pads(
        key=key,
        data={
            "large": large,
            "penWidth": PEN / SIDE,
            "maxPoints": MAX_POINTS,
            "rows": [
                {"title": title, "cells": [_cell(desk, name) for name in names]}
                for title, names in rows.items()
            ],
        },
        default={"ink": {}},
        on_ink_change=lambda: None,
        on_upload_change=lambda: None,
    )
    into: str | None = (st.session_state.get(key) or {}).get("upload")
    return into


def take_ink(desk: Desk) -> None:
    """Take the ink that the pads hold and Python has not seen yet."""
    for key in PADS:
        desk.take((st.session_state.get(key) or {}).get("ink"))


def label_of(name: str) -> str:
    """Return a cell's name in words."""
    return "the query" if name == QUERY else f"{name[0]}, example {name[1:]}"


def _cell(desk: Desk, name: str) -> dict[str, object]:
    drawing = desk.drawing(name)
    return {
        "name": name,
        "label": label_of(name),
        "hint": "draw the query here" if name == QUERY else f"draw {name[0]} here",
        "version": desk.versions.get(name, 0),
        "strokes": drawing.strokes,
        "picture": _data_uri(drawing.picture) if drawing.picture else None,
        "seenLabel": f"What the network sees of {label_of(name)}: {SIZE_IN_WORDS}",
        "seen": seen(drawing) if desk.usable(name) else None,
        "note": desk.note(name),
    }


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


@lru_cache(maxsize=1024)
def seen(drawing: Cell) -> str:
    """Return what the network sees of a cell, 28×28, ink white, as a data URI."""
    return _data_uri(encode_png(to_network_input(cell_character(drawing))))


@lru_cache(maxsize=1024)
def shown(drawing: Cell) -> str:
    """Return a cell's character, 105×105, ink black, as a data URI."""
    return _data_uri(encode_png(255 - cell_character(drawing)))


def bars(
    examples: Sequence[Cell | None],
    answers: Mapping[str, np.ndarray | None],
    inner_lrs: Mapping[str, float],
    *,
    steps: int,
    verdict: str,
    foreign: bool,
    asked: int,
    key: str,
) -> None:
    """Draw how likely each method holds each class, at each inner step.

    Args:
        examples: One of each class; None: there is none yet.
        answers: Probabilities [steps + 1, n_way] by method; None: nothing is asked yet.
        inner_lrs: α by method, if it is known.
        steps: Inner steps.
        verdict: What is to be said of the query.
        foreign: It belongs to no class.
        asked: Strokes of the query that is answered; benchmarks and tests wait for it.
        key: Of the component.
    """
    methods = []
    for method, found in answers.items():
        style = STYLES[method]
        alpha = f", α = {inner_lrs[method]:.3g}" if method in inner_lrs else ""
        finite = None if found is None else np.nan_to_num(found).round(4).tolist()
        methods.append(
            {
                "label": style.label,
                "words": style.label + alpha,
                "colour": style.colour,
                "dashed": style.dash != "solid",
                "probabilities": finite,
            }
        )
    _mount_bars(
        key=key,
        data={
            "letters": [class_letter(label) for label in range(len(examples))],
            "pictures": [shown(one) if one else BLANK for one in examples],
            "methods": methods,
            "steps": steps,
            "verdict": verdict,
            "foreign": foreign,
            "asked": asked,
        },
    )


BLANK = _data_uri(encode_png(np.full((1, 1), 255, dtype=np.uint8)))
