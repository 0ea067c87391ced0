"""Which messages does a mailing have, and what is the story of one of them?

Made for mailings of millions: pages go by phone through the key (mailing_id, phone), without OFFSET and without a
count; how many there are is what the tallies say.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from ..database import db
from ..gateway import Reason, Verdict
from ..models import Attempt, Client, Mailing, Message, Status
from . import mailings, personalisation, standing, statistics
from .errors import NotFound
from .permissions import Actor, visible
from .statistics import Counts

PAGE = 50


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """None or empty: no condition."""

    status: Status | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: int
    phone: str
    operator_code: str
    timezone: str
    status: Status
    reason: str | None
    tries: int
    send_after: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """By phone. The cursors are phones to ask the next or the previous page with; None: there is none."""

    mailing_id: int
    mailing_title: str
    counts: Counts
    items: list[MessageRow]
    next_after: str | None
    previous_before: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Try:
    """One call to the gateway and what it answered."""

    at: datetime
    verdict: str
    reason: str
    http_status: int | None
    code: int | None
    excerpt: str
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class MessageStory:
    """`client_id` is None once the client has been deleted, `text` where there is none to be sent."""

    id: int
    mailing_id: int
    mailing_title: str
    client_id: int | None
    phone: str
    operator_code: str
    timezone: str
    status: Status
    reason: str | None
    created_at: datetime
    send_after: datetime | None
    settled_at: datetime | None
    tries: int
    text: str | None
    attempts: list[Try]


def page(
    actor: Actor,
    mailing_id: int,
    wanted: MessageFilter | None = None,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = PAGE,
) -> MessagePage:
    """Messages to phones above `after`, or the ones just below `before`. Raises NotFound."""
    mailing = mailings.get(actor, mailing_id)
    wanted = wanted or MessageFilter()
    counts = statistics.counts(mailing_id)
    total = _total(mailing_id, wanted, counts)
    # Of what the tallies know to be nowhere, a million rows need not be asked.
    query = _rows(mailing_id, wanted, after, before).limit(limit + 1)
    rows = db.session.execute(query).all() if total else []
    has_more = len(rows) > limit
    items = sorted((MessageRow(*row) for row in rows[:limit]), key=lambda row: row.phone)
    has_next = has_more if before is None else True
    has_previous = has_more if before is not None else after is not None
    return MessagePage(
        mailing_id=mailing_id,
        mailing_title=mailing.title,
        counts=counts,
        items=items,
        next_after=items[-1].phone if items and has_next else None,
        previous_before=items[0].phone if items and has_previous else None,
        total=total,
    )


def _rows(
    mailing_id: int, wanted: MessageFilter, after: str | None, before: str | None
) -> Select[*tuple[Any, ...]]:
    query = select(
        Message.id,
        Message.phone,
        Message.operator_code,
        Message.timezone,
        standing.status(),
        Message.reason,
        Message.tries,
        Message.send_after,
        Message.settled_at,
    ).where(Message.mailing_id == mailing_id)
    if wanted.status is not None:
        query = query.where(standing.stands_at(wanted.status))
    if wanted.reason:
        query = query.where(Message.reason == wanted.reason)
    if before is not None:
        return query.where(Message.phone < before).order_by(Message.phone.desc())
    return (query if after is None else query.where(Message.phone > after)).order_by(Message.phone)


def _total(mailing_id: int, wanted: MessageFilter, counts: Counts) -> int:
    if wanted.reason:
        return sum(
            row.count
            for row in statistics.reasons(mailing_id)
            if row.reason == wanted.reason and wanted.status in (None, row.status)
        )
    return sum(counts.values()) if wanted.status is None else counts[wanted.status]


def get(actor: Actor, message_id: int) -> MessageStory:
    """Raises NotFound, also for what belongs to others."""
    query = (
        select(Message, standing.status(), Mailing.title, Mailing.text, Client.id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(Client, (Client.id == Message.client_id) & Client.deleted_at.is_(None))
        .where(Message.id == message_id, visible(Mailing.owner_id, actor))
    )
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound
    message, status, title, text, client_id = found
    return MessageStory(
        id=message.id,
        mailing_id=message.mailing_id,
        mailing_title=title,
        client_id=client_id,
        phone=message.phone,
        operator_code=message.operator_code,
        timezone=message.timezone,
        status=status,
        reason=message.reason,
        created_at=message.created_at,
        send_after=message.send_after,
        settled_at=message.settled_at,
        tries=message.tries,
        text=message.text or _text(text, message),
        attempts=_tries(message),
    )


def _text(text: str, message: Message) -> str | None:
    """As it was sent or will be; None where a placeholder has no value, which is why it will not."""
    values = message.placeholder_values or {}
    if any(not values.get(name) for name in personalisation.placeholders(text)):
        return None
    return personalisation.render(text, values)


def _tries(message: Message) -> list[Try]:
    """In order. A first try that was accepted has no row of its own: it is told from the message's.

    One that bears a reason was taken for sent by a person.
    """
    rows = db.session.scalars(
        select(Attempt).where(Attempt.message_id == message.id).order_by(Attempt.at, Attempt.id)
    )
    tries = [
        Try(row.at, row.verdict, row.reason, row.http_status, row.code, row.excerpt, row.duration_ms)
        for row in rows
    ]
    is_answered = message.status is Status.SENT and message.reason is None
    if is_answered and all(each.verdict != Verdict.ACCEPTED for each in tries):
        tries.append(_accepted_at_once(message))
    return tries


def _accepted_at_once(message: Message) -> Try:
    """What "accepted" is by the gateway's contract (gateway/answers): HTTP 200 and code 0."""
    settled_at = message.settled_at or message.created_at
    began_at = settled_at - timedelta(milliseconds=message.duration_ms or 0)
    return Try(began_at, Verdict.ACCEPTED, Reason.OK, 200, 0, "", message.duration_ms)
