"""When may the clients of a mailing be messaged, zone by zone? A lane says so for each."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .. import clock, zones
from ..database import db, insert_or_ignore, transaction
from ..models import UNDER_WAY, Client, Lane, Mailing, TimeBasis, User
from . import audience
from .errors import Invalid, Problem
from .policy import SendingPolicy
from .timing import Opening, Timetable, Window, next_opening

# Lanes that one look moves on.
AT_ONCE = 2_000


def open_missing(session: Session, mailing: Mailing, timezones: Collection[str]) -> None:
    """Open a lane for each of these zones that has none; a zone that never opens gets a closed one."""
    known = select(Lane.timezone).where(Lane.mailing_id == mailing.id)
    missing = set(timezones).difference(session.scalars(known))
    now = clock.database_now(session)
    rows = []
    for timezone in sorted(missing):
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
        # A single message may have opened one since.
        session.execute(insert_or_ignore(Lane), rows)


def closed(session: Session, mailing: Mailing) -> frozenset[str]:
    """The zones in which no window of this mailing is left."""
    shut = select(Lane.timezone).where(Lane.mailing_id == mailing.id, Lane.opens_at.is_(None))
    return frozenset(session.scalars(shut))


def renew(session: Session, mailing: Mailing) -> None:
    """Give each lane of a locked mailing its present or next opening: it has a new end, or had finished."""
    now = clock.database_now(session)
    for lane in session.scalars(select(Lane).where(Lane.mailing_id == mailing.id)):
        opening = next_opening(timetable(mailing), zones.zone(lane.timezone), now)
        lane.opens_at, lane.closes_at = (opening.opens_at, opening.closes_at) if opening else (None, None)
    session.flush()


def last_end(session: Session, mailing: Mailing) -> datetime:
    """When a started mailing ends for the last of its zones."""
    names = session.scalars(select(Lane.timezone).where(Lane.mailing_id == mailing.id))
    ends = [timetable(mailing).span(zones.zone(name)).closes_at for name in names]
    return max(ends, default=mailing.ends_at)


def timetable(mailing: Mailing) -> Timetable:
    window = None
    if mailing.window_from is not None and mailing.window_to is not None:
        window = Window(mailing.window_from, mailing.window_to)
    if mailing.starts_wall is not None and mailing.ends_wall is not None:
        return Timetable(mailing.starts_wall, mailing.ends_wall, window)
    return Timetable(mailing.starts_at, mailing.ends_at, window)


def span(mailing: Mailing) -> Opening:
    """From the instant at which the first of the clients whom it addresses now begins until the last one ends.

    While it addresses nobody, its owner's zone stands for theirs. Raises Invalid if that leaves no time at all.
    It takes milliseconds, but a second among a million clients where the filter fits none in some zone.
    """
    if mailing.time_basis is TimeBasis.INSTANT:
        return Opening(mailing.starts_at, mailing.ends_at)
    names = _zones(mailing) or [db.session.get_one(User, mailing.owner_id).timezone]
    spans = [timetable(mailing).span(zones.zone(name)) for name in names]
    whole = Opening(min(one.opens_at for one in spans), max(one.closes_at for one in spans))
    if whole.opens_at >= whole.closes_at:
        raise Invalid([Problem("ends_wall", "ends_before_start")])
    return whole


def _zones(mailing: Mailing) -> list[str]:
    """Those of the clients whom it addresses now. Jumps through the index (owner, zone) from one to the next."""
    ahead = audience.client_ids(audience.of(mailing)).with_only_columns(Client.timezone).order_by(Client.timezone)
    found: list[str] = []
    while name := db.session.scalar(ahead.where(Client.timezone > (found[-1] if found else "")).limit(1)):
        found.append(name)
    return found


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
            # Held, so that it gets no new end before its lane is written.
            times = timetable(session.get_one(Mailing, mailing_id, with_for_update={"read": True}))
            opening = next_opening(times, zones.zone(timezone), closes_at)
            session.execute(
                update(Lane)
                .where(Lane.mailing_id == mailing_id, Lane.timezone == timezone, Lane.closes_at == closes_at)
                .values(opens_at=opening and opening.opens_at, closes_at=opening and opening.closes_at)
            )
    return len(rows)
