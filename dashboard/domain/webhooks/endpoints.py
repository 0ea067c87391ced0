"""What is told where? Addresses that people give, for themselves: nobody sees or changes those of others."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from ... import clock
from ...database import db, transaction
from ...models import WEBHOOK_CHOICES, OffReason, User, WebhookEndpoint, WebhookKind
from .. import audit
from ..audit import Thing
from ..errors import Conflict, Invalid, NotFound, Problem
from ..permissions import Actor, require_change
from . import addresses, events, signing

MOST_OF_A_USER = 10
LONGEST_DESCRIPTION = 200


@dataclass(frozen=True, slots=True)
class EndpointDraft:
    """What a person chooses; `events` are names of WebhookKind."""

    url: str
    events: tuple[str, ...]
    description: str = ""
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class EndpointView:
    """Without its secret, which is told when it is made and never again."""

    id: int
    url: str
    description: str
    events: tuple[WebhookKind, ...]
    off_reason: OffReason | None
    off_at: datetime | None
    failing_since: datetime | None
    rotated_at: datetime | None
    created_at: datetime
    version: int

    @property
    def is_on(self) -> bool:
        return self.off_reason is None

    @classmethod
    def of(cls, row: WebhookEndpoint) -> Self:
        return cls(
            id=row.id,
            url=row.url,
            description=row.description,
            events=tuple(map(WebhookKind, row.events)),
            off_reason=row.off_reason,
            off_at=row.off_at,
            failing_since=row.failing_since,
            rotated_at=row.rotated_at,
            created_at=row.created_at,
            version=row.version,
        )


def listed(actor: Actor) -> list[EndpointView]:
    """The actor's own, newest first; there are never more than ten."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.user_id == actor.id)
    return [EndpointView.of(row) for row in db.session.scalars(query.order_by(WebhookEndpoint.id.desc()))]


def get(actor: Actor, endpoint_id: int) -> EndpointView:
    """Raises NotFound."""
    return EndpointView.of(_own(db.session(), actor, endpoint_id))


@contextmanager
def held(actor: Actor, endpoint_id: int) -> Iterator[EndpointView]:
    """An endpoint as it is, and as all others leave it until the end of the block, which is one transaction.

    Raises Forbidden and NotFound.
    """
    require_change(actor)
    with transaction() as session:
        yield EndpointView.of(locked(session, actor, endpoint_id))


def make(actor: Actor, draft: EndpointDraft, *, private_allowed: bool) -> tuple[EndpointView, str]:
    """A new endpoint and its secret, which nobody sees again. Raises Forbidden and Invalid."""
    require_change(actor)
    values = _checked(draft, private_allowed)
    with transaction() as session:
        # Held, so that two who make one at once do not both count nine.
        session.execute(select(User.id).where(User.id == actor.id).with_for_update(key_share=True))
        own = select(func.count()).where(WebhookEndpoint.user_id == actor.id)
        if (session.scalar(own) or 0) >= MOST_OF_A_USER:
            raise Invalid([Problem("url", "too_many_webhooks", {"limit": MOST_OF_A_USER})])
        now, secret = clock.database_now(session), signing.new_secret()
        off = {} if draft.is_on else {"off_reason": OffReason.PERSON, "off_at": now}
        row = {"user_id": actor.id, "secret": secret, "created_at": now, "version": 1, **off, **values}
        made = session.scalars(insert(WebhookEndpoint).values(row).returning(WebhookEndpoint)).one()
        audit.note(session, actor, "make", Thing.WEBHOOK, made.id, after=_said(made))
        return EndpointView.of(made), secret


def change(
    actor: Actor, endpoint_id: int, draft: EndpointDraft, version: int | None = None, *, private_allowed: bool
) -> EndpointView:
    """`version` is the one that was read: Conflict if it has changed since; None: whatever it is now.

    Switched on, it begins anew: what waits for it goes on, and it has not failed yet. Raises Forbidden, NotFound
    and Invalid.
    """
    require_change(actor)
    get(actor, endpoint_id)
    values = _checked(draft, private_allowed)
    with transaction() as session:
        row = _own(session, actor, endpoint_id, is_held=True)
        if version is not None and row.version != version:
            raise Conflict("webhook_edited")
        before = _said(row)
        for name, value in values.items():
            setattr(row, name, value)
        _switch(row, draft.is_on, clock.database_now(session))
        row.version += 1
        session.flush()
        audit.note(session, actor, "change", Thing.WEBHOOK, row.id, before, _said(row))
        return EndpointView.of(row)


def _switch(row: WebhookEndpoint, is_on: bool, now: datetime) -> None:
    if is_on and row.off_reason is not None:
        row.off_reason = row.off_at = row.failing_since = None
    elif not is_on and row.off_reason is None:
        row.off_reason, row.off_at = OffReason.PERSON, now


def _said(row: WebhookEndpoint) -> dict[str, Any]:
    """What the audit log is told: of the address only the host, for the rest may be somebody's secret."""
    host = urlsplit(row.url).hostname
    return {"user_id": row.user_id, "host": host, **audit.columns(row, "description", "events", "off_reason")}


def switch_off(session: Session, row: WebhookEndpoint, reason: OffReason, now: datetime) -> None:
    """Of a held row: nothing more is told, and what waits goes on waiting."""
    row.off_reason, row.off_at, row.hears_settled = reason, now, False
    row.version += 1
    audit.note(session, None, "switch_off", Thing.WEBHOOK, row.id, after={"off_reason": reason})


def rotate_secret(actor: Actor, endpoint_id: int) -> str:
    """A new secret; for a day the one before signs as well. Raises Forbidden and NotFound."""
    require_change(actor)
    with transaction() as session:
        row = _own(session, actor, endpoint_id, is_held=True)
        row.old_secret, row.secret = row.secret, signing.new_secret()
        row.rotated_at = clock.database_now(session)
        row.version += 1
        audit.note(session, actor, "rotate_secret", Thing.WEBHOOK, row.id)
        return row.secret


def remove(actor: Actor, endpoint_id: int) -> None:
    """With its log and all that waits for it. Raises Forbidden and NotFound."""
    require_change(actor)
    with transaction() as session:
        row = _own(session, actor, endpoint_id, is_held=True)
        audit.note(session, actor, "remove", Thing.WEBHOOK, row.id, _said(row))
        session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.id == row.id))


def ping(actor: Actor, endpoint_id: int) -> int:
    """Send it an event that means nothing; answers the delivery's number.

    Raises Forbidden, NotFound, and Conflict for an endpoint that is off.
    """
    require_change(actor)
    with transaction() as session:
        row = _own(session, actor, endpoint_id, is_held=True)
        require_on(row)
        audit.note(session, actor, "ping", Thing.WEBHOOK, row.id)
        now = clock.database_now(session)
        return events.enter(session, WebhookKind.PING, {"webhook_id": row.id}, [row.id], now)[0]


def require_on(row: WebhookEndpoint) -> None:
    if row.off_reason is not None:
        raise Conflict("webhook_off")


def _own(session: Session, actor: Actor, endpoint_id: int, *, is_held: bool = False) -> WebhookEndpoint:
    query = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.user_id == actor.id)
    found = session.scalar(query.with_for_update(key_share=True) if is_held else query)
    if found is None:
        raise NotFound
    return found


def locked(session: Session, actor: Actor, endpoint_id: int) -> WebhookEndpoint:
    """Raises NotFound."""
    return _own(session, actor, endpoint_id, is_held=True)


def _checked(draft: EndpointDraft, private_allowed: bool) -> Mapping[str, Any]:
    """As columns. Raises Invalid."""
    url, description = draft.url.strip(), draft.description.strip()
    wanted = [kind.value for kind in WEBHOOK_CHOICES if kind.value in draft.events]
    problems = addresses.problems(url, private_allowed)
    if set(draft.events) - set(wanted):
        problems.append(Problem("events", "webhook_event_unknown"))
    elif not wanted:
        problems.append(Problem("events", "webhook_events_missing"))
    if len(description) > LONGEST_DESCRIPTION:
        problems.append(Problem("description", "description_too_long", {"limit": LONGEST_DESCRIPTION}))
    if problems:
        raise Invalid(problems)
    hears_settled = draft.is_on and WebhookKind.MESSAGES_SETTLED.value in wanted
    return {"url": url, "description": description, "events": wanted, "hears_settled": hears_settled}
