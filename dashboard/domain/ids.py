"""Which numbers do new messages get? They are the gateway's msgIds, so none may ever come twice."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import case, update

from .. import clock
from ..database import transaction
from ..models import IdBlock

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
# 4,096 numbers a millisecond: numbers never run ahead of the clock for long, and stay below 2**53 until 2094.
NUMBERS_PER_MS_BITS = 12


def take(count: int) -> int:
    """The first of `count` consecutive numbers that are now the caller's; what is not used is never given again.

    They follow the clock, so that a restored backup, which has forgotten the last numbers, does not give them
    to other messages.
    """
    # What bears them is written afterwards, by a commit that does wait for the disk, and for this one with it.
    with transaction(may_be_lost=True) as session:
        floor = (clock.database_now(session) - EPOCH) // timedelta(milliseconds=1) << NUMBERS_PER_MS_BITS
        start = case((IdBlock.next_id > floor, IdBlock.next_id), else_=floor)
        taken = update(IdBlock).values(next_id=start + count).returning(IdBlock.next_id)
        return session.scalars(taken).one() - count
