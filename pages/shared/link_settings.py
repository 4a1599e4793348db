"""The one episode a person chose, and the check of a link that names it.

Streamlit ties each control to the URL parameter of its key (`bind="query-params"`), so a link
carries the whole state. Defaults are left out of the URL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from maml_core.config import (
    AS_THEY_ARE,
    CHALLENGE,
    CLASS_SET_PREFIX,
    HANDWRITING,
    MAX_SHOT,
    MAX_WAY,
    MIN_SHOT,
    MIN_WAY,
    N_QUESTIONS,
    EpisodeSpec,
)
from maml_core.data.registry import FOLDER_VIEWS, with_view
from maml_core.methods.catalogue import FORMER_LABELS
from pages.shared.character_sets import own_class_set, shown_edition
from pages.shared.streamlit_internals import correct_link
from pages.shared.widgets import show_until_dismissed

# The words of a choice are also its words in the URL: Streamlit writes there what it shows.
# A folder of pictures is seen as characters are, so that the shipped weights can read it.
DATASET_LABELS = {
    "Omniglot": "omniglot",
    "Glyphs": "glyphs",
    "MNIST": "mnist",
    "My folder": "folder-28",
}
ZIP_LABEL = "My zip"  # of pictures, uploaded by the visitor
CLASS_LABEL = "Our class"  # what the visitor's class drew
# How networks see somebody's pictures, and what the choice is called for each data set of such.
VIEW_LABELS = {"as handwriting": HANDWRITING, "as they are": AS_THEY_ARE}
VIEW_KEYS = {"My folder": "pictures", ZIP_LABEL: "zip_pictures"}
DATASET_NAMES = {name: words for words, name in DATASET_LABELS.items()} | dict.fromkeys(
    FOLDER_VIEWS.values(), "My folder"
)
PART_LABELS = {"Never seen in training": "test", "Seen in training": "train"}
PARTS = {part: words.lower() for words, part in PART_LABELS.items()}
MAX_QUERY = 10  # with K = 10 all 20 drawers are used
MAX_SEED = 999_999
DEFAULT_SPEC = EpisodeSpec(n_way=5, k_shot=1, q_query=10)
# Shapes to choose in one tap, by what they are called.
PRESETS = {
    "Classic": DEFAULT_SPEC,
    "Harder": EpisodeSpec(n_way=20, k_shot=1, q_query=10),
    "Hardest": EpisodeSpec(n_way=20, k_shot=1, q_query=10, within_alphabet=True),
}


def shape_values(spec: EpisodeSpec) -> dict[str, int | bool]:
    """Return what the sidebar's controls say for a shape, by their keys."""
    return {
        "n_way": spec.n_way,
        "k_shot": spec.k_shot,
        "q_query": spec.q_query,
        "within": spec.within_alphabet,
    }


# What an address that names some settings leaves open.
DEFAULTS = {
    "dataset": "Omniglot",
    **shape_values(DEFAULT_SPEC),
    "seed": 0,
    "part": "Never seen in training",
    "question": 0,
    "projector": False,
}

# What the sidebar's controls are called, by parameter of the link; messages name them so.
CONTROL_LABELS = {
    "dataset": "Characters",
    "n_way": "N-way: classes",
    "k_shot": "K-shot: examples of each",
    "q_query": "Queries of each",
    "within": "All from one alphabet",
    "part": "Which characters",
    "seed": "Seed: which episode",
    "question": "Question of this seed's round in Play",
    "projector": "Larger, for a projector",
}


@dataclass(frozen=True)
class Settings:
    """What the sidebar says.

    Attributes:
        dataset: Its name, see `maml_core.data.registry.load`.
        spec: The shape of the episode.
        seed: Which episode, 0 to 999,999.
        part: 'test' or 'train': whether the characters were seen in training.
        number: Position in the seed's sequence of episodes, from 0; those of Play's questions are
            0 to 9.
        edition: What of the data set is shown, see `LoadedSet`; what was kept of an earlier
            edition is never shown for a later one.
    """

    dataset: str
    spec: EpisodeSpec
    seed: int
    part: str
    number: int = 0
    edition: str = ""


def dataset_labels() -> dict[str, str]:
    """Return the data sets' names by their words, with what this visitor and their class have.

    The names of somebody's pictures say how they are seen, so that nothing that is kept by them is
    shown to who sees the same pictures in another way.
    """
    own = {CLASS_LABEL: own_class_set(), ZIP_LABEL: st.session_state.get("visitor_zip")}
    names = DATASET_LABELS | {words: name for words, name in own.items() if name}
    return {words: _as_seen(words, name) for words, name in names.items()}


def _as_seen(words: str, name: str) -> str:
    if words not in VIEW_KEYS:
        return name
    state, key = st.session_state, VIEW_KEYS[words]
    chosen = VIEW_LABELS.get(state.get(key) or st.query_params.get(key, ""))
    suggested = state.get("suggested_views", {}).get(words, AS_THEY_ARE)
    return with_view(name, chosen or suggested)


def dataset_label(name: str) -> str:
    """Return what a data set is called."""
    if name.startswith(CLASS_SET_PREFIX):
        return CLASS_LABEL
    return DATASET_NAMES.get(name, ZIP_LABEL)


Check = tuple[Callable[[str], bool], str]  # of a value in the URL, with the words for it
MAX_SHOWN = 40  # characters of a value that cannot be used
_WHOLE = re.compile(r"[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,15}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?")


def parse_whole(text: str) -> int | None:
    """Read a whole number as links write it, in the digits 0 to 9; None: it is not one.

    Python reads '1_0', '+10' and '١٠' as 10, and raises for some thousand digits.
    """
    return int(text) if _WHOLE.fullmatch(text) else None


def parse_number(text: str) -> float | None:
    """Read a finite number as links write it, such as '-0.5' or '1e-3'; None: it is not one."""
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None


def parse_numbers(text: str) -> tuple[float, ...] | None:
    """Read numbers with commas between them; None: one is not a number."""
    numbers = [parse_number(part) for part in text.split(",")]
    read = tuple(number for number in numbers if number is not None)
    return read if len(read) == len(numbers) else None


def whole_number(low: int, high: int) -> Check:
    """Return the check of a whole number in a range, and the words for it."""

    def fits(text: str) -> bool:
        number = parse_whole(text)
        return number is not None and low <= number <= high

    return fits, f"a whole number from {low} to {high}"


def number_in_range(low: float, high: float) -> Check:
    """Return the check of a number in a range, and the words for it."""

    def fits(text: str) -> bool:
        number = parse_number(text)
        return number is not None and low <= number <= high

    return fits, f"a number from {low:g} to {high:g}"


def one_of(*choices: str) -> Check:
    """Return the check of a choice, and the words for it."""
    return choices.__contains__, "one of " + ", ".join(choices)


def some_of(*choices: str) -> Check:
    """Return the check of any number of choices, and the words for it."""
    fits, words = one_of(*choices)
    return lambda text: fits(text) or not text, words  # with none of them chosen the text is empty


LINK = {
    "dataset": one_of(*DATASET_LABELS),
    "n_way": whole_number(MIN_WAY, MAX_WAY),
    "k_shot": whole_number(MIN_SHOT, MAX_SHOT),
    "q_query": whole_number(1, MAX_QUERY),
    "seed": whole_number(0, MAX_SEED),
    "within": one_of("true", "false"),
    "part": one_of(*PART_LABELS),
    "question": whole_number(0, N_QUESTIONS),
    "projector": one_of("true", "false"),
}
# Controls that are there for somebody's own pictures only.
VIEW_LINK = {key: one_of(*VIEW_LABELS) for key in VIEW_KEYS.values()}


# What links of earlier versions say, or people type, and what it is called today; by parameter.
FORMER_WORDS: dict[str, Mapping[str, str]] = {
    "dataset": {"Drawings": CLASS_LABEL},
    "projector": {"1": "true", "0": "false"},
    **dict.fromkeys(
        ("methods", "who", "minus", "ahead_of", "draw_methods", "train_by"), FORMER_LABELS
    ),
}


def _translate_former_words(names: Iterable[str]) -> None:
    """Put today's words into the URL where it has former ones, before any control reads it."""
    changed = {}
    for name in FORMER_WORDS.keys() & set(names):
        texts = st.query_params.get_all(name)
        if FORMER_WORDS[name].keys() & set(texts):
            changed[name] = [FORMER_WORDS[name].get(text, text) for text in texts]
    if changed:
        correct_link(changed)


OWN_LEARNER = re.compile(r"Mine \d: ")  # as `figures.style` labels them
NO_CLASS_SET = (
    "The link names the drawings of a class, which only its teacher and its pupils have: join the "
    "class on the page “Class”. “Characters” shows its default instead."
)
NO_SUCH_LEARNER = (
    "The link names a learner of somebody's own, which only the tab has in which it was kept, and "
    "for half an hour after it was closed. Load its weights file on Train to have it here."
)


def check_link(checks: Mapping[str, Check]) -> None:
    """Note which values of the URL cannot be used; their controls keep the default."""
    _translate_former_words(checks)
    notices: list[str] = st.session_state.setdefault("link_notices", [])
    refused = {}
    for name, (fits, words) in checks.items():
        texts = st.query_params.get_all(name)
        odd = [text for text in texts if not fits(text)]
        if odd:  # of which Streamlit would read some, or leave them there if it draws no control
            has_many = fits("")  # see `some_of`
            refused[name] = [text for text in texts if has_many and fits(text)]
            control = f"“{CONTROL_LABELS[name]}”" if name in CONTROL_LABELS else "the page"
            notice = (
                f"The link asks for {name} = {_shortened(odd[0])}, which is not {words}; "
                f"{control} shows its default instead."
            )
            if OWN_LEARNER.match(odd[0]):
                notice = NO_SUCH_LEARNER
            if name == "dataset" and odd[0] == CLASS_LABEL:
                notice = NO_CLASS_SET
            if notice not in notices:
                notices.append(notice)
    if refused:
        correct_link(refused)


def _shortened(text: str) -> str:
    """Return a value of a link in quotation marks, cut where it is long."""
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")


def show_notices() -> None:
    """Say what `check_link` noted, until the person has read it."""
    show_until_dismissed(st.session_state.get("link_notices", []), "notices", ":material/link_off:")


def current_settings() -> Settings:
    """Return what the sidebar says; the characters are loaded by now."""
    dataset = dataset_labels()[st.session_state.dataset]
    return settings_of(dataset, st.session_state, shown_edition(dataset))


def settings_of(dataset: str, values: Mapping[Any, Any], edition: str) -> Settings:
    """Return the settings that the sidebar's controls name.

    Args:
        dataset: Its name.
        values: What the others say, by their keys.
        edition: What of the data set is shown.
    """
    spec = EpisodeSpec(values["n_way"], values["k_shot"], values["q_query"], values["within"])
    question = values["question"]
    if question and spec == replace(CHALLENGE, same_drawers=False):
        spec = CHALLENGE  # as Play's questions within one alphabet are sampled
    seed = values["seed"] or 0  # the visitor may have gone back to a link without one
    part = PART_LABELS[values["part"]]
    return Settings(dataset, spec, int(seed), part, max(question - 1, 0), edition)
