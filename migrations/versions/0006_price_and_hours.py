"""What a part of SMS costs, so that a mailing can be told its price; and outcomes counted by the hour.

SQLite keeps the amount as text, because its numbers are binary fractions, and keeps the DEFAULT, which nothing relies on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("service", sa.Column("price_per_part", sa.String(16) if is_sqlite else sa.Numeric(10, 4)))
    op.add_column("service", sa.Column("currency", sa.String(3), nullable=False, server_default="RUB"))
    if not is_sqlite:
        op.alter_column("service", "currency", server_default=None)
    _create_hour_tallies()
    op.execute(
        "INSERT INTO hour_tallies (hour, mailing_id, status, slot, change)"
        " SELECT substr(key, 1, 13), mailing_id, status, 0, sum(change) FROM tallies WHERE dimension = 'minute'"
        " GROUP BY substr(key, 1, 13), mailing_id, status HAVING sum(change) <> 0"
    )


def _create_hour_tallies() -> None:
    op.create_table(
        "hour_tallies",
        sa.Column("hour", sa.String(13), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_hour_tallies_mailing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hour", "mailing_id", "status", "slot", name=op.f("pk_hour_tallies")),
        postgresql_with={"fillfactor": 50},
    )


def downgrade() -> None:
    op.drop_table("hour_tallies")
    op.drop_column("service", "currency")
    op.drop_column("service", "price_per_part")
