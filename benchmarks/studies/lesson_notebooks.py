"""Write the lessons as notebooks into docs/notebooks.

python -m benchmarks.studies.lesson_notebooks
"""

from __future__ import annotations

from pathlib import Path

from maml_core.paths import PROJECT
from maml_core.teaching import lessons
from maml_core.teaching.exports.lesson_notebooks import lesson_notebook
from maml_core.teaching.lesson_figures import LESSONS

NOTEBOOKS = PROJECT / "docs" / "notebooks"


def main() -> None:
    """Write a notebook a lesson, and remove those of lessons that are gone."""
    NOTEBOOKS.mkdir(parents=True, exist_ok=True)
    texts = notebooks()
    for path in NOTEBOOKS.glob("*.ipynb"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (NOTEBOOKS / name).write_text(text, encoding="utf-8")


def notebooks() -> dict[str, str]:
    """Return the text of each notebook by its file's name, that of the lesson's file."""
    loaded, _ = lessons.load(LESSONS, page_names())
    names = [path.stem for path in sorted(LESSONS.glob("*.md"))]
    return {
        f"{name}.ipynb": lesson_notebook(lesson) for name, lesson in zip(names, loaded, strict=True)
    }


def page_names() -> set[str]:
    """Return the names of the pages as links write them: '' for Play."""
    pages = Path(PROJECT / "pages").glob("*/page.py")
    return {path.parent.name for path in pages} - {"play"} | {""}


if __name__ == "__main__":
    main()
