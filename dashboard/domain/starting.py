"""When does a scheduled mailing start?"""

import logging

from sqlalchemy import func, insert, select, update

from .. import clock
from ..database import db, rows_changed, transaction
from ..models import Client, FanOut, Mailing, State

logger = logging.getLogger(__name__)


def start_due() -> list[int]:
    """Start every mailing whose time has come; answers their ids.

    A mailing whose end has passed as well is started too: its clients are then entered as expired, never sent to.
    """
    now = clock.database_now(db.session())
    due = select(Mailing.id).where(Mailing.state == State.SCHEDULED, Mailing.starts_at <= now)
    return [mailing_id for mailing_id in db.session.scalars(due).all() if _start(mailing_id)]


def _start(mailing_id: int) -> bool:
    """From here on text and audience are frozen. False: another worker was quicker, or it was taken back."""
    with transaction() as session:
        now = clock.database_now(session)
        started = rows_changed(
            session,
            update(Mailing)
            .where(Mailing.id == mailing_id, Mailing.state == State.SCHEDULED, Mailing.starts_at <= now)
            .values(state=State.RUNNING, started_at=now, updated_at=now),
        )
        if not started:
            return False
        newest = session.scalar(select(func.max(Client.id))) or 0
        session.execute(insert(FanOut).values(mailing_id=mailing_id, through=0, audience_through=newest))
    logger.info("mailing started", extra={"mailing_id": mailing_id})
    return True
