"""Few-shot meta-learning, from a picture of a character to a loss landscape.

Data flows in one direction: `data` → `episodes` → `methods` → `evaluation` → `figures`; each
folder imports only from those before it (`pyproject.toml` has the order), and the package knows
nothing of the app that shows it.

What a notebook needs can be imported from here. Importing the package itself loads nothing else,
torch included: each name is looked up when it is first used (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maml_core.config import AdaptConfig, EpisodeSpec, PretrainConfig, TrainConfig
    from maml_core.data.registry import load
    from maml_core.data.splits import split_classes
    from maml_core.episodes.pool import make_pool
    from maml_core.episodes.sampling import sample_episode, sample_episodes, sample_tasks
    from maml_core.evaluation.accuracy import evaluate
    from maml_core.evaluation.comparison import compare
    from maml_core.learners.adaptation import adapt_to_episode
    from maml_core.learners.checkpoints import load_weights, shipped
    from maml_core.learners.learner import Learner, random_learner
    from maml_core.methods.inner_loop import adapt
    from maml_core.methods.maml import maml_gradient
    from maml_core.training.meta_training import meta_train, task_stream

_MODULES = {
    "AdaptConfig": "config",
    "EpisodeSpec": "config",
    "Learner": "learners.learner",
    "PretrainConfig": "config",
    "TrainConfig": "config",
    "adapt": "methods.inner_loop",
    "adapt_to_episode": "learners.adaptation",
    "compare": "evaluation.comparison",
    "evaluate": "evaluation.accuracy",
    "load": "data.registry",
    "load_weights": "learners.checkpoints",
    "make_pool": "episodes.pool",
    "maml_gradient": "methods.maml",
    "meta_train": "training.meta_training",
    "random_learner": "learners.learner",
    "sample_episode": "episodes.sampling",
    "sample_episodes": "episodes.sampling",
    "sample_tasks": "episodes.sampling",
    "shipped": "learners.checkpoints",
    "split_classes": "data.splits",
    "task_stream": "training.meta_training",
}
__all__ = [
    "AdaptConfig",
    "EpisodeSpec",
    "Learner",
    "PretrainConfig",
    "TrainConfig",
    "adapt",
    "adapt_to_episode",
    "compare",
    "evaluate",
    "load",
    "load_weights",
    "make_pool",
    "maml_gradient",
    "meta_train",
    "random_learner",
    "sample_episode",
    "sample_episodes",
    "sample_tasks",
    "shipped",
    "split_classes",
    "task_stream",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
