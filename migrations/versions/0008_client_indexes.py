"""Clients are found by their last digits in an order that an import can follow, and lists are read off indexes.

An import fills indexes in the order of phones. By four digits it then touched every page of the index for every
thousand rows; by two, it goes on at a hundred places.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = "ix_clients_last_digits"
# An administrator's lists are put together from those of the owners, whose indexes they use.
OVER_ALL_OWNERS = {
    "ix_clients_operator_code_id": ["operator_code", "id"],
    "ix_clients_timezone_id": ["timezone", "id"],
}
# So far of the deleted, too, so that to count was to read every row.
OF_THE_LIVING = {
    "ix_clients_owner_id_operator_code_id": ["owner_id", "operator_code", "id"],
    "ix_clients_owner_id_timezone_id": ["owner_id", "timezone", "id"],
}


def upgrade() -> None:
    op.drop_index(op.f(NAME), "clients")
    op.create_index(NAME, "clients", [sa.text("substr(phone, 10)"), "phone"])
    for name in OVER_ALL_OWNERS:
        op.drop_index(op.f(name), "clients")
    living = sa.text("deleted_at IS NULL")
    for name, columns in OF_THE_LIVING.items():
        op.drop_index(op.f(name), "clients")
        with_phone = [*columns, "phone"]
        op.create_index(op.f(f"{name}_phone"), "clients", with_phone, sqlite_where=living, postgresql_where=living)


def downgrade() -> None:
    for name, columns in OF_THE_LIVING.items():
        op.drop_index(op.f(f"{name}_phone"), "clients")
        op.create_index(op.f(name), "clients", columns)
    op.drop_index(NAME, "clients")
    op.create_index(op.f(NAME), "clients", [sa.text("substr(phone, 8)")])
    for name, columns in OVER_ALL_OWNERS.items():
        op.create_index(op.f(name), "clients", columns)
