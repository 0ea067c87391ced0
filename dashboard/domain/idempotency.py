"""Has this request been answered before? Then it is not done again, and its answer is the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from .. import clock
from ..database import insert_or_ignore, transaction
from ..models import IdempotencyKey
from .errors import Conflict
from .permissions import Actor

KEPT_FOR = timedelta(hours=24)
# Whoever has begun a request and said nothing for so long has been stopped in the midst of it.
LONGEST_REQUEST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    status: int
    headers: Mapping[str, str]
    body: str


def begin(actor: Actor, key: str, digest: str) -> KeptAnswer | None:
    """None: nobody has sent this before; do it, and then `keep` or `forget`.

    Raises Conflict("idempotency_key_reused") for another request by the same key, and
    Conflict("request_in_progress") for the same one, not yet answered.
    """
    with transaction() as session:
        now = clock.database_now(session)
        gone = or_(
            IdempotencyKey.created_at <= now - KEPT_FOR,
            and_(IdempotencyKey.status.is_(None), IdempotencyKey.created_at <= now - LONGEST_REQUEST),
        )
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.user_id == actor.id, gone))
        new = {"user_id": actor.id, "key": key, "digest": digest, "created_at": now}
        added = insert_or_ignore(IdempotencyKey).values(new).returning(IdempotencyKey.id)
        if session.scalar(added) is not None:
            return None
        kept = session.scalars(select(IdempotencyKey).where(*_is(actor, key))).one()
    if kept.digest != digest:
        raise Conflict("idempotency_key_reused")
    if kept.status is None:
        raise Conflict("request_in_progress")
    return KeptAnswer(kept.status, kept.headers or {}, kept.body or "")


def keep(actor: Actor, key: str, answer: KeptAnswer) -> None:
    """For the next 24 hours."""
    values = {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
    with transaction() as session:
        session.execute(update(IdempotencyKey).where(*_is(actor, key)).values(values))


def forget(actor: Actor, key: str) -> None:
    """It broke on our side: it may be sent again."""
    with transaction() as session:
        session.execute(delete(IdempotencyKey).where(*_is(actor, key)))


def _is(actor: Actor, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (IdempotencyKey.user_id == actor.id, IdempotencyKey.key == key)
