"""A program's import may go on by itself once its dry run has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("starts_itself", sa.Boolean(), nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name == "postgresql":  # SQLite would have to copy the table for it
        op.alter_column("imports", "starts_itself", server_default=None)


def downgrade() -> None:
    op.drop_column("imports", "starts_itself")
