"""Convolution and batch normalisation of one task's pictures or of many tasks' at once.

Each task has parameters and statistics of its own. On a CPU tasks are done one after the other,
so that a task's pictures stay in a core's cache and the kernels are those of plain networks; what
lies between convolution and normalisation stays in a tensor for each task and is not copied
together. A task by itself goes torch's own way, whose derivatives need no Python. Everything can
be differentiated twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from maml_core.networks.shared_statistics import are_shared, over_whole_batch

EPSILON = 1e-5  # as torch.nn.BatchNorm2d
ByTask = tuple[Tensor, ...]
"""What T tasks have, each in a tensor of its own."""


def convolve(x: Tensor, filters: Tensor, stride: int) -> Tensor | ByTask:
    """Convolve pictures with 3x3 filters, padded by one pixel.

    Args:
        x: [B, in_channels, height, width], or those of T tasks, [T, B, …].
        filters: [channels, in_channels, 3, 3], or each task's own, [T, channels, …].
        stride: ≥ 1.

    Returns:
        [B, channels, height / stride, width / stride], rounded up; of T tasks one for each, or
        where they are done at once [T, B, …].
    """
    if x.ndim == 4:
        if _is_on_cpu(x) and x.shape[1] == 1:
            return _convolve_one_channel(x, filters, stride)
        return F.conv2d(x, filters, stride=stride, padding=1)
    if _is_on_cpu(x):
        filters = filters.expand(len(x), *filters.shape[-4:])
        if x.shape[2] > 1:
            found: ByTask = _Convolve.apply(x, filters, stride)  # type: ignore[no-untyped-call]
            return found
        return tuple(_convolve_one_channel(a, b, stride) for a, b in _together(x, filters))
    if filters.ndim == 4:
        out = F.conv2d(x.flatten(0, 1), filters, stride=stride, padding=1)
        return out.view(*x.shape[:2], *out.shape[1:])
    groups = len(filters)  # a task's channels beside another's
    beside, filters = x.transpose(0, 1).flatten(1, 2), filters.flatten(0, 1)
    out = F.conv2d(beside, filters, stride=stride, padding=1, groups=groups)
    return out.view(len(out), groups, -1, *out.shape[2:]).transpose(0, 1)


def _convolve_one_channel(x: Tensor, filters: Tensor, stride: int) -> Tensor:
    """Convolve as a product of matrices, ten times as fast as oneDNN's kernel for one channel."""
    columns = F.unfold(x, 3, stride=stride, padding=1).mT  # [B, pixels, 9]
    out = torch.bmm(columns, filters.flatten(1).mT.expand(len(x), -1, -1)).mT
    height, width = ((side + stride - 1) // stride for side in x.shape[-2:])
    return out.view(*out.shape[:2], height, width)


class _Convolve(Function):
    """Each task's pictures with its own filters, and what is the same for all tasks at once."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor, stride: int) -> ByTask:
        ctx.save_for_backward(x, filters)
        ctx.stride = stride
        return _convolved(x, filters, stride)

    @staticmethod
    def backward(ctx: Any, *g: Tensor) -> tuple[Tensor | None, ...]:
        needed = tuple(ctx.needs_input_grad[:2])
        found = _ConvolveGradient.apply(*ctx.saved_tensors, ctx.stride, needed, *g)  # type: ignore[no-untyped-call]
        return (*found, None)


class _ConvolveGradient(Function):
    """g ↦ the gradients of ⟨g, x * filters⟩ by x and by the filters, where they are needed."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, filters: Tensor, stride: int, needed: tuple[bool, bool], *g: Tensor
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(x, filters, *g)
        ctx.set_materialize_grads(False)
        ctx.stride = stride
        return _convolution_gradients(g, x, filters, stride, needed)

    @staticmethod
    def backward(ctx: Any, u: Tensor | None, v: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of ⟨g, u * filters⟩ + ⟨g, x * v⟩ by x, the filters and g."""
        x, filters, *g = ctx.saved_tensors
        stride, (by_x, by_filters) = ctx.stride, ctx.needs_input_grad[:2]
        by_g = _convolved(u, filters, stride) if u is not None else ()
        if v is not None:
            of_v = _convolved(x, v, stride)
            by_g = tuple(a.add_(b) for a, b in zip(by_g, of_v, strict=True)) if by_g else of_v
        needed = (by_x and v is not None, by_filters and u is not None)
        of_x, of_filters = _convolution_gradients(
            g, x if u is None else u, filters if v is None else v, stride, needed
        )
        return of_x, of_filters, None, None, *(by_g or (None,) * len(g))


def _convolved(x: Tensor, filters: Tensor, stride: int) -> ByTask:
    if _are_shared(filters):
        out = torch.conv2d(x.flatten(0, 1), filters[0], None, stride, 1)
        return out.view(*x.shape[:2], *out.shape[1:]).unbind()
    return tuple(torch.conv2d(a, b, None, stride, 1) for a, b in _together(x, filters))


def _convolution_gradients(
    g: Sequence[Tensor], x: Tensor, filters: Tensor, stride: int, needed: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    by_x, by_filters = needed
    of_x = of_filters = None
    if by_x and _are_shared(filters):  # one convolution for all tasks
        of_x, _ = _gradients(torch.cat(list(g)), x.flatten(0, 1), filters[0], stride, (True, False))
        of_x, by_x = of_x.view(x.shape), False
    if by_x or by_filters:
        needed = by_x, by_filters
        done = [_gradients(a, b, c, stride, needed) for a, b, c in _together(g, x, filters)]
        of_x = _stacked([each for each, _ in done]) if by_x else of_x
        of_filters = _stacked([each for _, each in done]) if by_filters else None
    return of_x, of_filters


def _gradients(
    g: Tensor, x: Tensor, filters: Tensor, stride: int, needed: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    of_x, of_filters, _ = torch.ops.aten.convolution_backward(
        g, x, filters, None, [stride] * 2, [1, 1], [1, 1], False, [0, 0], 1, [*needed, False]
    )
    return of_x, of_filters


def _are_shared(values: Tensor) -> bool:
    """Say whether all tasks still have the same values, expanded to one for each."""
    return values.stride(0) == 0


def normalise(
    x: Tensor | ByTask,
    gain: Tensor,
    shift: Tensor,
    reference: int | None = None,
    *,
    relu: bool = False,
) -> Tensor:
    """Normalise each channel with the statistics of the batch at hand.

    Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 1. It can be differentiated twice.

    Args:
        x: [B, channels, height, width], where all B pictures share the statistics, or those of T
            tasks, [T, B, …] or one for each.
        gain: γ, [channels] or [T, channels].
        shift: β of that paper, likewise.
        reference: Take the statistics of the first so many pictures only, 1 to B; None: of all.
        relu: Set what is negative then to 0.

    Returns:
        The same of one task, else [T, B, …].
    """
    if reference is None and _is_on_cpu(gain) and x[0].dtype == gain.dtype and not are_shared():
        if isinstance(x, Tensor) and x.ndim == 4:
            out = torch.batch_norm(x, gain, shift, None, None, True, 0.0, EPSILON, False)
            return F.relu(out, inplace=True) if relu else out
        rows = (v.expand(len(x), -1) for v in (gain, shift))
        of_all: Tensor = _Normalise.apply(*rows, relu, *x)  # type: ignore[no-untyped-call]
        return of_all
    if not isinstance(x, Tensor):
        x = torch.stack(x)
    used = x[..., :reference, :, :, :]
    centred = x - over_whole_batch(used.mean(dim=(-4, -2, -1), keepdim=True))
    # In two passes: `torch.var_mean` makes the forward pass take twice as long on a CPU.
    squares = centred[..., :reference, :, :, :].square()
    variance = over_whole_batch(squares.mean(dim=(-4, -2, -1), keepdim=True))
    scale = torch.rsqrt(variance + EPSILON) * gain[..., None, :, None, None]
    out = centred * scale + shift[..., None, :, None, None]
    return F.relu(out) if relu else out


class _Normalise(Function):
    """x̂ γ + β for T tasks, one after the other.

    torch's own second derivative takes some thirty passes over the memory; this takes six. With
    s = 1/√(variance + ε), x̂ = s (x − mean x) and P(z) = z − mean z − x̂ mean(z x̂), over the M
    pixels of a channel: ∂x̂/∂x is s P, which is symmetric, and ∂s/∂x is −s² x̂ / M.
    """

    @staticmethod
    def forward(ctx: Any, gain: Tensor, shift: Tensor, relu: bool, *x: Tensor) -> Tensor:
        out = _empty_for(x)
        mean, s = gain.new_empty(2, *gain.shape)
        for own, weight, bias, *to in _together(x, gain, shift, out, mean, s):
            torch.native_batch_norm(
                own, weight, bias, None, None, True, 0.0, EPSILON, out=(to[0], to[1], to[2])
            )
            if relu:
                to[0].relu_()
        ctx.save_for_backward(gain, mean, s, out if relu else None, *x)
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        by_gain, by_shift, *by_x = _Gradient.apply(g, *ctx.saved_tensors)  # type: ignore[no-untyped-call]
        return by_gain, by_shift, None, *by_x


class _Gradient(Function):
    """g ↦ (Σ g x̂, Σ g, γ s P(g)), the gradients by γ, β and x."""

    @staticmethod
    def forward(
        ctx: Any,
        g: Tensor,
        gain: Tensor,
        mean: Tensor,
        s: Tensor,
        out: Tensor | None,
        *x: Tensor,
    ) -> ByTask:
        masked = _masked(g, x, out)
        done = [_task_gradient(*task) for task in _together(masked, x, gain, mean, s)]
        by_x, *rows = zip(*done, strict=True)
        by_gain, by_shift = map(torch.stack, rows)
        ctx.save_for_backward(gain, mean, s, by_gain, by_shift, out, *x, *masked)
        return by_gain, by_shift, *by_x

    @staticmethod
    def backward(ctx: Any, v: Tensor, w: Tensor, *u: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of ⟨u, γ s P(g)⟩ + ⟨v, Σ g x̂⟩ + ⟨w, Σ g⟩ by g, γ and x."""
        gain, mean, s, sum_gx, sum_g, out, *saved = ctx.saved_tensors
        n = len(u)
        x, g = saved[:n], saved[n:]
        u = tuple(_laid_out_as(own, each) for own, each in zip(x, u, strict=True))
        m = x[0].numel() // x[0].shape[1]
        done = [_task_gradient(*task) for task in _together(u, x, gain, mean, s)]
        sum_ug = [(a * b).sum((0, 2, 3)) for a, b in _together(u, g)]
        by_g, sum_ux, sum_u = zip(*done, strict=True)
        sums = torch.stack([*sum_ux, *sum_u, *sum_ug]).view(3, n, -1)
        mean_ux, mean_u, mean_ug = sums / m
        mean_gx, mean_g = sum_gx / m, sum_g / m
        along = mean_ug - mean_u * mean_g - mean_ux * mean_gx  # mean(u P(g))
        of_u, of_g = -gain * s * mean_gx, v - gain * s * mean_ux
        # By x: s P(of_u u + of_g g) − γ s² along x̂, a sum of u, g, x and 1 in each channel.
        of_x = -s * s * (of_u * mean_ux + of_g * mean_gx + gain * s * along)
        of_one = -s * (of_u * mean_u + of_g * mean_g) - of_x * mean
        # By g: γ s P(u) + v x̂ + w.
        vs = v * s
        rows = torch.stack([vs, w - vs * mean, s * of_u, s * of_g, of_x, of_one])
        factors = rows[..., None, None].unbind()
        by_x = [torch.empty_like(own) for own in x]
        for own_u, own_x, own_g, each, to_x, *f in _together(u, x, g, by_g, by_x, *factors):
            each.addcmul_(own_x, f[0]).add_(f[1])
            torch.addcmul(f[5], own_u, f[2], out=to_x).addcmul_(own_g, f[3]).addcmul_(own_x, f[4])
        by_received = _stacked(by_g) if out is None else torch.empty_like(out)
        if out is not None:
            for own_g, own, to in _together(by_g, out, by_received):
                torch.ops.aten.threshold_backward.grad_input(own_g, own, 0, grad_input=to)
        return by_received, s * m * along, None, None, None, *by_x


def _masked(g: Tensor, x: Sequence[Tensor], out: Tensor | None) -> ByTask:
    """Return a gradient where ReLU's output is positive and 0 elsewhere; all without an output."""
    if out is None:
        return tuple(_laid_out_as(a, b) for a, b in _together(x, g))
    mask = torch.ops.aten.threshold_backward
    return tuple(mask(a, b, 0) for a, b in _together(_laid_out_as(out, g), out))


def _task_gradient(
    g: Tensor, x: Tensor, gain: Tensor, mean: Tensor, s: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return γ s P(g), Σ g x̂ and Σ g."""
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.native_batch_norm_backward(
        g, x, gain, None, None, mean, s, True, EPSILON, [True, True, True]
    )
    return found


def _is_on_cpu(x: Tensor) -> bool:
    """Say whether one task after the other is fast; a GPU wants all of them at once."""
    return x.device.type == "cpu"


def _together(*values: Tensor | Iterable[Tensor]) -> list[tuple[Tensor, ...]]:
    """Return what each task has of several values."""
    by_task = (v.unbind() if isinstance(v, Tensor) else v for v in values)
    return list(zip(*by_task, strict=True))


def _laid_out_as(x: Tensor, other: Tensor) -> Tensor:
    """Return a tensor with the strides of x: passes over two layouts take several times as long."""
    return other if other.stride() == x.stride() else torch.empty_like(x).copy_(other)


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    """Return `torch.stack`, which would lay the channels out first, in the layout of the parts."""
    out = _empty_for(parts)
    torch._foreach_copy_(list(out.unbind()), list(parts))
    return out


def _empty_for(parts: Sequence[Tensor]) -> Tensor:
    """Return room for tensors of one shape, beside each other, in the layout of the first."""
    first = parts[0]
    size, sides = (len(parts), *first.shape), zip(first.shape, first.stride(), strict=True)
    is_dense = sum((n - 1) * stride for n, stride in sides) == first.numel() - 1
    if not is_dense:
        return first.new_empty(size)
    return first.new_empty_strided(size, (first.numel(), *first.stride()))
