"""Sharing what one sees: the link, copied in one tap, and as a short link with its QR code."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import streamlit as st

from pages.shared.component import component
from pages.shared.frame.links.short_links import qr_image, short_link

FOR_OTHERS = (
    " **On this computer alone**: other devices need the address that the server's terminal calls "
    "“Network URL”. Open the app there, and the code works for all."
)
_mount = component("copy_link")


def draw_share_buttons(page: str) -> None:
    """Draw the button that copies the page's address, and the one that shows its QR code.

    Args:
        page: The name of the page.
    """
    with st.container(key="share"):
        _mount(key="copy_link")
        with st.popover("QR code, short link", icon=":material/qr_code_2:", width="stretch"):
            params = {name: st.query_params.get_all(name) for name in st.query_params}
            short = short_link(page, params)
            st.caption(
                "Opens this page with this episode and these settings."
                + (FOR_OTHERS if is_of_this_computer(short) else "")
            )
            st.html(qr_image(short))
            st.code(short, language=None, wrap_lines=True)
            st.caption("The same, for people to read:")
            st.code(address_with(params), language=None, wrap_lines=True)


def is_of_this_computer(address: str) -> bool:
    """Say whether an address means another computer on each computer."""
    return urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")


def address_with(params: dict[str, list[str]]) -> str:
    """Return the address of the page that is shown, with some parameters."""
    address = st.context.url or ""  # none in a test without a browser
    return f"{address}?{urlencode(params, doseq=True)}".removesuffix("?")
