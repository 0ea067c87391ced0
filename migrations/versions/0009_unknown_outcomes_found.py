"""Unknown outcomes are found without asking every mailing; a message that was added by hand says by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UNKNOWN = sa.text("dimension = 'status' AND status = 'unknown'")


def upgrade() -> None:
    op.create_index("ix_tallies_unknown", "tallies", ["mailing_id"], postgresql_where=UNKNOWN, sqlite_where=UNKNOWN)
    op.add_column("messages", sa.Column("added_by_id", sa.Integer()))


def downgrade() -> None:
    op.drop_index("ix_tallies_unknown", "tallies")
    op.drop_column("messages", "added_by_id")
