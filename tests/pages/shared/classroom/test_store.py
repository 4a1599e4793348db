"""Where a server's classes lie, and when they go."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from maml_core.classroom import membership
from maml_core.classroom.database import open_database
from maml_core.classroom.membership import class_of_code, start_class
from pages.shared.classroom import store


def open_anew() -> Engine:
    """Open the server's database, and let no other test meet it."""
    store._open.cache_clear()
    engine = store.database()
    store._open.cache_clear()
    return engine


def test_as_it_comes_the_database_is_a_file_in_the_data_folder(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    engine = open_anew()
    assert {path.stat().st_mode & 0o777 for path in data_dir.glob("classes.sqlite*")} == {0o600}
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def test_a_server_without_classes_opens_no_database(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_tidied", None)
    store.delete_unused_classes()
    assert not data_dir.exists()


def test_old_classes_go_by_themselves_once_an_hour(
    engine: Engine, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = 86_400.0
    monkeypatch.setattr(store, "_open", lambda: engine)
    monkeypatch.setattr(store, "_tidied", None)
    monkeypatch.setenv("DATABASE_URL", "it is the one above")
    monkeypatch.setenv("MAML_CLASS_DAYS", "2")
    monkeypatch.setattr(membership.time, "time", lambda: 0.0)
    started, _ = start_class(engine)
    monkeypatch.setattr(membership.time, "time", lambda: 3 * day)
    store.delete_unused_classes()
    assert class_of_code(engine, started.code) is None
    monkeypatch.setattr(membership.time, "time", lambda: 0.0)
    started, _ = start_class(engine)
    monkeypatch.setattr(membership.time, "time", lambda: 3 * day)
    store.delete_unused_classes()
    assert class_of_code(engine, started.code) is not None, "not again within the hour"


def test_a_database_that_is_away_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = "postgresql+psycopg://nobody@127.0.0.1:9/none"
    monkeypatch.setattr(store, "_tidied", None)
    monkeypatch.setenv("DATABASE_URL", nobody)
    monkeypatch.setattr(store, "_open", lambda: open_database(nobody))
    store.delete_unused_classes()


@pytest.mark.parametrize("days", ["0", "-1", "soon", "nan", "inf", ""])
def test_odd_numbers_of_days_are_refused(days: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAML_CLASS_DAYS", days)
    with pytest.raises(ValueError, match="MAML_CLASS_DAYS is"):
        store.kept_days()
