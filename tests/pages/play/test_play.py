"""The Play page through Streamlit's own test runner: the board's value is set by its key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import Episode
from maml_core.figures.style import STYLES
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner, random_learner
from maml_core.teaching import play_round
from maml_core.teaching.play_round import MODES, N_QUESTIONS, PlayQuestion
from pages.shared import cached
from pages.shared.frame.sidebar import ON_ADAPT
from pages.shared.link_settings import Settings, shape_values
from tests.support import opened_page
from tests.support.opened_page import told

FIVE, TWENTY, ALPHABET = MODES
METHODS = ("maml", "pretrained")
open_page = partial(opened_page.open_page, "pages/play/page.py")


def asked_of(seed: int, mode: str = FIVE, part: str = "test") -> list[PlayQuestion]:
    """The round that the page should show, without the page."""
    data = registry.load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", part))
    return play_round.sample_questions(pool, mode, seed)


def say(at: AppTest, labels: Sequence[object], round_: str | None = None) -> AppTest:
    """Let the board say what was chosen."""
    at.session_state["game picks"] = {"round": round_ or told(at)["revision"], "labels": labels}
    at.run()
    assert not at.exception
    return at


def result(at: AppTest) -> list[str]:
    """The result lines; the sidebar's link is not one."""
    return [one.value for one in at.main.code]


@pytest.mark.parametrize(("mode", "seed"), [(FIVE, 3), (TWENTY, 0), (ALPHABET, 1)])
def test_the_board_holds_the_seeds_questions_and_the_machines_answers(mode: str, seed: int) -> None:
    at = open_page(mode=mode, seed=str(seed))
    questions = asked_of(seed, mode)
    board = told(at)
    assert [one["truth"] for one in board["questions"]] == [one.truth for one in questions]
    data = registry.load("glyphs")
    for shown, one in zip(board["questions"], questions, strict=True):
        assert shown["names"] == [str(data.classes[c]) for c in one.episode.classes]
        assert len(set(shown["choices"])) == MODES[mode].n_way
        assert shown["query"] not in shown["choices"]
        assert f"drawer {data.drawers[one.query]}" in shown["caption"]
    expected = play_round.answer_questions({m: checkpoints.shipped(m) for m in METHODS}, questions)
    labels = [STYLES[name].label for name in ("person", *METHODS)]
    assert [player["label"] for player in board["players"]] == labels
    assert [player["answers"] for player in board["players"]] == [None, *expected.values()]


def test_the_first_question_is_there_before_the_machines_have_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("still adapting")

    monkeypatch.setattr(play_round, "answer_questions", refuse)
    at = opened_page.at_page("pages/play/page.py").run()
    assert at.exception
    board = told(at)
    assert len(board["questions"]) == N_QUESTIONS
    assert [player["answers"] for player in board["players"]] == [None, None, None]


def test_at_the_end_there_is_a_line_to_compare() -> None:
    at = open_page(seed="17")
    questions = asked_of(17)
    mine = [(one.truth + (number % 3 == 0)) % 5 for number, one in enumerate(questions)]
    for n in (0, 1, N_QUESTIONS - 1):
        say(at, mine[:n])
        assert result(at) == []
    say(at, mine)
    found = play_round.answer_questions({m: checkpoints.shipped(m) for m in METHODS}, questions)
    theirs = {
        m: sum(a == q.truth for a, q in zip(found[m], questions, strict=True)) for m in METHODS
    }
    assert result(at) == [
        f"Seed 17, 5-way, Glyphs: me 6, MAML {theirs['maml']}, "
        f"Pretrained {theirs['pretrained']} of 10"
    ]
    assert not at.error


def test_in_a_timed_round_no_answer_is_an_answer_too() -> None:
    at = open_page(seed="17", timed="true")
    assert told(at)["seconds"] == play_round.SECONDS_PER_QUESTION
    questions = asked_of(17)
    mine = [None if number in (2, 5) else one.truth for number, one in enumerate(questions)]
    say(at, mine)
    (line,) = result(at)
    assert line.startswith("Seed 17, 5-way, Glyphs, 10 s a question: me 8 (no answer to 2), MAML ")
    assert line.count("no answer") == 1, "the machines answer all"

    at.toggle(key="timed").set_value(False).run()
    assert (told(at)["seconds"], told(at)["picks"]) == (None, []), "a round of its own"
    say(at, [one.truth for one in questions])
    assert result(at)[0].startswith("Seed 17, 5-way, Glyphs: me 10, MAML ")
    at.toggle(key="timed").set_value(True).run()
    assert told(at)["picks"] == mine


def test_what_was_chosen_stays_from_page_to_page_and_from_round_to_round() -> None:
    at = open_page(seed="5", mode=TWENTY)
    say(at, [1, 2, 3])
    at.switch_page("pages/episodes/page.py").run()
    at.switch_page("pages/play/page.py").run()
    assert at.session_state["mode"] == TWENTY
    assert told(at)["picks"] == [1, 2, 3]
    at.segmented_control(key="mode").set_value(FIVE).run()
    assert told(at)["picks"] == []
    at.segmented_control(key="mode").set_value(TWENTY).run()
    assert told(at)["picks"] == [1, 2, 3]
    at.sidebar.number_input(key="seed").set_value(6).run()
    assert told(at)["picks"] == []
    at.sidebar.number_input(key="seed").set_value(5).run()
    assert told(at)["picks"] == [1, 2, 3]


def test_what_the_board_says_of_another_round_or_out_of_range_counts_for_nothing() -> None:
    at = open_page(seed="2")
    say(at, [0, 1], "another round")
    assert list(at.session_state["rounds_played"].values()) == [[]]
    for odd in (5, -1, "1", None):
        say(at, [4, odd, 3])
        assert list(at.session_state["rounds_played"].values()) == [[4]], odd
    say(at, [0] * 12)
    (kept,) = at.session_state["rounds_played"].values()
    assert kept == [0] * N_QUESTIONS


def test_the_machines_answer_a_round_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = play_round.answer_questions
    monkeypatch.setattr(play_round, "answer_questions", lambda *a: calls.append(a) or real(*a))
    at = say(open_page(), [0])
    at.sidebar.number_input(key="seed").set_value(1).run()
    open_page(seed="1")
    open_page()
    assert len(calls) == 2


def test_only_the_sidebars_characters_part_and_seed_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # So many that there are some for training beside those for validation and test.
    monkeypatch.setattr(registry, "GLYPHS", {"n_alphabets": 10, "n_drawers": 20, "seed": 0})
    first = told(open_page(seed="4"))
    at = open_page(seed="4", n_way="9", k_shot="10", q_query="10", within="true")
    assert not at.error
    assert told(at) == first
    questions = asked_of(4, part="train")
    at = open_page(seed="4", part="Seen in training")
    assert [one["truth"] for one in told(at)["questions"]] == [one.truth for one in questions]
    say(at, [one.truth for one in questions])
    assert result(at)[0].startswith("Seed 4, 5-way, Glyphs, seen in training: me 10, MAML ")
    assert any(one.value.startswith("You have 10 of 10 right, MAML ") for one in at.markdown)


def test_too_few_characters_are_a_sentence() -> None:
    at = open_page(part="Seen in training")  # so few glyphs are all for validation and test
    (error,) = at.error
    assert error.value == (
        "“5-way” takes 5 characters, and here there are 0. Choose other characters in the sidebar."
    )
    at.sidebar.selectbox(key="part").set_value("Never seen in training").run()
    assert not at.error
    assert len(told(at)["questions"]) == N_QUESTIONS


def test_a_bad_mode_in_the_link_gives_the_default_and_a_sentence() -> None:
    at = open_page(mode="7-way", timed="10")
    for words in ("mode = '7-way'", "timed = '10'"):
        assert words in " ".join(one.value for one in at.warning)
    assert (at.session_state["mode"], at.session_state["timed"]) == (FIVE, False)


def test_without_one_methods_weights_the_other_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    def shipped(method: str, split: str = cached.SPLIT) -> Learner:
        assert method == "maml"
        return random_learner()

    monkeypatch.setattr(checkpoints, "is_shipped", lambda method, split: method == "maml")
    monkeypatch.setattr(checkpoints, "shipped", shipped)
    at = say(open_page(), [0] * N_QUESTIONS)
    assert [player["label"] for player in told(at)["players"]] == ["You", "MAML"]
    assert "Pretrained" not in result(at)[0]


@pytest.mark.parametrize("mode", MODES)
def test_a_question_is_an_episode_that_a_link_names_on_the_other_pages(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    sample = cached.episode

    def keep(settings: Settings) -> Episode:
        shown.append(sample(settings))
        return shown[-1]

    monkeypatch.setattr(cached, "episode", keep)
    shape = {name: json.dumps(value) for name, value in shape_values(MODES[mode]).items()}
    opened_page.open_page("pages/episodes/page.py", seed="3", question="7", **shape)
    asked = asked_of(3, mode)[6]
    for name in ("classes", "support", "query"):
        np.testing.assert_array_equal(
            getattr(shown[-1], name), getattr(asked.episode, name), err_msg=name
        )
    assert asked.query in shown[-1].query


def test_the_episode_of_a_question_is_shown_whatever_the_browser_sends_with_the_way_there() -> None:
    """Its controls may still hold their former values when the link is pressed."""
    at = open_page(n_way="5")
    chosen = {**shape_values(MODES[TWENTY]), "question": 3}
    at.session_state[ON_ADAPT] = chosen  # as `choose_episode_of` does
    at.sidebar.slider(key="n_way").set_value(5)
    at.switch_page("pages/adapt/page.py").run()
    for name, value in chosen.items():
        assert at.session_state[name] == value, name
    at.sidebar.slider(key="n_way").set_value(7).run()
    assert at.session_state["n_way"] == 7, "from then on it is the visitor's"
