"""Who must not be messaged after all? Asked at the last instant before the call."""

from collections import Counter
from collections.abc import Collection, Iterable
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


class LastLook:
    """Why one of these is not to be sent, asked one after the other; `goes` counts those that are armed."""

    def __init__(self, session: Session, rows: Collection[Addressee], service: AnyRow, now: datetime) -> None:
        phones = {row.phone for row in rows}
        self._listed = _listed(session, phones)
        self._cap = service.frequency_cap
        self._had, self._in_doubt = Counter[str](), set[int]()
        if self._cap is not None:
            since = now - timedelta(days=service.frequency_days)
            self._had.update(_had(session, phones, since))
            # They count already, for a call before this one, and are not held against themselves.
            self._in_doubt = _in_doubt(session, rows, since)

    @property
    def is_clear(self) -> bool:
        """Whoever is asked for, there is no reason."""
        return not self._listed and self._cap is None

    def reason(self, row: Addressee) -> str | None:
        if row.phone in self._listed:
            return "stop_list"
        if self._cap is not None and self._had[row.phone] - (row.id in self._in_doubt) >= self._cap:
            return "frequency_cap"
        return None

    def goes(self, row: Addressee) -> None:
        if self._cap is not None and row.id not in self._in_doubt:
            self._had[row.phone] += 1


def _listed(session: Session, phones: Collection[str]) -> set[str]:
    return set(session.connection().scalars(_entries(), {"phones": bulk.packed(phones)}))


@bulk.prepared
def _entries() -> AnySelect:
    listed = bulk.any_bound(StopListEntry.phone.expression, "phones", String())
    return select(StopListEntry.phone).where(listed)


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
