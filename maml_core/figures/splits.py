"""How the characters are divided into training, validation and test."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import plotly.graph_objects as go

from maml_core.figures.style import CHANCE_COLOUR, PART_COLOURS, faded, layout


def split_figure(alphabets: Mapping[str, Mapping[str, int]], marked: Collection[str]) -> go.Figure:
    """Draw the alphabets of each part of a split as blocks.

    Args:
        alphabets: By part ('train', 'validation', 'test'), how many characters each has.
        marked: The alphabets to outline.
    """
    ids, labels, parents, values, colours, widths = [], [], [], [], [], []
    for part, sizes in alphabets.items():
        ids.append(part)
        labels.append(f"{part.capitalize()} ({sum(sizes.values()):,})")
        parents.append("")
        values.append(sum(sizes.values()))
        colours.append(faded(PART_COLOURS[part], 0.35))
        widths.append(0)
        for name, size in sizes.items():
            ids.append(f"{part}/{name}")
            labels.append(name.replace("_", " "))
            parents.append(part)
            values.append(size)
            colours.append(PART_COLOURS[part])
            widths.append(5 if name in marked else 0)
    figure = go.Figure(layout=layout())
    figure.add_treemap(
        ids=ids,
        labels=labels,
        parents=parents,
        values=values,
        branchvalues="total",
        marker={"colors": colours, "line": {"width": widths, "color": "#000000"}},
        textfont_color=[CHANCE_COLOUR if not parent else "#000000" for parent in parents],
        hovertemplate="%{label}<br>%{value} characters<extra></extra>",
        pathbar_visible=False,
        tiling_pad=2,
    )
    return figure
