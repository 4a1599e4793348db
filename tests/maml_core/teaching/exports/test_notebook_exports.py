"""Exported notebooks are valid, and print what the app shows."""

from __future__ import annotations

import ast
import json

import nbformat
import pytest
from nbclient import NotebookClient

from maml_core.config import EpisodeSpec
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.learners import checkpoints
from maml_core.paths import PROJECT
from maml_core.teaching.exports.experiment import Experiment
from maml_core.teaching.exports.notebook_exports import (
    code_cell,
    comparison_notebook,
    markdown_cell,
    notebook_json,
)

OWN = "mine-1-anil.safetensors"


def opened(text):
    """Read a notebook as Jupyter does; what is not valid raises."""
    notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    return notebook


def test_cells_come_back_as_they_were_written():
    written = [markdown_cell("# α\n\nÜber θ"), code_cell("\nx = 1\nprint(x)\n"), code_cell("x")]
    notebook = opened(notebook_json(written))
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        ("markdown", "# α\n\nÜber θ"), ("code", "x = 1\nprint(x)"), ("code", "x")
    ]  # fmt: skip
    assert len({cell.id for cell in notebook.cells}) == 3
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("names", [("maml", "random"), ("maml", OWN)])
@pytest.mark.parametrize("dataset", ["glyphs", "zip-0123456789abcdef"])
def test_a_notebook_says_and_asks_for_what_it_is_told(names, dataset):
    spec, inner_lrs = EpisodeSpec(20, 5, 7, within_alphabet=True), dict.fromkeys(names, 0.1 + 0.2)
    experiment = Experiment(dataset, "paper", "validation", spec, 123, inner_lrs, 17)
    notebook = opened(comparison_notebook(experiment))
    words = notebook.cells[0].source
    for part in ("20-way 5-shot, all from one alphabet, seed 123", "`paper`", "validation",
                 "7 queries", "17 inner steps", "pip install -r requirements.txt"):  # fmt: skip
        assert part in words
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    constants = {n.value for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Constant)}
    known = "glyphs" if dataset == "glyphs" else "folder-28"
    assert {known, "paper", "validation", 123, 17, 20, 0.1 + 0.2, *names} <= constants
    assert "zip-0" not in json.dumps(notebook)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the event loop and the sockets of Jupyter
@pytest.mark.parametrize("folder", [".", "docs"])
def test_a_notebook_runs_and_prints_the_pages_numbers(folder, data_dir, monkeypatch):
    monkeypatch.setenv("MAML_DATA_DIR", str(data_dir))
    pool = make_pool(data := load("glyphs"), split_classes(data, "alphabets", "test"))
    spec = EpisodeSpec(4, 1, 5)
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained")}
    shown = compare(learners, sample_episode(pool, spec, seed=7), 3)
    inner_lrs = {trajectory.method: trajectory.inner_lr for trajectory in shown}
    experiment = Experiment("glyphs", "alphabets", "test", spec, 7, inner_lrs, 3)
    notebook = opened(comparison_notebook(experiment))
    NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": PROJECT / folder}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert [line.split() for line in printed.splitlines()] == [
        [t.method, *(f"{100 * share:.1f}" for share in t.accuracy)] for t in shown
    ]
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    assert kinds.count("application/vnd.plotly.v1+json") == 2
    assert "image/png" in kinds
