"""Fixtures: an empty database of classes, of both kinds in turn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from maml_core.classroom.database import open_database
from tests.support.postgresql import PostgreSQL, programs, running_postgresql

_numbers = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    bin_folder = programs()
    if bin_folder is None:
        reason = "no PostgreSQL on this machine: install the package postgresql"
        if os.environ.get("REQUIRE_POSTGRESQL"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running_postgresql(bin_folder) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of a kind each."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'classes.sqlite'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database(f"test{next(_numbers)}")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_database(database_url)
    yield opened
    opened.dispose()
