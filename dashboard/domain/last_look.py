"""Who must not be messaged after all? Asked at the last instant before the call."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import String, func, or_, select, union_all
from sqlalchemy.orm import Session

from ..database import AnyRow, AnySelect
from ..models import Client, Message, Status, StopListEntry
from . import bulk, doubts, standing


class Addressee(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def phone(self) -> str: ...


def unwanted(session: Session, rows: Collection[Addressee], service: AnyRow, now: datetime) -> dict[int, str]:
    """The reasons to skip messages, by number.

    Who has entered the stop list since the start, and who has had as many messages as one phone may get.
    """
    phones = {row.phone for row in rows}
    listed = _listed(session, phones)
    sated = _sated(session, rows, phones, service, now) if service.frequency_cap is not None else ()
    return dict.fromkeys(sated, "frequency_cap") | {row.id: "stop_list" for row in rows if row.phone in listed}


def _listed(session: Session, phones: Collection[str]) -> set[str]:
    return set(session.connection().scalars(_entries(), {"phones": bulk.packed(phones)}))


@bulk.prepared
def _entries() -> AnySelect:
    listed = bulk.any_bound(StopListEntry.phone.expression, "phones", String())
    return select(StopListEntry.phone).where(listed)


def _sated(
    session: Session, rows: Iterable[Addressee], phones: Collection[str], service: AnyRow, now: datetime
) -> Iterator[int]:
    """Messages to phones that have been sent as many as the cap allows, or will have been by those before."""
    since = now - timedelta(days=service.frequency_days)
    had = Counter(_had(session, phones, since))
    # They count already, for a call before this one, and are not held against themselves.
    in_doubt = _in_doubt(session, rows, since)
    for row in rows:
        if had[row.phone] - (row.id in in_doubt) >= service.frequency_cap:
            yield row.id
        elif row.id not in in_doubt:
            had[row.phone] += 1


def _in_doubt(session: Session, rows: Iterable[Addressee], since: datetime) -> set[int]:
    theirs = bulk.any_of(Message.id.expression, [row.id for row in rows])
    return set(session.scalars(select(Message.id).where(theirs, doubts.is_waiting_in_doubt(since))))


def _had(session: Session, phones: Collection[str], since: datetime) -> dict[str, int]:
    """What each phone has been sent, or may have been, under clients of any owner: a phone is a person.

    The messages of those who have it, which went there; and of those who had it, and have another one by now.
    """
    counts = or_(
        Message.status.in_((Status.SENT, Status.UNKNOWN)) & (Message.settled_at > since),
        Message.status == Status.SENDING,
        doubts.is_waiting_in_doubt(since),
        standing.is_in_flight(),
    )
    theirs = (
        select(Message.phone)
        .join(Client, (Client.id == Message.client_id) & (Client.phone == Message.phone))
        .where(bulk.any_of(Client.phone.expression, phones), counts)
    )
    former = select(Message.phone).where(
        Message.is_former.is_not(None), bulk.any_of(Message.phone.expression, phones), counts
    )
    had = union_all(theirs, former).subquery()
    return dict(session.execute(select(had.c.phone, func.count()).group_by(had.c.phone)).all())
