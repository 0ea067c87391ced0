"""People register and wait for an administrator's word; answers that are kept for a day are found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WAITING = sa.text("waiting_since IS NOT NULL")


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column("users", sa.Column("waiting_since", sa.DateTime(timezone=not is_sqlite)))
    op.create_index("ix_users_waiting", "users", ["id"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys")
    op.drop_index("ix_users_waiting", "users")
    op.drop_column("users", "waiting_since")
