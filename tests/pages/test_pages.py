"""What all pages have in common: the sidebar, the link, the configuration."""

import tomllib
from pathlib import Path

import pytest
from streamlit import config as st_config
from streamlit.commands import navigation
from streamlit.runtime.pages_manager import PagesManager

from maml_core import game
from pages.shared import loaders
from pages.shared.settings import DEFAULTS, LINK
from tests.pages.opened import open_page, texts

ROOT = Path(__file__).parents[2]
EPISODES = "pages/episodes.py"
PAGES = (
    "pages/play.py",
    EPISODES,
    "pages/adapt.py",
    "pages/evaluate.py",
    "pages/draw.py",
    "pages/landscape.py",
)


def test_a_page_that_streamlit_runs_alone_goes_through_the_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a new server, when another visitor's app.py begins while this page runs alone."""
    prepare, navigate = PagesManager.__init__, navigation._navigation

    def be_new(self: PagesManager, *arguments: object, **named: object) -> None:
        prepare(self, *arguments, **named)
        PagesManager.uses_pages_directory = True

    def be_overtaken(*arguments: object, **named: object) -> object:
        alone.append(PagesManager.uses_pages_directory)
        PagesManager.uses_pages_directory = False
        return navigate(*arguments, **named)

    alone: list[bool | None] = []
    monkeypatch.setattr(PagesManager, "__init__", be_new)
    monkeypatch.setattr(navigation, "_navigation", be_overtaken)
    at = open_page(EPISODES, n_way="3")
    assert alone == [True, False], "first the page alone, then by way of the app"
    assert at.sidebar.slider(key="n_way").value == 3


@pytest.mark.parametrize("path", PAGES)
def test_opens_with_the_defaults_and_says_where_the_characters_come_from(path: str) -> None:
    at = open_page(path)
    assert not at.error
    assert at.sidebar.slider(key="n_way").value == DEFAULTS["n_way"]
    assert at.sidebar.selectbox(key="dataset").value == "Glyphs"
    assert "Omniglot is not on this machine" in " ".join(c.value for c in at.sidebar.caption)
    assert at.sidebar.button(key="get_omniglot").label == "Get Omniglot (14 MB)"


@pytest.mark.parametrize("path", PAGES)
def test_bad_values_in_the_link_give_the_defaults_and_a_sentence_each(path: str) -> None:
    at = open_page(path, **dict.fromkeys(LINK, "-7x"))
    for name in LINK:
        assert f"{name} = '-7x'" in texts(at, "warning")
        expected = "Glyphs" if name == "dataset" else DEFAULTS[name]
        assert at.session_state[name] == expected


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


def test_an_episode_that_cannot_be_drawn_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("n_way is 20, but there are only 12 classes.")

    monkeypatch.setattr(loaders, "sample_episode", refuse)
    monkeypatch.setattr(game, "sample_episodes", refuse)
    for path in PAGES:
        assert "only 12 classes" in texts(open_page(path), "error")


def test_streamlit_is_configured_as_the_app_needs_it() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["runner"]["postScriptGC"] is False
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["maxUploadSize"] <= 5
    assert config["global"]["maxCachedMessageAge"] >= 10
    # Hidden options: gone from Streamlit, they would be silently ignored.
    hidden = {"runner.postScriptGC", "global.maxCachedMessageAge"}
    assert hidden <= set(st_config.get_config_options())
