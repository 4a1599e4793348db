"""A training that diverges stops where it does, keeps what was finite and fails in a sentence."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from maml_core.config import META_METHODS, SinusoidConfig
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.optimisation.outer_loop import DivergenceError, Metrics, TrainState, until_divergence
from maml_core.teaching.sinusoids.regressors import METHODS as REGRESSORS
from maml_core.teaching.sinusoids.training import train_regressor
from maml_core.training import recipes, saved_state
from maml_core.training.meta_training import meta_train
from maml_core.training.recipes import train, train_baseline
from tests.support.meta_configs import FEWEST_STEPS
from tests.support.small_runs import CONFIG, NARROW, PRETRAIN

pytestmark = pytest.mark.usefixtures("few_characters")
ADVICE = r"The last finite weights, after update (\d+), are in .*weights\."


def assert_kept(run, told):
    """What is left is finite, loads, and is of the update that the sentence names."""
    kept = checkpoints.load_weights(run.out)
    assert all(value.isfinite().all() for value in kept.params.values())
    assert kept.metadata["updates"] == told
    assert kept.learner().inner_lrs
    assert run.state.exists() == (told > 0)
    if told:
        assert saved_state.load_update(run.state)[0].step == told


@pytest.mark.parametrize("method", META_METHODS)
def test_a_meta_training_that_diverges_keeps_the_last_finite_state(method, run):
    steps, rows = FEWEST_STEPS[method], 3 if method == "multi_task" else 1
    config = replace(CONFIG, method=method, inner_steps=steps, meta_lr=1e30)
    with pytest.raises(DivergenceError, match=f"not finite at update .*{ADVICE}") as raised:
        train(run, config, NARROW | {"n_out": rows})
    assert "a smaller β than 1e+30" in str(raised.value)
    assert ("smaller α" in str(raised.value)) == (steps > 0)
    assert_kept(run, int(str(raised.value).split("after update ")[1].split(",")[0]))


def test_a_pretraining_that_diverges_keeps_the_last_finite_state(run, monkeypatch):
    monkeypatch.delattr(recipes, "best_inner_lrs")  # no α is chosen for such weights
    config = replace(PRETRAIN, lr=1e30)
    with pytest.raises(
        DivergenceError, match=f"a smaller learning rate than 1e.30.*{ADVICE}"
    ) as raised:
        train_baseline(run, config, NARROW)
    assert_kept(run, int(str(raised.value).split("after update ")[1].split(",")[0]))


@pytest.mark.parametrize("method", REGRESSORS)
def test_a_training_on_sinusoids_that_diverges_ends_too(method):
    config = SinusoidConfig(meta_lr=1e30, meta_steps=9)
    states = []
    with pytest.raises(DivergenceError, match="choose a smaller β than 1e"):
        states.extend(train_regressor(method, config))
    assert all(value.isfinite().all() for s in states for value in s.params.values())


@pytest.mark.parametrize("updates", [0, 2, 4])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["loss", "gradient", "weights"])
def test_the_first_number_that_is_not_finite_ends_it(updates, bad, where):
    def states():
        for step in range(1, updates + 1):
            yield state_of(step)
        yield state_of(updates + 1, **{where: bad})
        raise AssertionError("it went on")

    start = TrainState(0, {})

    def state_of(step, loss=1.0, gradient=1.0, weights=1.0):
        metrics = Metrics(torch.tensor(loss), torch.zeros(0))
        params = {"a": torch.ones(2), "b": torch.tensor([3e38, weights])}  # large but finite
        return TrainState(step, params, metrics, {}, torch.tensor(gradient))

    seen = []
    what = "The weights are" if where == "weights" else "The loss or its gradient is"
    sentence = f"^{what} not finite at update {updates + 1}; do less\\.$"
    with pytest.raises(DivergenceError, match=sentence) as raised:
        seen.extend(until_divergence(start, states(), "loss", "do less"))
    assert [state.step for state in seen] == list(range(1, updates + 1))
    # A loss and its gradient are those of the state before.
    of = updates if where == "weights" else updates - 1
    assert raised.value.last_finite is ([start, *seen][of] if of >= 0 else None)


def test_a_first_update_that_diverges_leaves_the_start_or_what_was_there(run, monkeypatch):
    run.out.write_bytes(b"weights of yesterday")

    def diverges(_, state, *__):
        raise DivergenceError("It diverged.")
        yield state

    monkeypatch.setattr(recipes, "meta_train", diverges)
    with pytest.raises(DivergenceError, match=r"^It diverged\.$"):
        train(run, CONFIG, NARROW)
    assert run.out.read_bytes() == b"weights of yesterday"
    assert not run.state.exists()


def test_a_state_of_weights_that_are_not_finite_is_not_gone_on_with(run):
    params = {"a": torch.tensor([1.0, math.nan])}
    moments = {"a": {"exp_avg": torch.zeros(2), "exp_avg_sq": torch.zeros(2)}}
    saved_state.save_update(run.state, TrainState(1, params, None, moments), {"method": "maml"})
    with pytest.raises(
        CheckpointError, match=f"{run.state} is the state of a training that diverg"
    ):
        saved_state.load_update(run.state)


def test_weights_of_an_earlier_update_are_kept_with_what_was_said_of_them(run, monkeypatch):
    """The loss after update 3 is not finite: the last weights that can be used are those of 2."""
    seen = []

    def diverges(*args):
        for state in meta_train(*args):
            seen.append(state)
            yield state
            if state.step == 3:
                raise DivergenceError("It diverged.", seen[1])

    monkeypatch.setattr(recipes, "meta_train", diverges)
    with pytest.raises(DivergenceError, match=f"It diverged. {ADVICE}"):
        train(replace(run, validate_every=1), replace(CONFIG, n_ways=(2,)), NARROW)
    assert_kept(run, 2)
    kept = checkpoints.load_weights(run.out)
    assert [row["update"] for row in kept.metadata["validation"]] == [1, 2]
    for name, value in kept.params.items():
        torch.testing.assert_close(value, seen[1].params[name], rtol=0, atol=0)
