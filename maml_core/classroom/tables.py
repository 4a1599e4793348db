"""The tables of the database. A change here needs a new file in `migrations/versions`.

Times are in seconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    true,
)

DIGEST = 64  # letters of a SHA-256 digest
CODE = 8  # letters of a class's code
NAME = 40
KIND = 16
SUBJECT = 500
PLACE = 40

metadata = MetaData(
    naming_convention={  # the same names in both kinds of database, so that a migration finds them
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _owner(table: str) -> Column[int]:
    """Return the column that says whose a row is; it goes with its owner."""
    return Column(f"{table}_id", ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False)


classes = Table(
    "class",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String(CODE), nullable=False, unique=True),
    Column("teacher_digest", String(DIGEST), nullable=False, unique=True),
    Column("started_at", Double, nullable=False),
    Column("used_at", Double, nullable=False),
    Column("options", JSON, nullable=False),
)
pupils = Table(
    "pupil",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("class"),
    Column("name", String(NAME), nullable=False),
    Column("token_digest", String(DIGEST), nullable=False, unique=True),
    Column("joined_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("place", String(PLACE), nullable=False),
    Column("is_here", Boolean, nullable=False, server_default=true()),
    UniqueConstraint("class_id", "name"),
)
activities = Table(
    "activity",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("class"),
    Column("kind", String(KIND), nullable=False),
    Column("link", String(SUBJECT), nullable=False),
    Column("settings", JSON, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("revealed_at", Double),
    Column("closed_at", Double),
    Index(None, "class_id"),
)
hand_ins = Table(
    "hand_in",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("pupil"),
    Column("kind", String(KIND), nullable=False),
    Column("subject", String(SUBJECT), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("content", JSON, nullable=False),
    Column("handed_in_at", Double, nullable=False),
    Column("is_taken_out", Boolean, nullable=False),
    UniqueConstraint("pupil_id", "kind", "subject"),
)
drawn_sets = Table(
    "drawn_set",
    metadata,
    Column("class_id", ForeignKey("class.id", ondelete="CASCADE"), primary_key=True),
    Column("made_at", Double, nullable=False),
    Column("digest", String(DIGEST), nullable=False),
    Column("boards", JSON, nullable=False),
)
