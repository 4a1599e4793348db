"""Both kinds of database have the tables that the code describes, whoever opens them first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from maml_core.classroom.database import DatabaseError, open_database
from maml_core.classroom.tables import metadata


def test_the_migrations_make_the_tables_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_several_servers_may_open_a_new_database_at_once(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(open_database, [database_url] * 4))
    for one in engines:
        assert "hand_in" in inspect(one).get_table_names()
        one.dispose()


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_hosts_way_to_write_an_address_is_understood(
    prefix: str, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgresql")
    engine = open_database(server.url.replace("postgresql", prefix, 1))
    assert engine.driver == "psycopg"
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "words"),
    [("mysql://localhost/x", "'mysql'; choose postgresql"), ("my database", "is not the address")],
)
def test_another_database_is_refused(url: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=words):
        open_database(url)
