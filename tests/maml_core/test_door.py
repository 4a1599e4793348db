"""What `import maml_core` gives a notebook, and what it costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import maml_core

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "scipy", "numpy", "PIL", "streamlit")


def modules_after(code: str) -> set[str]:
    """Return the modules that a fresh process has loaded after running some code."""
    report = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code + report], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import maml_core") & set(HEAVY)


def test_the_sidebar_is_drawn_before_torch_is_needed() -> None:
    """What each run of the app imports: a visitor sees the sidebar while torch is still loading."""
    loaded = modules_after("import pages.shared.frame.app_run")
    assert "pages.shared.frame.sidebar" in loaded
    assert not loaded & {"torch", "torchvision", "scipy"}


def test_a_server_starts_before_a_database_is_needed() -> None:
    """What app.py imports, in a server and in a visitor's run."""
    tree = ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    loaded = modules_after("\n".join(map(ast.unparse, imports)))
    assert {"pages.shared.classroom.routes", "pages.shared.frame.app_run"} <= loaded
    assert not loaded & {"torch", "torchvision", "scipy", "sqlalchemy", "alembic"}


@pytest.mark.parametrize("name", maml_core.__all__)
def test_every_name_is_the_one_that_type_checkers_see(name: str) -> None:
    tree = ast.parse(Path(maml_core.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert f"maml_core.{maml_core._MODULES[name]}" == seen[name]
    assert getattr(maml_core, name).__name__ == name


def test_the_door_names_each_of_its_names_once_and_refuses_others() -> None:
    assert sorted(maml_core._MODULES) == sorted(maml_core.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'sample_lesson'"):
        maml_core.sample_lesson  # noqa: B018
