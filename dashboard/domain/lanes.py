"""When may the clients of a mailing be messaged, zone by zone? A lane says so for each."""

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from .. import clock, zones
from ..database import db, transaction
from ..models import UNDER_WAY, Client, Lane, Mailing
from . import audience
from .outbox import SendingPolicy
from .timing import Timetable, Window, next_opening

# Lanes that one look moves on.
AT_ONCE = 2_000


def open_missing(session: Session, mailing: Mailing, after: int, through: int) -> None:
    """Open a lane for each zone of these clients that has none; a zone that never opens gets a closed one."""
    known = select(Lane.timezone).where(Lane.mailing_id == mailing.id)
    here = audience.client_ids(audience.of(mailing)).where(Client.id > after, Client.id <= through)
    missing = here.with_only_columns(Client.timezone).where(Client.timezone.not_in(known)).distinct()
    now = clock.database_now(session)
    rows = []
    for timezone in session.scalars(missing).all():
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


def move_on(policy: SendingPolicy) -> int:
    """Give every lane whose window is over its next one; answers how many were moved.

    A window is over for us when no call could end inside it any more.
    """
    now = clock.database_now(db.session())
    over = (
        select(Lane.mailing_id, Lane.timezone, Lane.closes_at)
        .join(Mailing, Mailing.id == Lane.mailing_id)
        .where(Mailing.state.in_(UNDER_WAY), Lane.closes_at <= now + policy.call_deadline)
        .limit(AT_ONCE)
    )
    rows = db.session.execute(over).all()
    for mailing_id, timezone, closes_at in rows:
        assert closes_at is not None  # by the condition above
        with transaction() as session:
            times = timetable(session.get_one(Mailing, mailing_id))
            opening = next_opening(times, zones.zone(timezone), closes_at)
            session.execute(
                update(Lane)
                .where(Lane.mailing_id == mailing_id, Lane.timezone == timezone, Lane.closes_at == closes_at)
                .values(opens_at=opening and opening.opens_at, closes_at=opening and opening.closes_at)
            )
    return len(rows)
