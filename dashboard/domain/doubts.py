"""Which messages that wait may the gateway have accepted already, in a call whose answer nobody has heard?

Each such call has left an attempt with the verdict "uncertain". Only what waits by itself can be in doubt: what is
in its place has never been called for, and need not be asked about.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ..database import AnySelect
from ..gateway import Verdict
from ..models import Attempt, Message, Status
from . import bulk
from .moves import Standing, move
from .tallies import Place


def reasons(session: Session, message_ids: Collection[int]) -> dict[int, str]:
    """Of those in doubt, why: the reason of the last call that nobody has heard of."""
    if not message_ids:
        return {}
    found = session.connection().execute(_uncertain_calls(), {"numbers": bulk.packed(message_ids)})
    return {row.message_id: row.reason for row in found}


@bulk.prepared
def _uncertain_calls() -> AnySelect:
    theirs = bulk.any_bound(Attempt.message_id.expression, "numbers")
    calls = select(Attempt.message_id, Attempt.reason).where(theirs, _is_uncertain())
    return calls.order_by(Attempt.message_id, Attempt.at)


def _is_uncertain() -> ColumnElement[bool]:
    return Attempt.verdict == Verdict.UNCERTAIN.value


def is_waiting_in_doubt(since: datetime | None = None) -> ColumnElement[bool]:
    """Of a message: it waits, and the gateway may have accepted it, after this instant if one is told.

    Not EXISTS, for which PostgreSQL might read all attempts there are into a table of its own.
    """
    calls = select(Attempt.id).where(Attempt.message_id == Message.id, _is_uncertain())
    if since is not None:
        calls = calls.where(Attempt.at > since)
    waits_by_itself = (Message.status == Status.QUEUED) & Message.send_after.is_not(None)
    return waits_by_itself & calls.limit(1).scalar_subquery().is_not(None)


def close(session: Session, singles: Collection[Standing], ended: Place) -> None:
    """The last word of locked messages that wait by themselves: this one, or unknown where they are in doubt.

    They were not sent only if they surely were not.
    """
    why = reasons(session, [each.id for each in singles])
    in_doubt: defaultdict[str, list[Standing]] = defaultdict(list)
    for each in singles:
        if each.id in why:
            in_doubt[why[each.id]].append(each)
    move(session, [each for each in singles if each.id not in why], Place(Status.QUEUED), ended)
    for reason, those in in_doubt.items():
        move(session, those, Place(Status.QUEUED), Place(Status.UNKNOWN, reason, ended.at))
