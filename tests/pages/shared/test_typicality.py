"""Beside a result: how typical it is, and silence where nothing was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maml_core.config import EpisodeSpec
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.learners import checkpoints
from maml_core.teaching import play_round
from maml_core.teaching.openings import Contrast, Opening, Spread, typicality
from pages.shared.charts import typicality as on_page
from tests.support.opened_page import open_page, run, texts, told

ADAPT, PLAY = "pages/adapt/page.py", "pages/play/page.py"
MEASURED = Contrast(
    "episode",
    EpisodeSpec(3, 1, 10),
    step=1,
    count=600,
    first=Spread(0.9, 0.01, 0.1),
    second=Spread(0.8, 0.01, 0.1),
    difference=Spread(0.1, 0.01, 0.1),
    share_ahead=0.8,
)
ON_OMNIGLOT = replace(MEASURED, difference=Spread(0.2, 0.01, 0.1))


@pytest.fixture(autouse=True)
def few_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = [
        replace(one, kind="round", spec=play_round.MODES["5-way"])
        for one in (MEASURED, ON_OMNIGLOT)
    ]
    openings = {
        "glyphs": Opening(0, (MEASURED, rounds[0])),
        "omniglot": Opening(0, (ON_OMNIGLOT, rounds[1])),
    }
    monkeypatch.setattr(on_page, "load_openings", lambda: openings)


def test_adapt_compares_its_first_step_with_the_many() -> None:
    data = registry.load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained")}
    maml, pretrained = compare(learners, sample_episode(pool, MEASURED.spec, 4), 1)
    expected = typicality(MEASURED, maml.accuracy[1], pretrained.accuracy[1], ON_OMNIGLOT)
    at = open_page(ADAPT, n_way="3", steps="2", seed="4")
    assert expected in [one.value for one in at.caption]
    assert "On Omniglot the gap is wider: 20.0 points" in expected


@pytest.mark.parametrize(
    "changed",
    [
        {"n_way": "2"},
        {"q_query": "9"},
        {"within": "true"},
        {"part": "Seen in training"},
        {"alpha": "× 2"},
        {"methods": "MAML"},
    ],
)
def test_nothing_is_said_of_what_was_not_measured(changed: dict[str, str]) -> None:
    at = open_page(ADAPT, **{"n_way": "3", "steps": "1", **changed})
    assert "In 600 episodes" not in texts(at, "caption")


def test_predict_first_gives_nothing_away() -> None:
    at = open_page(ADAPT, n_way="3", steps="1")
    assert "In 600 episodes" in texts(at, "caption")
    at.toggle(key="predict").set_value(True).run()
    assert "In 600 episodes" not in texts(at, "caption")


def test_play_says_it_at_the_end_of_a_round_for_the_steps_that_were_taken() -> None:
    at = open_page(PLAY, seed="4", machine_steps="1 step")
    board = told(at)
    _, maml, pretrained = (player["answers"] for player in board["players"])
    truths = [one["truth"] for one in board["questions"]]
    shares = [sum(map(int.__eq__, answers, truths)) / len(truths) for answers in (maml, pretrained)]
    at.session_state["game picks"] = {"round": board["revision"], "labels": truths[:9]}
    assert "rounds of this kind" not in texts(run(at), "caption")
    at.session_state["game picks"] = {"round": board["revision"], "labels": truths}
    run(at)
    round_ = on_page.load_openings()["glyphs"].contrasts[1]
    on_omniglot = on_page.load_openings()["omniglot"].contrasts[1]
    assert typicality(round_, *shares, on_omniglot) in [one.value for one in at.caption]
    assert "Seed 4, 5-way, Glyphs, 1 inner step: me 10" in texts(at.main, "code")
    at.segmented_control(key="machine_steps").set_value("5 steps").run()
    assert "rounds of this kind" not in texts(at, "caption"), "five were not measured"
    assert "Seed 4, 5-way, Glyphs: me 10" in texts(at.main, "code")
