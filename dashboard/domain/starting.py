"""When does a scheduled mailing start, and what is its clock in each zone?"""

import logging
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from .. import clock, zones
from ..database import db, rows_changed, transaction
from ..models import Client, FanOut, Lane, Mailing, State
from . import audience
from .timing import Timetable, Window, next_opening

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
        mailing = session.get_one(Mailing, mailing_id)
        in_use = (
            select(Client.timezone).where(Client.id.in_(audience.client_ids(audience.of(mailing)))).distinct()
        )
        open_lanes(session, mailing, session.scalars(in_use), now)
    logger.info("mailing started", extra={"mailing_id": mailing_id})
    return True


def open_lanes(session: Session, mailing: Mailing, timezones: Iterable[str], now: datetime) -> None:
    """Work out the first opening of each zone; a zone without any gets a closed lane."""
    rows = []
    for timezone in timezones:
        opening = next_opening(timetable(mailing), zones.zone(timezone), now)
        rows.append(
            {
                "mailing_id": mailing.id,
                "timezone": timezone,
                "opens_at": opening and opening.opens_at,
                "closes_at": opening and opening.closes_at,
            }
        )
    if rows:
        session.execute(insert(Lane), rows)


def timetable(mailing: Mailing) -> Timetable:
    window = None
    if mailing.window_from is not None and mailing.window_to is not None:
        window = Window(mailing.window_from, mailing.window_to)
    return Timetable(mailing.starts_at, mailing.ends_at, window)
