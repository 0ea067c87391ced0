"""How does a test of the domain come by an endpoint, and by what it was told?"""

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain.permissions import Actor
from dashboard.domain.webhooks import delivering, endpoints, settlements
from dashboard.domain.webhooks.endpoints import EndpointDraft
from dashboard.models import (
    WEBHOOK_CHOICES,
    DeliveryState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

EVERYTHING = tuple(kind.value for kind in WEBHOOK_CHOICES)
NOWHERE = "http://127.0.0.1:9/hooks"


def draft_of(url: str = NOWHERE, events: tuple[str, ...] = EVERYTHING, **more: Any) -> EndpointDraft:
    return EndpointDraft(url, events, **more)


def add_endpoint(
    actor: Actor, url: str = NOWHERE, events: tuple[str, ...] = EVERYTHING, **more: Any
) -> tuple[int, str]:
    """Its number and its secret; it may lie in this machine's own network."""
    view, secret = endpoints.make(actor, draft_of(url, events, **more), private_allowed=True)
    return view.id, secret


def gather_all() -> None:
    while settlements.gather():
        pass


def told(endpoint_id: int) -> list[dict[str, Any]]:
    """Every event that is entered for it, in order."""
    db.session.rollback()
    query = (
        select(WebhookEvent.body)
        .join(WebhookDelivery, WebhookDelivery.event_id == WebhookEvent.id)
        .where(WebhookDelivery.endpoint_id == endpoint_id)
        .order_by(WebhookDelivery.id)
    )
    return [json.loads(body) for body in db.session.scalars(query)]


def kinds_told(endpoint_id: int) -> list[str]:
    return [each["type"].removeprefix("mailing.") for each in told(endpoint_id)]


def messages_told(endpoint_id: int) -> list[tuple[int, str]]:
    """Number and status of each message in the batches, in order."""
    batches = [each["data"]["messages"] for each in told(endpoint_id) if each["type"] == "messages.settled"]
    return [(message["id"], message["status"]) for batch in batches for message in batch]


def deliver_webhooks(seconds: float = 5) -> bool:
    return delivering.run(seconds, private_allowed=True)


def deliveries_of(endpoint_id: int) -> list[WebhookDelivery]:
    db.session.rollback()
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    return list(db.session.scalars(query.order_by(WebhookDelivery.id).execution_options(populate_existing=True)))


def endpoint_row(endpoint_id: int) -> WebhookEndpoint:
    db.session.rollback()
    return db.session.get_one(WebhookEndpoint, endpoint_id, populate_existing=True)


def set_endpoint(endpoint_id: int, **values: Any) -> None:
    """Change a column behind the job's back, as time would."""
    with transaction() as session:
        session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(**values))


def next_try_is_due(endpoint_id: int) -> None:
    """What waits for another try has waited long enough."""
    waiting = update(WebhookDelivery).where(
        WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.state == DeliveryState.WAITING
    )
    with transaction() as session:
        session.execute(waiting.values(next_try_at=clock.now() - timedelta(seconds=1)))
