"""Mailings exclude clients; unfinished forms and sends to one's own phone are kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _add("mailings", "excluded_tags", JSON, "NOT NULL", default="'[]'")
    reference = "CONSTRAINT fk_mailings_excluded_mailing_id REFERENCES mailings (id)"
    _add("mailings", "excluded_mailing_id", sa.Integer(), reference)
    _add("users", "phone", sa.String(11))
    op.create_table(
        "form_drafts",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=32), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_form_drafts_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "form_key", name=op.f("pk_form_drafts")),
    )
    op.create_index(op.f("ix_form_drafts_saved_at"), "form_drafts", ["saved_at"])
    op.create_table(
        "trials",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(length=11), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('waiting', 'sending', 'sent', 'not_sent', 'unknown')",
            name=op.f("ck_trials_trialoutcome"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_trials_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trials")),
    )
    op.create_index(op.f("ix_trials_user_id_created_at"), "trials", ["user_id", "created_at"])
    op.create_index(op.f("ix_trials_created_at"), "trials", ["created_at"])


def downgrade() -> None:
    """A mailing that has not selected its clients yet would message those it was to leave out: it waits for a person."""
    excludes = "(excluded_mailing_id IS NOT NULL OR CAST(excluded_tags AS TEXT) <> '[]')"
    op.execute(
        "UPDATE mailings SET state = 'draft', launched_at = NULL, launched_by_id = NULL, awaits_approval = false,"
        f" approved_at = NULL, approved_by_id = NULL WHERE state = 'scheduled' AND {excludes}"
    )
    op.execute(
        "UPDATE mailings SET state = 'paused', pause_reason = 'operator'"
        f" WHERE state = 'running' AND fanned_out_at IS NULL AND {excludes}"
    )
    op.drop_table("trials")
    op.drop_table("form_drafts")
    op.drop_column("users", "phone")
    op.drop_column("mailings", "excluded_mailing_id")
    op.drop_column("mailings", "excluded_tags")


def _add(table: str, column: str, kind: sa.types.TypeEngine, constraints: str = "", default: str = "") -> None:
    """Written out, because Alembic adds no constraint with a column on SQLite."""
    written = kind.compile(dialect=op.get_bind().dialect)
    value = f"DEFAULT {default} " if default else ""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {written} {value}{constraints}")
    if default and op.get_bind().dialect.name != "sqlite":
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT")

