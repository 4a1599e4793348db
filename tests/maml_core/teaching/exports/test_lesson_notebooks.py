"""The lessons' notebooks: they are generated from the lessons, say what these say, and run."""

from __future__ import annotations

import ast
import re

import nbformat
import pytest
from nbclient import NotebookClient

from benchmarks.studies.lesson_notebooks import NOTEBOOKS, notebooks, page_names
from maml_core.paths import PROJECT
from maml_core.teaching import lessons
from maml_core.teaching.lesson_figures import LESSONS

NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
REMEDY = "run python -m benchmarks.studies.lesson_notebooks"


def test_the_notebooks_are_those_of_the_lessons() -> None:
    committed = {name: (NOTEBOOKS / name).read_text(encoding="utf-8") for name in NAMES}
    assert committed == notebooks(), REMEDY


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_all_of_its_lesson_and_no_link_into_the_app(name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    texts = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    loaded, _ = lessons.load(LESSONS, page_names())
    (lesson,) = (one for one in loaded if texts.startswith(f"# {one.title}"))
    for part in (lesson.outcome, lesson.question, lesson.answer, *lesson.choices):
        assert part in texts
    assert not [link for link in re.findall(r"\]\(([^)]*)\)", texts) if ":" not in link]
    codes = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert len(codes) >= 3
    for code in codes:
        ast.parse(code)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the event loop and the sockets of Jupyter
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs(
    name: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On glyphs, which are drawn once into a folder that the tests share."""
    monkeypatch.setenv("MAML_DATA_DIR", str(tmp_path_factory.getbasetemp() / "lesson_data"))
    notebook = nbformat.read(NOTEBOOKS / name, as_version=nbformat.NO_CONVERT)
    NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": PROJECT / "docs" / "notebooks"}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert "built-in glyphs" in " ".join(output.get("text", "") for output in outputs)
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert kinds & {"application/vnd.plotly.v1+json", "image/png"}
