"""The rules of the house: who may import whom, how full a folder is, and what git holds."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_ENTRIES = 12  # of a folder: what a newcomer takes in at a glance
ROOMS = 16  # fourteen folders, and two files that all of them may use
PAGES = 13  # twelve pages, and what they share
METHODS = 20  # a file a method, and what all of them are made of
SHARED = 13  # six folders, and seven files that each have many users
MOST_LINES = 350  # of a file
MOST_FUNCTION_LINES = 63  # of a function, its docstring included
FILES = sorted(
    path.relative_to(ROOT)
    for path in [
        ROOT / "app.py",
        *(p for top in ("maml_core", "pages") for p in (ROOT / top).rglob("*.py")),
    ]
)
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
CONTRACTS = 6
PAPER = re.compile(r"\b(19|20)\d\d\b")  # the year of one
PICTURE_DATA = {".zip", ".npz", ".npy", ".gz", ".tar", ".tgz", ".pt", ".pth", ".pkl", ".pickle"}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--config", "pyproject.toml"],
        cwd=root,
        capture_output=True,
        text=True,
    )


def test_imports_keep_the_contracts_in_pyproject() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout
    assert f"{CONTRACTS} kept, 0 broken" in linted.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("maml_core/images/ink.py", "from maml_core.data import registry"),
        ("maml_core/config/training.py", "from maml_core.methods import maml"),
        ("maml_core/networks/layers.py", "from maml_core.networks import conv4"),
        ("maml_core/episodes/counting.py", "import streamlit"),
        ("pages/adapt/page.py", "import torch"),
        ("pages/adapt/page.py", "from pages.play import page"),
        ("pages/shared/widgets.py", "from pages.adapt import page"),
    ],
)
def test_an_import_against_the_rules_is_found(file: str, line: str, tmp_path: Path) -> None:
    """Otherwise the contracts could be kept by reading nothing."""
    for name in ("maml_core", "pages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a") as source:
        source.write(f"\n{line}\n")
    linted = lint_imports(tmp_path)
    assert linted.returncode == 1
    importer = Path(file).stem  # of two siblings only their own names are said
    assert importer in linted.stdout.partition("Broken contracts")[2]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_says_what_it_is_for_and_has_one_subject(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    if not text.strip():  # a package's mark
        return
    tree = ast.parse(text)
    summary = (ast.get_docstring(tree) or "").partition("\n")[0]
    assert summary[-1:] in (".", "?"), "its docstring begins with a sentence on one line"
    assert text.count("\n") <= MOST_LINES
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    too_long = [f.name for f in functions if f.end_lineno - f.lineno > MOST_FUNCTION_LINES]
    assert not too_long, f"these functions do more than one thing: {too_long}"


def test_streamlits_internals_are_used_in_one_place() -> None:
    for path in FILES:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        modules = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        internal = {module for module in modules if module.startswith("streamlit.runtime")}
        assert not internal or path.name == "streamlit_internals.py", f"{path} imports {internal}"


@pytest.mark.parametrize("top", ["maml_core", "pages"])
def test_no_folder_is_too_full_to_be_taken_in(top: str) -> None:
    folders = [ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())]
    room = dict.fromkeys(folders, MOST_ENTRIES) | {
        ROOT / "maml_core": ROOMS,
        ROOT / "maml_core" / "methods": METHODS,
        ROOT / "pages": PAGES,
        ROOT / "pages" / "shared": SHARED,
    }
    for folder in folders:
        entries = {e.name for e in folder.iterdir() if not e.name.startswith(("__", "."))}
        assert len(entries) <= room[folder], f"{folder} has {len(entries)}"


def test_every_method_names_its_paper_in_the_first_line() -> None:
    shared = {"__init__", "registry", "catalogue", "inner_loop", "losses"}
    shared |= {"meta_gradient", "solved_head"}
    files = [p for p in (ROOT / "maml_core" / "methods").glob("*.py") if p.stem not in shared]
    assert len(files) >= 5
    for path in files:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert PAPER.search(docstring.splitlines()[0]), path.name


def tracked_files() -> list[Path]:
    """Return the files that git has or would add."""
    if not shutil.which("git"):
        pytest.skip("there is no git here to list the files")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("this is not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_the_repository_holds_no_picture_data() -> None:
    """Omniglot is fetched, and weights are safetensors: nothing here unpacks or runs code."""
    assert [path for path in tracked_files() if path.suffix in PICTURE_DATA] == []
