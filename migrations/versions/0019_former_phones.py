"""Which messages went to a phone that their client no longer has?"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

FORMER = sa.text("is_former IS NOT NULL")


def upgrade() -> None:
    op.add_column("messages", sa.Column("is_former", sa.Boolean()))
    op.execute(
        """
        UPDATE messages SET is_former = true WHERE id IN (
            SELECT messages.id FROM clients JOIN messages ON messages.client_id = clients.id
            WHERE messages.phone <> clients.phone
        )
        """
    )
    op.create_index("ix_messages_former", "messages", ["phone"], postgresql_where=FORMER, sqlite_where=FORMER)


def downgrade() -> None:
    op.drop_index("ix_messages_former", "messages")
    op.drop_column("messages", "is_former")
