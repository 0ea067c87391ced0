"""What became of what an endpoint was told, and how is it told again?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, or_, select, update

from ... import clock
from ...database import db, rows_changed, transaction
from ...models import DeliveryState, WebhookDelivery, WebhookEvent, WebhookKind
from .. import audit, pages
from ..audit import Thing
from ..errors import Conflict, NotFound
from ..pages import Cursor, Page
from ..permissions import Actor, require_change
from . import endpoints
from .posting import Ending

KEPT = timedelta(days=30)
SWEPT_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """`ending` and what follows tell of the last try; `event` is what the other side knows as webhook-id."""

    id: int
    event: str
    kind: WebhookKind
    state: DeliveryState
    tries: int
    created_at: datetime
    next_try_at: datetime | None
    tried_at: datetime | None
    duration_ms: int | None
    ending: Ending | None
    http_status: int | None
    answer: str


def page(
    actor: Actor, endpoint_id: int, cursor: Cursor, limit: int, *, is_walk: bool = False
) -> Page[DeliveryView]:
    """The log of an endpoint, newest first. Raises NotFound."""
    endpoints.get(actor, endpoint_id)
    ids = select(WebhookDelivery.id).where(WebhookDelivery.endpoint_id == endpoint_id)

    def ids_at(where: Cursor, count: int) -> Select[Any]:
        return where.cut(ids, WebhookDelivery.id.expression, count)

    return pages.turn_to(cursor, limit, ids_at, ids.limit(pages.COUNTED_AT_MOST + 1), _views, is_walk=is_walk)


def get(actor: Actor, endpoint_id: int, delivery_id: int) -> DeliveryView:
    """Raises NotFound."""
    endpoints.get(actor, endpoint_id)
    own = select(WebhookDelivery.id).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id
    )
    if db.session.scalar(own) is None:
        raise NotFound
    return _views([delivery_id])[0]


def _views(ids: Sequence[int]) -> list[DeliveryView]:
    rows = db.session.execute(
        select(WebhookDelivery, WebhookEvent.name, WebhookEvent.kind)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.id.in_(ids))
        .order_by(WebhookDelivery.id.desc())
    )
    return [
        DeliveryView(
            id=row.id,
            event=name,
            kind=WebhookKind(kind),
            state=row.state,
            tries=row.tries,
            created_at=row.created_at,
            next_try_at=row.next_try_at,
            tried_at=row.tried_at,
            duration_ms=row.duration_ms,
            ending=Ending(row.ending) if row.ending else None,
            http_status=row.http_status,
            answer=row.answer,
        )
        for row, name, kind in rows
    ]


def resend(actor: Actor, endpoint_id: int, delivery_id: int) -> None:
    """Tell it again, under its old name, with all its tries; what is being tried at this moment is left alone.

    Raises Forbidden, NotFound, and Conflict for an endpoint that is off.
    """
    require_change(actor)
    get(actor, endpoint_id, delivery_id)
    with transaction() as session:
        endpoints.require_on(endpoints.locked(session, actor, endpoint_id))
        now = clock.database_now(session)
        is_idle = or_(WebhookDelivery.lease_token.is_(None), WebhookDelivery.next_try_at <= now)
        due = {"state": DeliveryState.WAITING, "tries": 0, "next_try_at": now, "lease_token": None}
        again = update(WebhookDelivery).where(WebhookDelivery.id == delivery_id, is_idle).values(due)
        if not rows_changed(session, again):
            raise Conflict("webhook_being_tried")
        audit.note(session, actor, "resend", Thing.WEBHOOK, endpoint_id, after={"delivery": delivery_id})


def sweep() -> None:
    """Remove some of what is too old to be kept, whatever became of it."""
    oldest = clock.database_now(db.session()) - KEPT
    old = select(WebhookEvent.id).where(WebhookEvent.created_at < oldest).order_by(WebhookEvent.created_at)
    if ids := db.session.scalars(old.limit(SWEPT_AT_ONCE)).all():
        with transaction() as session:
            session.execute(delete(WebhookEvent).where(WebhookEvent.id.in_(ids)))
