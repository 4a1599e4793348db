"""Work done in pieces, with progress and a Stop; what is finished is shared by all sessions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

import streamlit as st

from pages.shared import cached
from pages.shared.progress import ProgressLine

T = TypeVar("T")


@st.cache_resource(show_spinner=False, max_entries=64, ttl=cached.RESULT_SECONDS)
def _finished(key: str, depends_on: Hashable) -> list[Any]:
    """Return where a result is kept for all sessions: empty, or complete."""
    return []


def _unfinished(key: str, depends_on: Hashable) -> list[Any]:
    """Return the pieces of an unfinished result: this session's own, others may be at it too."""
    begun: dict[str, tuple[Hashable, list[Any]]] = st.session_state.setdefault("begun", {})
    if key not in begun or begun[key][0] != depends_on:
        begun[key] = (depends_on, [])
    return begun[key][1]


def work_in_pieces(
    key: str,
    label: str,
    depends_on: Hashable,
    resume: Callable[[int], Iterator[T]],
    *,
    pieces: int,
    at_once: bool,
) -> list[T]:
    """Do one piece of work after another with progress, or offer to do so where it takes long.

    A Stop keeps the pieces that are done; the button then resumes from there.

    Args:
        key: Of the button; `stop_<key>` is that of the Stop.
        label: The button's words.
        depends_on: Everything that the result depends on.
        resume: Starts the work at a piece, given by its number from 0 on.
        pieces: How many there are.
        at_once: Begin without a click; there is then nothing to stop.

    Returns:
        The pieces so far, all of them or fewer.
    """
    place = st.empty()  # in every run: without it, what is drawn below would be mounted anew
    finished: list[T] = _finished(key, depends_on)
    if len(finished) == pieces:
        return finished
    done: list[T] = _unfinished(key, depends_on)
    if len(done) < pieces and (at_once or place.button(label, key=key, type="primary")):
        with place.container():
            if not at_once:
                st.button("Stop", key=f"stop_{key}", icon=":material/stop:")
            progress, first = ProgressLine(st.empty(), "Computing …"), len(done)
            with progress.in_turns():
                for number, piece in enumerate(resume(first), first + 1):
                    # A run that was stopped ends here, and leaves alone what the next one resumes.
                    progress.show(number / pieces, f"{number} of {pieces}", since=first / pieces)
                    done.append(piece)
        place.empty()
        finished[:] = done
    return done
