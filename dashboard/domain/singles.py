"""Which messages wait by themselves, for another try or because a person wished it so? Rows with a lease each."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Integer, String, bindparam, func, select, true, update
from sqlalchemy.orm import Session

from ..database import AnyRow, AnySelect
from ..models import Message, Status
from . import bulk
from .flights import message_columns


def lock(session: Session, wanted: Mapping[tuple[int, str], int], now: datetime) -> list[AnyRow]:
    """At most so many due messages of each lane (mailing, time zone), the longest due first.

    None that another worker is taking at this instant.
    """
    if not wanted:
        return []
    values = {"lanes": bulk.packed_rows(list(wanted)), "now": now, "most": max(wanted.values())}
    left = dict(wanted)
    rows = []
    for row in session.connection().execute(_due(), values).all():
        lane = (row.mailing_id, row.timezone)
        left[lane] -= 1
        if left[lane] >= 0:
            rows.append(row)
    return rows


@bulk.prepared
def _due() -> AnySelect:
    lanes = bulk.bound_rows("lanes", {"mailing_id": Integer(), "timezone": String()})
    is_due = (
        (Message.mailing_id == lanes.c.mailing_id)
        & (Message.timezone == lanes.c.timezone)
        & (Message.send_after <= bindparam("now", type_=Message.send_after.type))
        & (Message.status == Status.QUEUED)
    )
    most = bindparam("most", type_=Integer())
    if bulk.is_postgresql():
        some = select(*message_columns()).where(is_due).order_by(Message.send_after).limit(most)
        first = some.with_for_update(skip_locked=True).lateral()
        return select(first).select_from(lanes.join(first, true()))
    # SQLite knows no LATERAL, and no locks to skip: whoever writes is alone.
    rank = func.row_number().over(partition_by=(Message.mailing_id, Message.timezone), order_by=Message.send_after)
    found = select(*message_columns(), rank.label("rank")).select_from(lanes.join(Message, is_due)).subquery()
    columns = [column for column in found.c if column is not found.c.rank]
    return select(*columns).where(found.c.rank <= most).order_by(found.c.rank)


def lease(session: Session, ids: Collection[int], token: str, until: datetime) -> None:
    """From now on they are being sent, by the worker of this token."""
    if ids:
        session.execute(
            update(Message)
            .where(bulk.any_of(Message.id.expression, ids))
            .values(status=Status.SENDING, lease_token=token, lease_until=until),
            execution_options={"synchronize_session": False},
        )
