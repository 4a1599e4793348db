"""The inner loop against a plain loop of `torch.autograd.grad` and against a closed form."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from maml_core.config import TrainConfig
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import accuracy, cross_entropy
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import HEAD, for_n_way, initial_params, logits
from maml_core.networks.meta_params import multipliers_of


@pytest.fixture
def start(model, random_params):
    return random_params(model, rows=3)


@pytest.fixture
def support(exact_tasks):
    tasks = exact_tasks(n_way=3, k_shot=2, n_tasks=1)
    return tasks.support_x[0], tasks.support_y[0]


def plain_trajectory(network, params, x, y, inner_lr, inner_steps, lr_multipliers):
    """Gradient descent as one would type it; a name without a rate stays."""
    trajectory = [params]
    for _ in range(inner_steps):
        leaves = {n: v.detach().clone().requires_grad_() for n, v in trajectory[-1].items()}
        value = F.cross_entropy(network(leaves, x), y)
        gradients = dict(
            zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True)
        )
        trajectory.append(
            {n: v - inner_lr * lr_multipliers.get(n, 0.0) * gradients[n] for n, v in leaves.items()}
        )
    return trajectory


RATES = {
    "one rate": None,
    "a factor for each": {
        f"blocks.{i}.{part}": 0.1 + 0.2 * i + 0.05 * len(part)
        for i in range(4)
        for part in ("conv.weight", "conv.bias", "gain", "shift")
    }
    | {"head.weight": 1.5, "head.bias": 2.0},
    "head only": dict.fromkeys(HEAD, 1.0),
    "some stay": {"blocks.1.conv.weight": 0.3, "head.bias": 2.0},
}


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("lr_multipliers", RATES)
@pytest.mark.parametrize("inner_steps", [1, 4])
def test_steps_are_those_of_a_plain_loop(
    inner_steps, lr_multipliers, first_order, model, start, support, plain_conv4, assert_same
):
    factors = RATES[lr_multipliers]
    options = {"inner_lr": 0.3, "inner_steps": inner_steps}
    found = adapt(
        model, start, *support, lr_multipliers=factors, first_order=first_order, **options
    )
    applied = dict.fromkeys(start, 1.0) if factors is None else factors
    expected = plain_trajectory(plain_conv4, start, *support, lr_multipliers=applied, **options)
    assert len(found) == inner_steps + 1
    for mine, theirs in zip(found, expected, strict=True):
        assert_same(mine, theirs, rtol=1e-10, atol=1e-10)
    for name in start.keys() - applied.keys():
        assert found[-1][name] is start[name]


def test_a_factor_may_be_a_tensor(model, start, support, assert_same):
    options = {"inner_lr": 0.3, "inner_steps": 2}
    tensors = {name: torch.tensor(0.5).double() for name in start}
    halved = adapt(model, start, *support, lr_multipliers=tensors, **options)
    assert_same(
        halved[-1],
        adapt(model, start, *support, **options | {"inner_lr": 0.15})[-1],
        rtol=1e-12,
        atol=1e-12,
    )


@pytest.mark.parametrize("learned", [None, 0.5])
def test_anils_rates_move_the_head_alone(learned, model, start, support):
    lr_multipliers = learned and dict.fromkeys(start, torch.tensor(learned))
    *_, last = adapt(
        model,
        start,
        *support,
        inner_lr=0.3,
        inner_steps=2,
        lr_multipliers=multipliers_of("head", start, lr_multipliers),
    )
    assert {name for name in start if not torch.equal(last[name], start[name])} == set(HEAD)
    assert multipliers_of("head", start, lr_multipliers) == dict.fromkeys(HEAD, learned or 1.0)


def test_without_steps_the_start_is_the_trajectory(model, start, support, assert_same):
    (only,) = adapt(model, start, *support, inner_lr=0.4, inner_steps=0)
    assert_same(only, start)


def test_arguments_stay_as_they_are(model, start, support, assert_same):
    before = {name: value.clone() for name, value in start.items()}
    x, y = (value.clone() for value in support)
    weights = {name: value.detach().clone() for name, value in model.named_parameters()}
    adapt(model, start, *support, inner_lr=0.4, inner_steps=2)
    assert_same(start, before)
    assert torch.equal(support[0], x)
    assert torch.equal(support[1], y)
    assert_same({n: v.detach() for n, v in model.named_parameters()}, weights)


def test_a_small_step_lowers_the_support_loss(model, start, support):
    trajectory = adapt(model, start, *support, inner_lr=1e-3, inner_steps=3)
    losses = [cross_entropy(model, params, *support).item() for params in trajectory]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


@pytest.fixture
def start_with_shared_head(model, random_params):
    """Parameters whose head has one random vector for all three classes."""
    params = random_params(model, rows=1)
    return {n: torch.cat([v] * 3) if n in HEAD else v for n, v in params.items()}


def test_a_shared_head_holds_the_body_still_for_one_step(model, start_with_shared_head, support):
    """Every class has one vector, so no feature speaks for one class until the heads part."""
    start = start_with_shared_head
    _, one, two = adapt(model, start, *support, inner_lr=0.4, inner_steps=2)
    body = [name for name in start if name not in HEAD]
    for name in body:
        torch.testing.assert_close(one[name], start[name], rtol=0, atol=1e-14)
    assert (one["head.weight"] - start["head.weight"]).abs().max() > 1e-3
    assert max((two[name] - start[name]).abs().max() for name in body) > 1e-3


def test_a_shared_head_predicts_what_zeros_predict(model, start_with_shared_head, support):
    """Why `for_n_way` starts from zeros: what all rows have in common cancels at every step."""
    zeros = {n: v * 0 if n in HEAD else v for n, v in start_with_shared_head.items()}
    shared, plain = (
        [
            logits(model, params, support[0]).softmax(1)
            for params in adapt(model, start, *support, inner_lr=0.4, inner_steps=4)
        ]
        for start in (start_with_shared_head, zeros)
    )
    for one, other in zip(shared, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    assert (shared[-1] - shared[0]).abs().max() > 0.05


@pytest.mark.parametrize("n_way", [2, 3, 5])
def test_with_alpha_in_proportion_to_n_a_head_row_moves_equally_far(
    n_way, model, random_params, exact_tasks
):
    """From zeros, row i becomes α / N (fᵢ − f̄), with the class's mean feature fᵢ: the cross-entropy
    is a mean over N classes. `TrainConfig.scale_inner_lr` undoes that division.
    """
    config = TrainConfig(n_ways=(2, 3, 5), inner_lr=0.3, scale_inner_lr=True)
    params = for_n_way(random_params(model, rows=1), n_way)
    tasks = exact_tasks(n_way=n_way, k_shot=2, n_tasks=1)
    x, y = tasks.support_x[0], tasks.support_y[0]
    _, one = adapt(model, params, x, y, inner_lr=config.inner_lr_at(n_way), inner_steps=1)
    identity = torch.eye(params["head.weight"].shape[1]).double()
    features = logits(model, {**params, "head.weight": identity, "head.bias": identity[0] * 0}, x)
    means = torch.stack([features[y == label].mean(0) for label in range(n_way)])
    expected = 0.3 / 2 * (means - means.mean(0))  # the same factor at every N
    torch.testing.assert_close(one["head.weight"], expected, rtol=1e-9, atol=1e-12)


class Point(nn.Module):
    """A network whose outputs are its parameter minus its inputs."""

    def __init__(self):
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        return self.theta - x


def test_a_quadratic_bowl_is_descended_as_its_closed_form_says(monkeypatch):
    """½ mean |θ − cᵢ|²: θ_k = c̄ + (1 − α)^k (θ₀ − c̄)."""
    monkeypatch.setattr(F, "cross_entropy", lambda out, *_, **__: 0.5 * out.square().sum(-1))
    generator = torch.Generator().manual_seed(0)
    theta, centres = (torch.randn(*s, generator=generator).double() for s in ((4,), (6, 4)))
    trajectory = adapt(
        Point(), {"theta": theta}, centres, torch.zeros(6), inner_lr=0.3, inner_steps=5
    )
    middle = centres.mean(0)
    for k, params in enumerate(trajectory):
        torch.testing.assert_close(params["theta"], middle + 0.7**k * (theta - middle))


@pytest.mark.parametrize("n_way", [2, 5])
@pytest.mark.parametrize("per_class", [1, 4])
def test_identical_logits_score_exactly_chance(n_way, per_class):
    y = torch.arange(n_way).repeat_interleave(per_class)
    assert accuracy(torch.ones(len(y), n_way), y).item() == pytest.approx(1 / n_way)


def test_accuracy_is_the_share_of_right_labels_and_the_lowest_of_equals_counts():
    out = torch.tensor([[3.0, 1, 2], [0, 5, 1], [2, 0, 2], [1, 4, 4]])
    for y, right in (([0, 1, 0, 1], 4), ([0, 1, 2, 2], 2), ([1, 0, 2, 2], 0), ([0, 0, 0, 0], 2)):
        assert accuracy(out, torch.tensor(y)).item() == right / 4


@pytest.mark.parametrize("lr_multipliers", [None, {"head.weight": 0.5, "head.bias": 2.0}])
def test_the_plain_gradient_gives_the_same_trajectory(lr_multipliers) -> None:
    model = Conv4(3, channels=4).double()
    generator = torch.Generator().manual_seed(0)
    params = {n: v.double() for n, v in initial_params(model, 1).items()}
    params["head.weight"] = torch.rand(3, 4, generator=generator, dtype=torch.float64)
    x = torch.rand(6, 1, 28, 28, generator=generator, dtype=torch.float64)
    settings = {"inner_lr": 0.3, "inner_steps": 3, "lr_multipliers": lr_multipliers}
    y = torch.arange(6) % 3
    kept = adapt(model, params, x, y, **settings)
    with torch.no_grad():
        plain = adapt(model, params, x, y, differentiable=False, **settings)
    for one, other in zip(kept, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
        assert not any(value.requires_grad for value in other.values())
