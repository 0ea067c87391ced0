"""Who has done what; whom nobody may find any more; and which messages are no longer kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
VIAS = ("page", "api", "command", "service")

# A transaction that may change the log has put a row into `audit_permits`, which nobody else can see.
REFUSAL = "the audit log is only added to"
SQLITE_TRIGGER = f"""
CREATE TRIGGER audit_log_refuses_{{event}} BEFORE {{event}} ON audit_log
WHEN NOT EXISTS (SELECT 1 FROM audit_permits)
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
"""
POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_log_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM audit_permits) THEN
        RAISE EXCEPTION '{REFUSAL}';
    END IF;
    RETURN NULL;
END
$$
"""
POSTGRESQL_TRIGGER = """
CREATE TRIGGER audit_log_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuses()
"""


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    moment = sa.DateTime(timezone=not is_sqlite)
    _audit_log(moment)
    _refuse_changes(is_sqlite)
    op.create_table(
        "erased_phones",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("erased_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_erased_phones")),
    )
    op.add_column("service", sa.Column("erasing_key", sa.String(64), nullable=True))
    op.add_column("mailings", sa.Column("folded_at", moment, nullable=True))
    op.add_column("mailings", sa.Column("emptied_at", moment, nullable=True))
    is_full = sa.text("emptied_at IS NULL")
    op.create_index(
        "ix_mailings_full", "mailings", ["finished_at"], postgresql_where=is_full, sqlite_where=is_full
    )


def _audit_log(moment: sa.DateTime) -> None:
    via = sa.Enum(*VIAS, name="via", native_enum=False, create_constraint=True, length=16)
    op.create_table(
        "audit_log",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(64), nullable=True),
        sa.Column("via", via, nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=True),
        sa.Column("ip", sa.String(45), nullable=True),
        sa.Column("request_id", sa.String(128), nullable=True),
        sa.Column("verb", sa.String(40), nullable=False),
        sa.Column("object_type", sa.String(16), nullable=False),
        sa.Column("object_id", BIG_ID, nullable=True),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_autoincrement=True,
    )
    for columns in (["object_type", "object_id", "id"], ["actor_id", "id"], ["verb", "id"], ["at", "id"]):
        op.create_index(op.f(f"ix_audit_log_{'_'.join(columns)}"), "audit_log", columns)
    op.create_table(
        "audit_permits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_permits")),
    )


def _refuse_changes(is_sqlite: bool) -> None:
    if is_sqlite:
        for event in ("UPDATE", "DELETE"):
            op.execute(SQLITE_TRIGGER.format(event=event))
    else:
        op.execute(POSTGRESQL_FUNCTION)
        op.execute(POSTGRESQL_TRIGGER)


def downgrade() -> None:
    op.drop_index("ix_mailings_full", "mailings")
    op.drop_column("mailings", "emptied_at")
    op.drop_column("mailings", "folded_at")
    op.drop_column("service", "erasing_key")
    op.drop_table("erased_phones")
    op.drop_table("audit_log")
    op.drop_table("audit_permits")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_log_refuses()")
