"""How the characters are divided into training, validation and test."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import plotly.graph_objects as go

from maml_core.figures.style import PART_COLOURS, layout, lightened

HEIGHT = 480  # pixels, at which most names have room
MIN_LETTERS = 11  # pixels: smaller names are left out, and shown with a block that is pointed at


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
        colours.append(lightened(PART_COLOURS[part], 0.5))
        widths.append(0)
        for name, size in sizes.items():
            ids.append(f"{part}/{name}")
            labels.append(name.replace("_", " "))
            parents.append(part)
            values.append(size)
            colours.append(PART_COLOURS[part])
            widths.append(5 if name in marked else 0)
    figure = go.Figure(layout=layout(height=HEIGHT))
    figure.update_layout(uniformtext={"minsize": MIN_LETTERS, "mode": "hide"})
    figure.add_treemap(
        ids=ids,
        labels=labels,
        text=[
            label.replace(" ", "<br>") if parent else label
            for label, parent in zip(labels, parents, strict=True)
        ],
        textinfo="text",
        parents=parents,
        values=values,
        branchvalues="total",
        marker={"colors": colours, "line": {"width": widths, "color": "#000000"}},
        # The blocks have the same colours in both themes, and so have their names.
        textfont={"color": "#000000", "size": MIN_LETTERS + 1},
        hovertemplate="%{label}<br>%{value} characters<extra></extra>",
        pathbar_visible=False,
        tiling_pad=2,
    )
    return figure
