"""The house's rules, read off the imports: data flows one way, and no data lies in the code."""

from __future__ import annotations

import ast
import shutil
import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "maml_core"

HEAVY = {"torch", "torchvision"}  # what a page leaves to the core
PICTURE_DATA = {".zip", ".npz", ".npy", ".gz", ".tar", ".tgz", ".pt", ".pth", ".pkl", ".pickle"}


def imports_of(path: Path) -> set[str]:
    """Return the full dotted names a file imports, anywhere in it.

    Of `from a import b` both `a` and `a.b` are returned: b may be a module.
    """
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def top_level(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports_of(path)}


def module_name(path: Path) -> str:
    """Return a file's dotted name; of a package's __init__ that of the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


CORE_FILES = sorted(CORE.rglob("*.py"))
MODULES = {module_name(path): path for path in CORE_FILES}
PAGE_FILES = sorted([*(ROOT / "pages").rglob("*.py"), *ROOT.glob("app.py")])


def local_imports(path: Path) -> set[str]:
    """Return the modules of `maml_core` that a file imports, without those that hold them."""
    return (imports_of(path) & MODULES.keys()) - {"maml_core", module_name(path)}


@pytest.mark.parametrize("path", CORE_FILES, ids=module_name)
def test_the_core_knows_nothing_of_the_app(path):
    assert not top_level(path) & {"streamlit", "pages", "app"}


def test_pages_leave_torch_to_the_core():
    assert {
        path.name: top_level(path) & HEAVY for path in PAGE_FILES if top_level(path) & HEAVY
    } == {}


def test_no_import_comes_back_to_where_it_started():
    graph = {name: local_imports(path) for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' → '.join(error.args[1])}")


def test_the_reader_of_imports_sees_all_their_forms(tmp_path, monkeypatch):
    """Otherwise the tests above could pass by reading nothing."""
    monkeypatch.setitem(imports_of.__globals__, "ROOT", tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    file = tmp_path / "a" / "b" / "c.py"
    file.write_text(
        "import torch.nn as nn, os\nfrom a.b import d\nfrom . import e\nfrom ..f import g\n"
        "def late():\n    import streamlit\n"
    )
    expected = {"torch.nn", "os", "a.b", "a.b.d", "a.b.e", "a.f", "a.f.g", "streamlit"}
    assert imports_of(file) == expected
    monkeypatch.undo()
    assert "maml_core.networks.params" in local_imports(CORE / "methods" / "inner_loop.py")


def tracked_files() -> list[Path]:
    """Return the files that git has or would add."""
    if not shutil.which("git"):
        pytest.skip("there is no git here to list the files")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in found.stdout.split("\0") if name]


def test_the_repository_holds_no_picture_data():
    """Omniglot is fetched, and weights are safetensors: nothing here unpacks or runs code."""
    assert [path for path in tracked_files() if path.suffix in PICTURE_DATA] == []
