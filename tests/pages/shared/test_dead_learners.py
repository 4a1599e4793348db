"""Learners that cannot learn, of zeros or far too large, on the pages that take them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from maml_core.landscape import loss_maps
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import Checkpoint
from pages.landscape import grid_cache
from pages.landscape.grid_cache import GridStore
from tests.pages.shared.test_own_learners import INSIDE, LANDSCAPE, open_with, weights
from tests.support.opened_page import open_page, texts

PLANES = ("Paths", "Both ends", "Random")
MOST_RERUNS = 5  # a map a resolution, a notice: what ends by itself needs no more


@pytest.fixture(autouse=True)
def reruns(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Count the page's own reruns; too many of them are an error, and not a test without end."""
    made: list[None] = []
    rerun: Callable[[], None] = st.rerun

    def counted() -> None:
        made.append(None)
        assert len(made) <= MOST_RERUNS, "the page runs again and again"
        rerun()

    monkeypatch.setattr(st, "rerun", counted)
    for module in (loss_maps, grid_cache):
        monkeypatch.setattr(module, "RESOLUTIONS", (3, 5))
    return made


def scaled(factor: float) -> bytes:
    """Return a weights file with all of its numbers multiplied."""
    read = checkpoints.from_bytes(weights(), "whole")
    params = {name: value * factor for name, value in read.params.items()}
    return checkpoints.to_bytes(Checkpoint(params, read.metadata))


DEAD = pytest.mark.parametrize(
    ("factor", "why"), [(0.0, "The landscape is flat around θ"), (1e25, "distances between them")]
)


@DEAD
def test_where_no_plane_can_be_drawn_a_sentence_says_so_and_the_page_ends(
    factor: float, why: str, reruns: list[None]
) -> None:
    at, _ = open_with(scaled(factor), LANDSCAPE)
    for plane in PLANES:
        reruns.clear()
        at.segmented_control(key="plane").set_value(plane).run()
        assert not at.exception
        assert why in texts(at, "info")
    at.selectbox(key="in_place_of_maml").set_value("MAML").run()
    assert not at.exception
    assert why not in texts(at, "info")


def test_a_restart_of_a_dead_learner_is_left_out_once(reruns: list[None]) -> None:
    at, _ = open_with(scaled(0.0), LANDSCAPE)
    (name,) = at.session_state["own_learners"]
    reruns.clear()
    at.query_params["starts"] = f"{name}:0.1,0.2"
    at.run()
    assert not at.exception
    assert "starts" not in at.query_params
    assert "The landscape is flat around θ" in texts(at, "info")


@pytest.mark.parametrize("factor", [0.0, 1e25])
def test_other_pages_draw_it_like_any_learner(factor: float) -> None:
    at, _ = open_with(scaled(factor), INSIDE)
    at.switch_page("pages/play/page.py").run()
    assert not at.exception
    assert not at.error


def test_maps_that_are_not_kept_are_not_computed_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = GridStore(most=0)
    monkeypatch.setattr(grid_cache, "_store", lambda: store)
    at: AppTest = open_page(LANDSCAPE, n_way="2", q_query="1")
    assert "Stopped." in texts(at, "caption")
    at.button(key="go_on").click().run()
    assert not at.exception
