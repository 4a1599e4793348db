"""Exact Hessian-vector products of a loss, and the extreme eigenvalues of its Hessian from them.

The Hessian H is never formed unless it is tiny: the products Hv are gradients of gradients
(Pearlmutter 1994), and a few dozen of them give its extreme eigenvalues by the implicitly
restarted Lanczos method of ARPACK (Lehoucq, Sorensen & Yang 1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
from threadpoolctl import threadpool_limits
from torch import Tensor

from maml_core.networks.params import Params, flatten, gradient

N_LARGEST = 3  # eigenvalues that are reported from the upper end
MAX_FORMED = 24  # a Hessian of so many rows is formed, which costs no more products than Lanczos
MAX_RESTARTS = 20  # of Lanczos; at 5-way 1-shot one or two suffice, about 30 products
TOLERANCE = 1e-3  # relative, of an eigenvalue
SEED = 0  # of the vector that Lanczos starts from; the result hardly depends on it

HessianProduct = Callable[[Tensor], Tensor]  # v ↦ Hv, both [n]


@dataclass(frozen=True)
class ExtremeEigenvalues:
    """The ends of a symmetric matrix' spectrum.

    Attributes:
        largest: Its `N_LARGEST` largest eigenvalues, in descending order. Fewer where it has fewer
            rows or where they did not converge: then the one is a lower bound. Not a number where
            a product is not finite. Of eigenvalues closer than `TOLERANCE` some may be missing.
        smallest: The smallest; where it did not converge, an upper bound.
        n_hvp: How many Hessian-vector products were computed.
        converged: Whether all of them converged to `TOLERANCE`.
    """

    largest: tuple[float, ...]
    smallest: float
    n_hvp: int
    converged: bool


def second_order(
    loss_fn: Callable[[Params], Tensor], params: Params
) -> tuple[float, Tensor, HessianProduct]:
    """Return a loss, its gradient as one vector [n], and v ↦ Hv on such vectors.

    Args:
        loss_fn: Returns a scalar loss at given parameters.
        params: θ, with n entries in all.
    """
    leaves = {name: value.detach().requires_grad_() for name, value in params.items()}
    inputs = list(leaves.values())
    with torch.enable_grad():
        loss = loss_fn(leaves)
        slope = flatten(gradient(loss, leaves, create_graph=True).values())

    def product(vector: Tensor) -> Tensor:
        if slope.grad_fn is None:  # linear in every parameter
            return torch.zeros_like(slope)
        # allow_unused: a loss that is linear in a parameter has no second derivative in it.
        rows = torch.autograd.grad(
            slope, inputs, vector, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        return flatten(rows)

    return float(loss.detach()), slope.detach(), product


def extreme_eigenvalues(product: HessianProduct, like: Tensor) -> ExtremeEigenvalues:
    """Return the largest and the smallest eigenvalues of a symmetric matrix from its products.

    ARPACK works in float64; the products have the precision of `like`.

    Args:
        product: v ↦ Hv.
        like: A vector of the right length n ≥ 1, type and device.
    """
    counted = _CountedProduct(product, like)
    try:
        if len(like) <= MAX_FORMED:
            values = np.linalg.eigvalsh([counted(row) for row in np.eye(len(like))])
        else:
            # Two threads of BLAS took four times the processor time of one, and twice as long.
            with threadpool_limits(1, "blas"):
                values = _lanczos(counted, len(like))
    except FloatingPointError:
        return ExtremeEigenvalues((float("nan"),), float("nan"), counted.count, False)
    except ArpackError:
        low, high = counted.bounds
        return ExtremeEigenvalues((high,), low, counted.count, False)
    largest = tuple(np.sort(values)[::-1][:N_LARGEST].tolist())
    return ExtremeEigenvalues(largest, float(np.min(values)), counted.count, True)


def _lanczos(product: _CountedProduct, n: int) -> np.ndarray:
    """Return the `N_LARGEST` largest and the two smallest eigenvalues of a matrix of n rows.

    Raises:
        ArpackError: They did not converge.
        FloatingPointError: A product is not finite.
    """
    start = np.random.default_rng(SEED).standard_normal(n)
    scale = float(np.linalg.norm(product(start / np.linalg.norm(start))))
    if scale == 0:
        return np.zeros(N_LARGEST + 2)  # a random vector is in the null space: H is zero
    # ARPACK begins in the range of its operator, so it never finds the eigenvalue 0, which most
    # Hessians have and which is the smallest of a convex loss: shifted by 1, it is none. Scaled,
    # because ARPACK's tolerance has an absolute floor.
    operator = LinearOperator((n, n), matvec=lambda v: product(v) / scale + v, dtype=np.float64)
    found: np.ndarray = eigsh(
        operator,
        k=N_LARGEST + 2,
        which="BE",  # both ends, the upper one more
        v0=start,
        tol=TOLERANCE,
        maxiter=MAX_RESTARTS,
        return_eigenvectors=False,
        rng=np.random.default_rng(SEED),
    )
    return (found - 1) * scale


class _CountedProduct:
    """v ↦ Hv on float64 arrays; counts, and keeps the extremes of vᵀHv / vᵀv.

    They bound the spectrum from within, converged or not.
    """

    def __init__(self, product: HessianProduct, like: Tensor) -> None:
        self._product, self._like = product, like
        self.count = 0
        self.bounds = (np.inf, -np.inf)

    def __call__(self, vector: np.ndarray) -> np.ndarray:
        image = self._product(torch.from_numpy(vector.copy()).to(self._like))
        self.count += 1
        found: np.ndarray = image.double().cpu().numpy()
        if not np.isfinite(found).all():
            raise FloatingPointError("A Hessian-vector product is not finite.")
        quotient = float(vector @ found / (vector @ vector))
        self.bounds = min(self.bounds[0], quotient), max(self.bounds[1], quotient)
        return found
