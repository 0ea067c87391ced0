"""Who hears that a mailing starts, pauses, goes on or ends? Called in the transaction that moves it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import clock
from ...models import Mailing, User, WebhookEndpoint, WebhookKind
from . import events


def announce(session: Session, kind: WebhookKind, mailing_id: int) -> None:
    """Tell the owner's endpoints that want it, with the mailing as this transaction leaves it."""
    hearing = _hearing(session, kind, mailing_id)
    if not hearing:
        return
    mailing = session.execute(
        select(Mailing.title, Mailing.state, Mailing.pause_reason, Mailing.started_at, Mailing.finished_at).where(
            Mailing.id == mailing_id
        )
    ).one()
    told = {
        "mailing_id": mailing_id,
        "title": mailing.title,
        "state": mailing.state.value,
        "pause_reason": mailing.pause_reason and mailing.pause_reason.value,
        "started_at": events.moment(mailing.started_at),
        "finished_at": events.moment(mailing.finished_at),
    }
    events.enter(session, kind, told, hearing, clock.database_now(session))


def _hearing(session: Session, kind: WebhookKind, mailing_id: int) -> list[int]:
    rows = session.execute(
        select(WebhookEndpoint.id, WebhookEndpoint.events)
        .join(Mailing, Mailing.owner_id == WebhookEndpoint.user_id)
        .join(User, User.id == WebhookEndpoint.user_id)
        .where(Mailing.id == mailing_id, WebhookEndpoint.off_reason.is_(None), User.is_active)
    )
    return [endpoint_id for endpoint_id, wanted in rows if kind.value in wanted]
