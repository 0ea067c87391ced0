"""Who may launch, when somebody came in and from where; links to set a password; letters that wait."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEAVING = sa.text("handed_to_id IS NOT NULL")


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    moment = sa.DateTime(timezone=not is_sqlite)
    op.add_column("users", sa.Column("may_launch", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("users", sa.Column("signed_in_at", moment))
    op.add_column("users", sa.Column("handed_to_id", sa.Integer()))
    op.add_column("users", sa.Column("deleted_at", moment))
    op.create_index("ix_users_leaving", "users", ["id"], sqlite_where=LEAVING, postgresql_where=LEAVING)
    op.add_column("user_sessions", sa.Column("address", sa.String(45), nullable=False, server_default=""))
    op.add_column("user_sessions", sa.Column("user_agent", sa.String(300), nullable=False, server_default=""))
    if not is_sqlite:  # which would have to copy the tables for it
        op.alter_column("users", "may_launch", server_default=None)
        op.alter_column("user_sessions", "address", server_default=None)
        op.alter_column("user_sessions", "user_agent", server_default=None)
    _password_links(moment)
    _mails(moment)


def _password_links(moment: sa.DateTime) -> None:
    op.create_table(
        "password_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_password_links_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_links_token_hash")),
    )
    op.create_index(op.f("ix_password_links_user_id"), "password_links", ["user_id"])


def _mails(moment: sa.DateTime) -> None:
    op.create_table(
        "mails",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("params", JSON, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mails_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index(op.f("ix_mails_user_id"), "mails", ["user_id"])
    op.create_index(op.f("ix_mails_next_try_at"), "mails", ["next_try_at"])


def downgrade() -> None:
    op.drop_table("mails")
    op.drop_table("password_links")
    op.drop_column("user_sessions", "user_agent")
    op.drop_column("user_sessions", "address")
    op.drop_index("ix_users_leaving", "users")
    for column in ("deleted_at", "handed_to_id", "signed_in_at", "may_launch"):
        op.drop_column("users", column)
