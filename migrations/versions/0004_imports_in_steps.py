"""An import is mapped, checked and looked at before it runs.

Imports that have not ended are given up, since they know no mapping: their file has to be sent in again. What
they have added stays, and counts as unchanged then. On SQLite the table is rebuilt, for its constraint.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INSTANT = sa.DateTime(timezone=True)

BEFORE = ("waiting", "running", "finished", "failed", "cancelled")
AFTER = ("mapping", "checking", "checked", *BEFORE)
KEPT = (
    "id, owner_id, filename, known, timezone, state, failure, size_bytes, bytes_read, rows_read, created, updated,"
    " unchanged, bad, created_at, started_at, finished_at, lease_token, lease_until"
)
COUNTERS = ("rows_read", "created", "updated", "unchanged", "bad")
ADDED = ("layout", "mapping", "rows_total", "rows_done", "duplicates")


def upgrade() -> None:
    op.execute(
        "UPDATE imports SET state = 'failed', failure = 'file_lost', lease_until = NULL,"
        " finished_at = CURRENT_TIMESTAMP WHERE state IN ('waiting', 'running')"
    )
    if _is_sqlite():
        _rebuild(AFTER, _added(), "rows_total, rows_done, duplicates", "rows_read, 0, 0")
        return
    _allow(AFTER)
    for column in _added():
        op.add_column("imports", column)
    for name in ("rows_done", "duplicates"):
        op.alter_column("imports", name, server_default=None)
    op.execute("UPDATE imports SET rows_total = rows_read")


def downgrade() -> None:
    op.execute(
        "UPDATE imports SET state = 'cancelled', finished_at = CURRENT_TIMESTAMP, bad = bad + duplicates"
        " WHERE state IN ('mapping', 'checking', 'checked', 'waiting', 'running')"
    )
    if _is_sqlite():
        _rebuild(BEFORE, ())
        return
    _allow(BEFORE)
    for name in ADDED:
        op.drop_column("imports", name)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _allow(states: tuple[str, ...]) -> None:
    named = ", ".join(f"'{state}'" for state in states)
    op.drop_constraint(op.f("ck_imports_importstate"), "imports", type_="check")
    op.create_check_constraint(op.f("ck_imports_importstate"), "imports", f"state IN ({named})")


def _added() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("layout", JSON, nullable=True),
        sa.Column("mapping", JSON, nullable=True),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("duplicates", sa.Integer(), nullable=False, server_default="0"),
    )


def _rebuild(states: tuple[str, ...], added: tuple[sa.Column[object], ...], filled: str = "", values: str = "") -> None:
    """`filled` columns get `values`, beside those that stay."""
    op.create_table(
        "new_imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("known", _one_of("knownphones", "update", "skip"), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("state", _one_of("importstate", *states), nullable=False),
        sa.Column("failure", sa.String(length=32), nullable=True),
        sa.Column("size_bytes", BIG_ID, nullable=False),
        sa.Column("bytes_read", BIG_ID, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTERS),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        *added,
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_imports_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    into, taken = (f"{KEPT}, {filled}", f"{KEPT}, {values}") if filled else (KEPT, KEPT)
    op.execute(f"INSERT INTO new_imports ({into}) SELECT {taken} FROM imports ORDER BY id")
    op.execute("DROP INDEX ix_imports_owner_id_id")
    op.drop_table("imports")
    op.rename_table("new_imports", "imports")
    op.create_index(op.f("ix_imports_owner_id_id"), "imports", ["owner_id", "id"])


def _one_of(name: str, *values: str) -> sa.Enum:
    constraint = op.f(f"ck_imports_{name}")
    return sa.Enum(*values, name=constraint, native_enum=False, create_constraint=True, length=16)
