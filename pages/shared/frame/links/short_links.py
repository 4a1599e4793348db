"""Short links, `/?go=…`: a page and its settings in a few letters, without anything to look up.

A link's text is 'adapt&n_way=20&seed=3'. Its frequent phrases become a byte each, the bytes one
number, and the number Crockford's base 32 (small letters and digits without i, l, o and u, so that
it can be read out and typed), with two characters of checksum.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from urllib.parse import parse_qsl, urlencode
from zlib import crc32

import segno
import streamlit as st

from pages.shared.frame.navigation import PAGES_BY_NAME

GO = "go"  # the parameter
MAX_CODE = 1_000  # characters
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_LOOK_ALIKES = str.maketrans("ilo", "110", "- ")
_CHECK_DIGITS = 2
_FIRST_PHRASE = 128  # smaller bytes are ASCII characters
# A phrase's number is its byte: append at the end, and never change or remove one.
PHRASES = (
    *("play", "lessons", "episodes", "adapt", "draw", "landscape", "inside", "toy", "sinusoid"),
    *("evaluate", "train"),
    *("&n_way=", "&k_shot=", "&q_query=", "&seed=", "&within=true", "&part=Seen+in+training"),
    *("&dataset=", "Omniglot", "Glyphs", "Drawings", "MNIST", "My+folder", "&question="),
    *("&projector=true", "&embed=true", "&lesson=", "&teacher=true", "&mode=20-way"),
    *(
        ",+one+alphabet",
        "&timed=true",
        "&task=",
        "&methods=",
        "&steps=",
        "&alpha=",
        "&predict=true",
    ),
    *("MAML", "Pretrained", "Random+initialisation", "First-order+MAML", "ANIL", "Reptile"),
    *(
        "Multi-task+training",
        "1-NN+on+",
        "%C3%97+",
        "&draw_steps=",
        "&plane=",
        "Random",
        "Both+ends",
    ),
    *("&drawn=", "Query+", "Support+", "loss", "accuracy", "&view=Surface", "&rate=", "&update="),
    *("&path_steps=", "&plane_seed=", "&finest=true", "&window=", "&starts=", "maml:", "together:"),
    *("&meta_theta=", "&meta_tasks=", "&meta_inner=", "&meta_alpha=", "&meta_beta="),
    *(
        "&layout=",
        "&n_tasks=",
        "&n_params=",
        "&toy_lr=",
        "&toy_steps=",
        "&by_hand=false",
        "&theta=",
    ),
    *(
        "&split=",
        "&queries=Each+alone",
        "&who=",
        "&test_steps=",
        "&episodes=",
        "&same_drawers=true",
    ),
    *("&official=true", "&four_turns=true", "&close_ups=true", "&wave_k=", "&half=true"),
    *("&points=", "&updates=", "&what=", "&train_", "10", "20", "0."),
    *("&plan=", "+minutes"),
)
_BY_LENGTH = sorted(PHRASES, key=len, reverse=True)
Params = Mapping[str, str | Iterable[str]]


class ShortLinkError(ValueError):
    """A code that no short link has."""

    def __init__(self) -> None:
        super().__init__(
            "This short link is not complete or has a typing error, so the page shows its "
            "defaults: compare it with the original, or ask for it again."
        )


def follow_short_link() -> None:
    """Go to the page that the address's short link names; note it if it names none."""
    code = st.query_params.get(GO)
    if code is None:
        return
    try:
        page, params = decode(code)
    except ShortLinkError as error:
        st.session_state.setdefault("link_notices", []).append(str(error))
        del st.query_params[GO]
    else:
        st.switch_page(PAGES_BY_NAME[page].path, query_params=params)


def short_link(page: str, params: Params) -> str:
    """Return the short address of a page with its settings.

    Args:
        page: Its name, one of `navigation.PAGES`.
        params: The parameters of its link by name, several values as a list. Of more than a code
            takes, such as a stranger's of some thousand characters, the longest are left out.
    """
    params = dict(params)
    while len(code := encode(page, params)) > MAX_CODE:
        del params[max(params, key=lambda name: len(urlencode({name: params[name]}, doseq=True)))]
    return f"{app_root(st.context.url or '')}/?{GO}={code}"


def app_root(address: str) -> str:
    """Return the app's address, without a slash at its end, from that of one of its pages."""
    root, _, last = address.partition("?")[0].rstrip("/").rpartition("/")
    return root if last in PAGES_BY_NAME else address.partition("?")[0].rstrip("/")


def encode(page: str, params: Params) -> str:
    """Return the code of a page and its settings.

    Raises:
        ValueError: There is no such page.
    """
    if page not in PAGES_BY_NAME:
        raise ValueError(f"There is no page {page!r}; choose one of {', '.join(PAGES_BY_NAME)}.")
    query = urlencode(dict(params), doseq=True, safe=",;:")
    payload = _packed(page + (f"&{query}" if query else ""))
    digits, number = "", int.from_bytes(payload)
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits + _checksum(payload)


def decode(code: str) -> tuple[str, dict[str, list[str]]]:
    """Return the page of a code, and the values of its link's parameters by name.

    Capitals, spaces and hyphens do not matter, and i, l and o are read as 1 and 0.

    Raises:
        ShortLinkError: It is not the code of a link.
    """
    digits = code.lower().translate(_LOOK_ALIKES)
    if not _CHECK_DIGITS < len(digits) <= MAX_CODE or set(digits) - set(_DIGITS):
        raise ShortLinkError
    number = 0
    for digit in digits[:-_CHECK_DIGITS]:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    payload = number.to_bytes((number.bit_length() + 7) // 8)
    if _checksum(payload) != digits[-_CHECK_DIGITS:]:
        raise ShortLinkError
    page, _, query = _unpacked(payload).partition("&")
    if page not in PAGES_BY_NAME:
        raise ShortLinkError
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ShortLinkError from None
    params: dict[str, list[str]] = {}
    for name, value in pairs:
        params.setdefault(name, []).append(value)
    return page, params


def qr_image(text: str) -> str:
    """Return HTML with a QR code: black on white, as wide as its container.

    It is an image, because Streamlit takes SVG elements out of a page's HTML.
    """
    source = b64encode(qr_svg(text).encode()).decode()
    words = escape(f"QR code of {text}")
    return f'<img class="qr-code" src="data:image/svg+xml;base64,{source}" alt="{words}">'


@lru_cache(maxsize=256)
def qr_svg(text: str) -> str:
    """Return a QR code as an SVG element: black on white, as wide as its container."""
    code: str = segno.make_qr(text, error="m").svg_inline(
        border=4,
        dark="#000",
        light="#fff",
        omitsize=True,
        svgclass="qr-code",
        title=f"QR code of {text}",
    )
    # With its namespace: without, no browser shows it as an image.
    return code.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" role="img" ', 1)


def _packed(text: str) -> bytes:
    """Return a text with a byte for each phrase; the first is a page, so it is no zero."""
    packed = bytearray()
    while text:
        phrase = next((p for p in _BY_LENGTH if text.startswith(p)), text[0])
        is_phrase = len(phrase) > 1
        packed.append(_FIRST_PHRASE + PHRASES.index(phrase) if is_phrase else ord(phrase))
        text = text[len(phrase) :]
    return bytes(packed)


def _unpacked(payload: bytes) -> str:
    """Undo `_packed`.

    Raises:
        ShortLinkError: There are other characters than a link's.
    """
    try:
        text = "".join(
            chr(byte) if byte < _FIRST_PHRASE else PHRASES[byte - _FIRST_PHRASE] for byte in payload
        )
    except IndexError:
        raise ShortLinkError from None
    if not text.isprintable():
        raise ShortLinkError
    return text


def _checksum(payload: bytes) -> str:
    high, low = divmod(crc32(payload) % len(_DIGITS) ** _CHECK_DIGITS, len(_DIGITS))
    return _DIGITS[high] + _DIGITS[low]
