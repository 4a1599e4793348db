"""The walkthrough's table: one row a quantity, one cell a task, from the step where it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.sampling import Episode
from maml_core.teaching.anatomy.gradient_comparison import angle_degrees
from maml_core.teaching.anatomy.layer_changes import layer_norms
from maml_core.teaching.anatomy.meta_update import MetaUpdate
from pages.shared.charts.picture_html import caption, data_uri


def table_rows(
    data: CharacterSet, episodes: Sequence[Episode], update: MetaUpdate
) -> list[dict[str, object]]:
    """Return the rows, each with the number of the step from which on it is shown."""
    tasks = update.tasks
    support = [_pictures(data, episode.support[:, 0]) for episode in episodes]
    queries = [_pictures(data, episode.query[:, 0]) for episode in episodes]
    gradient_norms = [layer_norms(task.meta_gradient) for task in tasks]
    angles = [f"{angle_degrees(task.meta_gradient, update.gradient):.0f}°" for task in tasks]
    no_task = [None] * len(tasks)
    straight_loss = f"{update.steepest_descent_loss:.3f}"
    rows = (
        (0, "Length of θ by layer", [*no_task, *_bars([layer_norms(update.start)])]),
        (1, "An example of each class", [*support, None]),
        (2, "Support loss at θ, nats", _with_mean([task.support_loss for task in tasks])),
        (2, "Its gradient's length by layer", _bars([t.support_gradient_norms for t in tasks])),
        (3, "θ to θ′: distance by layer", _bars([task.layer_distances for task in tasks])),
        (3, "Support loss at θ′", _with_mean([task.adapted_support_loss for task in tasks])),
        (4, "A query of each class", [*queries, None]),
        (4, "Query loss at θ′", _with_mean([task.query_loss for task in tasks])),
        (
            4,
            "Query accuracy at θ′",
            _with_mean([100 * task.accuracy for task in tasks], "{:.0f} %"),
        ),
        (5, "The arrow's length by layer", _bars([*gradient_norms, layer_norms(update.gradient)])),
        (5, "Angle to the mean arrow", angles),
        (6, "Update of θ: distance by layer", [*no_task, *_bars([layer_norms(update.change)])]),
        (7, "Query loss from the new θ", _with_mean(update.query_losses)),
        (7, "… had θ gone as far straight downhill", [*no_task, straight_loss]),
    )
    return [{"step": step, "label": label, "cells": cells} for step, label, cells in rows]


def _with_mean(values: Sequence[float], form: str = "{:.3f}") -> list[str]:
    return [form.format(value) for value in (*values, fmean(values))]


def _bars(norms: Sequence[Mapping[str, float]]) -> list[dict[str, object]]:
    """Return each task's norms by layer as bars on one scale."""
    longest = max((norm for by_layer in norms for norm in by_layer.values()), default=0.0) or 1.0
    return [
        {
            "bars": [
                {"label": layer, "share": norm / longest, "text": f"{norm:.2g}"}
                for layer, norm in by_layer.items()
            ]
        }
        for by_layer in norms
    ]


def _pictures(data: CharacterSet, numbers: np.ndarray) -> dict[str, object]:
    return {
        "pictures": [
            {"source": data_uri(data, int(number)), "words": caption(data, int(number))}
            for number in numbers
        ]
    }
