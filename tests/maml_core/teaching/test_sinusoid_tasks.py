"""Sinusoids: tasks against closed forms, meta-gradients against finite differences, learning."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.config import SinusoidConfig
from maml_core.episodes.sampling import episode_generator
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import squared_error
from maml_core.networks.functional import initial_params
from maml_core.networks.mlp import MLP
from maml_core.networks.params import add, dot, norm, scale
from maml_core.teaching import sinusoid_tasks
from maml_core.teaching.sinusoid_tasks import METHODS, Regressor, Waves

CONFIG = SinusoidConfig(k_shot=4, q_query=3, meta_batch_size=3)
SMALL = MLP(hidden=6, side=1)


def network_by_hand(params, x):
    """1-6-5-1 with ReLU, spelled out."""
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
    _, found = sinusoid_tasks.sample_tasks(CONFIG, episode_generator(0, 0))
    return type(found)(*(value.double() for value in found))


def test_tasks_are_the_papers_waves_in_the_papers_ranges():
    config = replace(CONFIG, meta_batch_size=1000)
    waves, tasks = sinusoid_tasks.sample_tasks(config, episode_generator(0, 0))
    for values, (low, high) in (
        (waves.amplitude, (0.1, 5.0)),
        (waves.phase, (0.0, math.pi)),
        (torch.cat([tasks.support_x, tasks.query_x], 1), (-5.0, 5.0)),
    ):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))
    for x, y in ((tasks.support_x, tasks.support_y), (tasks.query_x, tasks.query_y)):
        expected = waves.amplitude.numpy()[:, None, None] * np.sin(
            x.numpy() - waves.phase.numpy()[:, None, None]
        )
        np.testing.assert_allclose(y.numpy(), expected, atol=1e-5)
    assert tasks.support_x.shape == (1000, 4, 1)
    assert tasks.query_y.shape == (1000, 3, 1)


def test_every_method_meets_the_same_waves_and_only_the_oracle_is_told_which():
    config = replace(CONFIG, meta_steps=3)
    streams = [list(sinusoid_tasks.task_stream(method, config)) for method in METHODS]
    for maml, joint, oracle in zip(*streams, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(maml, joint, strict=True))
        assert torch.equal(oracle.query_x[..., :1], maml.query_x)
        x, amplitude, phase = oracle.query_x.unbind(-1)
        torch.testing.assert_close(amplitude * torch.sin(x - phase), maml.query_y[..., 0])
    assert not torch.equal(streams[0][0].query_x, streams[0][1].query_x)
    later = next(sinusoid_tasks.task_stream("maml", config, first_step=2))
    assert torch.equal(later.support_x, streams[0][2].support_x)


@pytest.mark.parametrize("inner_steps", [0, 1, 3])
def test_the_meta_gradient_is_what_finite_differences_say(inner_steps, theta, tasks):
    gradient, metrics = sinusoid_tasks.meta_gradient(SMALL, 0.01, inner_steps, theta, tasks)
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
    trajectory = adapt(model, start, x, y, inner_lr=0.05, inner_steps=3, loss=squared_error)
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


def test_outputs_are_those_of_a_plain_loop_and_an_oracle_takes_no_step():
    waves = sinusoid_tasks.sample_waves(2, episode_generator(1, 0))
    x = sinusoid_tasks.sample_points(2, 5, episode_generator(2, 0))
    at = torch.linspace(-5, 5, 7)
    for method in METHODS:
        params = {n: v + 0.1 for n, v in initial_params(sinusoid_tasks.network(method), 0).items()}
        learner = Regressor(method, params, 0.01, 0)
        found = sinusoid_tasks.outputs(learner, waves, x, waves.heights(x), at, 2)
        assert found.shape == (2, 3, 7)
        for i in range(2):
            one = Waves(*(value[i : i + 1] for value in waves))
            told = sinusoid_tasks.inputs(method, at[None, :, None], one)[0]
            fast = {n: v.clone().requires_grad_() for n, v in params.items()}
            for step in range(3):
                said = torch.func.functional_call(sinusoid_tasks.network(method), fast, (told,))
                torch.testing.assert_close(found[i, step], said[:, 0].detach())
                if method == "oracle":
                    continue
                out = torch.func.functional_call(
                    sinusoid_tasks.network(method), fast, (x[i][:, None],)
                )
                error = F.mse_loss(out[:, 0], waves.heights(x)[i])
                slopes = torch.autograd.grad(error, list(fast.values()))
                fast = {n: v - 0.01 * s for (n, v), s in zip(fast.items(), slopes, strict=True)}
    nothing = x[:, :0]
    learner = Regressor("maml", params_of("maml"), 0.01, 0)
    still = sinusoid_tasks.outputs(learner, waves, nothing, nothing, at, 2)
    assert torch.equal(still[:, 0], still[:, 2])


def params_of(method, seed=0):
    return initial_params(sinusoid_tasks.network(method), seed)


def test_points_of_the_left_half_are_given_and_the_right_half_measured():
    points = sinusoid_tasks.sample_points(3, 50, episode_generator(0, 0), half=True)
    assert -5 <= points.min() < -4.5
    assert -0.5 < points.max() <= 0
    everywhere = sinusoid_tasks.sample_points(3, 50, episode_generator(0, 0))
    torch.testing.assert_close(points, (everywhere - 5) / 2)
    assert torch.equal(
        sinusoid_tasks.sample_points(3, 7, episode_generator(0, 0)), everywhere[:, :7]
    )


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


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="method is 'reptile'"):
        Regressor("reptile", {}, 0.01, 0)
