"""Has this request been answered before? Then it is not done again, and its answer is the same."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import insert_or_ignore, transaction
from ..models import IdempotencyKey
from .errors import Conflict
from .permissions import Actor

KEPT_FOR = timedelta(hours=24)
# Whoever has begun a request and said nothing for so long has been stopped in the midst of it.
LONGEST_REQUEST = timedelta(minutes=2)
CLEARED_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that is being done. The instant tells it from a later one: SQLite uses numbers again.

    `request`: 32 hexadecimal digits, the same for the same request by the same key, whenever it is begun. What it
    makes can bear them, so that a second one is known for what it is also where the first was cut off by a crash.
    """

    number: int
    at: datetime
    request: str

    @property
    def row(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return IdempotencyKey.id == self.number, IdempotencyKey.created_at == self.at


def begin(actor: Actor, key: str, digest: str) -> Begun | KeptAnswer:
    """Begun: nobody has sent this before; do it, and then `keep` or `forget`.

    Raises Conflict("idempotency_key_reused") for another request by the same key, and
    Conflict("request_in_progress") for the same one, not yet answered. Clears away some of what is too old.
    """
    is_this = (IdempotencyKey.user_id == actor.id, IdempotencyKey.key == key)
    with transaction() as session:
        now = clock.database_now(session)
        stopped = and_(IdempotencyKey.status.is_(None), IdempotencyKey.created_at <= now - LONGEST_REQUEST)
        gone = or_(IdempotencyKey.created_at <= now - KEPT_FOR, stopped)
        session.execute(delete(IdempotencyKey).where(*is_this, gone))
        _clear_away(session, now - KEPT_FOR)
        new = {"user_id": actor.id, "key": key, "digest": digest, "created_at": now}
        added = session.scalar(insert_or_ignore(IdempotencyKey).values(new).returning(IdempotencyKey.id))
        if added is not None:
            return Begun(added, now, hashlib.sha256(f"{key}\n{digest}".encode()).hexdigest()[:32])
        kept = session.scalars(select(IdempotencyKey).where(*is_this)).one()
    if kept.digest != digest:
        raise Conflict("idempotency_key_reused")
    if kept.status is None:
        raise Conflict("request_in_progress")
    return KeptAnswer(kept.status, kept.headers or {}, kept.body or "")


def _clear_away(session: Session, before: datetime) -> None:
    """Of everybody's, a few at a time: each request adds one, so that what is too old never becomes more."""
    oldest = (
        select(IdempotencyKey.id)
        .where(IdempotencyKey.created_at <= before)
        .order_by(IdempotencyKey.created_at)
        .limit(CLEARED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.id.in_(oldest)))


def keep(begun: Begun, answer: KeptAnswer) -> None:
    """For the next 24 hours. Nothing is kept of a request that took so long that it has been given up."""
    values = {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
    with transaction() as session:
        session.execute(update(IdempotencyKey).where(*begun.row).values(values))


def forget(begun: Begun) -> None:
    """It was refused, or broke on our side: it may be sent again."""
    with transaction() as session:
        session.execute(delete(IdempotencyKey).where(*begun.row))
