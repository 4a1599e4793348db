"""Notebooks to take away: cells of text and code in Jupyter's file format, nbformat 4.5."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal, NamedTuple

from maml_core.config import EpisodeSpec
from maml_core.methods.catalogue import BY_NAME
from maml_core.teaching.exports.experiment import (
    Experiment,
    episode_code,
    factor_code,
    import_code,
    learner_code,
    portable_dataset,
)
from maml_core.training.code_version import code_version

HOW_TO_RUN = """\
It needs a copy of the project, whose folder holds `maml_core`, and Python 3.11 or newer:

```
pip install -r requirements.txt jupyterlab
jupyter lab
```

Put this file into the project's folder, or into one below it, and run all cells."""
FIND_PROJECT = """\
import sys
from pathlib import Path

# The project's folder is this notebook's own or one above it.
folders = [Path.cwd(), *Path.cwd().parents]
project = next((folder for folder in folders if (folder / "maml_core").is_dir()), None)
if project is None:
    raise FileNotFoundError("Put this notebook into the project's folder, next to maml_core.")
sys.path.insert(0, str(project))"""
SHOW_SUPPORT = """\
import numpy as np
from PIL import Image

rows = [[255 - data.inputs[picture] for picture in pictures] for pictures in episode.support]
Image.fromarray(np.concatenate([np.concatenate(row) for row in rows], axis=1)).resize(
    (56 * len(rows), 56 * len(rows[0]))
)"""
SHOW_CHARTS = """\
from IPython.display import display
from maml_core.figures.adaptation import accuracy_figure, loss_figure

for figure in (accuracy_figure(trajectories, {n_way}, False), loss_figure(trajectories, False)):
    figure.frames = ()  # the whole curves at once
    display(figure)"""


class Cell(NamedTuple):
    """A cell of a notebook."""

    kind: Literal["markdown", "code"]
    text: str


def markdown_cell(text: str) -> Cell:
    """Return a cell of text."""
    return Cell("markdown", text.strip())


def code_cell(text: str) -> Cell:
    """Return a cell of Python."""
    return Cell("code", text.strip())


def notebook_json(cells: Iterable[Cell]) -> str:
    """Return a notebook that has not been run, as the text of an .ipynb file."""
    content = {
        "cells": [_cell_json(f"cell-{number}", cell) for number, cell in enumerate(cells, 1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _cell_json(identifier: str, cell: Cell) -> dict[str, object]:
    unrun: dict[str, object] = (
        {"execution_count": None, "outputs": []} if cell.kind == "code" else {}
    )
    return {
        "cell_type": cell.kind,
        "id": identifier,
        "metadata": {},
        "source": cell.text.splitlines(keepends=True),
        **unrun,
    }


def comparison_notebook(experiment: Experiment) -> str:
    """Return a notebook that repeats a comparison: its episode, accuracies and charts."""
    title = f"{_spec_words(experiment.spec)}, seed {experiment.seed}"
    heading = markdown_cell(f"# {title}\n\n{_about(experiment)}\n\n{HOW_TO_RUN}")
    return notebook_json([heading, code_cell(FIND_PROJECT), *comparison_cells(experiment)])


def comparison_cells(experiment: Experiment) -> list[Cell]:
    """Return the cells that repeat a comparison; `FIND_PROJECT` has to run before them.

    They leave `data`, `episode` and the list `trajectories` to the cells after them, and print
    one line a method: its name, then its query accuracy in % after each inner step.
    """
    imported, learner = learner_code(experiment)
    names = ("EpisodeSpec", "load", "make_pool", "sample_episode", "split_classes")
    n_way = experiment.spec.n_way
    has_none = None in experiment.inner_lrs.values()
    unless = "; where α is None it solves for its head in place of them" if has_none else ""
    adapting = f"""\
{import_code(["compare", *imported])}
INNER_LRS = {dict(experiment.inner_lrs)!r}  # α
INNER_STEPS = {experiment.inner_steps}

trajectories = []
for method, inner_lr in INNER_LRS.items():
    learner = {learner}
    factor = {factor_code(experiment)}
    (trajectory,) = compare({{method: learner}}, episode, INNER_STEPS, factor)
    trajectories.append(trajectory)
    print(method, *(f"{{100 * accuracy:.1f}}" for accuracy in trajectory.accuracy))"""
    return [
        markdown_cell(
            "## The episode\n\nThe same settings and seed give the same episode everywhere."
        ),
        code_cell(f"{import_code(names)}\n{episode_code(experiment)}"),
        markdown_cell("The support set: a column a class, with all that is known of it."),
        code_cell(SHOW_SUPPORT),
        markdown_cell(
            "## Adapt\n\nEvery method takes the same gradient steps on the support set, from its "
            f"own initialisation θ and with its own α{unless}. Each line: the query accuracy in % "
            "before the first step and after each."
        ),
        code_cell(adapting),
        code_cell(SHOW_CHARTS.format(n_way=n_way)),
        markdown_cell(
            "Change the seed, N, K, α or the number of steps above and run the cells again."
        ),
    ]


def _spec_words(spec: EpisodeSpec) -> str:
    """Return the shape of an episode in words: '5-way 1-shot'."""
    within = ", all from one alphabet" if spec.within_alphabet else ""
    return f"{spec.n_way}-way {spec.k_shot}-shot{within}"


def _about(experiment: Experiment) -> str:
    """Return what a comparison is made of, and by which version of the code."""
    methods = [
        BY_NAME[method].label if method in BY_NAME else f"`{method}`"
        for method in experiment.inner_lrs
    ]
    dataset, _ = portable_dataset(experiment.dataset)
    return (
        f"{', '.join(methods)} on one episode of `{dataset}`: split "
        f"`{experiment.split}`, {experiment.part} characters, {experiment.spec.q_query} queries "
        f"a class, {experiment.inner_steps} inner steps. Made by version {code_version()}."
    )
