"""Algorithm 1 beside its code, stepped through in the browser with the numbers of one update."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.networks.params import Params
from maml_core.teaching.anatomy.gradient_comparison import angle_degrees
from maml_core.teaching.anatomy.layer_changes import layer_norms
from maml_core.teaching.anatomy.meta_update import MetaUpdate
from maml_core.teaching.anatomy.source_excerpts import body_of
from pages.inside.algorithm_steps import ALGORITHM_LINES, STEPS
from pages.inside.walkthrough_table import table_rows
from pages.shared.component import component

_mount = component("walkthrough")


def draw_walkthrough(
    data: CharacterSet,
    episodes: Sequence[Episode],
    update: MetaUpdate,
    settings: Mapping[str, object],
    *,
    chart: str | None,
    revision: str,
    key: str,
) -> None:
    """Draw the algorithm, the code and the numbers of one update.

    Args:
        data: Where the pictures come from.
        episodes: The batch.
        update: What each line computed.
        settings: 'theta', 'inner_steps', 'inner_lr' and 'meta_lr', for the sentences.
        chart: The key of the page's chart that has a frame for each step.
        revision: Changes when anything shown changes; the step stays.
        key: Of the component.
    """
    lines = [{"number": n, "depth": depth, "text": text} for n, depth, text in ALGORITHM_LINES]
    _mount(
        key=key,
        data={
            "revision": revision,
            "chart": chart,
            "lines": lines,
            **_code_and_steps(update_facts(episodes, update, settings)),
            "columns": [*(f"Task {i}" for i in range(1, len(episodes) + 1)), "All (mean)"],
            "rows": table_rows(data, episodes, update),
        },
    )


def _code_and_steps(facts: Mapping[str, object]) -> dict[str, list[dict[str, object]]]:
    """Return the functions' source, and for each step its note and the lines that it marks."""
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
            "note": step.note.format(**facts),
            "lines": list(step.lines),
            "code": functions.index(step.function),
            "marked": list(bodies[step.function].positions_of(step.code_parts)),
        }
        for step in STEPS
    ]
    return {"codes": codes, "steps": steps}


def update_facts(
    episodes: Sequence[Episode], update: MetaUpdate, settings: Mapping[str, object]
) -> dict[str, object]:
    """Return all that the steps' notes name."""
    spec, tasks, n_tasks = episodes[0].spec, update.tasks, len(episodes)
    gradients = [task.meta_gradient for task in tasks]
    angles = [angle_degrees(a, b) for i, a in enumerate(gradients) for b in gradients[:i]]
    angle_range = dict.fromkeys(f"{angle:.0f}°" for angle in (min(angles), max(angles)))
    downhill_change = {name: -value for name, value in update.change.items()}
    only_head_moved = all(
        not distance
        for task in tasks
        for layer, distance in task.layer_distances.items()
        if layer != "Head"
    )
    steps = settings["inner_steps"]
    return {
        **settings,
        "inner_steps": "One inner step" if steps == 1 else f"{steps} inner steps",
        "size": sum(value.numel() for value in update.change.values()),
        "n_tasks": n_tasks,
        "n_way": spec.n_way,
        "k_shot": spec.k_shot,
        "chance": math.log(spec.n_way),
        "moved": "Only the head has moved so far." if only_head_moved else "Now all layers move.",
        "between": " to ".join(angle_range),
        "mean_percent": 100 * _norm(update.gradient) / (fmean(map(_norm, gradients)) or 1.0),
        "adam": angle_degrees(downhill_change, update.gradient),
        "before": fmean(task.query_loss for task in tasks),
        "after": fmean(update.query_losses),
        "others": (
            f"On {n_tasks} other tasks, which did not contribute, it goes from "
            f"{update.other_tasks_loss_before:.3f} to {update.other_tasks_loss_after:.3f}."
        ),
    }


def _norm(params: Params) -> float:
    return math.hypot(*layer_norms(params).values())
