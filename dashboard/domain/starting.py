"""When does a scheduled mailing start?"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from .. import clock, metrics
from ..database import db, transaction
from ..models import Client, FanOut, Mailing, PauseReason, State, WebhookKind
from . import approval
from .webhooks import announcing

logger = logging.getLogger(__name__)

# So late, a person has to say whether it is still wanted.
MISSED_START = timedelta(hours=1)


def start_due() -> list[int]:
    """Start every mailing whose time has come; answers their ids.

    A mailing whose end has passed as well is started too: its clients are then entered as expired, never sent to.
    One that nobody has approved never starts.
    """
    approval.lapse()
    now = clock.database_now(db.session())
    due = select(Mailing.id).where(
        Mailing.state == State.SCHEDULED, Mailing.starts_at <= now, ~Mailing.awaits_approval
    )
    return [mailing_id for mailing_id in db.session.scalars(due).all() if _start(mailing_id)]


def _start(mailing_id: int) -> bool:
    """From here on text and audience are frozen.

    False: another worker was quicker, it was taken back, or by now it addresses so many that it needs approval.
    """
    with transaction() as session:
        mailing = session.get(Mailing, mailing_id, with_for_update={"key_share": True})
        now = clock.database_now(session)
        if mailing is None or mailing.state is not State.SCHEDULED:
            return False
        if mailing.awaits_approval or mailing.starts_at > now:
            return False
        mailing.updated_at = now
        if mailing.approved_at is None and approval.is_needed(session, mailing):
            mailing.awaits_approval = True
            return False
        late = (now - due_since(mailing)).total_seconds()
        _set_off(session, mailing, now)
    metrics.observe(metrics.STARTS, max(0.0, late))
    logger.info("mailing started", extra={"mailing_id": mailing_id, "state": mailing.state.value})
    return True


def _set_off(session: Session, mailing: Mailing, now: datetime) -> None:
    """Late, because the service was down: it is selected for, but sends nothing before a person has decided."""
    mailing.state, mailing.started_at = State.RUNNING, now
    if now - due_since(mailing) > MISSED_START and now < mailing.ends_at:
        mailing.state, mailing.pause_reason = State.PAUSED, PauseReason.MISSED_START
    newest = session.scalar(select(func.max(Client.id))) or 0
    session.execute(insert(FanOut).values(mailing_id=mailing.id, through=0, audience_through=newest))
    announcing.announce(session, WebhookKind.MAILING_STARTED, mailing.id)
    if mailing.state is State.PAUSED:
        announcing.announce(session, WebhookKind.MAILING_PAUSED, mailing.id)


def due_since(mailing: Mailing) -> datetime:
    """What was launched or approved after its start was due from then on."""
    return max(each for each in (mailing.starts_at, mailing.launched_at, mailing.approved_at) if each is not None)
