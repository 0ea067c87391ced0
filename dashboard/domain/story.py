"""What has happened to a mailing, a message or a client, in order of time? For the page and for `flask story`.

Only what the database keeps: whoever wants to know more looks into the log for the same number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..database import snapshot
from ..models import Attempt, Mailing, PauseReason, State, Status, StopListEntry, User
from . import client_story, clients, messages, statistics
from .errors import NotFound
from .permissions import Actor, visible

# Of what there may be many; the rest has its own lists.
MOST = 50


class Kind(StrEnum):
    MAILING = "mailing"
    MESSAGE = "message"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Event:
    """`what` is a code (templates/story/_words.html words it); `by` a person; `reason` as of a message's outcome.

    `message_id` and `mailing_id`: what else it is about.
    """

    at: datetime
    what: str
    by: str | None = None
    reason: str | None = None
    message_id: int | None = None
    mailing_id: int | None = None
    http_status: int | None = None
    code: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """`standing` is the state or status now; `counts` a mailing's ledger; `phone` none for a mailing."""

    kind: Kind
    id: int
    title: str
    standing: str | None
    phone: str | None
    mailing_id: int | None
    client_id: int | None
    counts: dict[Status, int]
    events: list[Event]


def of(actor: Actor, kind: Kind, number: int) -> Story:
    """Raises NotFound, also for what belongs to others."""
    tell = {Kind.MAILING: _of_mailing, Kind.MESSAGE: _of_message, Kind.CLIENT: _of_client}[kind]
    with snapshot() as session:
        return tell(session, actor, number)


def _story(kind: Kind, number: int, title: str, events: Iterable[Event | None], **more: object) -> Story:
    told = sorted((event for event in events if event is not None), key=lambda event: event.at)
    fields = {"standing": None, "phone": None, "mailing_id": None, "client_id": None, "counts": {}} | more
    return Story(kind=kind, id=number, title=title, events=told, **fields)  # type: ignore[arg-type]


def _event(at: datetime | None, what: str, by: str | None = None, reason: str | None = None) -> Event | None:
    return Event(at, what, by, reason) if at is not None else None


def _of_mailing(session: Session, actor: Actor, number: int) -> Story:
    query = select(Mailing).where(Mailing.id == number, visible(Mailing.owner_id, actor))
    mailing = session.scalar(query.execution_options(populate_existing=True))
    if mailing is None:
        raise NotFound
    people = _names(session, mailing.owner_id, mailing.launched_by_id, mailing.approved_by_id)
    end = "cancelled" if mailing.state is State.CANCELLED else "finished"
    asks = mailing.pause_reason if mailing.pause_reason is not PauseReason.OPERATOR else None
    events = [
        _event(mailing.created_at, "written", people.get(mailing.owner_id)),
        _event(mailing.launched_at, "launched", people.get(mailing.launched_by_id)),
        _event(mailing.approved_at, "approved", people.get(mailing.approved_by_id)),
        _event(mailing.starts_at, "due") if mailing.launched_at else None,
        _event(mailing.started_at, "started"),
        _event(mailing.fanned_out_at, "selected"),
        _event(mailing.updated_at, "paused", reason=asks) if mailing.state is State.PAUSED else None,
        _event(mailing.finished_at, end),
        *_newest_errors(session, mailing.id),
    ]
    counts = statistics.counts_of([mailing.id])[mailing.id]
    return _story(Kind.MAILING, number, mailing.title, events, standing=mailing.state.value, counts=counts)


def _names(session: Session, *ids: int | None) -> dict[int | None, str]:
    query = select(User.id, User.name).where(User.id.in_([each for each in ids if each is not None]))
    return {row.id: row.name for row in session.execute(query)}


def _newest_errors(session: Session, mailing_id: int) -> list[Event]:
    query = select(Attempt).where(Attempt.mailing_id == mailing_id).order_by(Attempt.id.desc()).limit(MOST)
    return [
        Event(row.at, "tried", None, row.reason, row.message_id, None, row.http_status, row.code, row.duration_ms)
        for row in session.scalars(query)
    ]


def _of_message(_session: Session, actor: Actor, number: int) -> Story:
    message = messages.get(actor, number)
    tries = [
        Event(each.at, "tried", None, each.reason, number, None, each.http_status, each.code, each.duration_ms)
        for each in message.attempts
    ]
    events = [
        _event(message.created_at, "added" if message.added_by else "chosen", message.added_by),
        *tries,
        _event(message.send_after, "waits_until") if message.status is Status.QUEUED else None,
        _event(message.settled_at, message.status.value, reason=message.reason),
    ]
    more = {"mailing_id": message.mailing_id, "client_id": message.client_id, "phone": message.phone}
    return _story(Kind.MESSAGE, number, message.mailing_title, events, standing=message.status.value, **more)


def _of_client(session: Session, actor: Actor, number: int) -> Story:
    client = clients.get(actor, number)
    listed = session.scalar(select(StopListEntry.added_at).where(StopListEntry.phone == client.phone))
    sent = [
        event
        for message in client_story.page(actor, number, limit=MOST).items
        for event in (
            Event(message.created_at, "chosen", message_id=message.id, mailing_id=message.mailing_id),
            Event(message.settled_at, message.status.value, None, message.reason, message.id, message.mailing_id)
            if message.settled_at
            else None,
        )
    ]
    events = [_event(client.created_at, "entered"), _event(listed, "listed"), *sent]
    return _story(Kind.CLIENT, number, "", events, phone=client.phone, client_id=number)
