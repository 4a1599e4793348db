"""Short links: what they say, and that nothing else can be said with one."""

from __future__ import annotations

import random
import re
from base64 import b64decode
from urllib.parse import parse_qs, urlencode

import pytest

from pages.shared.frame.links import short_links
from pages.shared.frame.links.share import is_of_this_computer
from pages.shared.frame.links.short_links import (
    PHRASES,
    ShortLinkError,
    app_root,
    decode,
    encode,
    qr_svg,
)
from pages.shared.frame.navigation import PAGES
from tests.pages.shared.test_old_links import LINKS
from tests.support.opened_page import open_page, texts

# They may be on paper: a code has one meaning for ever.
PRINTED = {
    "ge5xs3hk72": ("adapt", {"n_way": ["20"], "seed": ["3"]}),
    "836hks3": ("lessons", {"lesson": ["3"]}),
    "405d": ("play", {}),
}


@pytest.mark.parametrize("code", PRINTED)
def test_a_printed_code_keeps_its_meaning_however_it_is_typed(code: str) -> None:
    page, params = PRINTED[code]
    assert encode(page, params) == code
    mistaken = code.upper().replace("1", "I").replace("0", "O")
    for typed in (code, mistaken, f" {code[:2]}-{code[2:]} "):
        assert decode(typed) == (page, params)


@pytest.mark.parametrize("link", LINKS)
def test_each_link_comes_back_and_is_shorter(link: str) -> None:
    page, _, query = link.partition("?")
    params = parse_qs(query, keep_blank_values=True)
    code = encode(page, params)
    assert decode(code) == (page, params)
    assert len(code) < len(f"{page}?{query}")


def test_any_text_comes_back() -> None:
    generator = random.Random(0)
    letters = "aZ0 +&=%?/#.,;:×π字\n<>\"'" + "".join(PHRASES)
    for page in PAGES:
        values = ["".join(generator.choices(letters, k=12)) for _ in range(3)]
        params = {"x": values, "who": [""]}
        assert decode(encode(page.name, params)) == (page.name, params)


def test_a_mistyped_letter_is_noticed() -> None:
    code = encode("adapt", {"seed": "191852", "methods": ["MAML", "Reptile"]})
    for place in range(len(code)):
        for letter in "0123456789abcdefghjkmnpqrstvwxyz".replace(code[place], ""):
            with pytest.raises(ShortLinkError):
                decode(code[:place] + letter + code[place + 1 :])
    for cut in range(len(code)):
        with pytest.raises(ShortLinkError):
            decode(code[:cut])


@pytest.mark.parametrize(
    "text",
    [
        "elsewhere&n_way=3",
        "//evil.example",
        "https://evil.example/adapt",
        "adapt/../../etc",
        "adapt&n_way",
        "adapt\n&a=b",
        "",
    ],
)
def test_what_names_no_page_of_the_app_is_refused(text: str) -> None:
    """With a checksum that is right: whoever knows the code can make one."""
    payload = short_links._packed(text)
    number, digits = int.from_bytes(payload), ""
    while number:
        number, digit = divmod(number, 32)
        digits = short_links._DIGITS[digit] + digits
    with pytest.raises(ShortLinkError):
        decode(digits + short_links._checksum(payload))
    with pytest.raises(ShortLinkError):
        decode("0" * 2_000)


def test_the_apps_address_is_found_from_each_pages() -> None:
    for root in ("http://localhost:8501", "https://school.example/meta"):
        assert app_root(root) == app_root(f"{root}/") == root
        assert app_root(f"{root}/adapt") == app_root(f"{root}/train?what=Images") == root


def test_a_short_link_opens_its_page_with_its_settings() -> None:
    at = open_page("pages/toy/page.py", go=encode("episodes", {"n_way": "3", "seed": "7"}))
    assert texts(at, "title") == "What is an episode?"
    assert (at.session_state.n_way, at.session_state.seed) == (3, 7)
    assert "go" not in at.query_params


def test_a_bad_short_link_is_a_sentence() -> None:
    at = open_page("pages/toy/page.py", go="[win](http://evil.example)")
    assert "This short link is not complete" in texts(at, "warning")
    assert "evil" not in texts(at, "warning")
    assert "go" not in at.query_params


def test_the_qr_code_holds_the_text_and_says_so() -> None:
    link = "http://localhost:8501/?" + urlencode({"go": "ge5xs3hk72", "x": '"><b>'})
    svg = qr_svg(link)
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" role="img" ')
    assert "<title>QR code of http://localhost:8501/?go=ge5xs3hk72&amp;x=" in svg
    assert "<b>" not in svg
    image = short_links.qr_image(link)
    assert f'alt="QR code of {link.replace("&", "&amp;")}"' in image
    assert b64decode(re.search('base64,(.*?)"', image)[1]).decode() == svg
    assert re.search(r'viewBox="0 0 (\d+) \1"', svg)


@pytest.mark.parametrize(
    ("address", "alone"),
    [
        ("http://localhost:8501/?go=1", True),
        ("http://127.0.0.1:8501", True),
        ("http://[::1]:8501/adapt", True),
        ("http://192.168.1.23:8501/?go=localhost", False),
        ("https://localhost.example/adapt", False),
        ("/?go=1", False),
    ],
)
def test_an_address_that_means_another_computer_on_a_phone_is_said_to(
    address: str, alone: bool
) -> None:
    assert is_of_this_computer(address) == alone
