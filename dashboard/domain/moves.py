"""How does a message come to a place to which no call's answer brought it? One statement, with the books."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from sqlalchemy import update
from sqlalchemy.orm import Session

from ..models import WAITING, Message, Status
from . import bulk, tallies
from .tallies import Move, Place
from .webhooks import settlements


class Standing(Protocol):
    """A locked message, as far as a move has to know it."""

    @property
    def id(self) -> int: ...
    @property
    def mailing_id(self) -> int: ...
    @property
    def operator_code(self) -> str: ...
    @property
    def timezone(self) -> str: ...


def move(
    session: Session,
    those: Collection[Standing],
    old: Place,
    new: Place,
    *,
    send_after: datetime | None = None,
    is_a_try: bool = False,
) -> None:
    """Move locked messages. `send_after`: of those that wait anew; `is_a_try`: a call may have been made."""
    if not those:
        return
    assert (send_after is not None) is (new.status is Status.QUEUED)
    session.execute(
        update(Message)
        .where(bulk.any_of(Message.id.expression, [each.id for each in those]))
        .values(
            status=new.status,
            reason=new.reason,
            send_after=send_after,
            settled_at=new.at,
            tries=Message.tries + int(is_a_try),
            lease_token=None,
            lease_until=None,
        ),
        execution_options={"synchronize_session": False},
    )
    if new.status not in WAITING:
        settlements.note(session, ((each.mailing_id, each.id) for each in those))
    tallies.record(session, moves(those, old, new))


def moves(those: Collection[Standing], old: Place, new: Place) -> list[Move]:
    """What moving them means for the books."""
    kinds = Counter((each.mailing_id, each.operator_code, each.timezone) for each in those)
    return [Move(*kind, old, new, count) for kind, count in kinds.items()]
