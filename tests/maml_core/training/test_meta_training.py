"""Meta-training: its stream of tasks, its schedules, and that it teaches to adapt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import functional_call

from maml_core.config import TrainConfig
from maml_core.methods.registry import FIRST_META_PARAMS
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.optimisation.outer_loop import TrainState
from maml_core.training.meta_training import meta_train, task_stream
from tests.support.meta_configs import ADAPTING


def test_the_last_update_of_a_training_knows_the_last_step_alone(pool, model, assert_same):
    config = TrainConfig(n_ways=(3,), q_query=1, inner_steps=2, meta_batch_size=2, meta_steps=3)
    start = TrainState(0, initial_params(model, 0))
    several = replace(config, multi_step=True)
    *_, middle, _ = meta_train(model, start, task_stream(pool, several), several)
    ends = [
        list(meta_train(model, middle, task_stream(pool, one, middle.step), one))[-1].params
        for one in (several, config)
    ]
    assert_same(*ends)
    begun = [
        next(meta_train(model, start, task_stream(pool, c), c)).params for c in (several, config)
    ]
    assert any(not torch.equal(begun[0][name], begun[1][name]) for name in begun[0])


@pytest.mark.parametrize("method", ["maml", "anil", "boil", "meta_sgd", "maml_plus_plus"])
def test_the_order_of_the_derivative_is_annealed(method, pool, model, assert_same):
    """So many updates are those of a first-order training, the others go on from there."""
    config = TrainConfig(
        method, n_ways=(3,), q_query=1, inner_steps=2, meta_batch_size=2, meta_steps=4
    )
    params = initial_params(model, 0)
    own = FIRST_META_PARAMS.get(method, lambda *_: {})(params, config)
    start = TrainState(0, {**params, **own})

    def states(first_order_steps, begun=start):
        how = replace(config, first_order_steps=first_order_steps)
        return list(meta_train(model, begun, task_stream(pool, how, begun.step), how))

    found, first_order, exact = states(2), states(4), states(0)
    assert [state.step for state in found] == [1, 2, 3, 4]
    assert_same(found[1].params, first_order[1].params)
    assert_same(found[3].params, states(0, first_order[1])[-1].params)
    assert_same(found[3].params, states(2, found[0])[-1].params)  # resumed
    for other in (first_order, exact):
        assert any(not torch.equal(found[3].params[n], other[3].params[n]) for n in params)


def equal_batches(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("augment", [False, True])
def test_a_resumed_stream_gives_the_batches_it_would_have_given(augment, pool):
    config = TrainConfig(
        n_ways=(2, 3), k_shots=(1, 2), meta_batch_size=2, meta_steps=7, augment=augment, seed=4
    )
    whole = list(task_stream(pool, config))
    assert len(whole) == 7
    for first in (0, 3, 7):
        rest = list(task_stream(pool, config, first))
        assert len(rest) == 7 - first
        assert all(map(equal_batches, rest, whole[first:]))
    other = next(task_stream(pool, replace(config, seed=5)))
    assert not equal_batches(other, whole[0])


def test_a_stream_takes_its_episode_shapes_in_turn(pool):
    config = TrainConfig(n_ways=(2, 4), k_shots=(1, 3), q_query=2, meta_batch_size=3, meta_steps=8)
    shapes = [tuple(len(v[0]) for v in tasks) for tasks in task_stream(pool, config)]
    assert shapes == 2 * [(n * k, n * k, n * 2, n * 2) for n in (2, 4) for k in (1, 3)]


@pytest.mark.parametrize("method", ADAPTING)
def test_meta_training_teaches_to_adapt(method, easy_pool, model):
    """On noisy templates accuracy after adaptation ends far above chance and its beginning."""
    config = TrainConfig(
        method=method,
        n_ways=(3,),
        q_query=3,
        inner_lr=0.4,
        inner_steps=3,
        meta_lr=1e-2,
        meta_batch_size=4,
        meta_steps=60,
        augment=False,
        seed=1,
    )
    params = initial_params(model, 0)
    own = FIRST_META_PARAMS.get(method)
    start = TrainState(0, {**params, **(own(params, config) if own else {})})
    history = [
        update.metrics
        for update in meta_train(model, start, task_stream(easy_pool, config), config)
    ]
    assert len(history) == 60
    early = torch.stack([m.accuracy for m in history[:10]]).mean(0)
    late = torch.stack([m.accuracy for m in history[-10:]]).mean(0)
    assert late > 1 / 3 + 0.4
    assert late > min(early + 0.1, 0.99)  # BOIL's body finds the templates from the beginning


def test_multi_task_training_stays_at_chance_where_maml_learns(easy_pool, model):
    """One θ for all tasks before any adaptation: their labels contradict each other."""
    config = TrainConfig(
        "multi_task", (3,), q_query=3, inner_steps=0, augment=False, meta_batch_size=4
    )
    config = replace(config, meta_lr=1e-2, meta_steps=60, seed=1)
    start = TrainState(0, initial_params(Conv4(n_out=3, channels=4), 0))
    stream = task_stream(easy_pool, config)
    history = [update.metrics for update in meta_train(model, start, stream, config)]
    late = torch.stack([m.accuracy for m in history[-20:]])
    assert late.shape == (20,)
    assert late.mean().item() == pytest.approx(1 / 3, abs=0.1)
    losses = torch.stack([m.loss for m in history])
    assert losses[-20:].mean().item() == pytest.approx(np.log(3), abs=0.1)


def test_meta_training_leaves_the_network_and_the_start_alone(pool, assert_same):
    model = Conv4(channels=2)
    config = TrainConfig(n_ways=(2,), q_query=1, meta_batch_size=2, meta_steps=3)
    start = TrainState(0, initial_params(model, 0))
    before = {n: v.clone() for n, v in start.params.items()}
    weights = {n: v.detach().clone() for n, v in model.named_parameters()}
    x = torch.zeros(2, 1, 28, 28)
    out = functional_call(model, start.params, (x,))
    for update in meta_train(model, start, task_stream(pool, config), config):
        assert not any(v.requires_grad for v in update.params.values())
    assert_same(start.params, before)
    assert_same({n: v.detach() for n, v in model.named_parameters()}, weights)
    assert torch.equal(functional_call(model, start.params, (x,)), out)
