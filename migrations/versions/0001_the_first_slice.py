"""The first slice."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "id_blocks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("next_id", BIG_ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_id_blocks")),
    )
    op.create_table(
        "service",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "breaker",
            sa.Enum("closed", "open", name="breaker", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("breaker_reason", sa.String(length=32), nullable=True),
        sa.Column("breaker_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breaker_probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breaker_failed_probes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
    )
    op.create_table(
        "setup_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setup_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_setup_links_token_hash")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("name_key", sa.String(length=128), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "administrator",
                "operator",
                "viewer",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("theme", sa.String(length=5), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("name_key", name=op.f("uq_users_name_key")),
    )
    op.create_table(
        "clients",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(length=11), nullable=False),
        sa.Column("operator_code", sa.String(length=3), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_clients_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
        sa.UniqueConstraint("owner_id", "phone", name=op.f("uq_clients_owner_id_phone")),
    )
    op.create_index(op.f("ix_clients_owner_id_id"), "clients", ["owner_id", "id"], unique=False)
    op.create_index(
        op.f("ix_clients_owner_id_operator_code_id"),
        "clients",
        ["owner_id", "operator_code", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_clients_owner_id_timezone_id"),
        "clients",
        ["owner_id", "timezone", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_clients_phone"), "clients", ["phone"], unique=False)

    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column(
            "known",
            sa.Enum("update", "skip", name="knownphones", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "finished",
                "failed",
                "cancelled",
                name="importstate",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("failure", sa.String(length=32), nullable=True),
        sa.Column("size_bytes", BIG_ID, nullable=False),
        sa.Column("bytes_read", BIG_ID, nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_imports_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_owner_id_id"), "imports", ["owner_id", "id"], unique=False)

    op.create_table(
        "mailings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=32), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_from", sa.Time(), nullable=True),
        sa.Column("window_to", sa.Time(), nullable=True),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("operator_codes", JSON, nullable=False),
        sa.Column("everybody", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "scheduled",
                "running",
                "paused",
                "finished",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fanned_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(window_from IS NULL) = (window_to IS NULL)", name=op.f("ck_mailings_window_whole")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_mailings_starts_before_end")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_mailings_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailings")),
        sa.UniqueConstraint("owner_id", "form_key", name=op.f("uq_mailings_owner_id_form_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_mailings_owner_id_id"), "mailings", ["owner_id", "id"], unique=False)
    op.create_index(op.f("ix_mailings_state_starts_at"), "mailings", ["state", "starts_at"], unique=False)

    op.create_table(
        "stop_list",
        sa.Column("phone", sa.String(length=11), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["added_by_id"], ["users.id"], name=op.f("fk_stop_list_added_by_id")),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_stop_list")),
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_tags_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_tags_owner_id_name")),
    )
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_remembered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_sessions_token_hash")),
    )
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"], unique=False)

    op.create_table(
        "client_tags",
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("client_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_client_tags_client_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_client_tags_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag_id", "client_id", name=op.f("pk_client_tags")),
    )
    op.create_index(op.f("ix_client_tags_client_id"), "client_tags", ["client_id"], unique=False)

    op.create_table(
        "fan_outs",
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("through", BIG_ID, nullable=False),
        sa.Column("audience_through", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_fan_outs_mailing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailing_id", name=op.f("pk_fan_outs")),
    )
    op.create_table(
        "import_problems",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_problems_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_problems")),
    )
    op.create_index(
        op.f("ix_import_problems_import_id_line"), "import_problems", ["import_id", "line"], unique=False
    )

    op.create_table(
        "lanes",
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_lanes_mailing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailing_id", "timezone", name=op.f("pk_lanes")),
    )
    op.create_table(
        "messages",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("client_id", BIG_ID, nullable=False),
        sa.Column("phone", sa.String(length=11), nullable=False),
        sa.Column("operator_code", sa.String(length=3), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("placeholder_values", JSON, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "sending",
                "sent",
                "failed",
                "expired",
                "skipped",
                "cancelled",
                "unknown",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("send_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_messages_mailing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("client_id", "mailing_id", name=op.f("uq_messages_client_id_mailing_id")),
        sa.UniqueConstraint("mailing_id", "phone", name=op.f("uq_messages_mailing_id_phone")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "ix_messages_due",
        "messages",
        ["mailing_id", "timezone", "send_after"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
        sqlite_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_messages_in_flight",
        "messages",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("status = 'sending'"),
        sqlite_where=sa.text("status = 'sending'"),
    )
    op.create_index(
        "ix_messages_unsent",
        "messages",
        ["mailing_id", "status", "phone"],
        unique=False,
        postgresql_where=sa.text("status IN ('failed', 'expired', 'skipped', 'cancelled', 'unknown')"),
        sqlite_where=sa.text("status IN ('failed', 'expired', 'skipped', 'cancelled', 'unknown')"),
    )

    op.create_table(
        "tallies",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column(
            "dimension",
            sa.Enum(
                "status",
                "code",
                "zone",
                "reason",
                "minute",
                name="dimension",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_tallies_mailing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallies")),
    )
    op.create_index(
        op.f("ix_tallies_mailing_id_dimension_key_status"),
        "tallies",
        ["mailing_id", "dimension", "key", "status"],
        unique=False,
    )

    op.create_table(
        "attempts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("message_id", BIG_ID, nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("http_status", sa.SmallInteger(), nullable=True),
        sa.Column("code", BIG_ID, nullable=True),
        sa.Column("excerpt", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_attempts_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_mailing_id_id"), "attempts", ["mailing_id", "id"], unique=False)
    op.create_index(op.f("ix_attempts_message_id"), "attempts", ["message_id"], unique=False)

    _insert_single_rows()


def _insert_single_rows() -> None:
    """Rows of which there is always exactly one."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    service = sa.table("service", sa.column("id"), sa.column("breaker"), sa.column("breaker_failed_probes"))
    op.bulk_insert(service, [{"id": 1, "breaker": "closed", "breaker_failed_probes": 0}])
    id_blocks = sa.table("id_blocks", sa.column("id"), sa.column("next_id"))
    op.bulk_insert(id_blocks, [{"id": 1, "next_id": 1}])
    heartbeats = sa.table("heartbeats", sa.column("name"), sa.column("at", sa.DateTime(timezone=True)))
    op.bulk_insert(heartbeats, [{"name": "sweep", "at": long_ago}])


def downgrade() -> None:
    op.drop_table("attempts")
    op.drop_table("tallies")
    op.drop_table("messages")
    op.drop_table("lanes")
    op.drop_table("import_problems")
    op.drop_table("fan_outs")
    op.drop_table("client_tags")
    op.drop_table("user_sessions")
    op.drop_table("tags")
    op.drop_table("stop_list")
    op.drop_table("mailings")
    op.drop_table("imports")
    op.drop_table("clients")
    op.drop_table("users")
    op.drop_table("setup_links")
    op.drop_table("service")
    op.drop_table("id_blocks")
    op.drop_table("heartbeats")
