"""Estimates over episodes against plain loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch

from maml_core.config import OFFICIAL_RUNS, AdaptConfig, EpisodeSpec, EvaluationConfig
from maml_core.episodes.official_runs import RUNS
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation import accuracy
from maml_core.evaluation.accuracy import (
    episode_accuracy,
    evaluate,
    evaluate_nearest,
    pictures_passed,
)
from maml_core.evaluation.confidence_intervals import estimate
from maml_core.learners.adaptation import adapt_to_support
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.methods.nearest_neighbour import (
    cosine_head,
    nearest_by_features,
    nearest_by_pixels,
)
from maml_core.methods.protonet import prototype_head
from maml_core.networks.functional import (
    features,
    for_n_way,
    initial_params,
    query_logits,
)
from maml_core.training.inner_lr_search import choose_inner_lr
from tests.support.wilson import wilson_half_width

SPEC = EpisodeSpec(3, 1, 2)


@pytest.fixture
def learner(model):
    return Learner("random", model, initial_params(model, 0), {3: 0.4})


def test_an_estimate_of_official_runs_takes_an_alphabet_as_one(monkeypatch, learner, pool):
    alphabets = [run.alphabet for run in RUNS]
    asked = []
    monkeypatch.setattr(
        accuracy, "estimate", lambda *arguments: asked.append(arguments) or arguments
    )
    monkeypatch.setattr(
        accuracy, "sample_episode", lambda *_: sample_episode(pool, EpisodeSpec(3, 1, 1), 0)
    )
    list(evaluate_nearest(None, pool, OFFICIAL_RUNS, EvaluationConfig(episodes=20)))
    assert [clusters for _, _, clusters in asked] == [alphabets[:n] for n in range(2, 21, 2)]
    assert {queries for _, queries, _ in asked} == {20}


@pytest.mark.parametrize("lr_multipliers", [None, {"head.weight": 1.5, "head.bias": 0.5}])
def test_evaluation_is_a_loop_over_the_seeds_episodes(lr_multipliers, learner, pool, trajectory_of):
    learner = replace(
        learner,
        lr_multipliers=lr_multipliers and {n: torch.tensor(v) for n, v in lr_multipliers.items()},
    )
    *_, last = evaluate(learner, pool, SPEC, EvaluationConfig(inner_steps=2, episodes=23, seed=6))
    accuracies = []
    for number in range(23):
        task = sample_episode(pool, SPEC, 6, number).task
        params = for_n_way(learner.params, 3)
        one = trajectory_of(
            learner.model, params, task, inner_lr=0.4, inner_steps=2, lr_multipliers=lr_multipliers
        )
        accuracies.append(one.accuracy)
    assert last.episodes == 23
    np.testing.assert_allclose(last.accuracy, np.mean(accuracies, axis=0), rtol=1e-6)


def test_inductive_evaluation_asks_each_query_alone(learner, pool):
    *_, last = evaluate(
        learner, pool, SPEC, EvaluationConfig(inner_steps=2, episodes=5, seed=6, transductive=False)
    )
    accuracies = []
    for number in range(5):
        task = sample_episode(pool, SPEC, 6, number).task
        trajectory = adapt(
            learner.model,
            for_n_way(learner.params, 3),
            task.support_x,
            task.support_y,
            inner_lr=0.4,
            inner_steps=2,
        )
        accuracies.append(
            [
                np.mean(
                    [
                        int(
                            query_logits(
                                learner.model, fast, task.support_x, x[None], transductive=False
                            ).argmax()
                        )
                        == int(y)
                        for x, y in zip(task.query_x, task.query_y, strict=True)
                    ]
                )
                for fast in trajectory
            ]
        )
    np.testing.assert_allclose(last.accuracy, np.mean(accuracies, axis=0), rtol=1e-6)


@pytest.mark.parametrize("transductive", [True, False])
def test_rotation_tta_answer_by_the_mean_of_four_adaptations(transductive, learner, pool):
    """Against a plain loop in which numpy turns the pictures."""
    options = {"inner_steps": 2, "episodes": 12, "seed": 6, "transductive": transductive}
    *_, found = evaluate(learner, pool, SPEC, EvaluationConfig(rotation_tta=True, **options))
    expected = []
    for number in range(12):
        task = sample_episode(pool, SPEC, 6, number).task
        means = 0
        for turn in range(4):
            support, query = (
                torch.from_numpy(np.rot90(x.numpy(), turn, axes=(2, 3)).copy())
                for x in (task.support_x, task.query_x)
            )
            params = for_n_way(learner.params, 3)
            points = adapt(
                learner.model, params, support, task.support_y, inner_lr=0.4, inner_steps=2
            )
            how = {"transductive": transductive}
            out = [query_logits(learner.model, fast, support, query, **how) for fast in points]
            means = means + torch.stack(out) / 4
        expected.append((means.argmax(-1) == task.query_y).double().mean(-1).numpy())
    np.testing.assert_allclose(found.accuracy, np.mean(expected, axis=0), rtol=1e-6)
    *_, upright = evaluate(learner, pool, SPEC, EvaluationConfig(**options))
    assert found.accuracy[1:] != upright.accuracy[1:]


@pytest.mark.parametrize("rotation_tta", [True, False])
def test_an_ensemble_answers_by_the_mean_of_its_members_logits_on_one_scale(
    rotation_tta, learner, pool
):
    """Against a plain loop in numpy: each member from its own θ with its own α."""
    params = initial_params(learner.model, 1)
    members = [
        learner,
        replace(learner, params=params, inner_lrs={3: 1.1}),
        replace(learner, method="protonet", solve_head=prototype_head),
    ]
    config = EvaluationConfig(inner_steps=2, episodes=12, seed=6, rotation_tta=rotation_tta)
    *_, found = evaluate(members, pool, SPEC, config)
    expected = []
    for number in range(12):
        episode = sample_episode(pool, SPEC, 6, number)
        means = 0
        for member in members:
            logits = 0
            for task in episode.views(rotation_tta=rotation_tta):
                how = AdaptConfig(member.inner_lr(3), 2)
                points = adapt_to_support(member, task.support_x, task.support_y, 3, how)
                logits = logits + np.stack(
                    [
                        query_logits(
                            member.model, fast, task.support_x, task.query_x, transductive=True
                        ).numpy()
                        for fast in points
                    ]
                )
            spread = logits.std(-1, ddof=1, keepdims=True)
            means = means + np.divide(logits, spread, where=spread > 0, out=np.zeros_like(logits))
        right = means.argmax(-1) == episode.task.query_y.numpy()
        expected.append(right.mean(-1))
    np.testing.assert_allclose(found.accuracy, np.mean(expected, axis=0), rtol=1e-6)
    alone = [list(evaluate(member, pool, SPEC, config))[-1].accuracy for member in members]
    assert found.accuracy not in alone
    assert list(evaluate(members[:1], pool, SPEC, config))[-1].accuracy == alone[0]


@pytest.mark.parametrize("rotation_tta", [True, False])
def test_ink_crops_answer_with_the_pictures_as_they_are(rotation_tta, learner, characters):
    """By the mean of the logits of a learner that sees only one of them."""
    pool = make_pool(characters, list(range(38)), ink_crops=True)
    options = {"inner_steps": 2, "episodes": 12, "seed": 6}
    *_, found = evaluate(
        learner, pool, SPEC, EvaluationConfig(rotation_tta=rotation_tta, **options)
    )
    expected = []
    for number in range(12):
        views = sample_episode(pool, SPEC, 6, number).views(rotation_tta=rotation_tta)
        means = 0
        for task in views:
            support = task.support_x, task.support_y
            points = adapt_to_support(learner, *support, 3, AdaptConfig(0.4, 2))
            how = {"transductive": True}
            out = [query_logits(learner.model, p, support[0], task.query_x, **how) for p in points]
            means = means + torch.stack(out) / len(views)
        expected.append((means.argmax(-1) == views[0].query_y).double().mean(-1).numpy())
    np.testing.assert_allclose(found.accuracy, np.mean(expected, axis=0), rtol=1e-6)
    for seen in (replace(pool, ink_crops=None), pool.ink_crops):
        *_, other = evaluate(
            learner, seen, SPEC, EvaluationConfig(rotation_tta=rotation_tta, **options)
        )
        assert found.accuracy[1:] != other.accuracy[1:]


@pytest.mark.parametrize("k_shot", [1, 3])
def test_the_cosine_head_answers_with_the_most_similar_mean(k_shot, learner, pool):
    """In numpy. With one example a class that is 1-nearest neighbour."""

    def unit(x):
        return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)

    spec = EpisodeSpec(5, k_shot, 4)
    solving = replace(learner, solve_head=cosine_head)
    found = [list(evaluate(solving, pool, spec, EvaluationConfig(0, 30, 2)))[-1].accuracy]
    expected = []
    for number in range(30):
        task = sample_episode(pool, spec, 2, number).task
        both = features(
            learner.model, learner.params, task.support_x, task.query_x, transductive=True
        )
        support, query = (unit(x.numpy()) for x in both)
        means = [unit(support[task.support_y.numpy() == label].mean(0)) for label in range(5)]
        nearest = (query @ np.stack(means).T).argmax(1)
        expected.append((nearest == task.query_y.numpy()).mean())
    np.testing.assert_allclose(found, [[np.mean(expected)]], rtol=1e-6)
    *_, by_picture = evaluate_nearest(learner, pool, spec, EvaluationConfig(episodes=30, seed=2))
    assert (list(by_picture.accuracy) == pytest.approx(list(found[0]))) == (k_shot == 1)


def test_the_nearest_picture_is_compared_close_up_too(learner, characters):
    pool = make_pool(characters, list(range(38)), ink_crops=True)
    options = {"episodes": 12, "seed": 3}
    for own in (learner, None):
        *_, found = evaluate_nearest(own, pool, SPEC, EvaluationConfig(**options))
        others = [
            list(evaluate_nearest(own, seen, SPEC, EvaluationConfig(**options)))[-1]
            for seen in (replace(pool, ink_crops=None), pool.ink_crops)
        ]
        assert found not in others


def test_rotation_tta_begin_at_chance_too(learner, pool):
    *_, found = evaluate(
        learner, pool, SPEC, EvaluationConfig(inner_steps=0, episodes=3, seed=0, rotation_tta=True)
    )
    assert found.accuracy == pytest.approx((1 / 3,))


def test_before_adaptation_accuracy_is_exactly_chance(learner, pool):
    for found in evaluate(
        learner, pool, SPEC, EvaluationConfig(inner_steps=1, episodes=30, seed=0)
    ):
        assert found.accuracy[0] == pytest.approx(1 / 3)
        quantile = scipy.stats.t.ppf(0.975, found.episodes)
        one_query = wilson_half_width(1 / 3, 0.0, quantile, 6 * found.episodes)
        assert found.ci95[0] == pytest.approx(one_query, rel=1e-5)


@pytest.mark.parametrize("workers", ["1", "2", "5"])
def test_estimates_stream_in_chunks_to_the_number_asked(workers, learner, pool, monkeypatch):
    monkeypatch.setenv("MAML_WORKERS", workers)
    found = list(evaluate(learner, pool, SPEC, EvaluationConfig(inner_steps=1, episodes=7, seed=0)))
    assert [e.episodes for e in found] == [2, 4, 6, 7]
    *_, first_four = evaluate(
        learner, pool, SPEC, EvaluationConfig(inner_steps=1, episodes=4, seed=0)
    )
    assert found[1] == first_four


@pytest.mark.parametrize("chunk", [1, 7, 50])
def test_the_size_of_chunks_changes_nothing(chunk, learner, pool, monkeypatch):
    *_, expected = evaluate(
        learner, pool, SPEC, EvaluationConfig(inner_steps=2, episodes=30, seed=0)
    )
    monkeypatch.setattr(accuracy, "CHUNK", chunk)
    *_, found = evaluate(learner, pool, SPEC, EvaluationConfig(inner_steps=2, episodes=30, seed=0))
    assert found == expected


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"episodes": 0}, "episodes is 0; choose at least 1"),
        ({"episodes": -3}, "episodes is -3; choose at least 1"),
        ({"inner_steps": -1}, "inner_steps is -1; choose a value from 0 to 100"),
        ({"inner_lr": 0.0}, "inner_lr is 0.0; choose a finite value above 0"),
        ({"inner_lr": -1.0}, "inner_lr is -1.0; choose a finite value above 0"),
        ({"inner_lr": math.nan}, "inner_lr is nan; choose a finite value above 0"),
    ],
)
def test_what_cannot_be_evaluated_is_told_in_a_sentence(settings, sentence, learner, pool):
    options = {"inner_steps": 1, "episodes": 5, "seed": 0} | settings
    with pytest.raises(ValueError, match=sentence):
        next(evaluate(learner, pool, SPEC, EvaluationConfig(**options)))


def test_the_accuracy_of_one_episode_is_its_traces(learner, pool, trajectory_of):
    episode = sample_episode(pool, SPEC, 0)
    params = for_n_way(learner.params, 3)
    expected = trajectory_of(learner.model, params, episode.task, inner_lr=0.2, inner_steps=2)
    found = episode_accuracy([(learner, AdaptConfig(0.2, 2))], episode)
    assert found.tolist() == expected.accuracy.tolist()


@pytest.mark.parametrize("transductive", [True, False])
@pytest.mark.parametrize("rotation_tta", [True, False])
def test_the_work_of_an_evaluation_is_what_passes_through_the_network(
    transductive, rotation_tta, learner, pool, monkeypatch
):
    passed, forward = [], type(learner.model).forward

    def counted(self, x, *arguments):
        passed.append(len(x))
        return forward(self, x, *arguments)

    monkeypatch.setattr(type(learner.model), "forward", counted)
    config = EvaluationConfig(4, 2, transductive=transductive, rotation_tta=rotation_tta)
    list(evaluate(learner, pool, SPEC, config))
    views = 4 if rotation_tta else 1
    backwards = 2 * config.episodes * views * config.inner_steps * SPEC.n_way * SPEC.k_shot
    assert pictures_passed(SPEC, config) == sum(passed) + backwards
    assert pictures_passed(SPEC, config, ink_crops=True) == 2 * pictures_passed(SPEC, config)


def test_the_seed_chooses_the_episodes(learner, pool):
    found = [
        list(evaluate(learner, pool, SPEC, EvaluationConfig(inner_steps=2, episodes=20, seed=seed)))
        for seed in (0, 0, 1)
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_the_learners_own_rate_is_used_unless_another_is_given(learner, pool):
    options = {"inner_steps": 3, "episodes": 20, "seed": 0}
    own, same, other = (
        list(evaluate(learner, pool, SPEC, EvaluationConfig(inner_lr=rate, **options)))
        for rate in (None, 0.4, 1e-4)
    )
    assert own == same
    assert own != other


def test_nothing_of_the_learner_changes(learner, pool, assert_same):
    before = {n: v.clone() for n, v in learner.params.items()}
    list(evaluate(learner, pool, SPEC, EvaluationConfig(inner_steps=2, episodes=5, seed=0)))
    assert_same(learner.params, before)


def test_the_chosen_rate_is_the_best_of_the_candidates(learner, easy_pool):
    candidates, options = (1e-6, 0.01, 0.3, 1e4), {"inner_steps": 3, "episodes": 15, "seed": 1}
    scores = {}
    for rate in candidates:
        *_, last = evaluate(learner, easy_pool, SPEC, EvaluationConfig(inner_lr=rate, **options))
        scores[rate] = np.mean(last.accuracy[1:])  # what it is before adaptation says nothing
    assert len(set(scores.values())) > 1
    chosen = choose_inner_lr(learner, easy_pool, SPEC, candidates, **options)
    assert scores[chosen] == max(scores.values())
    reverse = choose_inner_lr(learner, easy_pool, SPEC, candidates[::-1], **options)
    assert scores[reverse] == max(scores.values())


def test_the_nearest_picture_is_evaluated_over_the_same_episodes(learner, pool):
    *_, by_pixels = evaluate_nearest(None, pool, SPEC, EvaluationConfig(episodes=12, seed=3))
    *_, by_features = evaluate_nearest(learner, pool, SPEC, EvaluationConfig(episodes=12, seed=3))
    tasks = [sample_episode(pool, SPEC, 3, number).task for number in range(12)]
    with torch.no_grad():
        features = [
            nearest_by_features(learner.model, learner.params, [task], transductive=True)
            for task in tasks
        ]
    pixels = [nearest_by_pixels([task]) for task in tasks]
    for found, each in ((by_pixels, pixels), (by_features, features)):
        expected = estimate(torch.stack(each)[:, None], 6)
        assert found.episodes == 12
        assert found.accuracy == pytest.approx(expected.accuracy)
        assert found.ci95 == pytest.approx(expected.ci95)
    with pytest.raises(ValueError, match="episodes is 0; choose at least 1"):
        next(evaluate_nearest(None, pool, SPEC, EvaluationConfig(episodes=0, seed=3)))
