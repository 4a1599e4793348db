"""Values of a link that no control can have: a sentence that shows them as text, on every page."""

from __future__ import annotations

import re
from itertools import cycle

import pytest

from pages.shared.frame import page_header, sidebar
from pages.shared.frame.links import embedding
from pages.shared.frame.links.short_links import MAX_CODE, decode, short_link
from pages.shared.frame.navigation import PAGES_BY_NAME
from pages.shared.link_settings import DEFAULTS, LINK, MAX_SHOWN, Check, parse_number, parse_whole
from pages.shared.streamlit_internals import rewrite_link
from pages.shared.widgets import plain_text
from tests.support.opened_page import open_page, texts

BAD = (
    "[Log in](https://evil.example)",
    "9" * 5_000,
    "٥",
    "1_0",
    "<b>",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
)
# style.css, what the sidebar hides, the projector's letters; Adapt, in no fragment, its player's.
STYLES_OF_ALL_PAGES = 3


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put a bad value into the link for whatever is then checked; collect them by parameter."""
    put: dict[str, str] = {}
    values = cycle(BAD)
    original = page_header.check_link

    def put_bad_values(checks: dict[str, Check]) -> None:
        for name in sorted(checks.keys() - put.keys()):
            assert not [text for text in BAD if checks[name][0](text)]
            put[name] = next(values)
            rewrite_link({name: [put[name]]})
        original(checks)

    for module in (page_header, sidebar, embedding):
        monkeypatch.setattr(module, "check_link", put_bad_values)
    return put


@pytest.mark.parametrize("name", PAGES_BY_NAME)
def test_no_parameter_of_a_page_can_be_a_strangers_text(name: str, links: dict[str, str]) -> None:
    at = open_page(PAGES_BY_NAME[name].path, nobody_reads="9" * 5_000)
    assert LINK.keys() <= links.keys()
    warnings = texts(at, "warning")
    for parameter, text in links.items():
        short = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
        assert plain_text(f"{parameter} = {short!r}, which is not") in warnings
    assert not re.search(r"(?<!\\)\]\(", warnings)
    assert "://" not in warnings
    assert "9" * (MAX_SHOWN + 1) not in warnings
    said = {*at.query_params} - {"seed"}  # which every address says, here the default
    assert not said & links.keys(), "nothing of it is left in the address, drawn or not"
    for parameter in LINK:
        default = "Glyphs" if parameter == "dataset" else DEFAULTS[parameter]
        assert at.session_state[parameter] == default
    styles = at._tree.children[2].children  # where Streamlit keeps an `st.html` of styles alone
    assert len(styles) == STYLES_OF_ALL_PAGES + (name == "adapt"), "see assets/style.css"


def test_what_streamlit_would_read_as_a_number_is_refused_and_not_used() -> None:
    at = open_page(
        "pages/episodes/page.py", seed=["7", "1_0"], n_way="٥", k_shot="+3", q_query="-7x"
    )
    state = at.session_state
    assert (state.seed, state.n_way, state.k_shot, state.q_query) == (0, 5, 1, 10)
    assert texts(at, "warning").count("which is not a whole number") == 4


@pytest.mark.parametrize(
    ("page", "query", "left"),
    [
        ("adapt", {"place": "Block 9"}, {}),
        ("adapt", {"place": "Block 2", "steps": "99"}, {"place": ["Block 2"]}),
        ("adapt", {"methods": ["Magic", "ANIL"], "alpha": "2"}, {"methods": ["ANIL"]}),
        ("draw", {"draw_methods": ["ANIL", "Magic"]}, {"draw_methods": ["ANIL"]}),
        ("evaluate", {"who": "Magic", "ahead_of": "Magic", "split": "Magic"}, {}),
        ("train", {"what": "Replay", "train_lambda": "0", "train_by": "Magic"}, {"what": "Replay"}),
        ("landscape", {"plane": "Random", "plane_seed": "-1"}, {"plane": "Random"}),
    ],
)
def test_what_is_refused_leaves_the_address_whether_its_control_is_drawn_or_not(
    page: str, query: dict[str, str | list[str]], left: dict[str, str | list[str]]
) -> None:
    small = {"seed": "5", "n_way": "2", "q_query": "1"}
    at = open_page(PAGES_BY_NAME[page].path, **small, **query)
    assert "The link asks for" in texts(at, "warning")
    said = {name: at.query_params[name] for name in at.query_params if name not in small}
    assert {n: [v] if isinstance(v, str) else v for n, v in said.items()} == {
        n: [v] if isinstance(v, str) else v for n, v in left.items()
    }


@pytest.mark.parametrize(
    ("text", "whole", "number"),
    [
        ("7", 7, 7.0),
        ("007", 7, 7.0),
        ("-0.5", None, -0.5),
        ("1e-3", None, 0.001),
        (".5", None, 0.5),
        ("5.", None, 5.0),
        *((text, None, None) for text in ("", "-", "1_0", "٥", "½", " 7", "7\n", "0x7", "e3")),
        *((text, None, None) for text in ("nan", "inf", "1e999", "9" * 5_000)),
    ],
)
def test_text_becomes_a_number_in_one_way(
    text: str, whole: int | None, number: float | None
) -> None:
    assert parse_whole(text) == whole
    assert parse_number(text) == number


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("N is 5, K-shot: examples (1.5)!", "N is 5, K-shot: examples (1.5)!"),
        ("n_way, _x_ and *y*", r"n_way, \_x\_ and \*y\*"),
        ("[a](b) ![c](d) <e>", r"\[a\](b) !\[c\](d) \<e\>"),
        ("https://a.b WWW.a.b c@d.e", "https:\u2060//a.b WWW\u2060.a.b c\u2060@d.e"),
        (":red[x] $y$ &lt; ~z~", ":\u2060red\\[x\\] \\$y\\$ \\&lt; \\~z\\~"),
        ("run `python -m x_y [z]` now", "run `python -m x_y [z]` now"),
        ("``[a](b)`", r"\`\`\[a\](b)\`"),
        ("`[a](b)", r"\`\[a\](b)"),
        (r"\[a](b)", r"\\\[a\](b)"),
    ],
)
def test_plain_text(text: str, shown: str) -> None:
    assert plain_text(text) == shown


def test_a_short_link_leaves_out_what_no_link_of_the_app_has() -> None:
    params = {"seed": "7", "foo": "9" * 5_000, "methods": ["MAML", "Pretrained"]}
    code = short_link("adapt", params).partition("=")[2]
    assert len(code) <= MAX_CODE
    assert decode(code) == ("adapt", {"seed": ["7"], "methods": ["MAML", "Pretrained"]})
