"""A single figure for a slide or a course page: `?embed=true&figure=…` shows nothing else.

Streamlit's own `?embed=true` shows a page without its menu; with `figure` all is hidden but the
elements of one figure: the page computes what it always does, so that figure, sentence and
caption are those of the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from pages.shared.frame.links.share import address_with
from pages.shared.link_settings import check_link, one_of

FIGURE = "figure"  # the parameter
LINK = "embedded_link"
HEIGHT = 640  # pixels of the frame that is offered
# By page, the figures by name: the keys of the elements that belong to each.
FIGURES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "adapt": {
        "accuracy": ("accuracy_chart", "finding_adapt", "caption_adaptation"),
        "loss": ("loss_chart", "caption_adaptation"),
        "player": ("player", "accuracy_chart", "finding_adapt", "caption_player"),
    },
    "landscape": {
        "maps": ("maps", "map_progress", "finding_landscape", "caption_landscape"),
        "descent": ("descent_chart", "finding_landscape", "caption_descent"),
    },
    "evaluate": {
        "published": ("published_results", "caption_published"),
        "challenge": ("official_runs", "caption_runs"),
    },
    "sinusoid": {
        "waves": ("wave_chart", "finding_sinusoid", "caption_waves"),
        "errors": ("error_chart", "finding_sinusoid_errors", "caption_errors"),
        "training": ("training_chart", "caption_training"),
    },
    "train": {
        "replay": ("replay_chart", "replay_player", "finding_replay", "caption_replay"),
        "course": ("course_chart", "finding_replay", "caption_replay"),
    },
}
PARAMETERS = {"train": {"what": ["Replay"]}}  # without which a page has not its figures
# Where the page does not come to its figure, as after an error, all of it stays.
_STYLE = """
<style>
[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] {{ display: none; }}
[data-testid="stMainBlockContainer"] {{ padding: 0.5rem 1rem; }}
[data-testid="stMainBlockContainer"]:has(.st-key-{first})
  :is([data-testid="stVerticalBlock"], [data-testid="stHorizontalBlock"])
  > :not(:is({kept}), :has({kept}), :is({kept}) *) {{ display: none; }}
[data-testid="stColumn"]:has({kept}) {{ flex: 1 1 20rem; width: auto; }}
</style>
"""


def embedded_figure(page: str) -> str | None:
    """Return the figure that the address wants to see alone; None: the whole page."""
    name = st.query_params.get(FIGURE)
    return name if st.context.is_embedded and name in FIGURES.get(page, ()) else None


def show_one_figure(page: str) -> None:
    """Hide all but one figure where the address asks for it.

    Args:
        page: The name of the page.
    """
    if st.context.is_embedded and FIGURE in st.query_params:
        check_link({FIGURE: one_of(*FIGURES.get(page, ()))})
    name = embedded_figure(page)
    if name is None:
        return
    keys = FIGURES[page][name]
    kept = ", ".join(f".st-key-{key}" for key in (*keys, LINK))
    st.html(_STYLE.format(first=keys[0], kept=kept))


def link_to_the_page(page: str) -> None:
    """Say under a figure that stands alone where it comes from."""
    if embedded_figure(page) is None:
        return
    params = {name: st.query_params.get_all(name) for name in st.query_params if name != FIGURE}
    address = address_with(params)
    with st.container(key=LINK):
        st.caption(f"[See meta-learning: open the page]({address})")


def draw_embed_code(page: str) -> None:
    """Offer the HTML that shows one of the page's figures elsewhere, if it has any.

    Args:
        page: The name of the page.
    """
    figures = FIGURES.get(page)
    if not figures:
        return
    with st.popover("Embed a figure", icon=":material/code:", width="stretch"):
        name = st.selectbox("Figure", list(figures), key="embed_figure")
        st.caption("For a slide or a course page: this figure alone, with these settings.")
        st.code(embed_code(page, name), language="html", wrap_lines=True)


def embed_code(page: str, figure: str) -> str:
    """Return the HTML element that shows a figure of the page at hand with its settings."""
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    address = address_with(
        {**params, **PARAMETERS.get(page, {}), "embed": ["true"], FIGURE: [figure]}
    )
    return (
        f'<iframe src="{escape(address)}" title="See meta-learning: {figure}" '
        f'width="100%" height="{HEIGHT}" style="border: 0"></iframe>'
    )
