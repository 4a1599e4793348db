"""The link to a page as a class is led to it, which is also what is handed in there is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from maml_core.methods.catalogue import BY_NAME
from pages.shared.character_sets import available_datasets
from pages.shared.link_settings import DEFAULTS, FORMER_WORDS, LINK, VIEW_LINK

ADAPT, EVALUATE, LESSONS = "adapt", "evaluate", "lessons"  # pages
PREDICT = "predict"  # the key of Adapt's toggle, and its parameter
ADAPT_METHODS = ("maml", "pretrained", "random")  # unless the link names others
ADAPT_STEPS = 10
EVALUATE_METHODS = ("maml", "pretrained")
EVALUATE_STEPS = 5
EVALUATE_EPISODES = 600
SPLITS = {"Unseen alphabets": "alphabets", "Unseen characters (paper)": "paper"}
QUERIES = {"Together": True, "Each alone": False}  # label: transductive
SWITCHES = ("official", "same_drawers", "four_turns", "close_ups")  # of Evaluate
UNSAID = {"projector", "embed", "teacher"}  # how a page is drawn


def factor_label(factor: float) -> str:
    """Return how a factor on α is written, on the page and in links."""
    return f"× {factor:g}"


def _defaults(**own: Sequence[str]) -> dict[str, list[str]]:
    """Return what goes without saying of an episode, and of a page's own parameters."""
    texts = {name: str(value) for name, value in DEFAULTS.items() if name in LINK}
    episode = {n: [t.lower() if t in ("True", "False") else t] for n, t in texts.items()}
    said: dict[str, list[str]] = {name: [] for name in ("seed", *VIEW_LINK)}  # always, if there
    return {**episode, **said, **{name: sorted(texts) for name, texts in own.items()}}


# Of pages of which not all but `UNSAID` counts: the parameters that do, with what goes unsaid.
# Streamlit leaves that out of the address, but only once somebody has moved something.
_DEFAULTS: Mapping[str, Mapping[str, list[str]]] = {
    ADAPT: _defaults(
        methods=[BY_NAME[name].short_label for name in ADAPT_METHODS],
        steps=[str(ADAPT_STEPS)],
        alpha=[factor_label(1.0)],
        predict=[],
    ),
    EVALUATE: _defaults(
        who=[BY_NAME[name].short_label for name in EVALUATE_METHODS],
        split=[next(iter(SPLITS))],
        queries=[next(iter(QUERIES))],
        test_steps=[str(EVALUATE_STEPS)],
        episodes=[str(EVALUATE_EPISODES)],
        **{name: ["false"] for name in SWITCHES},
    ),
    LESSONS: {"lesson": []},
}


def usual_dataset() -> str:
    """Return what the characters are called that a link without any leads to."""
    return "Omniglot" if available_datasets()["omniglot"] else "Glyphs"


def link_to(page: str, params: Mapping[str, Sequence[str]]) -> str:
    """Return where a page with some parameters lies below the app's address.

    The same page gives the same text, whoever's address says it: parameters and their values are
    in order, and what goes without saying is left out. On Adapt a class predicts first.
    """
    if page == ADAPT:
        params = {**params, PREDICT: ["true"]}
    if page == LESSONS:
        params = {"lesson": params.get("lesson", ["1"])}
    defaults = _DEFAULTS.get(page)
    said = {name: list(params[name]) for name in sorted(params.keys() - UNSAID)}
    if defaults is not None:
        said = {
            name: sorted(FORMER_WORDS.get(name, {}).get(text, text) for text in texts)
            for name, texts in said.items()
            if name in defaults
        }
        usual = {**defaults, "dataset": [usual_dataset()]}
        said = {name: texts for name, texts in said.items() if texts != usual.get(name)}
    return f"{'' if page == 'play' else page}?{urlencode(said, doseq=True)}"


def link_here(page: str) -> str:
    """Return the link to a page as it stands; see `link_to`."""
    return link_to(page, {name: st.query_params.get_all(name) for name in st.query_params})


def is_whole(page: str) -> bool:
    """Say whether a page's link says all that counts of it."""
    return page in _DEFAULTS
