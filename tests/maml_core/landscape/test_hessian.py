"""Hessian-vector products and extreme eigenvalues against closed forms and numpy's dense ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from maml_core.landscape import hessian
from maml_core.landscape.hessian import N_LARGEST, extreme_eigenvalues, second_order


def spectrum(values, seed=0):
    """Return a symmetric matrix with given eigenvalues and random eigenvectors."""
    values = np.array(values, dtype=float)
    draws = np.random.default_rng(seed).standard_normal((len(values),) * 2)
    vectors, _ = np.linalg.qr(draws)
    return torch.from_numpy(vectors * values @ vectors.T)


def eigenvalues_of(matrix):
    return extreme_eigenvalues(lambda v: matrix @ v, torch.zeros(len(matrix), dtype=torch.float64))


SPECTRA = {
    "one row": [-3.0],
    "two rows": [2.0, -1.0],
    "as many rows as are formed": np.linspace(-1, 1, hessian.MAX_FORMED),
    "one row more": np.linspace(-1, 1, hessian.MAX_FORMED + 1),
    "both signs": [-40.0, *np.linspace(-1, 1, 100), 150.0, 154.0, 155.0],
    "no eigenvalue below 0, many at it": [0.0] * 60 + [1.0, 2.0, 5.0],
    "none above 0": [-7.0, -2.0] + [0.0] * 60,
    "two that are not 0: Lanczos breaks down": [0.0] * 40 + [-1.0, 2.0],
    "all alike: it breaks down at once": [3.0] * 50,
    "zero": [0.0] * 50,
    "zero, two rows": [0.0] * 2,
    "tiny": np.linspace(-1e-20, 2e-20, 60),
    "huge": np.linspace(-1e150, 2e150, 60),
}


@pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA.keys())
def test_the_ends_of_the_spectrum_are_those_of_a_known_one(values):
    found = eigenvalues_of(spectrum(values))
    expected, size = np.sort(values)[::-1], np.abs(values).max()
    assert found.converged
    assert found.smallest == pytest.approx(expected[-1], abs=3e-3 * size)
    count = min(N_LARGEST, len(expected))
    assert found.largest == pytest.approx(tuple(expected[:count]), abs=3e-3 * size)
    assert found.n_hvp <= 200


def test_random_matrices_have_the_ends_that_numpy_finds():
    for seed in range(20):
        draws = np.random.default_rng(seed).standard_normal((40, 40))
        found = eigenvalues_of(torch.from_numpy(draws + draws.T))
        expected = np.linalg.eigvalsh(draws + draws.T)
        assert found.largest[0] == pytest.approx(expected[-1], rel=2e-3)
        assert found.smallest == pytest.approx(expected[0], rel=2e-3)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
@pytest.mark.parametrize("n", [2, 50])
def test_a_product_that_is_not_finite_gives_no_number_and_no_error(n, broken):
    matrix = torch.eye(n, dtype=torch.float64)
    matrix[0, 0] = broken
    found = eigenvalues_of(matrix)
    assert math.isnan(found.smallest)
    assert np.isnan(found.largest).all()
    assert not found.converged


def test_without_convergence_there_are_bounds_from_within(monkeypatch):
    monkeypatch.setattr(hessian, "MAX_RESTARTS", 1)
    matrix = spectrum(np.linspace(-1, 1, 300))
    found = eigenvalues_of(matrix)
    assert not found.converged
    assert -1 <= found.smallest < 0 < found.largest[0] <= 1
    assert 20 < found.n_hvp < 60


@pytest.mark.usefixtures("untouched_global_rng")
def test_the_same_matrix_gives_the_same_numbers():
    matrix = spectrum(np.linspace(-1, 3, 80))
    assert eigenvalues_of(matrix) == eigenvalues_of(matrix)


def test_single_precision_products_are_enough():
    exact = spectrum([-40.0, *np.linspace(-1, 1, 100), 150.0, 155.0])
    single = exact.float()
    found = extreme_eigenvalues(lambda v: single @ v, torch.zeros(len(single)))
    assert found.largest[0] == pytest.approx(155, rel=1e-5)
    assert found.smallest == pytest.approx(-40, rel=1e-5)


def test_products_are_those_of_a_closed_form():
    """L = Σ a_i⁴ + (a·b)² has a Hessian that one can write down."""
    a = torch.tensor([1.0, -2.0], dtype=torch.float64)
    b = torch.tensor([0.5, 3.0], dtype=torch.float64)

    def loss_fn(params):
        return (params["a"] ** 4).sum() + (params["a"] @ params["b"]) ** 2

    value, gradient, product = second_order(loss_fn, {"a": a, "b": b})
    dot = float(a @ b)
    eye = torch.eye(2, dtype=torch.float64)
    upper = torch.diag(12 * a**2) + 2 * torch.outer(b, b)
    mixed = 2 * torch.outer(b, a) + 2 * dot * eye
    lower = 2 * torch.outer(a, a)
    expected = torch.cat([torch.cat([upper, mixed], 1), torch.cat([mixed.T, lower], 1)])
    assert value == pytest.approx(float((a**4).sum()) + dot**2)
    torch.testing.assert_close(gradient, torch.cat([4 * a**3 + 2 * dot * b, 2 * dot * a]))
    rows = torch.stack([product(row) for row in torch.eye(4, dtype=torch.float64)])
    torch.testing.assert_close(rows, expected)


def test_a_linear_loss_has_a_hessian_of_zeros():
    slope = torch.arange(30, dtype=torch.float64)
    value, gradient, product = second_order(lambda p: slope @ p["a"], {"a": slope})
    assert value == float(slope @ slope)
    torch.testing.assert_close(gradient, slope)
    found = extreme_eigenvalues(product, gradient)
    assert (found.largest, found.smallest, found.converged) == ((0.0,) * 3, 0.0, True)
