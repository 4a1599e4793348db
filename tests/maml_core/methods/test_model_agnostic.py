"""One inner and one outer loop for every network: what the gradient is, and that it learns."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict

import pytest
import torch
from torch.func import functional_call
from torch.nn import functional as F

from maml_core.config import AdaptConfig, EpisodeSpec, EvaluationConfig, TrainConfig
from maml_core.data.glyphs import dataset
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.task_batch import TaskBatch
from maml_core.evaluation.accuracy import evaluate
from maml_core.learners.adaptation import adapt_to_support
from maml_core.learners.checkpoints import Checkpoint, from_bytes, to_bytes
from maml_core.learners.learner import Learner
from maml_core.methods.maml_plus_plus import first_steps
from maml_core.methods.meta_gradient import adapt_to_tasks
from maml_core.methods.registry import FIRST_META_PARAMS, META_GRADIENTS
from maml_core.networks.functional import initial_params
from maml_core.networks.meta_params import split_lr_multipliers
from maml_core.networks.registry import MODELS, make_model
from maml_core.optimisation.outer_loop import TrainState
from maml_core.training.meta_training import meta_train, task_stream
from tests.support.meta_configs import ADAPTING, config_of
from tests.support.plain_maml import PlainMaml

SMALL = {
    "conv4": {"channels": 4},
    "resnet": {"channels": 2},
    "mlp": {"hidden": 16},
    "lstm": {"hidden": 12},
}
ALPHA = 0.25
UNUSED = {"allow_unused": True, "materialize_grads": True}  # biases before a normalisation


@pytest.mark.parametrize("name", MODELS)
def test_the_meta_gradient_is_that_of_a_plain_loop(name, exact_tasks, random_params):
    """Autograd through a written-out inner loop, one task after the other, in float64."""
    model = make_model({"name": name, **SMALL[name]}).double()
    meta, tasks = random_params(model, rows=3), exact_tasks(n_tasks=2)
    config = TrainConfig(n_ways=(3,), q_query=2, inner_lr=ALPHA, inner_steps=2)
    found, _ = META_GRADIENTS["maml"](model, meta, tasks, config)
    leaves = {n: v.clone().requires_grad_() for n, v in meta.items()}
    total = torch.zeros(())
    for task in (TaskBatch(*columns) for columns in zip(*tasks, strict=True)):
        fast = leaves
        for _ in range(2):
            out = functional_call(model, fast, (task.support_x,))
            loss = F.cross_entropy(out, task.support_y)
            slopes = torch.autograd.grad(loss, list(fast.values()), create_graph=True, **UNUSED)
            fast = {n: fast[n] - ALPHA * g for n, g in zip(fast, slopes, strict=True)}
        out = functional_call(model, fast, (task.query_x,))
        total = total + F.cross_entropy(out, task.query_y) / 2
    expected = dict(
        zip(leaves, torch.autograd.grad(total, list(leaves.values()), **UNUSED), strict=True)
    )
    for parameter in expected:
        torch.testing.assert_close(found[parameter], expected[parameter], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_each_of_mamls_plus_plus_steps_is_its_own_in_every_network(
    name, exact_tasks, random_params
):
    """As in a written-out loop, also where a network has no gains and shifts."""
    model = make_model({"name": name, **SMALL[name]}).double()
    theta, generator = random_params(model, rows=3), torch.Generator().manual_seed(0)
    own = {
        name: value + 0.1 * torch.randn(value.shape, generator=generator).double()
        for name, value in first_steps(theta, 3).items()
    }
    meta = {n: v.requires_grad_() for n, v in {**theta, **own}.items()}
    assert isinstance(split_lr_multipliers(meta)[1], list)
    task = TaskBatch(*(column[0] for column in exact_tasks(n_tasks=1)))
    config = config_of("maml_plus_plus", inner_steps=3)
    found = adapt_to_tasks(model, meta, task, config, first_order=False, moves="network")
    plain = PlainMaml(lambda params, x: functional_call(model, params, (x,)), config)
    expected = plain.trajectory(meta, task.support_x, task.support_y, 3)
    for one, other in zip(found, expected, strict=True):
        for parameter in one:
            torch.testing.assert_close(one[parameter], other[parameter], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("method", sorted(META_GRADIENTS))
def test_an_update_of_every_method_and_network_can_be_kept(
    method, name, exact_tasks, random_params
):
    """Everything has a finite gradient, and the file that holds it all is read again."""
    described = {"name": name, **SMALL[name]}
    model, config = make_model(described), config_of(method, 3 if method in ADAPTING else 0)
    start = initial_params(model, 0) if method != "multi_task" else random_params(model, rows=3)
    start = {n: v.float() for n, v in start.items()}
    own = FIRST_META_PARAMS.get(method)
    meta = {**start, **(own(start, config) if own else {})}
    tasks = TaskBatch(*(c.float() if c.is_floating_point() else c for c in exact_tasks(n_tasks=2)))
    slopes, _ = META_GRADIENTS[method](model, meta, tasks, config, torch.zeros(()))
    assert slopes.keys() == meta.keys()
    assert all(slope.isfinite().all() for slope in slopes.values())
    updated = {n: value - 1e-3 * slopes[n] for n, value in meta.items()}
    told = {"method": method, "model": described, "inner_lrs": {"3": ALPHA}}
    content = to_bytes(Checkpoint(updated, told | {"config": asdict(config)}))
    read = from_bytes(content, "own.safetensors")
    assert read.params.keys() == updated.keys()
    support = TaskBatch(*(column[0] for column in tasks))
    *_, end = adapt_to_support(
        read.learner(), support.support_x, support.support_y, 3, AdaptConfig(ALPHA, 4)
    )
    assert all(value.isfinite().all() for value in end.values())


def trained_and_random(model, pool, config, seen=None):
    """Return the query accuracy by inner step after meta-training and of its start.

    Args:
        model: The network.
        pool: What the accuracy is of, 30 episodes; the start takes ten times the α where that is
            better for it.
        config: How to train.
        seen: What to train on, if not the same.
    """
    start = initial_params(model, 0)
    tasks = task_stream(seen or pool, config)
    (last,) = deque(meta_train(model, TrainState(0, start), tasks, config), maxlen=1)
    (n_way,) = config.n_ways

    def accuracy(params, inner_lr):
        learner = Learner("maml", model, params, {n_way: inner_lr})
        spec = EpisodeSpec(n_way, 1, 5)
        *_, found = evaluate(
            learner,
            pool,
            spec,
            EvaluationConfig(inner_steps=config.inner_steps, episodes=30, seed=7),
        )
        return found.accuracy

    lr_multipliers = [factor * config.inner_lr for factor in (1, 10)]
    random = max((accuracy(start, rate) for rate in lr_multipliers), key=lambda found: found[-1])
    return accuracy(last.params, config.inner_lr), random


@pytest.mark.parametrize(
    ("name", "updates", "beta"),
    [("conv4", 30, 1e-2), ("resnet", 30, 1e-2), ("mlp", 40, 1e-2), ("lstm", 15, 3e-2)],
)
def test_every_network_learns_to_adapt(name, updates, beta, easy_pool):
    """On noisy templates, one step leads far above chance and far above one from the start."""
    model = make_model({"name": name, **SMALL[name]})
    config = TrainConfig(
        n_ways=(3,),
        q_query=3,
        inner_lr=0.4,
        meta_lr=beta,
        meta_batch_size=4,
        meta_steps=updates,
        augment=False,
        seed=1,
    )
    trained, random = trained_and_random(model, easy_pool, config)
    assert trained[0] == pytest.approx(1 / 3)
    assert trained[1] > trained[0] + 0.25
    assert trained[1] > random[1] + 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "updates"), [("conv4", 150), ("mlp", 200), ("lstm", 150)])
def test_every_network_learns_to_adapt_to_unseen_glyphs(name, updates):
    """5-way 1-shot on alphabets that it was not trained on, a few hundred updates."""
    data = dataset.generate(n_alphabets=20)
    seen, unseen = (make_pool(data, split_classes(data, "classes", p)) for p in ("train", "test"))
    config = TrainConfig(meta_lr=3e-3, meta_batch_size=8, meta_steps=updates, augment=False)
    trained, random = trained_and_random(make_model({"name": name}), unseen, config, seen)
    assert trained[0] == pytest.approx(1 / 5)
    assert trained[1] > trained[0] + 0.2
    assert trained[1] > random[1] + 0.1
