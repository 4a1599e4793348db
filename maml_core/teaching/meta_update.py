"""One meta-update taken apart: what each line of MAML's algorithm computes on a few tasks.

θ is `params`, θ′ `adapted`, α `inner_lr`, β `meta_lr` (Finn et al. 2017, arXiv:1703.03400,
Algorithm 1). A task's *meta-gradient* is ∇_θ L_query(θ′) of that task alone; θ follows their mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

import torch
from torch import nn
from torch.func import grad

from maml_core.config import AdaptConfig, TrainConfig
from maml_core.episodes.sampling import Episode
from maml_core.evaluation.trajectory import measure_trajectory
from maml_core.landscape.planes import principal_directions, span
from maml_core.learners.adaptation import adapt_to
from maml_core.learners.learner import Learner
from maml_core.methods.losses import loss
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.params import Params, add, norm, scale, subtract
from maml_core.optimisation.outer_loop import Metrics, TrainState, optimise
from maml_core.optimisation.thread_pool import in_parallel

RELATIVES = ("maml", "fomaml", "reptile", "joint")


@dataclass(frozen=True, eq=False)
class TaskStep:
    """What the inner loop does on one task of the batch, and what it says about θ.

    Attributes:
        support_loss: At θ, nats.
        support_gradient: Length of its gradient by layer.
        moved: How far the layers moved from θ to θ′.
        adapted_support_loss: At θ′.
        query_loss: At θ′.
        accuracy: On the query set at θ′, 0 to 1.
        meta_gradient: ∇_θ of that query loss, through the inner steps.
    """

    support_loss: float
    support_gradient: dict[str, float]
    moved: dict[str, float]
    adapted_support_loss: float
    query_loss: float
    accuracy: float
    meta_gradient: Params


@dataclass(frozen=True, eq=False)
class MetaStep:
    """One update of θ.

    Attributes:
        start: θ.
        tasks: What each task of the batch said.
        gradient: The mean of their meta-gradients.
        change: The new θ less θ.
        query_losses: After adapting from the new θ, of each task.
        straight_loss: Their mean had θ gone as far straight against the gradient.
        others_before: Mean query loss of other tasks after adapting from θ.
        others_after: Likewise from the new one.
    """

    start: Params
    tasks: tuple[TaskStep, ...]
    gradient: Params
    change: Params
    query_losses: tuple[float, ...]
    straight_loss: float
    others_before: float
    others_after: float


@dataclass(frozen=True)
class Arrow:
    """A direction of parameter space as a plane shows it.

    Attributes:
        name: Whose.
        x: Along the plane's first axis.
        y: Along its second.
        length: Of the whole, not only of what the plane shows.
        held: The share of its squared length that lies in the plane, 0 to 1.
    """

    name: str
    x: float
    y: float
    length: float
    held: float


def layer_norms(params: Params) -> dict[str, float]:
    """Return the Euclidean length of each layer, 'Block 1' first, 'Head' last."""
    layers: dict[str, Params] = {}
    for name, value in params.items():
        kind, number, *_ = name.split(".")
        layer = f"Block {int(number) + 1}" if kind == "blocks" else kind.capitalize()
        layers.setdefault(layer, {})[name] = value
    return {layer: float(norm(layers[layer])) for layer in sorted(layers)}


def take_apart(
    model: nn.Module, params: Params, episodes: Iterable[Episode], config: TrainConfig
) -> Iterator[TaskStep]:
    """Yield what each task of a meta-batch does, one after the other.

    Args:
        model: The network.
        params: θ, as it is meta-trained: its head may have one row.
        episodes: The batch.
        config: The method, α, inner steps and how queries are normalised.
    """
    return in_parallel(partial(_of_task, model, params, config), episodes)


def _of_task(model: nn.Module, params: Params, config: TrainConfig, episode: Episode) -> TaskStep:
    task = episode.task
    learner = _learner(model, params, episode, config)
    start, *_, adapted = _adapt(learner, episode, config)
    gradient = grad(partial(loss, model))(start, task.support_x, task.support_y)
    inner_lr = learner.inner_lr(episode.spec.n_way)
    ends = measure_trajectory(
        learner, inner_lr, (start, adapted), task, transductive=config.transductive
    )
    meta_gradient, _ = META_GRADIENTS[config.method](model, params, episode.tensors, config)
    return TaskStep(
        support_loss=float(ends.support_loss[0]),
        support_gradient=layer_norms(gradient),
        moved=layer_norms(subtract(adapted, start)),
        adapted_support_loss=float(ends.support_loss[-1]),
        query_loss=float(ends.query_loss[-1]),
        accuracy=float(ends.accuracy[-1]),
        meta_gradient=meta_gradient,
    )


def make_update(
    model: nn.Module,
    params: Params,
    tasks: Sequence[TaskStep],
    episodes: Sequence[Episode],
    others: Sequence[Episode],
    config: TrainConfig,
) -> MetaStep:
    """Update θ once as meta-training does, and measure what that brings.

    Args:
        model: The network.
        params: θ.
        tasks: What `take_apart` found at θ.
        episodes: The batch it found it on.
        others: Tasks that had no say in the update, at least one.
        config: As for `take_apart`; its `meta_lr` is β of Adam's first step.
    """
    gradient = mean_of([task.meta_gradient for task in tasks])
    said = Metrics(torch.tensor(torch.nan), torch.tensor(torch.nan))  # measured below, at new θ
    (update,) = optimise(
        lambda *_: (gradient, said), TrainState(0, params), [None], lr=config.meta_lr, steps=1
    )
    change = subtract(update.params, params)
    length = float(norm(gradient))
    straight = add(params, gradient, -float(norm(change)) / length) if length else params
    query_losses = _query_losses(model, update.params, episodes, config)
    return MetaStep(
        start=params,
        tasks=tuple(tasks),
        gradient=gradient,
        change=change,
        query_losses=query_losses,
        straight_loss=_mean(_query_losses(model, straight, episodes, config)),
        others_before=_mean(_query_losses(model, params, others, config)),
        others_after=_mean(_query_losses(model, update.params, others, config)),
    )


def mean_of(vectors: Sequence[Params]) -> Params:
    """Return the mean of parameter sets, at least one."""
    return scale(reduce(add, vectors), 1 / len(vectors))


def lay_arrows(step: MetaStep) -> list[Arrow]:
    """Show where the tasks want θ to go, their mean and θ's update on the plane that fits best.

    Its first axis is the mean, downhill; its second the principal component of what sets the
    tasks apart. Names are '1', '2', … for the tasks, 'mean' and 'update'.

    Returns:
        An empty list where the arrows span no plane: they are zero, not finite or all parallel.
    """
    downhill = {str(i): scale(one.meta_gradient, -1.0) for i, one in enumerate(step.tasks, 1)}
    mean = scale(step.gradient, -1.0)
    origin = scale(mean, 0.0)
    apart = [subtract(one, mean) for one in downhill.values()]
    return _on_plane({**downhill, "mean": mean, "update": step.change}, mean, [origin, *apart])


def lay_relatives(gradients: Mapping[str, Params]) -> list[Arrow]:
    """Show the methods' steps downhill on the plane through MAML's and first-order MAML's.

    Args:
        gradients: By method, 'maml' and 'fomaml' among them.

    Returns:
        As `lay_arrows`; methods whose gradient is zero are left out.
    """
    downhill = {m: scale(one, -1.0) for m, one in gradients.items() if float(norm(one)) > 0}
    if not {"maml", "fomaml"} <= downhill.keys():
        return []
    origin = scale(downhill["maml"], 0.0)
    return _on_plane(downhill, downhill["maml"], [origin, downhill["fomaml"]])


def _on_plane(vectors: dict[str, Params], first: Params, rest: Sequence[Params]) -> list[Arrow]:
    """Project vectors on the plane of `first` and the main direction of a path from its start."""
    if not all(math.isfinite(float(norm(one))) for one in vectors.values()):
        return []
    try:
        plane = span(rest[0], [first, *principal_directions(rest)])
    except ValueError:
        return []
    arrows = []
    for name, vector in vectors.items():
        x, y, _ = plane.project(vector)
        length = float(norm(vector))
        arrows.append(
            Arrow(name, x, y, length, min((x * x + y * y) / length**2, 1.0) if length else 1.0)
        )
    return arrows


def relatives(
    model: nn.Module,
    params: Params,
    episodes: Sequence[Episode],
    config: TrainConfig,
    methods: Sequence[str] = RELATIVES,
) -> dict[str, Params]:
    """Return what MAML and its relatives make of the same batch, as gradients.

    Reptile's θ − θ′ is divided by α, which gives the sum of the inner gradients (Nichol et al.
    2018, arXiv:1803.02999, section 3); 'joint' takes no inner step.
    """
    jobs = [(method, episode) for method in methods for episode in episodes]

    def gradient(job: tuple[str, Episode]) -> Params:
        method, episode = job
        # Reptile and first-order MAML at settings that would not train them: here they are asked.
        steps = 0 if method == "joint" else config.inner_steps
        settings = replace(config, method="joint" if steps == 0 else "maml", inner_steps=steps)
        found, _ = META_GRADIENTS[method](model, params, episode.tensors, settings)
        n_way = episode.spec.n_way
        return scale(found, 1 / config.inner_lr_at(n_way)) if method == "reptile" else found

    found = list(in_parallel(gradient, jobs))
    n = len(episodes)
    return {method: mean_of(found[i * n : (i + 1) * n]) for i, method in enumerate(methods)}


def angle(a: Params, b: Params) -> float:
    """Return the angle between two vectors in degrees, 0 to 180; not a number if one is zero.

    2 atan2(‖u − v‖, ‖u + v‖) of the unit vectors u and v: exact for small angles too (Kahan
    2006, "How futile are mindless assessments of roundoff", section 12).
    """
    exact = [{name: value.double() for name, value in one.items()} for one in (a, b)]
    lengths = [float(norm(one)) for one in exact]
    if not all(math.isfinite(length) and length > 0 for length in lengths):
        return math.nan
    u, v = (scale(one, 1 / length) for one, length in zip(exact, lengths, strict=True))
    return math.degrees(2 * math.atan2(float(norm(subtract(u, v))), float(norm(add(u, v)))))


def layer_changes(
    learners: Mapping[str, Learner], episodes: Sequence[Episode], inner_steps: int
) -> dict[str, dict[str, float]]:
    """Return by learner and layer how far adaptation moves it, relative to its length at θ.

    The mean over the episodes, each learner with its own α. The head starts at zero and has no
    length to compare with: it is left out.
    """

    def change(learner: Learner, episode: Episode) -> dict[str, float]:
        config = AdaptConfig(learner.inner_lr(episode.spec.n_way), inner_steps)
        start, *_, adapted = adapt_to(learner, episode, config)
        moved = layer_norms(subtract(adapted, start))
        return {layer: moved[layer] / own for layer, own in layer_norms(start).items() if own}

    found = {}
    for method, learner in learners.items():
        changes = list(in_parallel(partial(change, learner), episodes))
        found[method] = {layer: _mean([one[layer] for one in changes]) for layer in changes[0]}
    return found


def _learner(model: nn.Module, params: Params, episode: Episode, config: TrainConfig) -> Learner:
    """Return the learner that adapts from θ to an episode as in meta-training."""
    inner_lrs = {episode.spec.n_way: config.inner_lr_at(episode.spec.n_way)}
    return Learner(config.method, model, params, inner_lrs)


def _adapt(learner: Learner, episode: Episode, config: TrainConfig) -> list[Params]:
    inner_lr = learner.inner_lr(episode.spec.n_way)
    return adapt_to(learner, episode, AdaptConfig(inner_lr, config.inner_steps))


def _query_losses(
    model: nn.Module, params: Params, episodes: Sequence[Episode], config: TrainConfig
) -> tuple[float, ...]:
    """Return the query loss of each episode after adapting from θ."""

    def query_loss(episode: Episode) -> float:
        learner = _learner(model, params, episode, config)
        adapted = _adapt(learner, episode, config)[-1:]
        inner_lr = learner.inner_lr(episode.spec.n_way)
        found = measure_trajectory(
            learner, inner_lr, adapted, episode.task, transductive=config.transductive
        )
        return float(found.query_loss[-1])

    return tuple(in_parallel(query_loss, episodes))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
