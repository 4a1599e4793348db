"""What made a file says so."""

from __future__ import annotations

import re
import tomllib

import pytest

from maml_core.paths import PROJECT
from maml_core.training import code_version as version


@pytest.fixture(autouse=True)
def unread():
    version.code_version.cache_clear()
    yield
    version.code_version.cache_clear()


def test_the_commit_is_gits(monkeypatch):
    assert re.fullmatch(r"([0-9a-f]{10,}\+?)?", version.commit())

    def no_git(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(version.subprocess, "run", no_git)
    assert version.commit() == ""


@pytest.mark.parametrize(
    ("commit", "expected"), [("0123456789+", "0.1.0 (0123456789+)"), ("", "0.1.0")]
)
def test_the_version_names_release_and_commit(commit, expected, monkeypatch):
    monkeypatch.setattr(version, "VERSION", "0.1.0")
    monkeypatch.setattr(version, "commit", lambda: commit)
    assert version.code_version() == expected


def test_the_release_is_the_one_of_the_project_and_of_its_citation():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == version.VERSION
    assert f"\nversion: {version.VERSION}\n" in (PROJECT / "CITATION.cff").read_text("utf-8")
