"""Curvature against the whole Hessian, which a small network's loss allows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.landscape import curvature as curvature_module
from maml_core.landscape import hessian
from maml_core.landscape.curvature import curvature
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import HEAD, for_n_way, initial_params

N_WAY = 3


@pytest.fixture(scope="module")
def tiny():
    return Conv4(channels=2)


@pytest.fixture(scope="module")
def task(exact_tasks):
    tasks = exact_tasks(N_WAY, 2, 1, 1, seed=4)
    return tasks.support_x[0], tasks.support_y[0]


@pytest.fixture(scope="module")
def params(tiny, random_params):
    return random_params(tiny, rows=N_WAY, seed=3)


def unflat(vector, like):
    pieces = vector.split([value.numel() for value in like.values()])
    return {n: p.reshape(like[n].shape) for n, p in zip(like, pieces, strict=True)}


@pytest.fixture(scope="module")
def oracle(params, task, plain_conv4):
    """Loss, gradient and Hessian of a network on torch's own batch normalisation."""
    x, y = task

    def of_vector(vector):
        return F.cross_entropy(plain_conv4(unflat(vector, params), x), y)

    start = torch.cat([value.flatten() for value in params.values()])
    gradient = torch.autograd.functional.jacobian(of_vector, start)
    hessian = torch.autograd.functional.hessian(of_vector, start)
    return of_vector, start, gradient, hessian


def test_eigenvalues_are_those_of_the_whole_hessian(tiny, params, task, oracle):
    value, start, gradient, hessian = oracle
    found = curvature(tiny, params, *task, inner_lr=0.1)
    expected = np.linalg.eigvalsh(hessian.numpy())
    assert found.converged
    size = np.abs(expected).max()
    assert found.largest_eigenvalues == pytest.approx(expected[::-1][:3], abs=2e-3 * size)
    assert found.largest_eigenvalues[0] == pytest.approx(expected[-1], rel=1e-4)
    assert found.smallest_eigenvalue == pytest.approx(expected[0], abs=2e-3 * size)
    assert found.loss == pytest.approx(float(value(start)))
    assert found.gradient_norm == pytest.approx(float(gradient.norm()))
    unit = gradient / gradient.norm()
    assert found.along_gradient == pytest.approx(float(unit @ hessian @ unit))


@pytest.mark.parametrize("lr_multipliers", [None, dict.fromkeys(HEAD, torch.ones(()))])
@pytest.mark.parametrize("inner_lr", [1e-3, 0.5])
def test_the_quadratic_model_and_the_step_itself(
    lr_multipliers, inner_lr, tiny, params, task, oracle
):
    value, start, gradient, hessian = oracle
    found = curvature(tiny, params, *task, inner_lr=inner_lr, lr_multipliers=lr_multipliers)
    moves = torch.cat(
        [
            torch.full(
                (one.numel(),), float(lr_multipliers is None or name in lr_multipliers)
            ).double()
            for name, one in params.items()
        ]
    )
    step = -inner_lr * moves * gradient
    predicted = -float(gradient @ step + step @ hessian @ step / 2)
    assert found.predicted_decrease == pytest.approx(predicted)
    assert found.loss_decrease == pytest.approx(float(value(start) - value(start + step)))
    assert found.inner_lr == inner_lr


def test_for_small_steps_the_prediction_comes_true_to_third_order(tiny, params, task):
    errors = []
    for inner_lr in (4e-4, 2e-4):  # no ReLU changes sides on so short a way
        found = curvature(tiny, params, *task, inner_lr=inner_lr)
        errors.append(abs(found.predicted_decrease - found.loss_decrease))
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.2)


def test_with_a_head_of_zeros_the_first_step_moves_the_head_alone(tiny, task):
    """Then there is no curvature in the body alone, but head and body together curve both ways."""
    params = {n: v.double() for n, v in for_n_way(initial_params(tiny, 0), N_WAY).items()}
    found = curvature(tiny, params, *task, inner_lr=0.1)
    assert found.loss == pytest.approx(math.log(N_WAY))
    assert found.smallest_eigenvalue < 0 < found.largest_eigenvalues[0]
    assert found.along_gradient > 0


def test_what_did_not_converge_is_said_and_bounded_by_the_spectrum(
    tiny, params, task, oracle, monkeypatch
):
    monkeypatch.setattr(hessian, "MAX_RESTARTS", 1)
    monkeypatch.setattr(hessian, "TOLERANCE", 1e-15)
    found = curvature(tiny, params, *task, inner_lr=0.1)
    assert not found.converged
    expected = np.linalg.eigvalsh(oracle[3].numpy())
    assert expected[0] <= found.smallest_eigenvalue < 0 < found.largest_eigenvalues[0]
    assert found.largest_eigenvalues[0] <= expected[-1] * (1 + 1e-12)
    assert found.n_hvp < len(expected)


def test_parameters_that_are_not_finite_have_no_curvature(tiny, params, task):
    broken = dict(params) | {"head.bias": params["head.bias"] * math.nan}
    found = curvature(tiny, broken, *task, inner_lr=0.1)
    numbers = [found.loss, found.gradient_norm, found.smallest_eigenvalue, found.loss_decrease]
    assert np.isnan([*numbers, *found.largest_eigenvalues, found.along_gradient]).all()
    assert not found.converged
    assert found.step_fractions == curvature_module.STEP_FRACTIONS


@pytest.mark.usefixtures("untouched_global_rng")
def test_it_leaves_its_arguments_as_they_are(tiny, params, task):
    before = {name: value.clone() for name, value in params.items()}
    first, again = (curvature(tiny, params, *task, inner_lr=0.1) for _ in range(2))
    assert first == again
    for name, value in params.items():
        assert torch.equal(value, before[name])
        assert not value.requires_grad


def test_where_nothing_can_be_learned_there_is_no_gradient(tiny, params, task):
    """Two labels that share each picture leave a head of zeros where it is."""
    x, y = task
    blank = torch.zeros_like(x)
    params = {n: v.double() for n, v in for_n_way(initial_params(tiny, 0), N_WAY).items()}
    found = curvature(tiny, params, blank, y, inner_lr=0.1)
    assert found.gradient_norm == pytest.approx(0, abs=1e-12)
    assert found.loss_decrease == pytest.approx(0, abs=1e-12)
