"""The algebra on parameter dicts is that of the flattened vectors."""

from __future__ import annotations

import math

import pytest
import torch

from maml_core.networks import params as algebra
from maml_core.networks.meta_params import (
    LOG_LR_PREFIX,
    LOG_LR_SCALE,
    split_lr_multipliers,
    with_lr_multipliers,
)

SHAPES = {"conv": (4, 2, 3), "bias": (4,), "gain": ()}


def draw(seed):
    generator = torch.Generator().manual_seed(seed)
    return {n: torch.randn(s, generator=generator).double() for n, s in SHAPES.items()}


def flat(params):
    return torch.cat([params[name].flatten() for name in SHAPES])


A, B = draw(1), draw(2)
OPERATIONS = {
    "add": (lambda: algebra.add(A, B), flat(A) + flat(B)),
    "add scaled": (lambda: algebra.add(A, B, scale=-0.3), flat(A) - 0.3 * flat(B)),
    "subtract": (lambda: algebra.subtract(A, B), flat(A) - flat(B)),
    "scale": (lambda: algebra.scale(A, 2.5), 2.5 * flat(A)),
    "interpolate": (lambda: algebra.interpolate(A, B, 0.25), torch.lerp(flat(A), flat(B), 0.25)),
    "interpolate at 0": (lambda: algebra.interpolate(A, B, 0.0), flat(A)),
    "interpolate at 1": (lambda: algebra.interpolate(A, B, 1.0), flat(B)),
    "detach": (lambda: algebra.detach(A), flat(A)),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_are_those_of_flat_vectors(operation):
    compute, expected = OPERATIONS[operation]
    before = flat(A), flat(B)
    found = compute()
    torch.testing.assert_close(flat(found), expected, rtol=1e-14, atol=1e-14)
    assert {name: value.shape for name, value in found.items()} == {
        name: torch.Size(shape) for name, shape in SHAPES.items()
    }
    assert torch.equal(flat(A), before[0])
    assert torch.equal(flat(B), before[1])


def test_dot_and_norm_are_those_of_flat_vectors():
    torch.testing.assert_close(algebra.dot(A, B), torch.dot(flat(A), flat(B)))
    torch.testing.assert_close(algebra.norm(A), torch.linalg.vector_norm(flat(A)))


@pytest.mark.parametrize(
    "operation",
    [
        algebra.add,
        algebra.subtract,
        algebra.dot,
        lambda a, b: algebra.interpolate(a, b, 0.5),
    ],
)
def test_other_names_are_named(operation):
    other = {name: value for name, value in B.items() if name != "gain"} | {"odd one": B["gain"]}
    with pytest.raises(ValueError, match="gain, odd one"):
        operation(A, other)


def test_detach_cuts_the_graph_of_the_copy_only():
    leaf = torch.ones(3, requires_grad=True)
    params = {"w": 2 * leaf}
    assert not algebra.detach(params)["w"].requires_grad
    assert params["w"].requires_grad


def test_new_rates_are_factors_of_one():
    meta = with_lr_multipliers(A)
    assert meta.keys() == A.keys() | {LOG_LR_PREFIX + name for name in A}
    params, lr_multipliers = split_lr_multipliers(meta)
    assert params == A
    assert lr_multipliers == dict.fromkeys(A, 1.0)


def test_rates_that_are_there_are_kept():
    logs = {LOG_LR_PREFIX + "conv": torch.tensor(0.7), LOG_LR_PREFIX + "bias": torch.tensor(-2.0)}
    meta = with_lr_multipliers({**A, **logs})
    assert meta == {**A, **logs, LOG_LR_PREFIX + "gain": torch.tensor(0.0)}
    assert with_lr_multipliers(meta) == meta


def test_what_another_method_learned_beside_theta_is_not_taken_for_rates():
    other = {LOG_LR_PREFIX + "conv": torch.ones(3), "step/gain": torch.ones(3, 2)}
    assert with_lr_multipliers({**A, **other, "rate/bias": torch.ones(2)}) == with_lr_multipliers(A)


def test_rates_are_exponentials_of_what_is_stored():
    logs = {"conv": 0.7, "bias": -2.0}
    _, lr_multipliers = split_lr_multipliers(
        {**A, **{LOG_LR_PREFIX + n: torch.tensor(v) for n, v in logs.items()}}
    )
    assert lr_multipliers.keys() == logs.keys()
    for name, value in logs.items():
        assert lr_multipliers[name].item() == pytest.approx(
            math.exp(LOG_LR_SCALE * value), rel=1e-5
        )


def test_no_rates_are_none():
    assert split_lr_multipliers(A) == (A, None)
