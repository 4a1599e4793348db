"""Learners side by side against each of them alone, and confusion against a double loop."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_core.config import EpisodeSpec, EvaluationConfig
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.comparison import (
    compare,
    confusion_matrix,
    evaluate_together,
    pictures_compared,
    reference_of,
)
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.learners.learner import Learner
from maml_core.methods.nearest_neighbour import cosine_head
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import HEAD, for_n_way, initial_params

SPEC = EpisodeSpec(4, 2, 3)
STEPS = 3


@pytest.fixture(scope="module")
def learners(model, random_params):
    """Four that differ in start, network, head, α and what adapts."""
    other = Conv4(channels=3, max_pool=True)
    trained = {n: v.float() for n, v in random_params(other, rows=5, seed=2).items()}
    lr_multipliers = {n: torch.tensor(1.0 + i / 7) for i, n in enumerate(initial_params(model, 0))}
    return {
        "maml": Learner("maml", model, initial_params(model, 1), {2: 0.2, 8: 0.8}, lr_multipliers),
        "pretrained": Learner("pretrained", other, trained, {5: 0.1}),
        "random": Learner("random", model, initial_params(model, 0), {5: 0.05}),
        "anil": Learner(
            "anil", model, initial_params(model, 3), {4: 0.3}, dict.fromkeys(HEAD, torch.ones(()))
        ),
    }


@pytest.fixture(scope="module")
def episode(pool):
    return sample_episode(pool, SPEC, seed=5)


def recording_of(values, queries=None):
    """A recording with these losses, the rest of no importance."""
    values = np.array(values)
    rest = np.zeros((len(values), 6), dtype=np.int64)
    queries = values if queries is None else np.array(queries)
    return AdaptationTrajectory("maml", 0.4, values, queries, np.zeros(len(values)), rest)


@pytest.mark.parametrize("lr_factor", [1.0, 0.25, 8.0])
def test_each_learner_adapts_as_it_does_alone(lr_factor, learners, episode, trajectory_of):
    found = compare(learners, episode, STEPS, lr_factor)
    assert [r.method for r in found] == list(learners)
    own = {"maml": 0.4, "pretrained": 0.1, "random": 0.05, "anil": 0.3}  # √(0.2 · 0.8) at 4-way
    for trajectory, learner in zip(found, learners.values(), strict=True):
        inner_lr = lr_factor * own[trajectory.method]
        assert trajectory.inner_lr == pytest.approx(inner_lr, rel=1e-12)
        alone = trajectory_of(
            learner.model,
            for_n_way(learner.params, 4),
            episode.task,
            inner_lr=trajectory.inner_lr,
            inner_steps=STEPS,
            lr_multipliers=learner.lr_multipliers,
        )
        np.testing.assert_allclose(trajectory.support_loss, alone.support_loss, rtol=1e-5)
        np.testing.assert_allclose(trajectory.query_loss, alone.query_loss, rtol=1e-5)
        np.testing.assert_allclose(trajectory.accuracy, alone.accuracy, rtol=1e-6)
        assert np.array_equal(trajectory.predictions, alone.predictions)
    assert len({tuple(r.query_loss) for r in found}) == len(learners)


def test_a_recordings_arrays_agree_with_each_other(learners, episode):
    truth = np.repeat(np.arange(4), 3)
    for trajectory in compare(learners, episode, STEPS):
        assert trajectory.support_loss.dtype == trajectory.query_loss.dtype == np.float64
        assert trajectory.predictions.dtype == np.int64
        assert trajectory.predictions.shape == (STEPS + 1, len(truth))
        shares = (trajectory.predictions == truth).mean(1)
        np.testing.assert_allclose(trajectory.accuracy, shares, rtol=1e-6)


def test_without_steps_or_learners_there_is_the_start_or_nothing(learners, episode):
    found = compare(learners, episode, 0)
    assert all(r.accuracy.shape == (1,) for r in found)
    started_at_zero = [r for r in found if r.method != "pretrained"]
    for trajectory in started_at_zero:
        assert trajectory.query_loss[0] == pytest.approx(math.log(4), rel=1e-6)
        assert trajectory.accuracy[0] == pytest.approx(1 / 4)
    assert compare({}, episode, STEPS) == []


def test_comparing_changes_no_learner(learners, episode, assert_same):
    before = {m: {n: v.clone() for n, v in one.params.items()} for m, one in learners.items()}
    compare(learners, episode, STEPS)
    for method, learner in learners.items():
        assert_same(learner.params, before[method])


@pytest.mark.parametrize(("factor", "steps"), [(0.0, 1), (-1.0, 1), (math.nan, 1), (1.0, -1)])
def test_what_cannot_be_compared_is_told(factor, steps, learners, episode):
    with pytest.raises(ValueError, match=r"inner_(lr|steps) is .*; choose"):
        compare(learners, episode, steps, factor)


@pytest.mark.parametrize(
    ("support", "query", "expected"),
    [
        ([1.6, 0.4, 0.2], None, None),
        ([1.6, math.nan, 0.2], None, 1),
        ([1.6, 0.4, math.inf], None, 2),
        ([math.nan, math.nan, math.nan], None, 0),
        ([1.6, 0.4, math.nan], [1.6, math.inf, math.nan], 1),
        ([1.6, -math.inf, math.nan], [1.6, 0.4, math.nan], 1),
        ([1.6], [1.6], None),
    ],
)
def test_a_recording_breaks_at_its_first_loss_that_is_no_number(support, query, expected):
    found = recording_of(support, query).diverged_at
    assert found == expected
    assert found is None or type(found) is int  # for a sentence on a page


def test_far_too_large_a_step_is_seen_to_break(learners, episode):
    found = compare(learners, episode, 6, lr_factor=1e30)
    assert all(
        r.diverged_at is not None and r.diverged_at >= 1 for r in found if r.method != "anil"
    )


def test_confusion_is_a_double_loop_over_classes(learners, episode):
    for trajectory in compare(learners, episode, STEPS):
        for step in range(STEPS + 1):
            found = confusion_matrix(episode, trajectory, step)
            answers = trajectory.predictions[step].reshape(4, 3).tolist()
            expected = [[answers[true].count(taken) for taken in range(4)] for true in range(4)]
            assert found.tolist() == expected
            assert found.dtype == np.int64
            assert found.sum(1).tolist() == 4 * [3]
            assert np.trace(found) / 12 == pytest.approx(trajectory.accuracy[step])


@pytest.mark.parametrize("lr_factor", [1.0, 0.5])
def test_evaluating_together_is_evaluating_each(lr_factor, learners, pool):
    options = {"inner_steps": 2, "episodes": 13, "seed": 4}
    together = list(
        evaluate_together(learners, pool, SPEC, EvaluationConfig(lr_factor=lr_factor, **options))
    )
    assert [list(found) for found in together] == 7 * [list(learners)]
    for method, learner in learners.items():
        scaled = {n: lr_factor * lr for n, lr in learner.inner_lrs.items()}
        alone = list(
            evaluate(replace(learner, inner_lrs=scaled), pool, SPEC, EvaluationConfig(**options))
        )
        assert [e.episodes for e in alone] == [2, 4, 6, 8, 10, 12, 13]
        for mine, theirs in zip((found[method] for found in together), alone, strict=True):
            assert mine.episodes == theirs.episodes
            np.testing.assert_allclose(mine.accuracy, theirs.accuracy, atol=1e-9)
            np.testing.assert_allclose(mine.ci95, theirs.ci95, atol=1e-9)


@pytest.fixture(scope="module")
def references(learners):
    """By the features of one of the learners, by those of none of them, and by pixels."""
    other = Conv4(channels=5)
    stranger = Learner("random", other, initial_params(other, 8), {5: 0.1})
    return {"by-stranger": stranger, "by-pixels": None, "by-own": learners["pretrained"]}


@pytest.mark.parametrize("transductive", [True, False])
def test_references_are_measured_on_the_same_episodes(transductive, learners, references, pool):
    options = {"episodes": 13, "seed": 4, "transductive": transductive}
    together = list(
        evaluate_together(
            learners, pool, SPEC, EvaluationConfig(inner_steps=2, **options), references=references
        )
    )
    assert [list(found) for found in together] == 7 * [[*learners, *references]]
    for name, learner in learners.items():
        alone = list(evaluate(learner, pool, SPEC, EvaluationConfig(inner_steps=2, **options)))
        assert [found[name] for found in together] == alone
    for name, learner in references.items():
        alone = list(evaluate_nearest(learner, pool, SPEC, EvaluationConfig(**options)))
        assert [found[name] for found in together] == alone
        assert {len(one.accuracy) for one in alone} == {1}


@pytest.mark.parametrize("option", ["transductive", "rotation_tta"])
def test_how_a_method_answers_is_told_to_all(option, learners, references, pool):
    options = {"inner_steps": 2, "episodes": 20, "seed": 4}
    on, off = (
        list(
            evaluate_together(
                learners,
                pool,
                SPEC,
                EvaluationConfig(**{option: how}, **options),
                references=references,
            )
        )[-1]
        for how in (True, False)
    )
    same = {name for name in on if on[name] == off[name]}
    assert same == {"by-pixels"}, "pixels are not normalised, and are the same at every turn"


def test_those_compared_also_answer_as_an_ensemble(learners, references, pool):
    config = EvaluationConfig(inner_steps=2, episodes=13, seed=4)
    together = list(
        evaluate_together(learners, pool, SPEC, config, references=references, ensemble=True)
    )
    assert list(together[-1]) == [*learners, *references, "ensemble"]
    voters = [
        replace(learner, solve_head=cosine_head) for learner in references.values() if learner
    ]
    expected = list(evaluate([*learners.values(), *voters], pool, SPEC, config))
    assert [found["ensemble"] for found in together] == expected


@pytest.mark.parametrize("transductive", [True, False])
@pytest.mark.parametrize("ensemble", [True, False])
def test_the_work_of_a_comparison_is_what_passes_through_the_networks(
    transductive, ensemble, learners, references, pool, monkeypatch
):
    """Who takes no step costs what one look at its pictures does, however many the others take."""
    passed, forward = [], Conv4.forward

    def counted(self, x, *arguments):
        passed.append(len(x))
        return forward(self, x, *arguments)

    monkeypatch.setattr(Conv4, "forward", counted)
    solving = replace(learners["maml"], method="protonet", solve_head=cosine_head)
    compared = {"maml": learners["maml"], "protonet": solving}
    config = EvaluationConfig(6, 4, 4, transductive=transductive, rotation_tta=True)
    options = {"references": references, "ensemble": ensemble}
    list(evaluate_together(compared, pool, SPEC, config, **options))
    n_descents = 2 if ensemble else 1
    backwards = 2 * n_descents * config.episodes * 4 * config.inner_steps * SPEC.n_way * SPEC.k_shot
    assert pictures_compared(compared, SPEC, config, **options) == sum(passed) + backwards


def test_who_takes_no_step_has_one_accuracy_together_with_others_that_take_none(learners, pool):
    solving = replace(learners["maml"], method="protonet", solve_head=cosine_head)
    other = replace(learners["random"], method="r2d2", solve_head=cosine_head)
    config = EvaluationConfig(inner_steps=3, episodes=6, seed=4)
    *_, found = evaluate_together(
        {"protonet": solving, "r2d2": other, "maml": learners["maml"]}, pool, SPEC, config
    )
    assert {name: len(one.accuracy) for name, one in found.items()} == {
        "protonet": 1,
        "r2d2": 1,
        "maml": 4,
    }
    *_, full = evaluate(solving, pool, SPEC, config)
    assert set(full.accuracy) == {found["protonet"].accuracy[0]}
    *_, still = evaluate_together(
        {"protonet": solving, "r2d2": other}, pool, SPEC, config, ensemble=True
    )
    *_, together = evaluate([solving, other], pool, SPEC, config)
    assert still["ensemble"].accuracy == together.accuracy[:1]


def test_one_that_votes_is_no_ensemble(learners, pool):
    one = {"maml": learners["maml"]}
    config = EvaluationConfig(inner_steps=1, episodes=2, seed=4)
    with pytest.raises(ValueError, match=r"1 of \['maml', 'by-pixels'\] can vote"):
        next(
            evaluate_together(
                one, pool, SPEC, config, references={"by-pixels": None}, ensemble=True
            )
        )


def test_differences_are_to_the_wanted_method_if_it_was_measured():
    assert reference_of(["anil", "maml"], "anil") == "anil"
    assert reference_of(["anil", "maml"], "boil") == "maml"
    assert reference_of(["anil", "boil"], "maml") == "anil"


def test_without_learners_the_references_remain(references, pool):
    _, _, found = evaluate_together(
        {}, pool, SPEC, EvaluationConfig(inner_steps=2, episodes=5, seed=4), references=references
    )
    assert list(found) == list(references)
    assert {one.episodes for one in found.values()} == {5}


def test_the_first_episode_of_a_repetition_is_the_one_compared(learners, pool, episode):
    """The page says so: 'this one the first of them'."""
    (alone,) = evaluate_together(
        learners, pool, SPEC, EvaluationConfig(inner_steps=STEPS, episodes=1, seed=5)
    )
    for trajectory in compare(learners, episode, STEPS):
        np.testing.assert_allclose(
            alone[trajectory.method].accuracy, trajectory.accuracy, atol=1e-7
        )
