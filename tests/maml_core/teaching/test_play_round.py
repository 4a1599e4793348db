"""Which questions belong to a seed, what the machines answer, and the score: plain loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import for_n_way, initial_params
from maml_core.teaching.play_round import (
    INNER_STEPS,
    MODES,
    N_QUESTIONS,
    answer_questions,
    format_result,
    sample_questions,
    score,
)

FIVE, TWENTY, ALPHABET = MODES


@pytest.fixture(scope="module")
def wide_pool(make_characters):
    """Two alphabets of at least twenty characters, and one that is too small."""
    data = make_characters((21, 22, 6), likeness=0.5, seed=4)
    return make_pool(data, list(range(len(data.classes))))


@pytest.fixture(scope="module")
def learners(model):
    other = Conv4(channels=6)
    return {
        "maml": Learner("maml", model, initial_params(model, 1), {5: 0.4, 20: 0.2}),
        "pretrained": Learner("pretrained", other, initial_params(other, 2), {5: 0.1, 20: 0.7}),
    }


@pytest.mark.parametrize("mode", MODES)
def test_a_round_is_the_first_ten_episodes_of_its_seed(mode, wide_pool, untouched_global_rng):
    questions = sample_questions(wide_pool, mode, seed=17)
    assert len(questions) == N_QUESTIONS == 10
    for number, question in enumerate(questions):
        episode = sample_episode(wide_pool, MODES[mode], 17, number)
        np.testing.assert_array_equal(question.episode.support, episode.support)
        np.testing.assert_array_equal(question.episode.query, episode.query)
        # The picture that is asked is another one of the class that is right.
        right = episode.classes[question.truth]
        assert wide_pool.data.class_of(question.query) == right
        assert question.query not in episode.support
    truths = [question.truth for question in questions]
    assert [question.truth for question in sample_questions(wide_pool, mode, seed=17)] == truths
    assert [question.truth for question in sample_questions(wide_pool, mode, seed=18)] != truths


def test_no_answer_is_no_right_answer_and_is_told(wide_pool):
    questions = sample_questions(wide_pool, FIVE, seed=3)
    answers = [None if number < 3 else one.truth for number, one in enumerate(questions)]
    right = sum(answer is not None for answer in answers)
    assert score(questions, answers) == right == 7
    line = format_result("Seed 3", {"me": right, "MAML": 9}, {"me": 3, "MAML": 0})
    assert line == "Seed 3: me 7 (no answer to 3), MAML 9 of 10"
    assert "no answer" not in format_result("Seed 3", {"me": right}, {"me": 0})


def test_each_place_is_right_equally_often(pool):
    n_seeds = 60
    truths = Counter(q.truth for seed in range(n_seeds) for q in sample_questions(pool, FIVE, seed))
    n, p = n_seeds * N_QUESTIONS, 1 / 5
    spread = (n * p * (1 - p)) ** 0.5  # of a binomial count
    assert truths.keys() == set(range(5))
    assert all(abs(count - n * p) < 4 * spread for count in truths.values())


def test_a_round_says_nothing_of_the_same_seed_in_another_mode(wide_pool):
    truths = {mode: [q.truth for q in sample_questions(wide_pool, mode, seed=5)] for mode in MODES}
    assert truths[TWENTY] != truths[ALPHABET]


def test_the_hard_mode_is_one_alphabet_one_drawer_against_another(wide_pool):
    data = wide_pool.data
    alphabets = set()
    for question in sample_questions(wide_pool, ALPHABET, seed=2):
        (alphabet,) = {data.classes[c].alphabet for c in question.episode.classes}
        (examples_by,) = set(data.drawers[question.episode.support.ravel()])
        assert data.drawers[question.query] != examples_by
        alphabets.add(alphabet)
    assert alphabets == {"Alphabet 0", "Alphabet 1"}


@pytest.mark.parametrize("mode", MODES)
def test_the_machines_answers_are_those_of_a_plain_loop(mode, wide_pool, learners, plain_conv4):
    """The oracle: torch's own batch normalisation with the support set's statistics, one query."""
    questions = sample_questions(wide_pool, mode, seed=1)
    found = answer_questions(learners, questions)
    assert list(found) == list(learners)
    n_way = MODES[mode].n_way
    for name, learner in learners.items():
        expected = []
        for question in questions:
            task = question.episode.task
            trajectory = adapt(
                learner.model,
                for_n_way(learner.params, n_way),
                task.support_x,
                task.support_y,
                inner_lr=learner.inner_lrs[n_way],
                inner_steps=INNER_STEPS,
            )
            x = wide_pool.data.inputs[[*question.episode.support.ravel(), question.query]]
            x = torch.from_numpy(x)[:, None].float() / 255
            out = plain_conv4(trajectory[-1], x, n_way)
            expected.append(int(out[-1].argmax()))
        assert found[name] == expected
    assert found["maml"] != found["pretrained"], "or one learner could stand for both"


def test_a_question_is_answered_as_if_there_were_no_other(wide_pool, learners):
    questions = sample_questions(wide_pool, FIVE, seed=3)
    together = answer_questions(learners, questions)
    for name, learner in learners.items():
        backwards = answer_questions({name: learner}, questions[::-1])
        assert backwards == {name: together[name][::-1]}
    assert answer_questions(learners, []) == {"maml": [], "pretrained": []}


def test_the_score_counts_what_is_right_so_far(pool):
    questions = sample_questions(pool, FIVE, seed=0)
    answers = np.random.default_rng(0).integers(5, size=N_QUESTIONS).tolist()
    right = 0
    assert score(questions, []) == 0
    for number, answer in enumerate(answers):
        if answer == questions[number].truth:
            right += 1
        assert score(questions, answers[: number + 1]) == right
    assert 0 < right < N_QUESTIONS
    assert score(questions, [question.truth for question in questions]) == N_QUESTIONS
    with pytest.raises(ValueError, match="11 answers to 10 questions"):
        score(questions, [*answers, 0])


def test_the_result_is_a_line_to_compare():
    scores = {"me": 8, "MAML": 9, "pretrained": 8}
    line = "Seed 17, 20-way: me 8, MAML 9, pretrained 8 of 10"
    assert format_result("Seed 17, 20-way", scores) == line


def test_what_cannot_be_played_is_a_sentence(pool, easy_pool):
    with pytest.raises(ValueError, match="mode is '7-way'; choose one of 5-way, 20-way, 20-way"):
        sample_questions(pool, "7-way", 0)
    with pytest.raises(ValueError, match="n_way is 20, but there are only 12 classes"):
        sample_questions(easy_pool, TWENTY, 0)
    with pytest.raises(ValueError, match="the largest alphabet has 8 characters"):
        sample_questions(pool, ALPHABET, 0)
