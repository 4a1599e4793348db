"""The outer descent against `torch.optim` typed out by hand, and its resumption."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from maml_core.config import TrainConfig
from maml_core.networks.functional import initial_params
from maml_core.networks.meta_params import with_lr_multipliers
from maml_core.optimisation import outer_loop
from maml_core.optimisation.outer_loop import Metrics, TrainState, cosine, optimise
from maml_core.training.meta_training import meta_train, task_stream
from maml_core.training.saved_state import load_update, save_update

LR, STEPS = 0.1, 8
MUON_LR = 0.05


@pytest.fixture
def start():
    generator = torch.Generator().manual_seed(0)
    shapes = {"w": (3, 2), "filters": (4, 1, 2, 3), "b": (3,), "scalar": ()}
    return TrainState(0, {n: torch.randn(s, generator=generator) for n, s in shapes.items()})


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(3, 2, generator=generator) for _ in range(STEPS)]


def objective(params, batch):
    filters = F.normalize(params["filters"].flatten(1), dim=1).reshape(4, 2, 3)
    apart = (params["w"] - batch) ** 2
    answers = (filters @ batch[:, 0]).sin()
    return apart.sum() * params["scalar"].exp() + params["b"].cos().sum() + answers.sum()


def gradient(params, batch):
    leaves = {n: v.detach().requires_grad_() for n, v in params.items()}
    value = objective(leaves, batch)
    found = torch.autograd.grad(value, list(leaves.values()))
    return dict(zip(leaves, found, strict=True)), Metrics(value.detach(), torch.tensor(0.0))


@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_descent_is_torchs_adam_on_torchs_cosine(weight_decay, start, batches, assert_same):
    leaves = {n: v.clone().requires_grad_() for n, v in start.params.items()}
    if weight_decay:
        optimizer = torch.optim.AdamW(leaves.values(), lr=LR, weight_decay=weight_decay)
    else:
        optimizer = torch.optim.Adam(leaves.values(), lr=LR)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    updates = optimise(gradient, start, batches, lr=LR, steps=STEPS, weight_decay=weight_decay)
    for step, (update, batch) in enumerate(zip(updates, batches, strict=True), 1):
        value = objective(leaves, batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        assert update.step == step
        assert update.metrics.loss.item() == pytest.approx(value.item(), rel=1e-5)
        expected = {n: v.detach() for n, v in leaves.items()}
        assert_same(update.params, expected, rtol=1e-5, atol=1e-6)


def test_muon_moves_filters_as_torchs_and_adam_the_rest(start, batches, assert_same):
    leaves = {n: v.clone().requires_grad_() for n, v in start.params.items()}
    filters = torch.nn.Parameter(leaves.pop("filters").detach().flatten(1))
    muon = torch.optim.Muon([filters], lr=MUON_LR, weight_decay=0, momentum=0.9)
    adam = torch.optim.Adam(leaves.values(), lr=LR)
    schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(one, STEPS) for one in (muon, adam)]
    for update, batch in zip(
        optimise(gradient, start, batches, lr=LR, steps=STEPS, muon_lr=MUON_LR),
        batches,
        strict=True,
    ):
        value = objective({**leaves, "filters": filters.reshape(4, 1, 2, 3)}, batch)
        muon.zero_grad()
        adam.zero_grad()
        value.backward()
        filters.data *= 2 / filters.data.norm()
        muon.step()
        adam.step()
        for schedule in schedules:
            schedule.step()
        expected = {n: v.detach() for n, v in leaves.items()}
        expected["filters"] = filters.detach().reshape(4, 1, 2, 3)
        assert_same(update.params, expected, rtol=1e-5, atol=1e-6)


def test_muons_first_step_is_the_gradients_nearest_orthogonal_matrix(start, batches):
    """But for its singular values, which its iteration leaves between about 0.7 and 1.2."""
    slope = gradient(start.params, batches[0])[0]["filters"].flatten(1)
    update = next(optimise(gradient, start, batches, lr=LR, steps=STEPS, muon_lr=MUON_LR))
    before = start.params["filters"].flatten(1)
    step = (update.params["filters"].flatten(1) - before * 2 / before.norm()) / -MUON_LR
    u, sizes, v = torch.linalg.svd(slope, full_matrices=False)
    kept = sizes > 0.02 * sizes.max()  # The least are lost in the 8 bits that it counts with.
    found = (u.T @ step @ v.T)[kept][:, kept]
    assert kept.sum() >= 2
    assert ((found.diagonal() > 0.6) & (found.diagonal() < 1.3)).all()
    assert found.fill_diagonal_(0).abs().max() < 0.1


def test_muon_keeps_the_length_of_filters(start, batches):
    for update in optimise(gradient, start, batches, lr=LR, steps=STEPS, muon_lr=MUON_LR):
        # Four filters: √4, and at most one step, each of whose four directions is at most 1.3 long.
        length = update.params["filters"].norm().item()
        assert length == pytest.approx(2, abs=1.3 * 2 * MUON_LR)
    far = {**start.params, "filters": 100 * start.params["filters"]}
    moved = [
        next(optimise(gradient, one, batches, lr=LR, steps=STEPS, muon_lr=MUON_LR)).params[
            "filters"
        ]
        for one in (start, TrainState(0, far))
    ]
    torch.testing.assert_close(*moved, rtol=0, atol=0.05 * MUON_LR)  # It counts with 8 bits.


def test_muon_without_convolutions_is_refused(start, batches):
    params = {n: v for n, v in start.params.items() if n != "filters"}
    with pytest.raises(ValueError, match=r"muon_lr is 0.05, but this network has no filters"):
        next(
            optimise(gradient, TrainState(0, params), batches, lr=LR, steps=STEPS, muon_lr=MUON_LR)
        )


def test_measures_are_copies_of_what_a_graphs_next_replay_overwrites(start, batches, monkeypatch):
    """On a GPU every call of the gradient returns the same memory; here an imitation does."""

    def graphed(function):
        memory = Metrics(torch.zeros(()), torch.zeros(()))

        def replay(*arguments):
            gradients, found = function(*arguments)
            for target, value in zip(memory, found, strict=True):
                target.copy_(value)
            return gradients, memory

        return replay

    expected = [u.metrics.loss for u in optimise(gradient, start, batches, lr=LR, steps=STEPS)]
    monkeypatch.setattr(outer_loop, "graphed", graphed)
    found = [u.metrics.loss for u in optimise(gradient, start, batches, lr=LR, steps=STEPS)]
    assert len(set(map(float, expected))) == STEPS
    assert found == expected


def test_the_rate_falls_along_half_a_cosine():
    assert cosine(0.3, 0, 10) == 0.3
    assert cosine(0.3, 5, 10) == pytest.approx(0.15)
    assert cosine(0.3, 10, 10) == pytest.approx(0)
    assert cosine(0.3, 12, 10) == cosine(0.3, 10, 10)
    rates = [cosine(1.0, step, 10) for step in range(11)]
    assert rates == sorted(rates, reverse=True)
    for step, rate in enumerate(rates):
        assert 2 * rate - 1 == pytest.approx(math.cos(math.pi * step / 10))
        assert rate + rates[10 - step] == pytest.approx(1)  # symmetric about the middle


@pytest.mark.parametrize("muon_lr", [0.0, MUON_LR])
def test_moments_belong_to_names_whatever_their_order(muon_lr, start, batches, assert_same):
    whole = list(optimise(gradient, start, batches, lr=LR, steps=STEPS, muon_lr=muon_lr))
    middle = whole[0]
    shuffled = replace(
        middle,
        params=dict(reversed(middle.params.items())),
        optimizer=dict(sorted(middle.optimizer.items())),
    )
    *_, resumed = optimise(gradient, shuffled, batches[1:], lr=LR, steps=STEPS, muon_lr=muon_lr)
    assert_same(dict(sorted(resumed.params.items())), dict(sorted(whole[-1].params.items())))
    one, *_ = middle.params
    for optimizer in (
        {n: v for n, v in middle.optimizer.items() if n != one},
        {**middle.optimizer, "stray": middle.optimizer[one]},
    ):
        odd = replace(middle, optimizer=optimizer)
        with pytest.raises(ValueError, match="optimizer's state and the parameters differ in"):
            next(optimise(gradient, odd, batches[1:], lr=LR, steps=STEPS, muon_lr=muon_lr))


def test_earlier_updates_stay_as_they_were(start, batches, assert_same):
    before = {n: v.clone() for n, v in start.params.items()}
    kept, copies = [], []
    for update in optimise(gradient, start, batches, lr=LR, steps=STEPS):
        kept.append(update)
        copies.append(
            (
                {n: v.clone() for n, v in update.params.items()},
                {i: {k: v.clone() for k, v in s.items()} for i, s in update.optimizer.items()},
            )
        )
    assert_same(start.params, before)
    assert start.optimizer == {}
    for update, (params, optimizer) in zip(kept, copies, strict=True):
        assert_same(update.params, params)
        for i, state in optimizer.items():
            assert_same(update.optimizer[i], state)


@pytest.mark.parametrize("muon_lr", [0.0, MUON_LR])
@pytest.mark.parametrize("through_a_file", [False, True])
@pytest.mark.parametrize("step", [1, 5])
def test_a_resumed_descent_ends_where_an_uninterrupted_one_does(
    step, through_a_file, muon_lr, start, batches, assert_same, tmp_path
):
    whole = list(optimise(gradient, start, batches, lr=LR, steps=STEPS, muon_lr=muon_lr))
    middle = whole[step - 1]
    if through_a_file:
        save_update(tmp_path / "state", middle, {})
        middle, _ = load_update(tmp_path / "state")
    rest = list(optimise(gradient, middle, batches[step:], lr=LR, steps=STEPS, muon_lr=muon_lr))
    assert [update.step for update in rest] == list(range(step + 1, STEPS + 1))
    for resumed, uninterrupted in zip(rest, whole[step:], strict=True):
        assert_same(resumed.params, uninterrupted.params)


@pytest.mark.parametrize("method", ["maml", "anil", "reptile"])
def test_resumed_meta_training_is_bit_identical(method, pool, model, assert_same, tmp_path):
    config = TrainConfig(
        method=method,
        n_ways=(2, 3),
        q_query=2,
        inner_steps=2,
        meta_batch_size=2,
        meta_steps=6,
        learn_inner_lr=method != "reptile",
        muon_lr=MUON_LR if method == "anil" else 0,
    )
    params = initial_params(model, 0)
    start = TrainState(0, with_lr_multipliers(params) if config.learn_inner_lr else params)
    whole = list(meta_train(model, start, task_stream(pool, config), config))
    save_update(tmp_path / "state", whole[2], {})
    middle, _ = load_update(tmp_path / "state")
    *_, last = meta_train(model, middle, task_stream(pool, config, middle.step), config)
    assert last.step == 6
    assert_same(last.params, whole[-1].params)
    moved = [n for n, v in last.params.items() if not torch.equal(v, start.params[n])]
    assert moved
