"""Training runs: what they begin from, what they write and what they refuse."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace

import pytest
import torch

from maml_core.config import EpisodeSpec, EvaluationConfig, TrainConfig
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.evaluation.accuracy import evaluate
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.learners.learner import random_learner
from maml_core.learners.training_classes import splits_trained_on
from maml_core.methods.pretraining import pretrain
from maml_core.networks.functional import HEAD, initial_params
from maml_core.networks.meta_params import (
    LOG_LR_PREFIX,
    LOG_LR_SCALE,
    split_lr_multipliers,
)
from maml_core.training import inner_lr_search, recipes, training_run
from maml_core.training.inner_lr_search import best_inner_lrs, choose_inner_lr
from maml_core.training.recipes import train, train_baseline
from tests.support.small_runs import CONFIG, NARROW, PRETRAIN

pytestmark = pytest.mark.usefixtures("few_characters")


def test_weights_come_with_how_they_came_to_be(run, monkeypatch):
    monkeypatch.setattr(training_run, "commit", lambda: "0123456789+")
    checkpoint = train(run, CONFIG, NARROW)
    found = checkpoints.load_weights(run.out)
    assert found.metadata == json.loads(json.dumps(checkpoint.metadata))
    about = dict(found.metadata)
    assert about.pop("seconds") >= 0
    settings = about.pop("config")
    assert settings.keys() == asdict(CONFIG).keys()
    assert (
        TrainConfig(**settings | {n: tuple(settings[n]) for n in ("n_ways", "k_shots")}) == CONFIG
    )
    assert about == {
        "method": "maml",
        "model": NARROW,
        "inner_lrs": {str(n_way): CONFIG.inner_lr for n_way in CONFIG.n_ways},
        "start": "random",
        "command": "python -m maml_core train …",
        "dataset": "omniglot",
        "split": "paper",
        "split_seed": 0,
        "start_trained_on": [],
        "device": "cpu",
        "commit": "0123456789+",
        "torch": torch.__version__,
        "updates": CONFIG.meta_steps,
    }
    assert not run.state.exists()


def test_the_weights_know_the_scaled_rate_of_each_n_they_were_trained_at(run):
    config = replace(CONFIG, n_ways=(2, 3), inner_lr=0.2, scale_inner_lr=True)
    train(run, config, NARROW)
    inner_lrs = checkpoints.load_weights(run.out).learner().inner_lrs
    assert inner_lrs == pytest.approx({2: 0.2, 3: 0.3})


def test_training_moves_the_weights_from_their_seeds_start(run, model):
    params = train(run, CONFIG, NARROW).params
    start = initial_params(model, CONFIG.seed)
    assert params.keys() == start.keys()
    assert not torch.equal(params["blocks.0.conv.weight"], start["blocks.0.conv.weight"])


def test_learned_rates_are_in_the_weights(run):
    params = train(run, replace(CONFIG, learn_inner_lr=True), NARROW).params
    lr_multipliers = {n: v for n, v in params.items() if n.startswith(LOG_LR_PREFIX)}
    assert len(lr_multipliers) == len(params) / 2
    assert any(v != 0 for v in lr_multipliers.values())
    learner = checkpoints.load_weights(run.out).learner()
    for name, factor in learner.lr_multipliers.items():
        torch.testing.assert_close(
            factor, (LOG_LR_SCALE * lr_multipliers[LOG_LR_PREFIX + name]).exp()
        )


def test_a_run_begins_from_the_weights_it_is_given(run, tmp_path, assert_same):
    first = train(run, CONFIG, NARROW)
    # With a step size of nearly nothing the result is the start.
    still = replace(CONFIG, meta_lr=1e-12, meta_steps=1, seed=99)
    second = train(replace(run, out=tmp_path / "second"), still, NARROW, start=run.out)
    assert second.metadata["start"] == "weights"
    assert_same(second.params, first.params, atol=1e-9)


@pytest.mark.parametrize("learn_inner_lr", [False, True])
def test_a_start_brings_its_rates_where_rates_are_learned(
    learn_inner_lr, run, tmp_path, assert_same
):
    first = train(run, replace(CONFIG, learn_inner_lr=True, meta_lr=0.05), NARROW)
    still = replace(CONFIG, meta_lr=1e-12, meta_steps=1, learn_inner_lr=learn_inner_lr)
    second = train(replace(run, out=tmp_path / "second"), still, NARROW, start=run.out)
    theta, lr_multipliers = split_lr_multipliers(first.params)
    assert max(abs(v.item() - 1) for v in lr_multipliers.values()) > 0.01
    assert_same(second.params, first.params if learn_inner_lr else theta, atol=1e-9)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"max_pool": True}, "max_pool False, not True"),
        ({"channels": 8}, "channels 4, not 8"),
        ({"n_out": 3}, "n_out 1, not 3"),
    ],
)
def test_a_start_of_another_network_is_refused(other, named, run, tmp_path):
    train(run, CONFIG, NARROW)
    second = replace(run, out=tmp_path / "second")
    with pytest.raises(CheckpointError, match=rf"{run.out} holds another network \({named}\)"):
        train(second, CONFIG, NARROW | other, start=run.out)
    assert not second.out.exists()


def test_a_run_sees_no_test_class(run, few_characters):
    seen = {
        part: set(run.pool(part, rotate=rotate).classes.tolist())
        for part, rotate in (("train", True), ("validation", False))
    }
    assert len(seen["train"]) == 27
    assert len(seen["validation"]) == 2
    assert not seen["train"] & seen["validation"]
    assert len(run.pool("train", rotate=True).classes) == 4 * 27


def test_validation_shows_each_way_after_each_step(run, capsys, monkeypatch):
    data_ways = replace(CONFIG, n_ways=(2,))
    train(replace(run, validate_every=4), data_ways, NARROW)
    (line,) = [s for s in capsys.readouterr().out.splitlines() if "validation" in s]
    numbers = r"( \d+\.\d){5} % \(from 50\.0; ± \d+\.\d, n = 4\)"
    assert re.fullmatch(rf"4: validation after each step: 2-way 1-shot{numbers}", line)


def test_what_validation_found_is_kept_with_the_weights(run, few_characters):
    """A row a look and N, of which the last is what evaluating the finished weights gives."""
    found = train(replace(run, validate_every=3), replace(CONFIG, n_ways=(2,)), NARROW)
    kept = checkpoints.load_weights(run.out).metadata["validation"]
    assert [(row["update"], row["n_way"], row["k_shot"]) for row in kept] == [(3, 2, 1), (6, 2, 1)]
    pool = make_pool(few_characters, split_classes(few_characters, "paper", "validation"))
    *_, expected = evaluate(
        found.learner(),
        pool,
        EpisodeSpec(2, 1, 5),
        EvaluationConfig(inner_steps=5, episodes=4, seed=0),
    )
    assert {name: kept[-1][name] for name in ("episodes", "accuracy", "ci95")} == {
        "episodes": 4,
        "accuracy": list(expected.accuracy),
        "ci95": list(expected.ci95),
    }


@pytest.mark.parametrize("kind", ["train", "pretrain"])
def test_only_validation_characters_choose_and_validate(kind, run, few_characters, monkeypatch):
    """Upright ones: the turned ones are a trick of training."""
    pools = []

    def watch(learner, pool, spec, *candidates, **options):
        pools.append(pool)
        return function(learner, pool, spec, *candidates, **options)

    function = evaluate if kind == "train" else choose_inner_lr
    module = recipes if kind == "train" else inner_lr_search
    monkeypatch.setattr(module, function.__name__, watch)
    if kind == "train":
        train(replace(run, validate_every=3), replace(CONFIG, n_ways=(2,)), NARROW)
    else:
        train_baseline(run, PRETRAIN, NARROW)
    assert pools
    for pool in pools:
        assert pool.classes.tolist() == split_classes(few_characters, "paper", "validation")


def test_pretraining_writes_a_headless_learner_with_its_best_rates(run, few_characters):
    checkpoint = train_baseline(run, PRETRAIN, NARROW)
    found = checkpoints.load_weights(run.out)
    assert found.metadata == checkpoint.metadata
    assert found.metadata["method"] == "pretrained"
    assert found.metadata["updates"] == PRETRAIN.epochs * (4 * 27 * 20 // PRETRAIN.batch_size)
    for name in HEAD:
        assert found.params[name].count_nonzero() == 0
        assert len(found.params[name]) == 1
    learner = found.learner()
    scores = {}
    for rate in inner_lr_search.INNER_LR_CANDIDATES:
        *_, last = evaluate(
            learner,
            run.pool("validation"),
            EpisodeSpec(2, 1, 5),
            EvaluationConfig(inner_steps=3, episodes=4, seed=0, inner_lr=rate),
        )
        scores[rate] = sum(last.accuracy[1:])
    assert learner.inner_lrs.keys() == {2}
    assert scores[learner.inner_lrs[2]] == max(scores.values())


def test_a_given_rate_is_kept_and_none_is_chosen(run, monkeypatch):
    monkeypatch.setattr(inner_lr_search, "best_inner_lrs", None)
    train_baseline(run, PRETRAIN, NARROW, inner_lr=0.3)
    learner = checkpoints.load_weights(run.out).learner()
    assert {learner.inner_lr(n_way) for n_way in (2, 5, 20)} == {0.3}


@pytest.mark.parametrize("inner_lr", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_none_is_refused_before_training_starts(inner_lr, run, monkeypatch):
    monkeypatch.setattr(recipes, "pretrain", None)
    with pytest.raises(ValueError, match=f"inner_lr is {inner_lr}; choose a finite value above 0"):
        train_baseline(run, PRETRAIN, NARROW, inner_lr=inner_lr)


def test_pretraining_begins_from_features_and_a_row_for_each_class(
    run, tmp_path, few_characters, model, assert_same
):
    """27 training characters, turned, and mirrored, and as many again put together."""
    start = tmp_path / "features"
    before = train(replace(run, out=start), CONFIG, NARROW)
    more = {"mirror": True, "spliced_per_class": 1, "ink_crops": True}
    config = replace(PRETRAIN, epochs=1, lr=1e-12, **more)
    seen = []

    def watched(model, first, pool, config):
        seen.append((first, pool))
        return pretrain(model, first, pool, config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "pretrain", watched)
        found = train_baseline(run, config, NARROW, start, inner_lr=0.1)
    ((first, pool),) = seen
    assert len(pool.classes) == len(first.params["head.weight"]) == 27 * 4 * 2 * 2
    assert len(pool.ink_crops.classes) == len(pool.classes)
    assert first.params["head.weight"].abs().sum(1).min() > 0
    bodies = [
        {n: v for n, v in params.items() if n not in HEAD}
        for params in (first.params, before.params, found.params)
    ]
    assert_same(bodies[0], bodies[1])
    assert_same(bodies[2], bodies[1], atol=1e-9)
    assert found.metadata["start"] == "features"
    assert found.params["head.weight"].shape == (1, 4)


def test_pretraining_from_another_network_is_refused(run, tmp_path):
    start = tmp_path / "other"
    train(replace(run, out=start), CONFIG, {**NARROW, "channels": 5})
    with pytest.raises(CheckpointError, match="channels 5, not 4"):
        train_baseline(run, PRETRAIN, NARROW, start)


def test_best_rates_are_chosen_for_each_n_that_there_are_classes_for(monkeypatch, few_characters):
    asked = []

    def choose(learner, pool, spec, candidates, **options):
        asked.append((spec, tuple(candidates), options["inner_steps"], options["episodes"]))
        return asked[-1][1][len(asked) - 1]

    monkeypatch.setattr(inner_lr_search, "INNER_LR_EPISODES", {2: 7, 5: 6, 7: 5})
    monkeypatch.setattr(inner_lr_search, "choose_inner_lr", choose)
    validation = make_pool(few_characters, list(range(6)))
    assert best_inner_lrs(random_learner(), validation) == {"2": 1e-3, "5": 0.2}
    assert asked == [
        (EpisodeSpec(2, 1, 5), inner_lr_search.INNER_LR_CANDIDATES, 3, 7),
        (EpisodeSpec(5, 1, 5), inner_lr_search.INNER_LR_CANDIDATES, 3, 6),
    ]


@pytest.mark.parametrize("validate_every", [0, 5])
def test_too_few_classes_are_told_before_training_starts(validate_every, run, monkeypatch):
    """Two validation characters; 27 for training at four rotations, of 20 drawers."""

    def begin(*_):
        raise RuntimeError("training began")

    monkeypatch.setattr(recipes, "task_stream", begin)
    monkeypatch.setattr(recipes, "pretrain", begin)
    run = replace(run, validate_every=validate_every)
    three_ways = "The validation part of omniglot cannot be used: n_way is 3.* only 2 classes"
    expected = (ValueError, three_ways) if validate_every else (RuntimeError, "training began")
    with pytest.raises(expected[0], match=expected[1]):
        train(run, CONFIG, NARROW)
    with pytest.raises(ValueError, match=r"The train part .* 10 support and 11 query pictures"):
        train(replace(run, validate_every=0), replace(CONFIG, k_shots=(1, 10), q_query=11), NARROW)
    monkeypatch.setattr(inner_lr_search, "INNER_LR_EPISODES", {3: 4})
    with pytest.raises(ValueError, match=three_ways):
        train_baseline(run, PRETRAIN, NARROW)


def test_close_ups_of_photographs_are_refused_for_what_they_are(run, few_characters, monkeypatch):
    coloured = few_characters.inputs[:, None].repeat(3, axis=1)
    photographs = replace(few_characters, inputs=coloured, pictures=coloured, name="photographs")
    monkeypatch.setattr(training_run, "load", lambda name: photographs)
    told = "The train part of photographs cannot be used: The pictures of photographs show no ink"
    run = replace(run, dataset="photographs")
    with pytest.raises(ValueError, match=told):
        train_baseline(run, replace(PRETRAIN, ink_crops=True), NARROW)


def test_a_batch_larger_than_the_data_is_told_before_training_starts(run):
    with pytest.raises(ValueError, match="batch_size is 5000; choose at most the 2160 pictures"):
        train_baseline(run, replace(PRETRAIN, batch_size=5000), NARROW)
    assert not run.out.exists()


def test_multi_task_training_needs_a_row_for_each_class(run):
    config = replace(CONFIG, method="multi_task", inner_steps=0)
    with pytest.raises(ValueError, match=r"The head has 1 row.* give it at least 3 rows"):
        train(run, config, NARROW)
    assert not run.out.exists()
    checkpoint = train(run, config, NARROW | {"n_out": 3})
    assert checkpoint.metadata["method"] == "multi_task"


def test_a_start_that_was_trained_on_validation_classes_is_refused(run, tmp_path):
    """Validated on those, the weights would look better than they are."""
    config = replace(CONFIG, n_ways=(2,))  # there are two validation classes
    start = replace(run, out=tmp_path / "start")
    train(start, config, NARROW)
    other = replace(run, split_seed=3, validate_every=100)
    trained = set(split_classes(run.data, "paper", "train", 0))
    seen = trained & set(split_classes(run.data, "paper", "validation", 3))
    assert seen, "else nothing is to be refused"
    sentence = f"trained on {len(seen)} of the 2 validation classes of split paper with seed 3"
    with pytest.raises(ValueError, match=sentence):
        train(other, config, NARROW, start=start.out)
    checkpoint = train(replace(other, validate_every=0), config, NARROW, start=start.out)
    assert checkpoint.metadata["start_trained_on"] == [("omniglot", "paper", 0, "train")]
    trained_on = splits_trained_on(checkpoints.load_weights(other.out).provenance)
    assert trained_on == [("omniglot", "paper", 3, "train"), ("omniglot", "paper", 0, "train")]


def test_who_trains_on_validation_classes_too_sees_both_parts_and_validates_on_none(
    run, tmp_path, monkeypatch
):
    first = replace(run, out=tmp_path / "start")
    chosen = {"2": 0.01, "5": 0.3}
    start = train(first, CONFIG, NARROW)
    checkpoints.save_weights(
        first.out, replace(start, metadata={**start.metadata, "inner_lrs": chosen})
    )
    pools, stream = [], recipes.task_stream
    monkeypatch.setattr(
        recipes,
        "task_stream",
        lambda pool, *rest: pools.append(pool) or stream(pool, *rest),
    )
    whole = replace(run, with_validation=True)
    found = train(whole, CONFIG, NARROW, start=first.out)
    parts = ("train", "validation")
    expected = [c for part in parts for c in split_classes(run.data, "paper", part)]
    assert (
        set(pools[0].classes.tolist())
        == set(expected)
        > set(split_classes(run.data, "paper", "train"))
    )
    assert len(pools[0].classes) == 4 * len(expected)  # at each quarter turn
    # What was chosen while there was something to validate on.
    assert found.metadata["inner_lrs"] == chosen
    assert checkpoints.load_weights(run.out).provenance.with_validation
    with pytest.raises(ValueError, match="none are left to validate on; add --validate-every 0"):
        replace(whole, validate_every=10)
    other = replace(CONFIG, method="fomaml")
    fomaml = train(replace(whole, out=tmp_path / "other"), other, NARROW, start=first.out)
    assert fomaml.metadata["inner_lrs"] == {str(n): other.inner_lr for n in other.n_ways}
