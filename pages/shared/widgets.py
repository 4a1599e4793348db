"""Controls that several pages draw in the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

MAX_MEGABYTES = 5  # of an uploaded file that is no picture and no zip of pictures
_CODE = re.compile(r"((?<!`)`[^`\n]+`(?!`))")
_MARKUP = re.compile(r"([\\`*\[\]<>~$|&]|(?<!\w)_|_(?!\w))")
# What Streamlit makes a link, an icon or coloured text of after Markdown has been read, whether it
# was escaped or not: an invisible character (a word joiner) in it leaves it as it is.
_LATER_MARKUP = re.compile(r"(?<=:)(?=\S)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)


def plain_text(text: str) -> str:
    """Return Markdown that shows a text as it is, with no link, picture or formatting in it.

    For every message that may quote a stranger's link or file. A name of the code between
    backticks stays one.
    """
    parts = _CODE.split(text)  # code at the odd places
    parts[::2] = [_LATER_MARKUP.sub("\u2060", _MARKUP.sub(r"\\\1", part)) for part in parts[::2]]
    return "".join(parts)


def segmented_choice(label: str, choices: Iterable[Any], key: str, **options: Any) -> Any:
    """Draw a choice of one, at first the first, and return it; the address carries it.

    Args:
        label: What is chosen.
        choices: From which.
        key: Of the control, and its name in the address.
        options: Passed on to the control, as `default`.
    """
    offered = list(choices)
    usual = {"default": offered[0], "required": True, "bind": "query-params", "wrap": True}
    options = {**usual, **options}
    return st.segmented_control(label, offered, key=key, **options)


def toast(messages: Sequence[str]) -> None:
    """Tell the first of some sentences in a corner, wherever the page is scrolled to."""
    if messages:
        more = f" {len(messages) - 1:,} more are said on the page." if messages[1:] else ""
        st.toast(plain_text(messages[0] + more))


def show_until_dismissed(messages: list[str], key: str, icon: str, *, warns: bool = True) -> None:
    """Show sentences with a button that empties the list; nothing if there are none.

    Args:
        messages: The sentences, a line each, in plain text.
        key: Of the box; its button's is `<key>_read`.
        icon: Before them.
        warns: Whether something went wrong.
    """
    # The outer container is always there. If it came and went, every block below it would change
    # its place, and Streamlit would mount the charts and components in it anew.
    with st.container():
        if messages:
            with st.container(key=key, horizontal=True, vertical_alignment="center"):
                (st.warning if warns else st.info)(
                    "  \n".join(map(plain_text, messages)), icon=icon
                )
                st.button("OK", key=f"{key}_read", on_click=messages.clear)
