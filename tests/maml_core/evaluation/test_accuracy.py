"""Traces and estimates against plain loops and numpy."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.optimize import brentq
from torch.nn import functional as F

from maml_core.config import OFFICIAL_RUNS, AdaptConfig, EpisodeSpec, EvaluationConfig
from maml_core.episodes.official_runs import RUNS
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.episodes.task_batch import TaskBatch
from maml_core.evaluation import accuracy
from maml_core.evaluation.accuracy import episode_accuracy, evaluate, evaluate_nearest
from maml_core.evaluation.confidence_intervals import estimate, mean_and_ci95, percent, plus_minus
from maml_core.learners.adaptation import adapt_to_support
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.methods.nearest_neighbour import nearest_by_features, nearest_by_pixels
from maml_core.networks.functional import (
    for_n_way,
    initial_params,
    query_logits,
    trajectory_query_logits,
)
from maml_core.training.inner_lr_search import choose_inner_lr

SPEC = EpisodeSpec(3, 1, 2)


@pytest.fixture
def learner(model):
    return Learner("random", model, initial_params(model, 0), {3: 0.4})


def test_a_trace_holds_what_a_plain_loop_measures(
    model, random_params, exact_tasks, plain_conv4, trajectory_of
):
    params, factors = random_params(model, rows=3), {"head.weight": 0.5, "blocks.0.gain": 2.0}
    task = TaskBatch(*(v[0] for v in exact_tasks(k_shot=2)))
    found = trajectory_of(model, params, task, inner_lr=0.3, inner_steps=3, lr_multipliers=factors)
    pictures = task.support_x, task.query_x
    logits = trajectory_query_logits(model, found.params, *pictures, transductive=True)
    assert logits.shape == (4, 6, 3)
    for step in range(4):
        leaves = {n: v.clone().requires_grad_() for n, v in params.items()}
        support_loss = F.cross_entropy(plain_conv4(leaves, task.support_x), task.support_y)
        out = plain_conv4(params, task.query_x)
        assert found.support_loss[step] == pytest.approx(support_loss.item(), rel=1e-7)
        torch.testing.assert_close(logits[step], out)
        expected = F.cross_entropy(out, task.query_y).item()
        assert found.query_loss[step] == pytest.approx(expected, rel=1e-7)
        assert found.predictions[step].tolist() == out.argmax(-1).tolist()
        right = sum(int(o.argmax()) == int(y) for o, y in zip(out, task.query_y, strict=True))
        assert found.accuracy[step] == pytest.approx(right / 6)
        gradients = dict(
            zip(leaves, torch.autograd.grad(support_loss, list(leaves.values())), strict=True)
        )
        params = {n: v - 0.3 * factors.get(n, 0.0) * gradients[n] for n, v in params.items()}


def test_support_logits_do_not_depend_on_the_query_set(
    model, random_params, exact_tasks, trajectory_of
):
    """Each set is normalised with its own statistics, the query set's with all of it."""
    params = random_params(model, rows=3)
    task = TaskBatch(*(v[0] for v in exact_tasks()))
    options = {"inner_lr": 0.3, "inner_steps": 2}
    whole = trajectory_of(model, params, task, **options)
    part = trajectory_of(
        model, params, task._replace(query_x=task.query_x[:3], query_y=task.query_y[:3]), **options
    )
    assert np.array_equal(whole.support_loss, part.support_loss)
    together, alone = (
        trajectory_query_logits(model, whole.params, task.support_x, x, transductive=True)
        for x in (task.query_x, task.query_x[:3])
    )
    assert not torch.allclose(together[:, :3], alone)


@pytest.mark.parametrize("n", [2, 7, 100])
def test_a_mean_of_anything_has_students_interval(n):
    values = torch.rand(n, 4, generator=torch.Generator().manual_seed(n))
    mean, half = mean_and_ci95(values)
    exact = values.double().numpy()
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-12)
    low, high = scipy.stats.t.interval(0.95, n - 1, exact.mean(0), scipy.stats.sem(exact))
    np.testing.assert_allclose(half, (high - low) / 2, rtol=1e-9)


def wilson_half_width(mean, standard_error, quantile, queries):
    """The longer side of Wilson's interval, as the roots of its defining equation."""
    share = (mean * queries + 0.5) / (queries + 1)
    n = share * (1 - share) / max(standard_error, 1 / queries) ** 2

    def excess(p):
        return abs(p - mean) - quantile * math.sqrt(p * (1 - p) / n)

    low = brentq(excess, 0, min(mean, 1 - 1e-9)) if mean > 0 else 0
    high = brentq(excess, mean, 1) if mean < 1 else 1
    return max(mean - low, high - mean)


@pytest.mark.parametrize("n", [2, 7, 100])
@pytest.mark.parametrize("least", [0.0, 0.8])
def test_an_accuracy_has_wilsons_interval_with_the_episodes_own_variance(n, least):
    generator = torch.Generator().manual_seed(n)
    values = least + (1 - least) * torch.rand(n, 4, generator=generator)
    found = estimate(values, queries=50)
    exact = values.double().numpy()
    assert found.episodes == n
    np.testing.assert_allclose(found.accuracy, exact.mean(0), rtol=1e-12)
    quantile = scipy.stats.t.ppf(0.975, n)
    expected = [
        wilson_half_width(mean, error, quantile, 50 * n)
        for mean, error in zip(exact.mean(0), scipy.stats.sem(exact), strict=True)
    ]
    np.testing.assert_allclose(found.ci95, expected, rtol=1e-6)


@pytest.mark.parametrize("n", [2, 20, 600])
def test_without_an_error_the_interval_is_that_of_one_query(n):
    (half,) = estimate(torch.ones(n, 1), queries=50).ci95
    quantile = scipy.stats.t.ppf(0.975, n)
    assert half == pytest.approx(wilson_half_width(1.0, 0.0, quantile, 50 * n), rel=1e-6)
    assert estimate(torch.zeros(n, 1), queries=50).ci95[0] == pytest.approx(half)


def test_episodes_that_belong_together_count_as_one():
    """Two runs of an alphabet that agree say no more than one of them."""
    runs = torch.tensor([[0.9], [0.7], [1.0], [0.8], [0.95]]).double()
    twice = estimate(runs.repeat_interleave(2, 0), 20, list("aabbccddee"))
    assert twice.episodes == 10
    assert twice.accuracy == pytest.approx(estimate(runs, 40).accuracy)
    assert twice.ci95 == pytest.approx(estimate(runs, 40).ci95)
    assert twice.ci95[0] > 1.3 * estimate(runs.repeat_interleave(2, 0), 20).ci95[0]


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


def test_one_episode_has_no_interval():
    found = estimate(torch.tensor([[0.25, 0.5]]), queries=4)
    assert (found.episodes, found.accuracy) == (1, (0.25, 0.5))
    assert all(map(math.isnan, found.ci95))
    assert all(map(math.isnan, mean_and_ci95(torch.tensor([[0.25, 0.5]]))[1]))
    assert all(map(math.isnan, estimate(torch.rand(2, 1), 4, ["a", "a"]).ci95))


@pytest.mark.parametrize(
    ("half", "text"), [(0.0123, "98.60 ± 1.23"), (math.nan, "98.60 ± –"), (0.0, "98.60 ± 0.00")]
)
def test_an_interval_is_written_in_one_way(half, text):
    assert percent(0.986, half, 2) == text
    assert plus_minus(98.6, 100 * half, 2) == text


def test_the_interval_holds_the_mean_in_95_of_100_cases():
    draws = torch.rand(2000, 50, 1, generator=torch.Generator().manual_seed(0))
    hits = [abs(mean - 0.5) <= half for (mean,), (half,) in map(mean_and_ci95, draws)]
    assert sum(hits) / 2000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("n", [2, 5, 20, 100])
def test_the_interval_of_skewed_accuracies_covers_their_mean(n):
    """Of 50 queries an episode, most without an error, as 5-way 1-shot."""
    generator = np.random.default_rng(n)
    hard = generator.gamma(0.6, 0.025, size=(2000, n)).clip(0, 1)
    shares = torch.tensor(1 - generator.binomial(50, hard) / 50)[..., None]
    truth = 1 - 0.6 * 0.025
    found = [estimate(one, 50) for one in shares]
    hits = sum(abs(one.accuracy[0] - truth) <= one.ci95[0] for one in found) / 2000
    assert hits >= 0.93
    normal = [1.96 * float(one.std()) / n**0.5 for one in shares]
    missed = [abs(1 - float(one.mean()) - 0.015) > h for one, h in zip(shares, normal, strict=True)]
    assert sum(missed) / 2000 > 0.05, "which the normal interval does not"


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


def test_estimates_stream_in_chunks_to_the_number_asked(learner, pool):
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
    found = episode_accuracy(learner, episode, AdaptConfig(0.2, 2))
    assert found.tolist() == expected.accuracy.tolist()


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
