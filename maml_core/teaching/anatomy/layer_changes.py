"""How long each layer's parameters are, and how far adaptation moves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean

from maml_core.config import AdaptConfig
from maml_core.episodes.sampling import Episode
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.networks.params import Params, norm, subtract
from maml_core.optimisation.thread_pool import in_parallel


def layer_norms(params: Params) -> dict[str, float]:
    """Return the Euclidean norm of each layer, 'Block 1' first, 'Head' last."""
    layers: dict[str, Params] = {}
    for name, value in params.items():
        layers.setdefault(layer_of(name), {})[name] = value
    return {layer: float(norm(layers[layer])) for layer in sorted(layers)}


def layer_of(name: str) -> str:
    """Return what the app calls the layer of a parameter."""
    kind, number, *_ = name.split(".")
    return f"Block {int(number) + 1}" if kind == "blocks" else kind.capitalize()


def relative_layer_changes(
    learners: Mapping[str, Learner], episodes: Sequence[Episode], inner_steps: int
) -> dict[str, dict[str, float]]:
    """Return by learner and layer how far adaptation moves it, ‖θ′ − θ‖ / ‖θ‖.

    The mean over the episodes, each learner with its own α. The head starts at zero and has no
    norm to compare with: it is left out.
    """

    means = {}
    for method, learner in learners.items():
        by_episode = list(in_parallel(partial(_relative_change, learner, inner_steps), episodes))
        means[method] = {
            layer: fmean(changes[layer] for changes in by_episode) for layer in by_episode[0]
        }
    return means


def _relative_change(learner: Learner, inner_steps: int, episode: Episode) -> dict[str, float]:
    config = AdaptConfig(learner.inner_lr(episode.spec.n_way), inner_steps)
    start, *_, adapted = adapt_to_episode(learner, episode, config)
    distances = layer_norms(subtract(adapted, start))
    return {
        layer: distances[layer] / length for layer, length in layer_norms(start).items() if length
    }
