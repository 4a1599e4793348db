"""Algorithm 1 beside the code that does it, stepped on the client with one update's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.teaching.meta_update import MetaStep, angle, layer_norms
from maml_core.teaching.source_excerpts import body_of
from pages.inside.algorithm_steps import LINES, STEPS
from pages.shared.component import component
from pages.shared.picture_html import caption, data_uri

_mount = component("walkthrough", "element", "charts")


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
    _mount(
        key=key,
        data={
            "revision": revision,
            "chart": chart,
            "lines": [{"number": n, "depth": depth, "text": text} for n, depth, text in LINES],
            **_codes_and_steps(_facts(episodes, found, facts)),
            "columns": [*(f"Task {i}" for i in range(1, len(episodes) + 1)), "All (mean)"],
            "rows": _rows(data, episodes, found),
        },
    )


def _codes_and_steps(words: Mapping[str, object]) -> dict[str, list[dict[str, object]]]:
    """Return the functions' source, and of each step what it says and which lines it marks."""
    functions = list(dict.fromkeys(step.function for step in STEPS))
    bodies = {function: body_of(function) for function in functions}
    codes = [
        {
            "file": f"{body.file}, {body.name}()",
            "first": body.first_line,
            "lines": list(body.lines),
        }
        for body in bodies.values()
    ]
    steps = [
        {
            "title": step.title,
            "note": step.note.format(**words),
            "lines": list(step.lines),
            "code": functions.index(step.function),
            "marked": list(bodies[step.function].where(step.parts)),
        }
        for step in STEPS
    ]
    return {"codes": codes, "steps": steps}


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
