"""The maps of features on the Adapt page against the engine."""

import json

import numpy as np
from streamlit.testing.v1 import AppTest

from maml_core.config import EpisodeSpec
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.learners import checkpoints
from maml_core.teaching.anatomy.feature_map import FeatureMap, compare_feature_maps
from pages.shared.link_settings import DEFAULTS
from tests.support.opened_page import components, open_page, texts, unpacked

ADAPT = "pages/adapt/page.py"
METHODS = ["MAML", "Pretrained"]


def maps(place: str) -> list[FeatureMap]:
    """What the page should show of a 3-way episode after two steps, computed without it."""
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(3, 1, DEFAULTS["q_query"]), 0)
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained")}
    return [found[place] for found in compare_feature_maps(learners, episode, 2).values()]


def open_maps(**query: str | list[str]) -> AppTest:
    named = {"n_way": "3", "steps": "2", "features": "true", "methods": METHODS}
    return open_page(ADAPT, **named | query)


def shown_maps(at: AppTest) -> list[dict]:
    figures = [json.loads(one.proto.spec) for one in at.get("plotly_chart")]
    return [one for one in figures if "component" in one["layout"]["xaxis"]["title"]["text"]]


def test_nothing_is_computed_before_somebody_wants_it() -> None:
    at = open_page(ADAPT, n_way="3", steps="2")
    assert not shown_maps(at)
    at.toggle(key="features").set_value(True).run()
    assert not at.exception
    assert len(shown_maps(at)) == 3


def test_a_link_opens_the_maps_of_its_place_with_the_engines_points() -> None:
    for place in ("Head input", "Block 2"):
        at = open_maps(place=place)
        assert not at.warning
        for figure, expected in zip(shown_maps(at), maps(place), strict=True):
            for step, frame in enumerate(figure["frames"]):
                for drawn, points in zip(
                    frame["data"], (expected.query, expected.support), strict=True
                ):
                    shown = np.transpose([unpacked(drawn["x"]), unpacked(drawn["y"])])
                    np.testing.assert_allclose(shown, points[step], atol=1e-4)


def test_the_finding_says_the_engines_numbers() -> None:
    found = maps("Head input")
    said = texts(open_maps(), "markdown")
    before, after = ([f"{100 * one.separation[k]:.0f} %" for one in found] for k in (0, -1))
    assert f"{before[0]} of MAML's variance and {before[1]} of pretraining's" in said
    assert f"after two steps {after[0]} and {after[1]}" in said


def test_the_player_moves_the_maps_and_knows_their_pictures() -> None:
    (player,) = (told for told in components(open_maps()) if "charts" in told)
    at = open_maps()
    keys = [one.proto.id for one in at.get("plotly_chart")]
    for name in ("feature_map_1", "feature_map_2", "separation_chart"):
        assert name in player["charts"]
        assert any(name in key for key in keys)
    numbers = {n for one in shown_maps(at)[0]["data"] for n in unpacked(one["customdata"])}
    assert len(numbers) == len(player["pictures"]) + sum(map(len, player["support"]))


def test_three_methods_have_maps_and_the_others_are_not_forgotten() -> None:
    at = open_maps(methods=["MAML", "Pretrained", "Random initialisation", "ANIL"])
    assert len(shown_maps(at)) == 3
    assert "The first 3 of the chosen methods." in texts(at, "caption")


WHY_STILL = "feature reuse"


def test_why_little_moves_is_offered_of_whom_it_is_true() -> None:
    assert WHY_STILL in texts(open_maps(), "markdown")
    assert WHY_STILL in texts(open_maps(methods=["MAML", "BOIL"]), "markdown")
    for methods in (["BOIL"], ["ProtoNet"], ["Random initialisation", "BOIL"]):
        assert WHY_STILL not in texts(open_maps(methods=methods), "markdown"), methods


def test_it_is_not_offered_where_mamls_pictures_move() -> None:
    at = open_maps(n_way="20", q_query="2", alpha="× 8", steps="10", methods="MAML")
    (first, last) = (
        np.transpose([unpacked(frame["data"][0][axis]) for axis in ("x", "y")])
        for frame in (shown_maps(at)[0]["frames"][0], shown_maps(at)[0]["frames"][-1])
    )
    way = np.sqrt(((last - first) ** 2).sum(1).mean())
    moves = not way < 0.25 * np.sqrt(first.var(0).sum())
    assert moves
    assert WHY_STILL not in texts(at, "markdown")


def test_one_query_a_class_is_not_taken_for_a_finding() -> None:
    at = open_maps(q_query="1", methods=["BOIL", "MAML"])
    assert len(shown_maps(at)) == 2
    assert "One query picture a class cannot show" in texts(at, "markdown")
    assert "variance and" not in texts(at, "markdown")
    assert not any("separation_chart" in one.proto.id for one in at.get("plotly_chart"))
    assert any("separation_chart" in one.proto.id for one in open_maps().get("plotly_chart"))


def test_what_far_too_large_a_rate_leads_to_can_be_drawn() -> None:
    at = open_maps(alpha="× 32", steps="20")
    assert len(shown_maps(at)) == 2
    assert "nan" not in texts(at, "markdown")
