"""Adapting a learner to an episode or to any support set, by the one inner loop."""

from __future__ import annotations

from torch import Tensor

from maml_core.config import AdaptConfig
from maml_core.episodes.sampling import Episode
from maml_core.learners.learner import Learner
from maml_core.methods.imaml import proximal_loss
from maml_core.methods.inner_loop import adapt
from maml_core.methods.losses import cross_entropy
from maml_core.methods.solved_head import with_solved_head
from maml_core.networks.functional import for_n_way
from maml_core.networks.meta_params import multipliers_for_n_way
from maml_core.networks.params import Params, channels_last


def adapt_to_episode(learner: Learner, episode: Episode, config: AdaptConfig) -> list[Params]:
    """Return θ₀ … θ_K of a learner's adaptation to an episode's support set, see `adapt`."""
    task = episode.task
    return adapt_to_support(learner, task.support_x, task.support_y, episode.spec.n_way, config)


def adapt_to_support(
    learner: Learner, x: Tensor, y: Tensor, n_way: int, config: AdaptConfig
) -> list[Params]:
    """Return θ₀ … θ_K of a learner's adaptation to a support set.

    Args:
        learner: What adapts; its factors on α and the steps' size are its own and `config`'s.
        x: Support pictures, [B, *input_shape].
        y: Their labels, [B], 0 to n_way - 1.
        n_way: Classes.
        config: α and K. Who solves for the head has it from the beginning, and takes no step.
    """
    params = channels_last(for_n_way(learner.params, n_way))
    if learner.solve_head is not None:
        solved = with_solved_head(learner.model, params, learner.solve_head, x, y, n_way)
        return [solved] * (config.inner_steps + 1)
    return adapt(
        learner.model,
        params,
        x,
        y,
        inner_lr=config.inner_lr,
        inner_steps=config.inner_steps,
        differentiable=False,
        lr_multipliers=multipliers_for_n_way(learner.lr_multipliers, n_way),
        step_params=learner.step_params,
        loss_fn=proximal_loss(params, learner.proximal) if learner.proximal else cross_entropy,
    )
