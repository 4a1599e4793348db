"""Sinusoids: tasks against closed forms, meta-gradients against finite differences, learning."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core import regression
from maml_core.adaptation import adapt, squared_error
from maml_core.checkpoints import CheckpointError
from maml_core.config import SinusoidConfig
from maml_core.episodes import episode_generator
from maml_core.models import MLP, initial_params
from maml_core.params import add, dot, norm, scale
from maml_core.regression import METHODS, Fit, Regressor, Wave, Waves

CONFIG = SinusoidConfig(k_shot=4, q_query=3, meta_batch_size=3)
SMALL = MLP(1, (6, 5))


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
    _, found = regression.sample_tasks(CONFIG, episode_generator(0, 0))
    return type(found)(*(value.double() for value in found))


def test_tasks_are_the_papers_waves_in_the_papers_ranges():
    config = replace(CONFIG, meta_batch_size=1000)
    waves, tasks = regression.sample_tasks(config, episode_generator(0, 0))
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
    streams = [list(regression.task_stream(method, config)) for method in METHODS]
    for maml, joint, oracle in zip(*streams, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(maml, joint, strict=True))
        assert torch.equal(oracle.query_x[..., :1], maml.query_x)
        x, amplitude, phase = oracle.query_x.unbind(-1)
        torch.testing.assert_close(amplitude * torch.sin(x - phase), maml.query_y[..., 0])
    assert not torch.equal(streams[0][0].query_x, streams[0][1].query_x)
    later = next(regression.task_stream("maml", config, first_step=2))
    assert torch.equal(later.support_x, streams[0][2].support_x)


@pytest.mark.parametrize("inner_steps", [0, 1, 3])
def test_the_meta_gradient_is_what_finite_differences_say(inner_steps, theta, tasks):
    gradient, measures = regression.meta_gradient(SMALL, 0.01, inner_steps, theta, tasks)
    assert measures.loss.item() == pytest.approx(
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


def test_outputs_are_those_of_a_plain_loop_and_an_oracle_takes_no_step():
    waves = regression.sample_waves(2, episode_generator(1, 0))
    x = regression.sample_points(2, 5, episode_generator(2, 0))
    at = torch.linspace(-5, 5, 7)
    for method in METHODS:
        params = {n: v + 0.1 for n, v in initial_params(regression.network(method), 0).items()}
        learner = Regressor(method, params, 0.01, 0)
        found = regression.outputs(learner, waves, x, waves.heights(x), at, 2)
        assert found.shape == (2, 3, 7)
        for i in range(2):
            one = Waves(*(value[i : i + 1] for value in waves))
            told = regression.inputs(method, at[None, :, None], one)[0]
            fast = {n: v.clone().requires_grad_() for n, v in params.items()}
            for step in range(3):
                said = torch.func.functional_call(regression.network(method), fast, (told,))
                torch.testing.assert_close(found[i, step], said[:, 0].detach())
                if method == "oracle":
                    continue
                out = torch.func.functional_call(regression.network(method), fast, (x[i][:, None],))
                error = F.mse_loss(out[:, 0], waves.heights(x)[i])
                slopes = torch.autograd.grad(error, list(fast.values()))
                fast = {n: v - 0.01 * s for (n, v), s in zip(fast.items(), slopes, strict=True)}
    nothing = x[:, :0]
    learner = Regressor("maml", params_of("maml"), 0.01, 0)
    still = regression.outputs(learner, waves, nothing, nothing, at, 2)
    assert torch.equal(still[:, 0], still[:, 2])


def params_of(method, seed=0):
    return initial_params(regression.network(method), seed)


def silent(method="maml"):
    """A network that says 0 everywhere and, with a zero head's gradient, hardly moves at α → 0."""
    return Regressor(method, params_of(method), 1e-12, 0)


def test_the_error_of_a_network_that_says_nothing_is_the_waves_own_power():
    """Mean A² sin² over the waves: (A²/2)(1 − mean cos 2(x − φ)) on the grid."""
    waves = regression.sample_waves(40, episode_generator(regression.TEST, 0))
    x = regression.grid()
    for half in (False, True):
        at = x[x > 0] if half else x
        power = [
            a**2 / 2 * (1 - np.cos(2 * (at - p)).mean())
            for a, p in zip(waves.amplitude.tolist(), waves.phase.tolist(), strict=True)
        ]
        found = regression.squared_errors(silent(), regression.TEST, 40, 3, 1, half=half)
        np.testing.assert_allclose(found[:, 0], power, rtol=1e-4)
        np.testing.assert_allclose(found[:, 1], power, rtol=1e-4)
    errors = regression.evaluate({"maml": silent()}, 3, inner_steps=1, tasks=40, half=True)["maml"]
    assert errors.mean[0] == pytest.approx(np.mean(power), rel=1e-4)
    half_width = 1.959964 * np.std(power, ddof=1) / 40**0.5
    assert errors.ci95[0] == pytest.approx(half_width, rel=1e-4)


def test_points_of_the_left_half_are_given_and_the_right_half_measured():
    points = regression.sample_points(3, 50, episode_generator(0, 0), half=True)
    assert -5 <= points.min() < -4.5
    assert -0.5 < points.max() <= 0
    everywhere = regression.sample_points(3, 50, episode_generator(0, 0))
    torch.testing.assert_close(points, (everywhere - 5) / 2)
    assert torch.equal(regression.sample_points(3, 7, episode_generator(0, 0)), everywhere[:, :7])


def test_a_seeds_wave_and_points_stay_as_k_and_the_range_change():
    wave = regression.shown_wave(5)
    assert wave == regression.shown_wave(5) != regression.shown_wave(6)
    ten = regression.shown_points(5, 10, False)
    assert regression.shown_points(5, 5, False) == ten[:5]
    for x, y in ten:
        assert y == pytest.approx(wave.amplitude * math.sin(x - wave.phase))
    for (x, _), (left, _) in zip(ten, regression.shown_points(5, 10, True), strict=True):
        assert left == pytest.approx((x - 5) / 2, abs=1e-5)


def test_a_fit_is_that_of_the_points_wherever_they_lie():
    learners = {method: Regressor(method, params_of(method), 0.02, 0) for method in METHODS}
    wave = Wave(2.0, 1.0)
    found = regression.fit(learners, wave, [(1.0, 4.0)], 3)
    assert found["maml"].curves.shape == (4, regression.GRID)
    one = int(np.abs(regression.grid() - 1).argmin())
    heights = found["maml"].curves[:, one]
    assert heights[0] == 0 < heights[1] < heights[3] < 4.0  # towards the point, not the wave
    nowhere = regression.fit(learners, wave, [], 3)
    assert not nowhere["maml"].curves.any()


def test_the_error_of_a_fit_is_measured_where_it_is_asked_for():
    wave, x = Wave(1.5, 0.5), regression.grid()
    curves = np.stack([wave.heights(x), wave.heights(x) + 2 * (x > 0), wave.heights(x) - 3])
    fit = Fit("maml", 0.01, curves)
    np.testing.assert_allclose(fit.errors(wave), [0, 4 * 50 / 101, 9])
    np.testing.assert_allclose(fit.errors(wave, low=0.01), [0, 4, 9])
    np.testing.assert_allclose(fit.errors(wave, high=0.0), [0, 0, 9])


def test_the_rate_that_is_chosen_has_the_lowest_error_and_no_infinite_one():
    learner = Regressor("joint", {n: v + 0.05 for n, v in params_of("joint").items()}, 0.01, 0)
    errors = {
        rate: sum(
            regression.squared_errors(
                replace(learner, inner_lr=rate), regression.VALIDATION, 100, k, 10
            )[:, 1:].mean()
            for k in (5, 10)
        )
        for rate in (0.003, 0.01, 1000.0)
    }
    assert not math.isfinite(errors.pop(1000.0))
    chosen = regression.with_best_rate(learner, (1000.0, 0.003, 0.01))
    assert chosen.inner_lr == min(errors, key=errors.get)


def test_after_a_short_training_one_step_takes_maml_far_and_the_baseline_nowhere():
    learners = {}
    for method in ("maml", "joint"):
        *_, last = regression.train(method, SinusoidConfig(meta_steps=300))
        learners[method] = Regressor(method, last.params, 0.01, last.step)
    learners["joint"] = regression.with_best_rate(learners["joint"])
    found = regression.evaluate(learners, 10, inner_steps=1, tasks=200)
    before, after = found["maml"].mean
    assert after < 0.8 * before
    assert after < 0.8 * min(found["joint"].mean)


@pytest.fixture(scope="module")
def stages():
    return list(regression.train_together(SinusoidConfig(meta_steps=25), 10))


def test_a_training_in_stages_is_the_training_itself(stages):
    for method in METHODS:
        updates = regression.train(method, stages[-1].config)
        first = next(update for update in updates if update.step == 10)
        for name, value in stages[1].learners[method].params.items():
            assert torch.equal(value, first.params[name])
    marks = stages[-1].history
    assert [mark.step for mark in marks] == [0, 10, 20, 25]
    for method in METHODS:
        learner = stages[1].learners[method]
        found = regression.squared_errors(learner, regression.VALIDATION, 100, 10, 1).mean(0)
        assert marks[1].errors[method] == pytest.approx(tuple(found.tolist()))


def test_a_training_is_kept_and_read_again(stages, tmp_path):
    regression.save(tmp_path, stages[1], {"seconds": 1.5})
    again = regression.load(tmp_path)
    assert again.config == stages[1].config
    for mine, theirs in zip(again.history, stages[1].history, strict=True):
        assert mine.step == theirs.step
        for method in METHODS:
            assert mine.errors[method] == pytest.approx(theirs.errors[method], abs=1e-4)
    for method, learner in stages[1].learners.items():
        found = again.learners[method]
        assert (found.inner_lr, found.updates) == (learner.inner_lr, 10)
        for name, value in learner.params.items():
            torch.testing.assert_close(found.params[name], value, rtol=1e-3, atol=1e-4)
    (tmp_path / "joint.safetensors").write_bytes(b"none")
    with pytest.raises(CheckpointError, match="damaged"):
        regression.load(tmp_path)


def test_the_weights_that_come_with_the_app_adapt():
    stage = regression.load()
    found = regression.evaluate(stage.learners, 10, inner_steps=10, tasks=100)
    maml, joint = found["maml"].mean, found["joint"].mean
    assert maml[1] < 0.5 * maml[0]
    assert maml[1] < 0.5 * min(joint)
    assert maml[10] < maml[1]
    assert stage.step == stage.config.meta_steps == stage.learners["joint"].updates


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
