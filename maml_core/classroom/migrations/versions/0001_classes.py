"""Classes, their pupils, what they are asked, and what was handed in."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "class",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("teacher_digest", sa.String(64), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_class"),
        sa.UniqueConstraint("code", name="uq_class_code"),
        sa.UniqueConstraint("teacher_digest", name="uq_class_teacher_digest"),
    )
    op.create_table(
        "pupil",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("joined_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("is_here", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pupil"),
        sa.ForeignKeyConstraint(
            ["class_id"], ["class.id"], name="fk_pupil_class_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("class_id", "name", name="uq_pupil_class_id_name"),
        sa.UniqueConstraint("token_digest", name="uq_pupil_token_digest"),
    )
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("link", sa.String(500), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("revealed_at", sa.Double()),
        sa.Column("closed_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
        sa.ForeignKeyConstraint(
            ["class_id"], ["class.id"], name="fk_activity_class_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_activity_class_id", "activity", ["class_id"])
    _create_what_was_handed_in()


def _create_what_was_handed_in() -> None:
    op.create_table(
        "hand_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pupil_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(500), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("handed_in_at", sa.Double(), nullable=False),
        sa.Column("is_taken_out", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hand_in"),
        sa.ForeignKeyConstraint(
            ["pupil_id"], ["pupil.id"], name="fk_hand_in_pupil_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("pupil_id", "kind", "subject", name="uq_hand_in_pupil_id_kind_subject"),
    )
    op.create_table(
        "drawn_set",
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("boards", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("class_id", name="pk_drawn_set"),
        sa.ForeignKeyConstraint(
            ["class_id"], ["class.id"], name="fk_drawn_set_class_id", ondelete="CASCADE"
        ),
    )
