"""What a part of SMS costs, so that a mailing can be told its price.

SQLite keeps the amount as text, because its numbers are binary fractions, and keeps the DEFAULT, which nothing relies on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("service", sa.Column("price_per_part", sa.String(16) if is_sqlite else sa.Numeric(10, 4)))
    op.add_column("service", sa.Column("currency", sa.String(3), nullable=False, server_default="RUB"))
    if not is_sqlite:
        op.alter_column("service", "currency", server_default=None)


def downgrade() -> None:
    op.drop_column("service", "currency")
    op.drop_column("service", "price_per_part")
