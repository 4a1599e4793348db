"""The data sets that a visitor's pages show: read with progress, the same throughout a run.

This module imports no torch, for which the sidebar does not wait.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import streamlit as st

from maml_core.config import CLASS_SET_PREFIX
from maml_core.data import registry
from maml_core.data.character_set import DataError
from maml_core.data.loaded_sets import LoadedSet, LoadedSets
from maml_core.data.storage.shared_work import Work
from pages.shared.streamlit_internals import is_in_cached_function

SHOW_AFTER, BAR_AFTER, STOP_AFTER = 0.3, 2.0, 5.0  # seconds of waiting
REDRAW_SECONDS = 0.25
MAX_HELD = 3  # sets by a session: the sidebar's, the glyphs in its place, and a page's own
STATUS = "status"
CLASS_SET = "class_set"  # in the session: the name of what the visitor's class drew, if it did

T = TypeVar("T")


@st.cache_resource(show_spinner=False)
def loaded_sets() -> LoadedSets:
    """Return the sets that this server has in memory."""
    return LoadedSets()


def own_class_set() -> str | None:
    """Return the name of the data set of the visitor's class, if there is one."""
    name: str | None = st.session_state.get(CLASS_SET)
    return name


def begin_run() -> None:
    """Let this run of the whole app look whether the sets are still what lies on disk.

    Until the next one they stay as they are: a fragment goes on with the episode that it shows.
    """
    st.session_state["checked_sets"] = set()


def available_datasets() -> dict[str, bool]:
    """Say which data sets can be used here and now."""
    return loaded_sets().look(STATUS, _available)


def _available() -> dict[str, bool]:
    found = {one.name: one.available for one in registry.status()}
    return {**found, **dict.fromkeys(registry.FOLDER_VIEWS.values(), found["folder"])}


def look_again(name: str) -> None:
    """See in the next run that a data set has changed."""
    loaded_sets().look_again(STATUS, name)


def shown_edition(name: str) -> str:
    """Return the edition of a set that this run shows; empty before it is loaded."""
    shown = st.session_state.get("held_sets", {}).get(name)
    return shown.edition if shown else ""


def loaded_set(name: str) -> LoadedSet:
    """Return a data set, or the glyphs with a notice that says why they stand in.

    Shows how far reading is, with a Stop; where the visitor has stopped it, the run ends here.
    """
    state = st.session_state
    held: dict[str, LoadedSet] = state.setdefault("held_sets", {})
    checked: set[str] = state.setdefault("checked_sets", set())
    if name not in held or name not in checked:
        held[name] = _up_to_date(name, held.pop(name, None))  # the last used stands last
        checked.add(name)
        for former in list(held)[:-MAX_HELD]:
            del held[former]
    return held[name]


def is_stopped(name: str) -> bool:
    """Say whether this visitor has stopped the reading of a set."""
    return bool(st.session_state.get("stopped_reading") == name)


def _up_to_date(name: str, former: LoadedSet | None) -> LoadedSet:
    sets = loaded_sets()
    try:
        if name.startswith(CLASS_SET_PREFIX) and name != own_class_set():
            raise DataError("What a class drew is for its teacher and its pupils: join it first.")
        edition = sets.edition(name)
        if former and former.edition == edition:
            return former
        found = sets.find(name, edition)
        if found is None and is_stopped(name):
            _offer_to_read()
        stop = partial(st.session_state.update, stopped_reading=name)
        return found or wait_for(sets.read(name, edition), "Reading the characters", stop)
    except DataError as error:
        stand_in = loaded_set("glyphs").standing_in(error)
        return former if former and former.edition == stand_in.edition else stand_in


def _offer_to_read() -> None:
    st.info("The reading of these characters was stopped; choose others, or read them now.")
    st.button(
        "Read the characters",
        key="read_on",
        icon=":material/play_arrow:",
        on_click=partial(st.session_state.pop, "stopped_reading", None),
    )
    st.stop()


def wait_for(work: Work[T], words: str, on_stop: Callable[..., None]) -> T:
    """Return the result of work under way; meanwhile show how far it is, and later a Stop.

    When the run ends here, by Stop or a closed tab, so does the work, unless others wait for it.

    Args:
        work: What is waited for.
        words: What is done, as 'Reading the pictures'.
        on_stop: Called when the visitor presses Stop, before the next run.

    Raises:
        BaseException: What the work raised.
    """
    if is_in_cached_function():  # what is drawn in one is drawn again when it is not run
        while not work.wait(REDRAW_SECONDS):
            pass
    elif not work.wait(SHOW_AFTER):
        box = st.empty()
        with box.container():
            bar, stop, offered = st.empty(), st.empty(), False
        while not work.wait(REDRAW_SECONDS):
            if work.seconds < BAR_AFTER or not 0 < work.done < work.total:
                bar.caption(f":material/hourglass_top: {words} … {work.seconds:.0f} s")
            else:
                from pages.shared.progress import duration  # Here: it imports torch.

                left = duration(work.seconds_left)
                text = f"{words}: {work.done:,} of {work.total:,}, about {left} left"
                bar.progress(work.done / work.total, text)
            if work.seconds > STOP_AFTER and not offered:
                offered = True
                icon = ":material/stop:"
                stop.button("Stop", key=f"stop_{words}", icon=icon, on_click=on_stop)
        box.empty()
    return work.result()
