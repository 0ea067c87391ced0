"""What is the story of one message?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import select

from ..database import db
from ..gateway import Reason, Verdict
from ..models import WAITING, Attempt, Client, Mailing, Message, Status, User
from . import erased, personalisation, standing
from .errors import NotFound
from .permissions import Actor, visible


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

    @classmethod
    def of(cls, row: Attempt) -> Self:
        return cls(row.at, row.verdict, row.reason, row.http_status, row.code, row.excerpt, row.duration_ms)


@dataclass(frozen=True, slots=True)
class MessageStory:
    """`client_id` is None once the client has been deleted, `text` where there is none to be sent.

    `added_by`: who has added it by hand, at `created_at`; None: the mailing has selected the client then.
    `changes`: it may look different at the next poll, without anybody's doing. `is_in_doubt`: it waits for another
    try, and the gateway may have accepted it already, so that nobody can take it back.
    """

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
    added_by: str | None
    send_after: datetime | None
    settled_at: datetime | None
    tries: int
    text: str | None
    has_own_text: bool
    attempts: list[Try]

    @property
    def changes(self) -> bool:
        return self.status in WAITING

    @property
    def is_in_doubt(self) -> bool:
        is_uncertain = any(each.verdict == Verdict.UNCERTAIN for each in self.attempts)
        return self.status is Status.QUEUED and is_uncertain


def get(actor: Actor, message_id: int) -> MessageStory:
    """Raises NotFound, also for what belongs to others."""
    query = (
        select(Message, standing.status(), Mailing.title, Mailing.text, Client.id, User.name)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(Client, (Client.id == Message.client_id) & Client.deleted_at.is_(None))
        .outerjoin(User, User.id == Message.added_by_id)
        .where(Message.id == message_id, visible(Mailing.owner_id, actor))
        # Whoever has changed it in bulk has it loaded as it was.
        .execution_options(populate_existing=True)
    )
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound
    message, status, title, text, client_id, added_by = found
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
        added_by=added_by,
        send_after=message.send_after,
        settled_at=message.settled_at,
        tries=message.tries,
        text=None if erased.is_pseudonym(message.phone) else message.text or _text(text, message),
        has_own_text=message.text is not None,
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
    tries = [Try.of(row) for row in rows]
    is_answered = message.status is Status.SENT and message.reason is None
    if is_answered and all(each.verdict != Verdict.ACCEPTED for each in tries):
        tries.append(_accepted_at_once(message))
    return tries


def _accepted_at_once(message: Message) -> Try:
    """What "accepted" is by the gateway's contract (gateway/answers): HTTP 200 and code 0."""
    settled_at = message.settled_at or message.created_at
    began_at = settled_at - timedelta(milliseconds=message.duration_ms or 0)
    return Try(began_at, Verdict.ACCEPTED, Reason.OK, 200, 0, "", message.duration_ms)
