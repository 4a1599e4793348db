"""Algorithm 1 beside the code that does it, stepped on the client with one update's numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from maml_core.adaptation import adapt
from maml_core.datasets.base import CharacterSet
from maml_core.episodes import Episode
from maml_core.meta_step import MetaStep, angle, layer_norms
from maml_core.meta_training import maml_gradient, task_stream
from maml_core.optimisation import descend
from maml_core.source import body_of
from pages.shared.pictures import caption, data_uri

_FILES = Path(__file__).parents[2] / "assets" / "algorithm"
_mount = st.components.v2.component(
    "maml_algorithm",
    **{kind: (_FILES / f"algorithm.{kind}").read_text("utf-8") for kind in ("html", "css", "js")},
)
# Finn et al. 2017, arXiv:1703.03400, Algorithm 1, in other words: number, depth, text. The
# character after a _ is set below the line.
LINES = (
    (1, 0, "start from some θ"),
    (2, 0, "until it is good enough:"),
    (3, 1, "draw a batch of tasks T_i"),
    (4, 1, "for every task T_i:"),
    (5, 2, "gradient on its K-shot support set: ∇_θ L_i(θ)"),
    (6, 2, "adapt: θ′_i = θ − α ∇_θ L_i(θ)"),
    (7, 1, "end of the tasks"),
    (8, 1, "θ ← θ − β ∇_θ Σ_i L_i(θ′_i), on their query sets"),
    (9, 0, "end"),
)


@dataclass(frozen=True)
class Step:
    """A stop on the way through the algorithm.

    Attributes:
        title: What happens.
        note: How it went; braces name numbers of the update.
        lines: Of the algorithm.
        function: Whose code does it.
        parts: What the lines of it that do it hold.
        arrows: The kinds of arrow that the chart shows by now.
    """

    title: str
    note: str
    lines: tuple[int, ...]
    function: Callable
    parts: tuple[str, ...]
    arrows: tuple[str, ...] = ()


STEPS = (
    Step(
        "Start from θ",
        "All weights of the network, {size:,} numbers in four blocks and a head. It is {theta}. "
        "The head is zero in every new task, so nothing has been said about any class yet.",
        (1,),
        descend,
        ("for name, value in start.params",),
    ),
    Step(
        "Draw a batch of tasks",
        "{n_tasks} tasks, {n_way}-way {k_shot}-shot: each with its own characters and its own "
        "labels A, B, … The first is the episode of the other pages. (In training each picture is "
        "also deformed a little.)",
        (3,),
        task_stream,
        ("for step in range", "yield sample_tasks"),
    ),
    Step(
        "Each task: the gradient on its support set",
        "All start from the same θ, at chance: the loss is ln {n_way} = {chance:.3f}. The head is "
        "zero, so no weight below it changes the loss yet: the gradient is in the head alone.",
        (4, 5),
        adapt,
        ("return loss(model", "gradients = grad(support_loss)"),
    ),
    Step(
        "Each task: take the inner step to θ′",
        "{inner_steps} of α = {inner_lr:g}. The tasks part here: one θ, {n_tasks} different θ′. "
        "{moved}",
        (4, 6),
        adapt,
        ("for _ in range(inner_steps)", "stepped = {n:", "trajectory.append"),
    ),
    Step(
        "Each task: how good is θ′ on its query set?",
        "Other pictures of the same characters, never used in the inner step. Their loss says how "
        "good a start θ was, which the support loss cannot say.",
        (8,),
        maml_gradient,
        ("trajectory = _adapt_to", "outs = _query_logits", "losses = torch.stack"),
    ),
    Step(
        "The meta-gradient: back through the inner step to θ",
        "Each task says in which direction θ should have been for its θ′ to be better: its arrow. "
        "Their mean is what θ follows. The angles between the arrows are {between} (90°: "
        "unrelated); the mean is {mean_share:.0%} as long as the arrows are on average.",
        (8,),
        maml_gradient,
        ("losses, measures = vmap", "return losses.mean()", "= grad(objective"),
        ("tasks", "mean"),
    ),
    Step(
        "Update θ with β",
        "β = {meta_lr:g}. The line says: θ less β times the gradient. The paper's experiments and "
        "our training let Adam scale every number of it: its first step moves each weight by about "
        "β, against the gradient's sign, {adam:.0f}° away from straight downhill.",
        (8,),
        descend,
        ("gradients, shared = fast", "leaf.grad = gradients[name]", "optimizer.step()"),
        ("tasks", "mean", "update"),
    ),
    Step(
        "And again, from the new θ",
        "From the new θ the same inner steps lead to a query loss of {after:.3f} instead of "
        "{before:.3f}. {others} Nothing here is kept: moving a control starts from the same θ.",
        (2, 9),
        descend,
        ("for step, batch in enumerate", "yield Update(step"),
        ("tasks", "mean", "update"),
    ),
)


def frames(n_tasks: int) -> list[list[str]]:
    """Return by step the names of the arrows that have been reached, as `lay_arrows` names them."""
    tasks = [str(number) for number in range(1, n_tasks + 1)]
    return [
        [name for kind in step.arrows for name in (tasks if kind == "tasks" else [kind])]
        for step in STEPS
    ]


def algorithm(
    data: CharacterSet,
    episodes: Sequence[Episode],
    found: MetaStep,
    facts: Mapping[str, object],
    *,
    chart: str | None,
    revision: str,
    key: str,
) -> None:
    """Draw the algorithm, the code and the numbers of one update.

    Args:
        data: Where the pictures come from.
        episodes: The batch.
        found: What each line computed.
        facts: 'theta', 'inner_steps', 'inner_lr' and 'meta_lr', for the sentences.
        chart: The key of the page's chart that has a frame for each step.
        revision: Changes when anything shown changes; the step stays.
        key: Of the component.
    """
    words = _facts(episodes, found, facts)
    functions = list(dict.fromkeys(step.function for step in STEPS))
    bodies = {function: body_of(function) for function in functions}
    _mount(
        key=key,
        data={
            "revision": revision,
            "chart": chart,
            "lines": [{"number": n, "depth": depth, "text": text} for n, depth, text in LINES],
            "codes": [
                {
                    "file": f"{body.file}, {body.name}()",
                    "first": body.first_line,
                    "lines": list(body.lines),
                }
                for body in bodies.values()
            ],
            "steps": [
                {
                    "title": step.title,
                    "note": step.note.format(**words),
                    "lines": list(step.lines),
                    "code": functions.index(step.function),
                    "marked": list(bodies[step.function].where(step.parts)),
                }
                for step in STEPS
            ],
            "columns": [*(f"Task {i}" for i in range(1, len(episodes) + 1)), "All (mean)"],
            "rows": _rows(data, episodes, found),
        },
    )


def _facts(
    episodes: Sequence[Episode], found: MetaStep, facts: Mapping[str, object]
) -> dict[str, object]:
    """Return all that the sentences name."""
    spec, tasks = episodes[0].spec, found.tasks
    arrows = [task.meta_gradient for task in tasks]
    pairs = [angle(a, b) for i, a in enumerate(arrows) for b in arrows[:i]]
    lengths = [_length(arrow) for arrow in arrows]
    mean, others = _mean([task.query_loss for task in tasks]), len(episodes)
    head_alone = all(
        not length for task in tasks for layer, length in task.moved.items() if layer != "Head"
    )
    steps = facts["inner_steps"]
    return {
        **facts,
        "inner_steps": "One inner step" if steps == 1 else f"{steps} inner steps",
        "size": sum(value.numel() for value in found.change.values()),
        "n_tasks": len(episodes),
        "n_way": spec.n_way,
        "k_shot": spec.k_shot,
        "chance": math.log(spec.n_way),
        "moved": "Only the head has moved so far." if head_alone else "Now all layers move.",
        "between": " to ".join(
            dict.fromkeys(f"{value:.0f}°" for value in (min(pairs), max(pairs)))
        ),
        "mean_share": _length(found.gradient) / (_mean(lengths) or 1.0),
        "adam": angle({n: -v for n, v in found.change.items()}, found.gradient),
        "before": mean,
        "after": _mean(found.query_losses),
        "others": (
            f"On {others} other tasks, which had no say, it goes from {found.others_before:.3f} "
            f"to {found.others_after:.3f}."
        ),
    }


def _rows(
    data: CharacterSet, episodes: Sequence[Episode], found: MetaStep
) -> list[dict[str, object]]:
    """Return the table: a row a quantity, from which step on it is known, a cell a task."""
    tasks = found.tasks

    def numbers(values: Sequence[float], form: str = "{:.3f}") -> list[str]:
        return [form.format(value) for value in (*values, _mean(values))]

    support = [_pictures(data, one.support[:, 0]) for one in episodes]
    queries = [_pictures(data, one.query[:, 0]) for one in episodes]
    arrows = [layer_norms(task.meta_gradient) for task in tasks]
    apart = [f"{angle(task.meta_gradient, found.gradient):.0f}°" for task in tasks]
    nobody = [None] * len(tasks)
    contents = (
        (0, "Length of θ by layer", [*nobody, *_bars([layer_norms(found.start)])]),
        (1, "An example of each class", [*support, None]),
        (2, "Support loss at θ, nats", numbers([task.support_loss for task in tasks])),
        (2, "Its gradient's length by layer", _bars([task.support_gradient for task in tasks])),
        (3, "θ to θ′: distance by layer", _bars([task.moved for task in tasks])),
        (3, "Support loss at θ′", numbers([task.adapted_support_loss for task in tasks])),
        (4, "A query of each class", [*queries, None]),
        (4, "Query loss at θ′", numbers([task.query_loss for task in tasks])),
        (4, "Query accuracy at θ′", numbers([task.accuracy for task in tasks], "{:.0%}")),
        (5, "The arrow's length by layer", _bars([*arrows, layer_norms(found.gradient)])),
        (5, "Angle to the mean arrow", apart),
        (6, "Update of θ: distance by layer", [*nobody, *_bars([layer_norms(found.change)])]),
        (7, "Query loss from the new θ", numbers(found.query_losses)),
        (7, "… had θ gone as far straight downhill", [*nobody, f"{found.straight_loss:.3f}"]),
    )
    return [{"step": step, "label": label, "cells": cells} for step, label, cells in contents]


def _bars(norms: Sequence[Mapping[str, float]]) -> list[dict[str, object]]:
    """Return each task's lengths by layer as bars of one scale."""
    longest = max((length for one in norms for length in one.values()), default=0.0) or 1.0
    return [
        {
            "bars": [
                {"label": layer, "share": length / longest, "text": f"{length:.2g}"}
                for layer, length in one.items()
            ]
        }
        for one in norms
    ]


def _pictures(data: CharacterSet, numbers: Sequence[int]) -> dict[str, object]:
    return {
        "pictures": [
            {"source": data_uri(data, int(one)), "words": caption(data, int(one))}
            for one in numbers
        ]
    }


def _length(params: Mapping[str, object]) -> float:
    return math.hypot(*layer_norms(dict(params)).values())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
