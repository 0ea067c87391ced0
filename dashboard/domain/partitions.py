"""Is `messages` kept in partitions, and for how many mailings more are there any?

PostgreSQL only, and only where an administrator has wished it so (deploy/postgres/partition-messages.sql). Nothing
else in Vestnik knows: to a statement, a table in partitions is a table.
"""

from dataclasses import dataclass

from sqlalchemy import exists, func, select, text

from ..database import db
from ..models import Mailing, Message

# The last range: the first mailing in it, and the first beyond it.
_LAST = r"""
    SELECT coalesce(substring(bound FROM 'FROM \((\d+)\)')::integer, 0) AS first,
        substring(bound FROM 'TO \((\d+)\)')::integer AS beyond
    FROM (
        SELECT pg_get_expr(relpartbound, pg_class.oid) AS bound FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = to_regclass('messages')
    ) AS partitions
    WHERE bound <> 'DEFAULT' ORDER BY beyond DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """`left`: mailings that may still be made until the last partition is full.

    `is_last`: they go into the last one already. `is_passed`: there are messages beyond it, in the default one.
    """

    left: int
    is_last: bool
    is_passed: bool


def reach() -> Reach | None:
    """None: the table is whole."""
    if db.engine.dialect.name != "postgresql":
        return None
    last = db.session.execute(text(_LAST)).one_or_none()
    if last is None:
        return None
    newest = db.session.scalar(select(func.max(Mailing.id))) or 0
    is_passed = db.session.scalar(select(exists().where(Message.mailing_id >= last.beyond)))
    return Reach(max(0, last.beyond - 1 - newest), newest >= last.first, bool(is_passed))
