"""A page's list of methods: the first three at once, the others, grouped, behind *More methods*."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import streamlit as st

from maml_core.figures.style import STYLES, takes_no_step
from maml_core.methods.catalogue import BY_NAME, GROUPS, NEAREST, Method
from pages.shared.widgets import segmented_choice

FIRST = ("maml", "pretrained", "random")
MORE = "More methods"
_ARXIV = re.compile(r"(.*), arXiv:([\d.]+)(.*)")
ByLabel = Mapping[str, str]  # the methods to choose from, by what the page and its links call them


def by_label(methods: Iterable[str]) -> dict[str, str]:
    """Return methods by what pages and links call them, in the order of every list."""
    return {STYLES[method].short_label: method for method in sorted(methods, key=_place)}


def _place(method: str) -> int:
    """Return where a method stands in the catalogue; one's own learners come last."""
    return list(BY_NAME).index(method) if method in BY_NAME else len(BY_NAME)


def choose_methods(offered: ByLabel, default: Iterable[str], key: str) -> tuple[str, ...]:
    """Draw a choice of any number of methods; return them in the order of the list.

    Args:
        offered: What there is to choose from, see `by_label`.
        default: Names of those that are chosen at first.
        key: Of the control, and its name in the address.
    """
    heading = _heading("Methods")
    chosen = st.pills(
        "Methods",
        _listed(offered, key),
        selection_mode="multi",
        default=[label for label, name in offered.items() if name in default],
        key=key,
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )

    def box(label: str, name: str) -> None:
        state, own = st.session_state, _more_key(key, name)
        # What is set here is sent to the browser, over a box that was ticked in the meantime.
        if state.get(own) != (label in chosen):
            state[own] = label in chosen
        st.checkbox(label, key=own, on_change=_toggle, args=(key, tuple(offered), label))

    with heading:
        _more(offered, key, box)
    return tuple(name for label, name in offered.items() if label in chosen)


def why_no_steps(methods: Iterable[str]) -> str | None:
    """Return why there are no inner steps to choose for these; None where one of them takes any."""
    chosen = list(methods)
    none_descends = bool(chosen) and all(m in NEAREST or takes_no_step(m) for m in chosen)
    return "None of the chosen methods takes an inner step." if none_descends else None


def choose_method(offered: ByLabel, key: str, on_change: Callable[[], None]) -> str:
    """Draw a choice of one method, at first the first; return its name.

    Args:
        offered: What there is to choose from, see `by_label`.
        key: Of the control, and its name in the address.
        on_change: Called when another one has been chosen.
    """
    heading = _heading("Method")
    chosen = segmented_choice(
        "Method",
        _listed(offered, key),
        key,
        persist_state="session",
        on_change=on_change,
        label_visibility="collapsed",
    )

    def button(label: str, name: str) -> None:
        st.button(
            label,
            key=_more_key(key, name),
            type="primary" if label == chosen else "secondary",
            on_click=_choose,
            args=(key, label, on_change),
        )

    with heading:
        _more(offered, key, button)
    return offered[chosen]


def _heading(words: str) -> st.delta_generator.DeltaGenerator:
    """Return a row above the list; its popover stays in place when the list grows a line."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(f":small[{words}]", width="content")
    return row


def _listed(offered: ByLabel, key: str) -> list[str]:
    """Return what stands in the list: the first, one's own, and whatever has ever been chosen.

    What was chosen once stays, so that nothing jumps from under the finger that leaves it out.
    """
    state = st.session_state
    now = state.get(key) or []
    ever: set[str] = state.setdefault(f"{key}_ever", set())
    ever.update([now] if isinstance(now, str) else now, st.query_params.get_all(key))
    return [
        label
        for label, name in offered.items()
        if name in FIRST or name not in BY_NAME or label in ever
    ]


def _more(offered: ByLabel, key: str, control: Callable[[str, str], None]) -> None:
    """Draw the other methods by group, each with its control, what it does and its paper."""
    others = {label: BY_NAME[name] for label, name in offered.items() if name in BY_NAME}
    others = {label: one for label, one in others.items() if one.name not in FIRST}
    if not others:
        return
    with st.popover(MORE, key=f"{key}_more"):
        for group in GROUPS:
            members = [(label, one) for label, one in others.items() if one.group == group]
            if members:
                st.markdown(f"**{group}**")
            for label, one in members:
                with st.container(gap=None):
                    control(label, one.name)
                    st.caption(f"{one.summary} {_source(one)}")


def _source(method: Method) -> str:
    """Return a method's paper, linked where arXiv has it."""
    found = _ARXIV.fullmatch(method.paper)
    if not found:
        return f"{method.paper}."
    return f"[{found[1]}](https://arxiv.org/abs/{found[2]}){found[3]}."


def _more_key(key: str, name: str) -> str:
    return f"{key}_more_{name}"


def _toggle(key: str, labels: Sequence[str], label: str) -> None:
    """Add a method to those that are chosen, or leave it out."""
    chosen = set(st.session_state[key]) ^ {label}
    st.session_state[key] = [one for one in labels if one in chosen]


def _choose(key: str, label: str, on_change: Callable[[], None]) -> None:
    st.session_state[key] = label
    on_change()
