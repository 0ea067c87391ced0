"""In which words is something told, and to whom?"""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ...models import DeliveryState, WebhookDelivery, WebhookEvent, WebhookKind


def enter(
    session: Session, kind: WebhookKind, data: Mapping[str, Any], endpoint_ids: Sequence[int], now: datetime
) -> list[int]:
    """Tell these endpoints, in the transaction in which it happens; answers the numbers of the deliveries."""
    if not endpoint_ids:
        return []
    told = {"type": kind.value, "timestamp": moment(now), "data": data}
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    event = {"name": f"msg_{secrets.token_hex(12)}", "kind": kind, "body": body, "created_at": now}
    event_id = session.scalars(insert(WebhookEvent).values(event).returning(WebhookEvent.id)).one()
    waiting = {"event_id": event_id, "state": DeliveryState.WAITING, "next_try_at": now, "created_at": now}
    rows = [{"endpoint_id": each, "tries": 0, "answer": "", **waiting} for each in sorted(endpoint_ids)]
    return list(session.scalars(insert(WebhookDelivery).returning(WebhookDelivery.id), rows))


def moment(at: datetime | None) -> str | None:
    """As JSON has it: ISO 8601, in UTC."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")
