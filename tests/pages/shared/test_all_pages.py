"""What all pages have in common: the sidebar, the link, the configuration."""

import json
import tomllib
from pathlib import Path

import pytest
from streamlit import config as st_config

from maml_core.data.own_pictures import visitor_zips
from maml_core.images.decoding import MAX_FILE_BYTES
from maml_core.teaching import play_round
from pages.shared import cached
from pages.shared.link_settings import DEFAULTS
from pages.shared.widgets import MAX_MEGABYTES
from tests.support.opened_page import open_page, texts

ROOT = Path(__file__).parents[3]
EPISODES = "pages/episodes/page.py"
PAGES = (
    "pages/play/page.py",
    EPISODES,
    "pages/adapt/page.py",
    "pages/evaluate/page.py",
    "pages/draw/page.py",
    "pages/landscape/page.py",
)


@pytest.mark.parametrize("path", PAGES)
def test_opens_with_the_defaults_and_says_where_the_characters_come_from(path: str) -> None:
    at = open_page(path)
    assert not at.error
    assert texts(at, "caption").count("model-agnostic meta-learning") == 1
    assert any("* **" in one.value for one in at.markdown), "the words of the page"
    assert at.sidebar.slider(key="n_way").value == DEFAULTS["n_way"]
    assert at.sidebar.selectbox(key="dataset").value == "Glyphs"
    assert "Omniglot is not on this machine" in " ".join(c.value for c in at.sidebar.caption)
    assert at.sidebar.button(key="get_omniglot").label == "Get Omniglot (14 MB)"


def test_a_wrong_setting_of_the_server_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAML_WORKERS", "all")
    at = open_page(EPISODES)
    (said,) = at.error
    assert said.value.startswith("MAML_WORKERS is 'all'; set it to a whole number from 1")


def test_a_good_link_is_taken_as_it_is() -> None:
    at = open_page(
        EPISODES, dataset="Glyphs", n_way="7", k_shot="3", q_query="2", seed="11", within="true"
    )
    state = at.session_state
    assert state.dataset == "Glyphs"
    assert (state.n_way, state.k_shot, state.q_query, state.seed) == (7, 3, 2, 11)
    assert state.within is True
    assert "7-way 3-shot" in texts(at, "subheader")
    assert not at.warning


def test_only_new_episode_changes_the_seed() -> None:
    at = open_page(EPISODES)
    at.sidebar.slider(key="n_way").set_value(4).run()
    at.sidebar.slider(key="k_shot").set_value(2).run()
    assert at.session_state.seed == DEFAULTS["seed"]
    at.sidebar.button(key="new_episode").click().run()
    assert at.session_state.seed != DEFAULTS["seed"]


def test_the_chosen_task_of_a_list_that_becomes_shorter_is_its_last() -> None:
    at = open_page(EPISODES, n_way="2", k_shot="1")
    longest = at.main.slider(key="task").max
    at.main.slider(key="task").set_value(longest).run()
    at.sidebar.slider(key="n_way").set_value(4).run()
    assert not at.exception
    assert at.main.slider(key="task").value == at.main.slider(key="task").max < longest
    open_page(EPISODES, n_way="4", task=str(longest))  # nor does a link fail


def test_an_episode_that_cannot_be_drawn_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("n_way is 20, but there are only 12 classes.")

    monkeypatch.setattr(cached, "sample_episode", refuse)
    monkeypatch.setattr(play_round, "sample_episodes", refuse)
    for path in PAGES:
        assert "only 12 classes" in texts(open_page(path), "error")


def test_streamlit_is_configured_as_the_app_needs_it() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["runner"]["postScriptGC"] is False
    assert config["browser"]["gatherUsageStats"] is False
    # It holds for every uploader: one that names a larger file is refused that by the server.
    largest = max(visitor_zips.MAX_MEGABYTES, MAX_FILE_BYTES // 1_000_000, MAX_MEGABYTES)
    assert config["server"]["maxUploadSize"] == largest
    assert config["global"]["maxCachedMessageAge"] >= 10
    # Hidden options: gone from Streamlit, they would be silently ignored.
    hidden = {"runner.postScriptGC", "global.maxCachedMessageAge"}
    assert hidden <= set(st_config.get_config_options())


def test_a_projector_gets_larger_letters_in_the_charts_too() -> None:
    usual, large = (
        json.loads(open_page(EPISODES, **query).get("plotly_chart")[0].proto.spec)["layout"]
        for query in ({}, {"projector": "1"})
    )
    assert large["height"] > usual["height"]
    assert large["font"]["size"] > 12
