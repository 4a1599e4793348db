"""The methods of the inner loop once more, as plainly as can be."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from maml_core.episodes.task_batch import TaskBatch
from maml_core.networks.functional import HEAD
from maml_core.networks.meta_params import LOG_LR_PREFIX, LOG_LR_SCALE, LR_PREFIX


def rows_of(factor, name, n_way):
    return factor[:n_way] if name in HEAD and isinstance(factor, torch.Tensor) else factor


class PlainMaml:
    """MAML and its relatives as a loop over tasks, on `torch.autograd.grad` alone.

    `progress` of the training is the share by which the loss after the last step has taken the
    place of the mean of all.
    """

    def __init__(self, network, config, progress=0.0):
        self.network, self.config, self.progress = network, config, progress
        self.counts_every_step = config.multi_step or config.method == "maml_plus_plus"

    def trajectory(self, meta, x, y, n_way):
        """Return [θ₀ … θ_K], each a function of the leaves in `meta`.

        A head of one row is copied here, where the core puts zeros: the same in exact arithmetic.
        """
        head = {
            name: torch.cat([meta[name]] * n_way) if len(meta[name]) == 1 else meta[name][:n_way]
            for name in HEAD
        }
        body = {n: v for n, v in meta.items() if "/" not in n}
        points = [{**body, **head}]
        moving = tuple(body)
        if self.config.method in ("anil", "boil"):
            moving = tuple(n for n in body if (n in HEAD) == (self.config.method == "anil"))
        is_plus_plus = self.config.method == "maml_plus_plus"
        if is_plus_plus:  # whose gains and shifts are given
            moving = tuple(n for n in body if not n.endswith(("gain", "shift")))
        for number in range(self.config.inner_steps):
            now = points[-1]
            value = F.cross_entropy(self.network(now, x), y)
            second_order = self.config.method not in ("fomaml", "reptile")
            gradients = torch.autograd.grad(
                value,
                [now[n] for n in moving],
                create_graph=second_order,
                retain_graph=True,
                materialize_grads=True,  # zero for a bias before a normalisation
            )
            step = {
                n: self.config.inner_lr * self.factor(meta, n, n_way, number) * g
                for n, g in zip(moving, gradients, strict=True)
            }
            points.append({n: v - step[n] if n in step else v for n, v in now.items()})
            if is_plus_plus:
                for name in body.keys() - set(moving):
                    points[-1][name] = meta[f"step/{name}"][number]
        return points

    def factor(self, meta, name, n_way, number):
        """The factor on α, of which the logarithm is learned in units of 1 / LOG_LR_SCALE."""
        if LOG_LR_PREFIX + name not in meta:
            return rows_of(meta.get(LR_PREFIX + name, 1.0), name, n_way)
        factors = (LOG_LR_SCALE * meta[LOG_LR_PREFIX + name]).exp()
        return factors[number] if factors.ndim else factors

    def task_losses(self, meta, task):
        n_way = int(task.query_y.max()) + 1
        points = self.trajectory(meta, task.support_x, task.support_y, n_way)
        if self.config.transductive:
            outs = [self.network(p, task.query_x) for p in points]
        else:
            x, n = torch.cat([task.support_x, task.query_x]), len(task.support_x)
            outs = [self.network(p, x, n)[n:] for p in points]
        return [F.cross_entropy(out, task.query_y) for out in outs]

    def objective(self, meta, tasks):
        values = []
        for task in (TaskBatch(*columns) for columns in zip(*tasks, strict=True)):
            losses = self.task_losses(meta, task)
            values.append(losses[-1])
            if self.counts_every_step:
                mean = sum(losses[1:]) / len(losses[1:])
                values[-1] = self.progress * losses[-1] + (1 - self.progress) * mean
        return sum(values) / len(values)

    def gradient(self, meta, tasks):
        leaves = {n: v.detach().clone().requires_grad_() for n, v in meta.items()}
        if self.config.method == "reptile":
            return self.reptile(leaves, tasks)
        found = torch.autograd.grad(
            self.objective(leaves, tasks), list(leaves.values()), materialize_grads=True
        )
        return dict(zip(leaves, found, strict=True))

    def reptile(self, leaves, tasks):
        """The mean of θ − φ; what the copies of a shared row say is added up in the row."""
        total = {n: torch.zeros_like(v) for n, v in leaves.items()}
        for task in (TaskBatch(*columns) for columns in zip(*tasks, strict=True)):
            n_way = int(task.query_y.max()) + 1
            first, *_, last = self.trajectory(leaves, task.support_x, task.support_y, n_way)
            for name, row_sum in total.items():
                moved = (first[name] - last[name]).detach()
                if name not in HEAD:
                    row_sum += moved
                elif len(row_sum) == 1:
                    row_sum += moved.sum(0, keepdim=True)
                else:
                    row_sum[:n_way] += moved
        return {n: v / len(tasks.query_y) for n, v in total.items()}
