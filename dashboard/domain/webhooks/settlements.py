"""Who hears which messages have settled?

Whoever settles messages notes their numbers, one row a mailing and transaction, and only where an endpoint wants
them; where none does, that costs one look into an index that is empty. A job reads behind, and makes events of
what was noted. A note goes in the transaction that makes events of it: nothing is skipped, and nothing told of
twice but what has settled twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from ... import clock
from ...database import AnyRow, AnySelect, db, end_reading, retrying, transaction
from ...models import WAITING, Mailing, Message, User, WebhookEndpoint, WebhookKind, WebhookSettlement
from .. import bulk
from . import events

T = TypeVar("T")

# Messages of one event.
MOST_AT_ONCE = 500
# Messages of one note, and about as many of one transaction of the job: tens of milliseconds on SQLite.
MOST_OF_A_NOTE = 2_000
MOST_NOTES = 200


def note(session: Session, settled: Iterable[tuple[int, int]]) -> None:
    """`settled`: of each message its mailing and its number. Not looked at where nobody wants to hear of it."""
    if session.connection().execute(_anybody()).first() is None:
        return
    by_mailing: defaultdict[int, list[int]] = defaultdict(list)
    for mailing_id, message_id in settled:
        by_mailing[mailing_id].append(message_id)
    wanted = session.scalars(
        select(Mailing.id)
        .join(WebhookEndpoint, WebhookEndpoint.user_id == Mailing.owner_id)
        .where(WebhookEndpoint.hears_settled, bulk.any_of(Mailing.id.expression, list(by_mailing)))
        .distinct()
    )
    notes = [
        {"mailing_id": mailing_id, "message_ids": part}
        for mailing_id in sorted(wanted)
        for part in _parts(by_mailing[mailing_id], MOST_OF_A_NOTE)
    ]
    if notes:
        session.execute(insert(WebhookSettlement), notes)


@bulk.prepared
def _anybody() -> AnySelect:
    return select(WebhookEndpoint.id).where(WebhookEndpoint.hears_settled).limit(1)


def note_entered(session: Session, mailing_id: int, first_id: int, last_id: int) -> None:
    """Of the messages that the fan-out has just entered, those whose outcome is known already."""
    if session.connection().execute(_anybody()).first() is None:
        return
    # "+ 0" keeps SQLite to the range of numbers, instead of all messages of the mailing.
    entered = select(Message.id).where(
        Message.id.between(first_id, last_id),
        Message.mailing_id + 0 == mailing_id,
        Message.status.not_in(WAITING),
    )
    note(session, ((mailing_id, message_id) for message_id in session.scalars(entered).all()))


def _parts(whole: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    return (whole[begin : begin + length] for begin in range(0, len(whole), length))


def gather() -> bool:
    """Make events of the oldest notes, one transaction. False: there were none. May run in several workers."""
    is_noted = db.session.scalar(select(WebhookSettlement.id).limit(1)) is not None
    end_reading()
    return is_noted and retrying(_gather_some) > 0


def _gather_some() -> int:
    with transaction() as session:
        notes = _take(session)
        ids_of: defaultdict[int, set[int]] = defaultdict(set)
        for each in notes:
            ids_of[each.mailing_id].update(each.message_ids)
        hearing = _hearing(session, list(ids_of))
        for mailing_id, ids in ids_of.items():
            if mailing_id in hearing:
                _tell(session, mailing_id, ids, hearing[mailing_id])
        return len(notes)


def _take(session: Session) -> list[AnyRow]:
    """The next ones that no other worker holds, with about as many messages as fit one transaction."""
    query = select(WebhookSettlement.id, WebhookSettlement.mailing_id, WebhookSettlement.message_ids)
    oldest = query.order_by(WebhookSettlement.id).limit(MOST_NOTES).with_for_update(skip_locked=True)
    taken: list[AnyRow] = []
    count = 0
    for row in session.execute(oldest):
        if taken and count + len(row.message_ids) > MOST_OF_A_NOTE:
            break
        taken.append(row)
        count += len(row.message_ids)
    session.execute(delete(WebhookSettlement).where(WebhookSettlement.id.in_([row.id for row in taken])))
    return taken


def _hearing(session: Session, mailing_ids: list[int]) -> Mapping[int, list[int]]:
    rows = session.execute(
        select(Mailing.id, WebhookEndpoint.id)
        .join(WebhookEndpoint, WebhookEndpoint.user_id == Mailing.owner_id)
        .join(User, User.id == WebhookEndpoint.user_id)
        .where(WebhookEndpoint.hears_settled, User.is_active, Mailing.id.in_(mailing_ids))
    )
    found: defaultdict[int, list[int]] = defaultdict(list)
    for mailing_id, endpoint_id in rows:
        found[mailing_id].append(endpoint_id)
    return found


def _tell(session: Session, mailing_id: int, ids: set[int], endpoint_ids: list[int]) -> None:
    """As they stand now: what was put back into the queue since is told once it settles again."""
    now = clock.database_now(session)
    settled = session.execute(
        select(Message.id, Message.client_id, Message.status, Message.reason, Message.settled_at)
        .where(bulk.any_of(Message.id.expression, sorted(ids)), Message.status.not_in(WAITING))
        .order_by(Message.id)
    ).all()
    for part in _parts(settled, MOST_AT_ONCE):
        told = {"mailing_id": mailing_id, "messages": [_told(row) for row in part]}
        events.enter(session, WebhookKind.MESSAGES_SETTLED, told, endpoint_ids, now)


def _told(row: AnyRow) -> dict[str, Any]:
    """No phone: it need not lie in the logs of whoever passes an event on. The client's number leads to it."""
    return {
        "id": row.id,
        "client_id": row.client_id,
        "status": row.status.value,
        "reason": row.reason,
        "settled_at": events.moment(row.settled_at),
    }
