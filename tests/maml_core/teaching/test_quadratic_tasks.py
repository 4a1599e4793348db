"""The closed forms of the toy worlds, beside the engine's inner loop, autograd and long descent."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from maml_core.config import AdaptConfig
from maml_core.methods import inner_loop
from maml_core.teaching.quadratic_tasks import (
    CENTRE_WEIGHTS,
    LAYOUTS,
    N_PARAMS,
    N_TASKS,
    ToyWorld,
    affine_meta_update,
    centre_weights,
    closed_form_solution,
    inner_loop_trajectories,
    inverse_square_root,
    meta_lr,
    task_losses,
    toy_world,
)

WORLDS = [toy_world(*shape) for shape in product(LAYOUTS, N_TASKS, N_PARAMS)]
NAMES = ["-".join(map(str, shape)) for shape in product(LAYOUTS, N_TASKS, N_PARAMS)]
# In the last, first-order MAML overshoots and runs away from some worlds.
CONFIGS = [AdaptConfig(0.2, 1), AdaptConfig(0.15, 3), AdaptConfig(0.5, 2), AdaptConfig(0.6, 1)]
every_shape = pytest.mark.parametrize(("n_tasks", "n_params"), [*product(N_TASKS, N_PARAMS)])
every_world = pytest.mark.parametrize("this", WORLDS, ids=NAMES)
every_config = pytest.mark.parametrize("config", CONFIGS, ids=str)


def start(this: ToyWorld, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 3, this.centres.shape[1])


def parabola(model, params, centre, curvature):
    """The loss of a task at {"theta": θ}, in torch; the engine's inner loop descends on it."""
    away = params["theta"] - centre
    return away @ curvature @ away / 2


def loss(params, task):
    return parabola(None, params, *task)


def tasks_of(this: ToyWorld) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [
        (torch.from_numpy(centre), torch.from_numpy(curvature))
        for centre, curvature in zip(this.centres, this.curvatures, strict=True)
    ]


def engine(params, task, config, **options):
    """Adapt by the inner loop that the networks adapt by."""
    rates = {"inner_lr": config.inner_lr, "inner_steps": config.inner_steps}
    return inner_loop.adapt(nn.Identity(), params, *task, loss_fn=parabola, **rates, **options)


def nearest(theta, centre, curvature, config):
    """The minimum of L + |φ − θ|² / (2 αk), where its gradient is zero."""
    strength = 1 / (config.inner_lr * config.inner_steps)
    held = curvature + strength * torch.eye(len(theta)).double()
    return torch.linalg.solve(held, curvature @ centre + strength * theta)


def meta_gradient(this: ToyWorld, method: str, theta: np.ndarray, config: AdaptConfig):
    """A method's meta-gradient, by automatic differentiation through the engine's inner loop."""
    first = {"theta": torch.from_numpy(theta)}
    tasks = tasks_of(this)

    def objective(params):
        if method == "imaml":
            ends = [{"theta": nearest(params["theta"], *task, config)} for task in tasks]
            return sum(loss(e, task) for e, task in zip(ends, tasks, strict=True)) / len(tasks)
        steps = AdaptConfig(config.inner_lr, 0) if method == "multi_task" else config
        ends = [engine(params, t, steps, first_order=method == "fomaml")[-1] for t in tasks]
        return sum(loss(e, task) for e, task in zip(ends, tasks, strict=True)) / len(tasks)

    if method == "reptile":
        ends = [engine(first, task, config)[-1]["theta"] for task in tasks]
        return (first["theta"] - sum(ends) / len(ends)).numpy()
    leaf = first["theta"].requires_grad_()
    return torch.autograd.grad(objective({"theta": leaf}), leaf)[0].numpy()


@every_config
@every_world
def test_the_adapted_points_are_those_of_the_engines_inner_loop(this, config):
    theta = start(this)
    found = inner_loop_trajectories(this, theta, config)
    for task, points in zip(tasks_of(this), found, strict=True):
        expected = engine({"theta": torch.from_numpy(theta)}, task, config)
        assert len(points) == config.inner_steps + 1
        for point, params in zip(points, expected, strict=True):
            np.testing.assert_allclose(point, params["theta"], rtol=1e-12, atol=1e-12)
    expected = [loss({"theta": torch.from_numpy(theta)}, task) for task in tasks_of(this)]
    np.testing.assert_allclose(task_losses(this, theta), expected, rtol=1e-12)


@every_world
def test_an_update_descends_the_methods_meta_gradient(this):
    theta = start(this, seed=1)
    for config, method in product(CONFIGS, CENTRE_WEIGHTS):
        matrix, offset = affine_meta_update(this, method, config)
        beta = meta_lr(this, method, config)
        assert beta > 0
        found = (theta - (matrix @ theta + offset)) / beta
        expected = meta_gradient(this, method, theta, config)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=f"{method}")


@every_config
@every_world
def test_mamls_gradient_is_that_of_the_loss_after_adapting(this, config):
    """By central differences, which are exact for a parabola."""
    theta, step = start(this, seed=2), 1e-3

    def objective(point):
        return task_losses(this, inner_loop_trajectories(this, point, config)[:, -1]).mean()

    weights = centre_weights(this, "maml", config)
    found = np.einsum("tij,tj->ti", weights, theta - this.centres).mean(0)
    for i, shift in enumerate(step * np.eye(len(theta))):
        difference = (objective(theta + shift) - objective(theta - shift)) / (2 * step)
        assert found[i] == pytest.approx(difference, abs=1e-9)


@every_world
def test_long_descent_ends_where_the_closed_form_says(this):
    for config, method in product(CONFIGS, CENTRE_WEIGHTS):
        theta, end = start(this, seed=3), closed_form_solution(this, method, config)
        matrix, offset = affine_meta_update(this, method, config)
        for _ in range(3000):
            theta = matrix @ theta + offset
        if end is None:
            assert np.abs(theta).max() > 30
        else:
            np.testing.assert_allclose(theta, end, atol=1e-6, err_msg=f"{method}, {config}")


def test_some_of_these_run_away():
    found = [closed_form_solution(this, "fomaml", CONFIGS[-1]) for this in WORLDS]
    assert 0 < sum(end is None for end in found) < len(found)


def ends(this: ToyWorld, config: AdaptConfig) -> dict[str, np.ndarray]:
    return {method: closed_form_solution(this, method, config) for method in CENTRE_WEIGHTS}


@every_shape
def test_the_methods_agree_where_all_bend_alike(n_tasks, n_params):
    this = toy_world("Same curvature", n_tasks, n_params)
    for config in CONFIGS:
        for found in ends(this, config).values():
            np.testing.assert_allclose(found, this.centres.mean(0))


@every_shape
def test_the_methods_disagree_where_some_are_steep_and_some_flat(n_tasks, n_params):
    """Multi-task training sits where the steep tasks are, MAML where the flat ones are."""
    this = toy_world("Steep and flat", n_tasks, n_params)
    found = ends(this, AdaptConfig(0.22, 2))
    order = [found[method][0] for method in ("multi_task", "reptile", "fomaml", "maml")]
    assert min(np.diff(order)) > 0.1
    assert order[0] < -1 < 1 < order[-1]
    if n_params == 2:  # the corner across
        np.testing.assert_allclose([found[m][1] for m in found], [-found[m][0] for m in found])


@every_world
def test_reptile_in_one_step_is_multi_task_training(this):
    found = ends(this, AdaptConfig(0.2, 1))
    np.testing.assert_allclose(found["reptile"], found["multi_task"])


def test_in_one_parameter_the_weights_are_those_of_the_explanation():
    this, config = toy_world("All different", 4, 1), AdaptConfig(0.2, 3)
    for i, a in enumerate(this.curvatures.ravel()):
        left = (1 - 0.2 * a) ** 3
        expected = {"maml": a * left**2, "fomaml": a * left, "reptile": 1 - left, "multi_task": a}
        expected["imaml"] = a / (1 + 3 * 0.2 * a) ** 2
        for method, weight in expected.items():
            assert centre_weights(this, method, config)[i, 0, 0] == pytest.approx(weight)


def test_a_method_that_runs_away_or_is_held_nowhere_has_no_end():
    """One odd step that overshoots turns first-order MAML's weight around; MAML's stays above 0."""
    steep = ToyWorld(np.array([[1.0]]), np.array([[[3.0]]]))
    assert closed_form_solution(steep, "fomaml", AdaptConfig(0.5, 1)) is None
    assert closed_form_solution(steep, "maml", AdaptConfig(0.5, 1)) == pytest.approx(1)
    solved = ToyWorld(np.array([[1.0]]), np.array([[[2.0]]]))
    assert closed_form_solution(solved, "maml", AdaptConfig(0.5, 1)) is None, "solved from anywhere"
    assert meta_lr(solved, "maml", AdaptConfig(0.5, 1)) == 0


@every_world
def test_a_level_is_a_curve_of_one_loss(this):
    for centre, curvature in zip(this.centres, this.curvatures, strict=True):
        shape = inverse_square_root(curvature)
        for angle in np.linspace(0, 6, 7):
            unit = np.array([np.cos(angle), np.sin(angle)])[: len(centre)]
            unit /= np.linalg.norm(unit)
            away = shape @ (3 * unit)
            assert away @ curvature @ away / 2 == pytest.approx(9 / 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Corners", 2, 1), "layout is 'Corners'; choose one of Steep and flat"),
        (("All different", 3, 1), "n_tasks is 3"),
        (("All different", 2, 3), "n_params is 3"),
    ],
)
def test_an_unknown_world_is_a_sentence(arguments, words):
    with pytest.raises(ValueError, match=words):
        toy_world(*arguments)
