"""What a session opens on: typical where the address says nothing, as always where it does."""

from __future__ import annotations

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from maml_core.teaching.openings import load_openings
from pages.shared.frame import opening
from pages.shared.link_settings import DEFAULTS
from tests.support.opened_page import at_page, run

EPISODES, PLAY = "pages/episodes/page.py", "pages/play/page.py"
GLYPHS_SEED = load_openings()["glyphs"].seed
OPENING = {"n_way": 20, "k_shot": 1, "q_query": 10, "within": False, "seed": GLYPHS_SEED}


def opened(path: str, **query: str) -> AppTest:
    """Open a page by an address that names this alone."""
    at = at_page(path)
    at.query_params.clear()
    at.query_params.update(query)
    return run(at)


def put_into_address(at: AppTest) -> dict[str, str]:
    """Return the settings that the page writes into the browser's address."""
    texts = [one.proto.body for one in at.get("html")]
    found = [match[1] for text in texts if (match := re.search(r"entries\((.*)\)\)", text))]
    return json.loads(found[0]) if found else {}


def settings(at: AppTest) -> dict[str, object]:
    return {key: at.session_state[key] for key in OPENING}


def test_an_address_that_says_nothing_opens_on_the_opening_and_says_so_from_then_on() -> None:
    at = opened(EPISODES)
    assert settings(at) == OPENING
    address = put_into_address(at)
    assert address == {"dataset": "Glyphs", "n_way": "20", "seed": str(GLYPHS_SEED)}
    assert settings(opened(EPISODES, **address)) == OPENING


def test_play_opens_on_a_round_whose_machines_take_one_step() -> None:
    at = opened(PLAY)
    assert (at.session_state.mode, at.session_state.machine_steps) == ("20-way", "1 step")


def test_who_opens_another_page_first_finds_the_same_round() -> None:
    at = opened(EPISODES)
    assert "mode" not in put_into_address(at)
    at.switch_page(PLAY).run()
    assert not at.exception
    assert (at.session_state.mode, at.session_state.machine_steps) == ("20-way", "1 step")
    assert at.session_state.seed == GLYPHS_SEED


@pytest.mark.parametrize("neutral", ["projector", "lesson"])
def test_what_says_nothing_of_an_episode_does_not_count(neutral: str) -> None:
    assert settings(opened(EPISODES, **{neutral: "1"})) == OPENING


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("n_way", "3"),
        ("k_shot", "2"),
        ("q_query", "4"),
        ("seed", "11"),
        ("dataset", "Glyphs"),
        ("part", "Seen in training"),
        ("within", "true"),
        ("task", "2"),
    ],
)
def test_an_address_that_says_anything_keeps_the_defaults_for_the_rest(
    name: str, text: str
) -> None:
    at = opened(EPISODES, **{name: text})
    expected = {key: DEFAULTS[key] for key in OPENING}
    if name in expected:
        expected[name] = True if text == "true" else int(text)
    assert settings(at) == expected
    assert put_into_address(at) == ({} if name == "seed" else {"seed": "0"})


def test_a_link_to_a_round_made_before_is_answered_as_it_was() -> None:
    at = opened(PLAY, seed="4")
    assert (at.session_state.mode, at.session_state.machine_steps) == ("5-way", "5 steps")
    at = opened(PLAY, mode="20-way, one alphabet")
    assert (at.session_state.seed, at.session_state.machine_steps) == (0, "5 steps")


def test_the_opening_is_for_the_first_run_only() -> None:
    at = opened(EPISODES)
    at.sidebar.slider(key="n_way").set_value(DEFAULTS["n_way"]).run()
    at.sidebar.number_input(key="seed").set_value(0).run()
    assert (at.session_state.n_way, at.session_state.seed) == (5, 0)
    # The control has no default, which Streamlit would leave out of the address.
    assert not at.sidebar.number_input(key="seed").proto.HasField("default")


def test_an_emptied_seed_is_the_default() -> None:
    at = opened(EPISODES, seed="7")
    at.sidebar.number_input(key="seed").set_value(None).run()
    assert not at.exception
    assert at.session_state.seed == DEFAULTS["seed"]


def test_who_goes_back_to_an_address_without_a_seed_gets_an_episode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = opened(EPISODES, n_way="3", seed="7")
    monkeypatch.setattr(opening, "is_history_navigation", lambda: True)
    at.query_params.clear()
    at.run()
    assert not at.exception
    assert put_into_address(at)["n_way"] == "20"


def test_an_address_that_lost_its_settings_gets_them_back() -> None:
    """A click in the navigation before a page's controls are there takes them away."""
    at = opened(EPISODES, n_way="3", seed="7")
    assert put_into_address(at) == {}
    at.query_params.clear()
    at.run()
    assert put_into_address(at) == {"n_way": "3", "seed": "7"}
    assert (at.session_state.n_way, at.session_state.seed) == (3, 7)
