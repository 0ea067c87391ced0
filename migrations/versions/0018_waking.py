"""A service that wakes after a long sleep, or with a restored database, stops by itself and says why.

Its heartbeat begins with the last sweep, so that an upgrade of what had slept, or came from a backup, waits for a person,
too. A new database (whose sweep lies in the year 2000) has none: its first beat makes it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("service", sa.Column("stop_reason", sa.String(16)))
    op.add_column("service", sa.Column("known_until", sa.DateTime(timezone=not is_sqlite)))
    op.execute(
        "INSERT INTO heartbeats (name, at)"
        " SELECT 'service', at FROM heartbeats WHERE name = 'sweep' AND at > '2000-01-02'"
    )


def downgrade() -> None:
    op.execute("DELETE FROM heartbeats WHERE name = 'service'")
    op.drop_column("service", "known_until")
    op.drop_column("service", "stop_reason")
