"""Second factors, recovery codes, sign-ins that wait for a code, and accounts at OpenID Connect providers."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

REQUIRED = (
    "ALTER TABLE service ADD COLUMN second_factor_required VARCHAR(16) DEFAULT 'off' NOT NULL "
    "CONSTRAINT ck_service_requirement CHECK (second_factor_required IN ('off', 'administrators', 'everybody'))"
)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    moment = sa.DateTime(timezone=not is_sqlite)
    op.execute(REQUIRED)  # by hand: Alembic would add the constraint by itself, for which SQLite copies the table
    if not is_sqlite:
        op.execute("ALTER TABLE service ALTER COLUMN second_factor_required DROP DEFAULT")
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sealed_secret", sa.String(255), nullable=False),
        sa.Column("confirmed_at", moment, nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("blocked_until", moment, nullable=True),
        _of_a_user("second_factors"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    _table(
        "recovery_codes",
        sa.Column("code_hash", sa.String(64), nullable=False),
    )
    _table(
        "half_sign_ins",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("is_remembered", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.UniqueConstraint("token_hash", name=op.f("uq_half_sign_ins_token_hash")),
    )
    _table(
        "identities",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("linked_at", moment, nullable=False),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identities_issuer_subject")),
    )


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Things of a user, with a number of their own."""
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        *columns,
        _of_a_user(name),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_user_id"), name, ["user_id"])


def _of_a_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in ("identities", "half_sign_ins", "recovery_codes", "second_factors"):
        op.drop_table(table)
    op.drop_column("service", "second_factor_required")
