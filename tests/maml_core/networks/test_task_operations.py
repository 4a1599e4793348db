"""Convolution and normalisation of many tasks against torch's own, task by task, in float64."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from maml_core.networks import task_operations
from maml_core.networks.task_operations import EPSILON, normalise


@pytest.fixture(params=["one by one", "all at once"])
def either_way(request, monkeypatch):
    """As on a CPU, and as on a GPU."""
    on_cpu = request.param == "one by one"
    monkeypatch.setattr(task_operations, "_is_on_cpu", lambda _: on_cpu)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def plain_convolution(stride, x, filters):
    return torch.stack(
        [F.conv2d(a, b, stride=stride, padding=1) for a, b in zip(x, filters, strict=True)]
    )


def plain_normalisation(relu, x, gain, shift):
    out = torch.stack(
        [
            F.batch_norm(own, None, None, a, b, training=True, eps=EPSILON)
            for own, a, b in zip(x, gain, shift, strict=True)
        ]
    )
    return F.relu(out) if relu else out


def convolve(x, filters, stride):
    """Return what tasks have in one tensor, either way."""
    found = task_operations.convolve(x, filters, stride)
    return found if isinstance(found, torch.Tensor) else torch.stack(found)


def derivatives(function, inputs, seed):
    """Return a function's value, its gradients, and those of the gradients along a direction."""
    value = function(*inputs)
    along = draw(*value.shape, seed=seed)
    first = torch.autograd.grad((value * along).sum(), inputs, create_graph=True)
    second = torch.autograd.grad(
        sum((g * draw(*g.shape, seed=seed + i)).sum() for i, g in enumerate(first, 1)),
        (*inputs, along),
        allow_unused=True,
        materialize_grads=True,
    )
    return [value, *first, *second]


def assert_same(found, expected):
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_convolution_of_tasks_is_that_of_each_task(either_way, channels, stride):
    inputs = draw(3, 2, channels, 5, 6), draw(3, 4, channels, 3, 3, seed=1)
    plain = partial(plain_convolution, stride)
    assert_same(
        derivatives(lambda x, w: convolve(x, w, stride), inputs, 2), derivatives(plain, inputs, 2)
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_shared_filters_give_each_task_a_gradient_of_its_own(either_way, channels):
    """As in the first inner step: expanded to all tasks, they are the same and differ after it."""
    x, filters = draw(3, 2, channels, 5, 6), draw(4, channels, 3, 3, seed=1)
    found, expected = (
        derivatives(lambda x, w, f=f: f(x, w.expand(3, *w.shape)), (x, filters), 2)
        for f in (lambda a, b: convolve(a, b, 2), partial(plain_convolution, 2))
    )
    assert_same(found, expected)
    expanded = filters.expand(3, *filters.shape)
    (own,) = torch.autograd.grad(convolve(x, expanded, 2).square().sum(), expanded)
    for task, gradient in zip(x, own, strict=True):
        alone = F.conv2d(task, filters, stride=2, padding=1).square().sum()
        torch.testing.assert_close(gradient, *torch.autograd.grad(alone, filters))


def test_filters_of_all_tasks_and_a_single_task_need_no_dimension(either_way):
    x, filters = draw(3, 2, 3, 5, 6), draw(4, 3, 3, 3, seed=1)
    for pictures in (x, x[0]):
        expected = F.conv2d(pictures.flatten(0, -4), filters, stride=2, padding=1)
        found = convolve(pictures, filters, 2)
        assert found.shape == (*pictures.shape[:-3], 4, 3, 3)
        torch.testing.assert_close(found.flatten(0, -4), expected)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_normalisation_of_tasks_is_that_of_each_task(either_way, channels_last, relu):
    x = draw(3, 4, 2, 3, 5)
    if channels_last:
        x = x.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3).detach().requires_grad_()
    inputs = x, draw(3, 2, seed=1), draw(3, 2, seed=2)
    plain = partial(plain_normalisation, relu)
    assert_same(
        derivatives(partial(normalise, relu=relu), inputs, 3), derivatives(plain, inputs, 3)
    )


def test_one_task_is_normalised_without_a_dimension_for_it(either_way):
    x, gain, shift = draw(4, 2, 3, 5), draw(2, seed=1), draw(2, seed=2)
    expected = F.batch_norm(x, None, None, gain, shift, training=True, eps=EPSILON)
    torch.testing.assert_close(normalise(x, gain, shift), expected)
    of_first = normalise(x, gain, shift, 2)[:2]
    torch.testing.assert_close(of_first, normalise(x[:2], gain, shift))


def test_derivatives_are_finite_differences(either_way):
    """The third oracle; pictures of one channel in another way than of more."""
    x, gain, shift = draw(2, 2, 2, 3, 3), draw(2, 2, seed=1), draw(2, 2, seed=2)
    for relu in (False, True):
        for check in (gradcheck, gradgradcheck):
            assert check(partial(normalise, relu=relu), (x, gain, shift))
    for channels in (1, 2):
        pair = draw(2, 1, channels, 4, 3), draw(2, 2, channels, 3, 3, seed=1)
        for check in (gradcheck, gradgradcheck):
            assert check(lambda a, b: convolve(a, b, 2), pair)
