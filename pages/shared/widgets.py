"""Controls that several pages draw in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st


def choice(label: str, choices: Iterable[Any], key: str, **how: Any) -> Any:
    """Draw a choice of one, at first the first, and return it; the address carries it.

    Args:
        label: What is chosen.
        choices: From which.
        key: Of the control, and its name in the address.
        how: What else the control is to know, as `default`.
    """
    offered = list(choices)
    how = {"default": offered[0], "required": True, "bind": "query-params", **how}
    return st.segmented_control(label, offered, key=key, **how)


def show_until_read(said: list[str], key: str, icon: str, *, warns: bool = True) -> None:
    """Show sentences with a button that empties the list; nothing if there are none.

    Args:
        said: The sentences, a line each.
        key: Of the box; its button's is `<key>_read`.
        icon: Before them.
        warns: Whether something went wrong.
    """
    if said:
        with st.container(key=key, horizontal=True, vertical_alignment="center"):
            (st.warning if warns else st.info)("  \n".join(said), icon=icon)
            st.button("OK", key=f"{key}_read", on_click=said.clear)
