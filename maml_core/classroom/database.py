"""The database of classes: a file as it comes, or a PostgreSQL that several servers share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from maml_core.classroom.tables import classes

MIGRATIONS = Path(__file__).with_name("migrations")
MIGRATION_LOCK = 20170309  # of PostgreSQL: any number of our own; the day MAML was published
BUSY_SECONDS = 10  # that a writer waits for another one of the same file
POSTGRES = "postgresql"
POSTGRES_DRIVER = "postgresql+psycopg"


class DatabaseError(ValueError):
    """The database that is named cannot be used."""


def open_database(url: str) -> Engine:
    """Open a database, and bring it to this version's tables.

    Args:
        url: As SQLAlchemy writes it. 'postgres://' and 'postgresql://', as most hosts give it,
            stand for psycopg's.

    Raises:
        DatabaseError: It is none that is known here.
        sqlalchemy.exc.OperationalError: It cannot be reached.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise DatabaseError(
            "DATABASE_URL is not the address of a database; write "
            "postgresql://user:password@host/name, or leave it out."
        ) from error
    if address.drivername in ("postgres", POSTGRES):
        address = address.set(drivername=POSTGRES_DRIVER)
    kind = address.get_backend_name()
    if kind not in ("sqlite", POSTGRES):
        raise DatabaseError(
            f"DATABASE_URL names a database of the kind {kind!r}; choose postgresql, or leave it "
            "out for a file in the data folder."
        )
    if kind == "sqlite":
        file = Path(address.database or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # what pupils write is nobody else's on this machine
        engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _set_up_file)
        event.listen(engine, "begin", _begin)
    else:
        engine = create_engine(
            address, pool_pre_ping=True, connect_args={"connect_timeout": BUSY_SECONDS}
        )
    _migrate(engine)
    return engine


def writing(engine: Engine) -> Engine:
    """Return the same database for transactions that write: with a file one after the other.

    A transaction that has read may not begin to write to a file that another one has changed.
    """
    return engine.execution_options(begin="IMMEDIATE")


def lock_class(connection: Connection, class_id: int) -> None:
    """Let no other transaction change a class until this one ends.

    A file has one writer anyway, see `writing`; a server locks the class's row.
    """
    connection.execute(select(classes.c.id).where(classes.c.id == class_id).with_for_update())


def _set_up_file(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy begins the transactions: see `_begin`
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', '')}")


def _migrate(engine: Engine) -> None:
    """Bring the tables to this version; of several servers that start at once, one does."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with writing(engine).begin() as connection:
        if engine.dialect.name == POSTGRES:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
