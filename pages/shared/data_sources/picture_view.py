"""How networks see somebody's pictures, as handwriting or as they are, with a preview."""

from __future__ import annotations

import html
from collections.abc import Container
from typing import TYPE_CHECKING

import streamlit as st

from maml_core.config import AS_THEY_ARE, HANDWRITING
from maml_core.data import registry
from maml_core.data.character_set import DataError
from pages.shared.character_sets import loaded_sets
from pages.shared.charts.picture_html import pixels_uri
from pages.shared.link_settings import VIEW_KEYS, VIEW_LABELS, dataset_labels

if TYPE_CHECKING:
    from maml_core.data.own_pictures.image_folder import SampledPicture

EXPLANATION = (
    "*As handwriting*: the ink is found in each picture, whatever paper and light, centred, and "
    "given the size and pen of Omniglot’s characters. *As they are*: each picture only becomes "
    "grey and small. Without a choice, a sample of the pictures decides."
)
REFUSED_SECONDS = 5  # a folder that cannot be used is looked at again after so long
STYLE = """
<style>
.preview { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; }
.preview span { display: flex; gap: 2px; }
.preview img { width: calc(50% - 1px); aspect-ratio: 1; background: white; object-fit: contain;
  border: 1px solid #8884; border-radius: 3px; }
.preview img + img { image-rendering: pixelated; }
.preview i { width: calc(50% - 1px); aspect-ratio: 1; border: 1px dashed #888; border-radius: 3px;
  font-size: 0.6rem; line-height: 1.1; display: grid; place-content: center; text-align: center; }
</style>
"""


@st.cache_data(show_spinner="Looking at the pictures …", ttl=600, max_entries=32)
def _sample(dataset: str, edition: str) -> list[SampledPicture]:
    return registry.sample_pictures(dataset)


@st.cache_data(show_spinner=False, ttl=REFUSED_SECONDS, max_entries=32)
def _sample_if_usable(dataset: str, edition: str) -> list[SampledPicture]:
    try:
        return _sample(dataset, edition)
    except DataError:
        return []  # the page says why


def _sample_or_none(words: str) -> list[SampledPicture]:
    """Return some pictures of a data set before all are read; none where it cannot be used."""
    dataset = registry.with_view(dataset_labels()[words], AS_THEY_ARE)
    try:
        edition = loaded_sets().edition(dataset)
    except DataError:
        return []
    return _sample_if_usable(dataset, edition)


def decide_views(usable: Container[str]) -> None:
    """Let each data set of somebody's pictures be seen as its sample suggests, unless chosen.

    To be called before anything asks for the data sets' names.

    Args:
        usable: The words of the data sets that this visitor can use.
    """
    views = st.session_state.setdefault("suggested_views", {})
    for words in VIEW_KEYS:
        views[words] = AS_THEY_ARE
        if words in usable and (sampled := _sample_or_none(words)):
            # Here: it loads scipy, and for most visitors the sidebar need not wait for that.
            from maml_core.data.own_pictures.image_folder import best_view

            views[words] = best_view(sampled)


def choose_view(words: str) -> None:
    """Draw the choice for the data set that the sidebar names, and what a network then sees.

    Args:
        words: The data set's; nothing is drawn for one that is not of somebody's pictures.
    """
    if words not in VIEW_KEYS:
        return
    suggested = st.session_state["suggested_views"][words]
    st.segmented_control(
        "The networks see them",
        list(VIEW_LABELS),
        key=VIEW_KEYS[words],
        default=next(label for label, view in VIEW_LABELS.items() if view == suggested),
        required=True,
        bind="query-params",
        persist_state="session",
        width="stretch",
        help=EXPLANATION,
    )
    view = VIEW_LABELS[st.session_state[VIEW_KEYS[words]]]
    if sampled := _sample_or_none(words):
        st.html(STYLE + _preview_html(sampled, view))
        st.caption(
            "Some of the pictures, each beside what the networks see of it: "
            "grey, 28 × 28 pixels, ink on paper."
        )


def _preview_html(sampled: list[SampledPicture], view: str) -> str:
    """Return pictures in pairs: as it was brought, and as a network sees it."""
    cells = []
    for one in sampled:
        name = html.escape(one.name.rpartition("/")[2], quote=True)
        seen = one.handwriting if view == HANDWRITING else one.as_they_are
        picture = f'<img src="{pixels_uri(one.picture)}" alt="{name}">'
        if seen is None:
            cells.append(f"<span>{picture}<i>no ink</i></span>")
        else:
            alt = f"{name}, as a network sees it"
            cells.append(f'<span>{picture}<img src="{pixels_uri(255 - seen)}" alt="{alt}"></span>')
    return f'<div class="preview">{"".join(cells)}</div>'
