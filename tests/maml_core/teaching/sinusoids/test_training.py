"""Training on sinusoids: meta-gradients against finite differences, checkpoints, learning."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from maml_core.config import SinusoidConfig
from maml_core.episodes.sampling import episode_generator
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import squared_error
from maml_core.networks.mlp import MLP
from maml_core.networks.params import add, dot, norm, scale
from maml_core.teaching.sinusoids.evaluation import (
    VALIDATION_SEED,
    evaluate,
    squared_errors,
    tune_inner_lr,
)
from maml_core.teaching.sinusoids.regressors import METHODS, Regressor
from maml_core.teaching.sinusoids.tasks import sample_meta_batch
from maml_core.teaching.sinusoids.training import (
    meta_batches,
    meta_gradient,
    train_regressor,
    train_side_by_side,
)

CONFIG = SinusoidConfig(k_shot=4, q_query=3, meta_batch_size=3)
SMALL = MLP(hidden=6, side=1)


def network_by_hand(params, x):
    """1-6-5-1 with ReLU, spelled out."""
    x = x.flatten(1)
    for i in range(2):
        x = (x @ params[f"layers.{i}.weight"].T + params[f"layers.{i}.bias"]).clamp(min=0)
    return x @ params["head.weight"].T + params["head.bias"]


def objective_by_hand(params, tasks, inner_lr, inner_steps):
    """The mean query error after plain descent, a loop over tasks."""
    values = []
    for i in range(len(tasks.query_x)):
        fast = params
        for _ in range(inner_steps):
            error = (network_by_hand(fast, tasks.support_x[i]) - tasks.support_y[i]).square().mean()
            slopes = torch.autograd.grad(error, list(fast.values()), create_graph=True)
            fast = {n: v - inner_lr * s for (n, v), s in zip(fast.items(), slopes, strict=True)}
        values.append((network_by_hand(fast, tasks.query_x[i]) - tasks.query_y[i]).square().mean())
    return sum(values) / len(values)


@pytest.fixture
def theta():
    generator = torch.Generator().manual_seed(1)
    return {
        name: torch.randn(value.shape, generator=generator, dtype=torch.float64)
        for name, value in SMALL.named_parameters()
    }


@pytest.fixture
def tasks():
    _, found = sample_meta_batch(CONFIG, episode_generator(0, 0))
    return type(found)(*(value.double() for value in found))


def test_every_method_meets_the_same_waves_and_only_the_oracle_is_told_which():
    config = replace(CONFIG, meta_steps=3)
    streams = [list(meta_batches(method, config)) for method in METHODS]
    for maml, multi_task, oracle in zip(*streams, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(maml, multi_task, strict=True))
        assert torch.equal(oracle.query_x[:, :, :1], maml.query_x)
        x, amplitude, phase = oracle.query_x[..., 0, 0].unbind(-1)
        torch.testing.assert_close(amplitude * torch.sin(x - phase), maml.query_y[..., 0])
    assert not torch.equal(streams[0][0].query_x, streams[0][1].query_x)
    later = next(meta_batches("maml", config, first_step=2))
    assert torch.equal(later.support_x, streams[0][2].support_x)


@pytest.mark.parametrize("inner_steps", [0, 1, 3])
def test_the_meta_gradient_is_what_finite_differences_say(inner_steps, theta, tasks):
    gradient, metrics = meta_gradient(SMALL, 0.01, inner_steps, theta, tasks)
    assert metrics.loss.item() == pytest.approx(
        objective_by_hand(
            {n: v.requires_grad_() for n, v in theta.items()}, tasks, 0.01, inner_steps
        ).item()
    )
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        towards = {n: torch.randn(v.shape, generator=generator).double() for n, v in theta.items()}
        towards = scale(towards, 1 / norm(towards).item())
        ahead, behind = (
            objective_by_hand(
                {n: v.detach().requires_grad_() for n, v in add(theta, towards, step).items()},
                tasks,
                0.01,
                inner_steps,
            ).item()
            for step in (1e-6, -1e-6)
        )
        slope = dot(gradient, towards).item()
        assert abs((ahead - behind) / 2e-6 - slope) < 1e-5 * norm(gradient).item()
        assert abs(slope) > 1e-3 * norm(gradient).item()


def test_the_inner_loop_descends_the_loss_it_is_given():
    """Of one linear layer the squared error is a bowl, and a step is that of least squares."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(6, 3, generator=generator).double(), torch.randn(6, 1).double()
    model = torch.nn.Linear(3, 1, bias=False)
    start = {"weight": torch.randn(1, 3, generator=generator).double()}
    trajectory = adapt(model, start, x, y, inner_lr=0.05, inner_steps=3, loss_fn=squared_error)
    w = start["weight"]
    for params in trajectory:
        torch.testing.assert_close(params["weight"], w)
        w = w - 0.05 * 2 / len(x) * (w @ x.T - y.T) @ x


def test_the_network_takes_pictures_as_rows_of_pixels(theta):
    pictures = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(2, 1, 2, 3)
    model = MLP(hidden=6, in_channels=6, side=1)
    params = theta | {"layers.0.weight": theta["layers.0.weight"].expand(6, 6)}
    said = torch.func.functional_call(model, params, (pictures,))
    torch.testing.assert_close(said, network_by_hand(params, pictures.reshape(2, 6)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("k_shot", 0), ("q_query", 101), ("inner_lr", 0.0), ("inner_steps", 0), ("meta_lr", -1.0),
        ("meta_batch_size", 0), ("meta_steps", 0), ("seed", 1_000_000), ("meta_lr", math.nan),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_range_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        SinusoidConfig(**{name: value})


def test_after_a_short_training_one_step_takes_maml_far_and_the_baseline_nowhere():
    learners = {}
    for method in ("maml", "multi_task"):
        *_, last = train_regressor(method, SinusoidConfig(meta_steps=300))
        learners[method] = Regressor(method, last.params, 0.01, last.step)
    learners["multi_task"] = tune_inner_lr(learners["multi_task"])
    found = evaluate(learners, 10, inner_steps=1, n_tasks=200)
    before, after = found["maml"].mean
    assert after < 0.8 * before
    assert after < 0.8 * min(found["multi_task"].mean)


@pytest.fixture(scope="module")
def stages():
    return list(train_side_by_side(SinusoidConfig(meta_steps=25), 10))


def test_a_training_in_stages_is_the_training_itself(stages):
    for method in METHODS:
        updates = train_regressor(method, stages[-1].config)
        first = next(update for update in updates if update.step == 10)
        for name, value in stages[1].regressors[method].params.items():
            assert torch.equal(value, first.params[name])
    marks = stages[-1].history
    assert [mark.step for mark in marks] == [0, 10, 20, 25]
    for method in METHODS:
        learner = stages[1].regressors[method]
        found = squared_errors(learner, VALIDATION_SEED, 100, 10, 1).mean(0)
        assert marks[1].by_method[method] == pytest.approx(tuple(found.tolist()))
