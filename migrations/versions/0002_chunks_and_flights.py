"""Messages wait in chunks and leave in flights; mailings get limits, approval and the client's own clock.

On SQLite, which cannot change a constraint, tables are rebuilt: the old one is renamed, copied and dropped, after
what refers to it. Columns that are only added keep a DEFAULT there, which nothing relies on.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INSTANT = sa.DateTime(timezone=True)

UNSENT = "'failed', 'expired', 'skipped', 'cancelled', 'unknown'"
UNSENT_STATUS = f"CASE WHEN status IN ({UNSENT}) THEN status END"
# Only what waits has one; what waits already keeps it, and so waits by itself, in no chunk.
SEND_AFTER = "CASE WHEN status IN ('queued', 'sending') THEN send_after END"
MESSAGE_COLUMNS = (
    "id, mailing_id, client_id, phone, operator_code, timezone, placeholder_values, created_at, status, reason,"
    " tries, lease_token, lease_until, settled_at, duration_ms"
)
# In the order in which they can be dropped: the checks of the walls name the basis.
MAILING_COLUMNS = (
    *("approved_by_id", "approved_at", "awaits_approval", "launched_by_id", "pause_reason", "budget_parts"),
    *("canary_size", "rate_unit", "rate_limit", "ends_wall", "starts_wall", "time_basis"),
)
SERVICE_COLUMNS = (
    *("frequency_days", "frequency_cap", "approval_above", "rate_unit", "rate_limit"),
    *("stopped_by_id", "stopped_at"),
)
ATTEMPT_COLUMNS = "id, message_id, mailing_id, at, duration_ms, verdict, reason, http_status, code, excerpt"


def upgrade() -> None:
    _create_chunks_and_flights()
    _create_allowances_and_call_windows()
    _widen_mailings()
    _widen_service()
    _turn_tallies_into_counters()
    # A result that was written twice has left two traces.
    op.execute(
        "DELETE FROM attempts WHERE EXISTS (SELECT 1 FROM attempts AS first WHERE first.message_id ="
        " attempts.message_id AND first.at = attempts.at AND first.id < attempts.id)"
    )
    if _is_sqlite():
        _rebuild_messages_and_attempts()
    else:
        _alter_messages_and_attempts()
    _create_message_indexes()


def downgrade() -> None:
    """What the older engine cannot keep is held back for a person; the texts of single messages are lost."""
    _hold_back_what_has_limits()
    _take_messages_out_of_chunks_and_flights()
    if _is_sqlite():
        _rebuild_messages_and_attempts_as_they_were()
    else:
        _alter_messages_and_attempts_back()
    _create_message_indexes_as_they_were()
    _turn_tallies_into_changes()
    for column in SERVICE_COLUMNS:
        op.drop_column("service", column)
    for column in MAILING_COLUMNS:
        op.drop_column("mailings", column)
    for table in ("call_windows", "allowances", "flights", "chunks"):
        op.drop_table(table)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _create_chunks_and_flights() -> None:
    op.create_table(
        "chunks",
        sa.Column("last_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("first_id", BIG_ID, nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("last_id", name=op.f("pk_chunks")),
    )
    op.create_index(
        op.f("ix_chunks_mailing_id_timezone_first_id"), "chunks", ["mailing_id", "timezone", "first_id"]
    )
    op.create_table(
        "flights",
        sa.Column("last_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("first_id", BIG_ID, nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("armed_at", INSTANT, nullable=False),
        sa.Column("lease_until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("last_id", name=op.f("pk_flights")),
    )
    op.create_index(op.f("ix_flights_lease_until"), "flights", ["lease_until"])
    op.create_index(op.f("ix_flights_mailing_id_first_id"), "flights", ["mailing_id", "first_id"])


def _create_allowances_and_call_windows() -> None:
    allowances = op.create_table(
        "allowances",
        sa.Column("scope", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("canary_left", sa.Integer(), nullable=True),
        sa.Column("parts_left", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_allowances")),
    )
    # The whole installation's is always there.
    op.bulk_insert(allowances, [{"scope": 0}])
    op.create_table(
        "call_windows",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("calls", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_call_windows")),
    )


def _widen_mailings() -> None:
    bases = _choice("ck_mailings_timebasis", "time_basis", "instant", "client")
    _add("mailings", "time_basis", sa.String(16), f"NOT NULL {bases}", default="'instant'")
    for column, name in (("starts_wall", "wall_start"), ("ends_wall", "wall_end")):
        check = f"CHECK ((time_basis = 'client') = ({column} IS NOT NULL))"
        _add("mailings", column, sa.DateTime(), f"CONSTRAINT ck_mailings_{name} {check}")
    _add_rate("mailings")
    _add("mailings", "canary_size", sa.Integer())
    _add("mailings", "budget_parts", sa.Integer())
    reasons = _choice(
        "ck_mailings_pausereason", "pause_reason", "operator", "canary", "budget", "missed_start"
    )
    _add("mailings", "pause_reason", sa.String(16), reasons)
    _add("mailings", "launched_by_id", sa.Integer(), _user("fk_mailings_launched_by_id"))
    _add("mailings", "awaits_approval", sa.Boolean(), "NOT NULL", default="false")
    _add("mailings", "approved_at", INSTANT)
    _add("mailings", "approved_by_id", sa.Integer(), _user("fk_mailings_approved_by_id"))
    op.execute("UPDATE mailings SET pause_reason = 'operator' WHERE state = 'paused'")


def _widen_service() -> None:
    _add("service", "stopped_at", INSTANT)
    _add("service", "stopped_by_id", sa.Integer(), _user("fk_service_stopped_by_id"))
    _add_rate("service")
    for column in ("approval_above", "frequency_cap", "frequency_days"):
        _add("service", column, sa.Integer())


def _add_rate(table: str) -> None:
    _add(table, "rate_limit", sa.Integer())
    units = _choice(f"ck_{table}_rateunit", "rate_unit", "messages", "parts")
    _add(table, "rate_unit", sa.String(16), f"NOT NULL {units}", default="'messages'")


def _choice(name: str, column: str, *values: str) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"CONSTRAINT {name} CHECK ({column} IN ({listed}))"


def _user(name: str) -> str:
    return f"CONSTRAINT {name} REFERENCES users (id)"


def _add(table: str, column: str, kind: sa.types.TypeEngine, constraints: str = "", default: str = "") -> None:
    """Written out, because Alembic adds no constraint with a column on SQLite."""
    written = kind.compile(dialect=op.get_bind().dialect)
    value = f"DEFAULT {default} " if default else ""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {written} {value}{constraints}")
    if default and not _is_sqlite():
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT")


def _turn_tallies_into_counters() -> None:
    op.execute(
        "CREATE TEMPORARY TABLE counts AS SELECT mailing_id, dimension, key, status, sum(change) AS change"
        " FROM tallies GROUP BY mailing_id, dimension, key, status HAVING sum(change) <> 0"
    )
    op.drop_table("tallies")
    op.create_table(
        "tallies",
        *_tally_columns(),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mailing_id", "dimension", "key", "status", "slot", name=op.f("pk_tallies")),
        postgresql_with={"fillfactor": 50},
    )
    op.execute(
        "INSERT INTO tallies (mailing_id, dimension, key, status, slot, change)"
        " SELECT mailing_id, dimension, key, status, 0, change FROM counts"
    )
    op.execute("DROP TABLE counts")


def _turn_tallies_into_changes() -> None:
    op.execute("CREATE TEMPORARY TABLE counts AS SELECT mailing_id, dimension, key, status, change FROM tallies")
    op.drop_table("tallies")
    op.create_table(
        "tallies",
        sa.Column("id", BIG_ID, nullable=False),
        *_tally_columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallies")),
    )
    op.execute(
        "INSERT INTO tallies (mailing_id, dimension, key, status, change)"
        " SELECT mailing_id, dimension, key, status, change FROM counts"
        " ORDER BY mailing_id, dimension, key, status"
    )
    op.execute("DROP TABLE counts")
    op.create_index(
        op.f("ix_tallies_mailing_id_dimension_key_status"), "tallies", ["mailing_id", "dimension", "key", "status"]
    )


def _tally_columns() -> tuple[sa.schema.SchemaItem, ...]:
    dimensions = ("status", "code", "zone", "reason", "minute")
    return (
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("dimension", _one_of("dimension", *dimensions), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        _mailing_key("fk_tallies_mailing_id"),
    )


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=16)


def _mailing_key(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f(name), ondelete="CASCADE")


def _alter_messages_and_attempts() -> None:
    op.drop_index("ix_messages_due", "messages")
    op.drop_index("ix_messages_in_flight", "messages")
    op.drop_index("ix_messages_unsent", "messages")
    # In one statement, so that PostgreSQL writes the table anew only once.
    op.execute(
        "ALTER TABLE messages DROP CONSTRAINT fk_messages_mailing_id,"
        f" ALTER COLUMN send_after DROP NOT NULL, ALTER COLUMN send_after TYPE timestamptz USING {SEND_AFTER},"
        f" ADD COLUMN text text, ADD COLUMN unsent varchar(16) GENERATED ALWAYS AS ({UNSENT_STATUS}) STORED"
    )
    op.create_unique_constraint(op.f("uq_attempts_message_id_at"), "attempts", ["message_id", "at"])
    op.drop_index("ix_attempts_message_id", "attempts")


def _rebuild_messages_and_attempts() -> None:
    _put_messages_and_attempts_aside("ix_messages_in_flight", "ix_attempts_message_id")
    op.create_table(
        "messages",
        *_message_columns(),
        sa.Column("send_after", INSTANT, nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("unsent", sa.String(length=16), sa.Computed(UNSENT_STATUS, persisted=True), nullable=True),
    )
    op.execute(
        f"INSERT INTO messages ({MESSAGE_COLUMNS}, send_after)"
        f" SELECT {MESSAGE_COLUMNS}, {SEND_AFTER} FROM old_messages ORDER BY id"
    )
    one_trace = sa.UniqueConstraint("message_id", "at", name=op.f("uq_attempts_message_id_at"))
    op.create_table("attempts", *_attempt_columns(), one_trace)
    _copy_attempts_and_drop_what_was_put_aside()


def _put_messages_and_attempts_aside(*other_indexes: str) -> None:
    for index in ("ix_messages_due", "ix_messages_unsent", "ix_attempts_mailing_id_id", *other_indexes):
        op.execute(f"DROP INDEX {index}")
    op.rename_table("attempts", "old_attempts")
    op.rename_table("messages", "old_messages")


def _copy_attempts_and_drop_what_was_put_aside() -> None:
    op.execute(
        f"INSERT INTO attempts ({ATTEMPT_COLUMNS}) SELECT {ATTEMPT_COLUMNS} FROM old_attempts ORDER BY id"
    )
    op.create_index(op.f("ix_attempts_mailing_id_id"), "attempts", ["mailing_id", "id"])
    op.drop_table("old_attempts")
    op.drop_table("old_messages")


def _message_columns() -> tuple[sa.schema.SchemaItem, ...]:
    statuses = ("queued", "sending", "sent", "failed", "expired", "skipped", "cancelled", "unknown")
    return (
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("client_id", BIG_ID, nullable=False),
        sa.Column("phone", sa.String(length=11), nullable=False),
        sa.Column("operator_code", sa.String(length=3), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("placeholder_values", JSON, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("status", _one_of("status", *statuses), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("client_id", "mailing_id", name=op.f("uq_messages_client_id_mailing_id")),
        sa.UniqueConstraint("mailing_id", "phone", name=op.f("uq_messages_mailing_id_phone")),
    )


def _attempt_columns() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("message_id", BIG_ID, nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
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


def _create_message_indexes() -> None:
    _create_partial_index("ix_messages_due", ["mailing_id", "timezone", "send_after"], "send_after IS NOT NULL")
    _create_partial_index("ix_messages_leased", ["lease_until"], "lease_until IS NOT NULL")
    _create_partial_index("ix_messages_unsent", ["mailing_id", "unsent", "phone"], "unsent IS NOT NULL")


def _create_message_indexes_as_they_were() -> None:
    _create_partial_index("ix_messages_due", ["mailing_id", "timezone", "send_after"], "status = 'queued'")
    _create_partial_index("ix_messages_in_flight", ["lease_until"], "status = 'sending'")
    _create_partial_index("ix_messages_unsent", ["mailing_id", "status", "phone"], f"status IN ({UNSENT})")


def _create_partial_index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "messages", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _hold_back_what_has_limits() -> None:
    """Without them it would send what nobody wants: the running pause, the scheduled become drafts again.

    So does what has messages with a text of their own, which would get the mailing's.
    """
    has_limits = (
        "(awaits_approval OR time_basis = 'client' OR rate_limit IS NOT NULL OR canary_size IS NOT NULL"
        " OR budget_parts IS NOT NULL OR EXISTS (SELECT 1 FROM service WHERE service.stopped_at IS NOT NULL"
        " OR service.rate_limit IS NOT NULL OR service.frequency_cap IS NOT NULL)"
        " OR EXISTS (SELECT 1 FROM messages WHERE messages.mailing_id = mailings.id"
        " AND messages.text IS NOT NULL AND messages.status IN ('queued', 'sending')))"
    )
    op.execute(f"UPDATE mailings SET state = 'paused' WHERE state = 'running' AND {has_limits}")
    op.execute(
        f"UPDATE mailings SET state = 'draft', launched_at = NULL WHERE state = 'scheduled' AND {has_limits}"
    )


def _take_messages_out_of_chunks_and_flights() -> None:
    """What is in the air may have been sent: its lease runs out now, and the sweep decides."""
    in_the_air = sa.text(
        "UPDATE messages SET status = 'sending', lease_token = flights.token, lease_until = :now FROM flights"
        " WHERE messages.id BETWEEN flights.first_id AND flights.last_id"
        " AND messages.status = 'queued' AND messages.send_after IS NULL"
    )
    op.execute(in_the_air.bindparams(sa.bindparam("now", datetime.now(UTC), INSTANT)))
    op.execute(
        "UPDATE messages SET send_after = mailings.starts_at FROM mailings"
        " WHERE mailings.id = messages.mailing_id AND messages.send_after IS NULL"
    )


def _alter_messages_and_attempts_back() -> None:
    op.drop_index("ix_messages_due", "messages")
    op.drop_index("ix_messages_leased", "messages")
    op.drop_index("ix_messages_unsent", "messages")
    op.execute(
        "ALTER TABLE messages DROP COLUMN unsent, DROP COLUMN text, ALTER COLUMN send_after SET NOT NULL,"
        " ADD CONSTRAINT fk_messages_mailing_id"
        " FOREIGN KEY (mailing_id) REFERENCES mailings (id) ON DELETE CASCADE"
    )
    op.create_index(op.f("ix_attempts_message_id"), "attempts", ["message_id"])
    op.drop_constraint("uq_attempts_message_id_at", "attempts")


def _rebuild_messages_and_attempts_as_they_were() -> None:
    _put_messages_and_attempts_aside("ix_messages_leased")
    op.create_table(
        "messages",
        *_message_columns(),
        sa.Column("send_after", INSTANT, nullable=False),
        _mailing_key("fk_messages_mailing_id"),
    )
    columns = f"{MESSAGE_COLUMNS}, send_after"
    op.execute(f"INSERT INTO messages ({columns}) SELECT {columns} FROM old_messages ORDER BY id")
    op.create_table("attempts", *_attempt_columns())
    _copy_attempts_and_drop_what_was_put_aside()
    op.create_index(op.f("ix_attempts_message_id"), "attempts", ["message_id"])
