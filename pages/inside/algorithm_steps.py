"""Algorithm 1 of Finn et al. (2017): its nine lines, and the page's eight steps through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from maml_core.methods.inner_loop import adapt, support_gradient
from maml_core.methods.maml import query_losses
from maml_core.methods.meta_gradient import gradient_over_tasks
from maml_core.optimisation.outer_loop import optimise
from maml_core.training.meta_training import task_stream

# arXiv:1703.03400, Algorithm 1, in other words: number, depth, text. The inner step is lines 5 and
# 6, the meta-update line 8. The character after a _ is a subscript.
ALGORITHM_LINES = (
    (1, 0, "start from some θ"),
    (2, 0, "until it is good enough:"),
    (3, 1, "sample a batch of tasks T_i"),
    (4, 1, "for every task T_i:"),
    (5, 2, "gradient on its K-shot support set: ∇_θ L_i(θ)"),
    (6, 2, "adapt: θ′_i = θ − α ∇_θ L_i(θ)"),
    (7, 1, "end for"),
    (8, 1, "θ ← θ − β ∇_θ Σ_i L_i(θ′_i), on their query sets"),
    (9, 0, "end while"),
)


@dataclass(frozen=True)
class WalkthroughStep:
    """A stop on the way through the algorithm.

    Attributes:
        title: What happens.
        note: How it went; braces name facts about the update.
        lines: Of the algorithm.
        function: Whose code does it.
        code_parts: Texts, each of which is in one of the lines of it that are marked.
        arrows: The kinds of arrow that the chart shows from here on.
    """

    title: str
    note: str
    lines: tuple[int, ...]
    function: Callable[..., Any]
    code_parts: tuple[str, ...]
    arrows: tuple[str, ...] = ()


STEPS = (
    WalkthroughStep(
        "Start from θ",
        "All weights of the network, {size:,} numbers in four blocks and a head. It is {theta}. "
        "The head is zero in every new task, so it says nothing about any class yet.",
        (1,),
        optimise,
        ("for name, value in start.params",),
    ),
    WalkthroughStep(
        "Sample a batch of tasks",
        "{n_tasks} tasks, {n_way}-way {k_shot}-shot: each with its own characters and its own "
        "labels A, B, … The first is the episode of the other pages. (In training each picture is "
        "also deformed a little.)",
        (3,),
        task_stream,
        ("for step in range", "yield sample_tasks"),
    ),
    WalkthroughStep(
        "Each task: the gradient on its support set",
        "All start from the same θ, at chance: the loss is ln {n_way} = {chance:.3f}. The head is "
        "zero, so no weight below it changes the loss yet: the gradient is in the head alone.",
        (4, 5),
        support_gradient,
        ("total = loss_fn(model", "return gradient(total"),
    ),
    WalkthroughStep(
        "Each task: take the inner step to θ′",
        "{inner_steps} of α = {inner_lr:g}. Here the tasks part ways: one θ, {n_tasks} different "
        "θ′. {moved}",
        (4, 6),
        adapt,
        ("for step in range(inner_steps)", "stepped = {n:", "trajectory.append"),
    ),
    WalkthroughStep(
        "Each task: how good is θ′ on its query set?",
        "Other pictures of the same characters, never used in the inner step. Their loss says how "
        "good a start θ was, which the support loss can't say.",
        (8,),
        query_losses,
        ("trajectory = adapt_to_tasks", "outs = trajectory_query_logits", "losses = mean_cross"),
    ),
    WalkthroughStep(
        "The meta-gradient: back through the inner step to θ",
        "Each task says in which direction θ should have been for its θ′ to be better: its arrow. "
        "Their mean is what θ follows. The angles between the arrows are {between} (90°: "
        "unrelated); the mean is {mean_percent:.0f} % as long as the arrows are on average.",
        (8,),
        gradient_over_tasks,
        ("work = partial(_summed_gradient", "in_parallel_or_alone(work", "mean = {n:"),
        ("tasks", "mean"),
    ),
    WalkthroughStep(
        "Update θ with β",
        "β = {meta_lr:g}. The line says: θ minus β times the gradient. The paper's experiments and "
        "our training let Adam scale every number of it: its first step moves each weight by about "
        "β, against the sign of the gradient, {adam:.0f}° away from straight downhill.",
        (8,),
        optimise,
        ("gradients, shared = fast", "optimizers.step(gradients"),
        ("tasks", "mean", "update"),
    ),
    WalkthroughStep(
        "And again, from the new θ",
        "From the new θ the same inner steps lead to a query loss of {after:.3f} instead of "
        "{before:.3f}. {others} Nothing of this is kept: moving a control starts from the same θ.",
        (2, 9),
        optimise,
        ("for step, batch in enumerate", "yield TrainState(step"),
        ("tasks", "mean", "update"),
    ),
)


def arrows_by_step(n_tasks: int) -> list[list[str]]:
    """Return by step the names of the arrows shown so far, as `project_meta_update` names them."""
    tasks = [str(number) for number in range(1, n_tasks + 1)]
    return [
        [name for kind in step.arrows for name in (tasks if kind == "tasks" else [kind])]
        for step in STEPS
    ]
