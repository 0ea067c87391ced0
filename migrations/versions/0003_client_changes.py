"""Clients say since when and by what they agreed, are found by their last digits, and can be changed in bulk."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INSTANT = sa.DateTime(timezone=True)

VERBS = ("add_tag", "remove_tag", "stop_list", "unlist", "delete")
STATES = ("waiting", "running", "finished", "cancelled")
CLIENT_INDEXES = {
    "ix_clients_operator_code_id": ["operator_code", "id"],
    "ix_clients_timezone_id": ["timezone", "id"],
    "ix_clients_last_digits": [sa.text("substr(phone, 8)")],
}


def upgrade() -> None:
    op.add_column("clients", sa.Column("consent_source", sa.String(length=200), nullable=True))
    op.add_column("clients", sa.Column("consent_at", INSTANT, nullable=True))
    for name, columns in CLIENT_INDEXES.items():
        op.create_index(op.f(name), "clients", columns)
    op.create_index(op.f("ix_stop_list_added_at_phone"), "stop_list", ["added_at", "phone"])
    _create_client_changes()


def downgrade() -> None:
    op.drop_table("client_changes")
    op.drop_index(op.f("ix_stop_list_added_at_phone"), "stop_list")
    for name in CLIENT_INDEXES:
        op.drop_index(op.f(name), "clients")
    for column in ("consent_at", "consent_source"):
        op.drop_column("clients", column)


def _create_client_changes() -> None:
    op.create_table(
        "client_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=32), nullable=True),
        sa.Column("verb", _one_of("clientverb", *VERBS), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=True),
        sa.Column("selection", JSON, nullable=False),
        sa.Column("state", _one_of("changestate", *STATES), nullable=False),
        *(sa.Column(name, BIG_ID, nullable=False) for name in ("total", "through", "last_id")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("seen", "changed", "refused")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_client_changes_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_changes")),
        sa.UniqueConstraint("actor_id", "form_key", name=op.f("uq_client_changes_actor_id_form_key")),
    )
    unfinished = sa.text("finished_at IS NULL")
    op.create_index(
        "ix_client_changes_unfinished",
        "client_changes",
        ["id"],
        postgresql_where=unfinished,
        sqlite_where=unfinished,
    )


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=16)
