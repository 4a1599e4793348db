"""MAML++: what its steps have of their own, and how their losses count as training goes on."""

from __future__ import annotations

import pytest
import torch

from maml_core.episodes.task_batch import TaskBatch
from maml_core.methods.inner_loop import adapt
from maml_core.methods.maml_plus_plus import first_steps
from maml_core.methods.meta_gradient import adapt_to_tasks
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.meta_params import split_lr_multipliers, step_params_of
from tests.support.meta_configs import INNER_LR, config_of
from tests.support.plain_maml import PlainMaml


@pytest.fixture
def meta_params(model, random_params):
    """θ, and of two steps what is their own, no two alike."""
    params, generator = random_params(model, 3, 0), torch.Generator().manual_seed(0)
    return params | {
        n: v + 0.3 * torch.randn(v.shape, generator=generator).double()
        for n, v in first_steps(params, 2).items()
    }


def test_maml_plus_plus_begins_as_maml_and_stays_so_where_its_steps_agree(
    model, exact_tasks, random_params, assert_same
):
    """With factors of one and the gains of θ at every step, only their moves are missing."""
    params = random_params(model, 3, 0)
    normalised = {n for n in params if n.endswith(("gain", "shift"))}
    frozen = {n: torch.ones(()) for n in params if n not in normalised}
    steps = first_steps(params, 2)
    tasks = exact_tasks()
    task = TaskBatch(*(column[0] for column in tasks))
    factors, own = split_lr_multipliers({**params, **steps})[1], step_params_of(steps)
    support = task.support_x, task.support_y
    how = {"inner_lr": INNER_LR, "inner_steps": 4}
    found = adapt(model, params, *support, lr_multipliers=factors, step_params=own, **how)
    expected = adapt(model, params, *support, lr_multipliers=frozen, **how)
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


def test_the_last_steps_own_serve_all_further_steps(model, exact_tasks, meta_params, plain_conv4):
    """As a plain loop of four steps whose third and fourth have what the second has."""
    config = config_of("maml_plus_plus", inner_steps=4)
    task = TaskBatch(*(column[0] for column in exact_tasks()))
    found = adapt_to_tasks(model, meta_params, task, config, first_order=False, moves="network")
    longer = {
        n: torch.cat([v, v[1:], v[1:]]) if "/" in n else v.clone().requires_grad_()
        for n, v in meta_params.items()
    }
    plain = PlainMaml(plain_conv4, config)
    expected = plain.trajectory(longer, task.support_x, task.support_y, 3)
    for one, other in zip(found, expected, strict=True):
        for name in one:
            torch.testing.assert_close(one[name], other[name].detach(), rtol=1e-6, atol=1e-9)
    assert (found[4]["head.weight"] - found[3]["head.weight"]).abs().max() > 1e-3


@pytest.mark.parametrize("progress", [0.3, 1.0])
@pytest.mark.parametrize("method", ["maml", "maml_plus_plus"])
def test_the_losses_count_less_before_the_last_step_as_training_goes_on(
    method, progress, model, random_params, meta_params, exact_tasks, plain_conv4
):
    meta = meta_params if method == "maml_plus_plus" else random_params(model, 3, 0)
    config = config_of(method, inner_steps=2, multi_step=method == "maml")
    tasks = exact_tasks()
    found, _ = META_GRADIENTS[method](model, meta, tasks, config, torch.tensor(progress).double())
    expected = PlainMaml(plain_conv4, config, progress).gradient(meta, tasks)
    at_first = PlainMaml(plain_conv4, config).gradient(meta, tasks)
    for name in found:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-9)
    assert (expected["head.weight"] - at_first["head.weight"]).abs().max() > 1e-3
