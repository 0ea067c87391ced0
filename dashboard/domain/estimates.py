"""When will a running mailing be done, and if that cannot be told, what does it wait for?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from ..database import db
from ..models import Lane, Mailing, Status

ONE_MINUTE = timedelta(minutes=1)
# Zones that are named; of the others it is told how many wait there.
ZONES_NAMED = 4


@dataclass(frozen=True, slots=True)
class ShutZone:
    """`waiting` messages of a zone whose window is not open now; it opens next at `opens_at`, if that is known."""

    zone: str
    opens_at: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """`end_at` is to the minute; None where it cannot be told.

    `closes_at`: at this pace not all will have left when sending closes for the first who still wait; then no end
    is told. `shut`: zones that wait for their window, the soonest first, ZONES_NAMED at most; in all the others
    `shut_elsewhere` wait.
    """

    end_at: datetime | None = None
    closes_at: datetime | None = None
    shut: tuple[ShutZone, ...] = ()
    shut_elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class _Zone:
    waiting: int
    opens_at: datetime
    closes_at: datetime


NOTHING = Estimate()


def of(mailing: Mailing, kept: Mapping[str, Mapping[str, int]], rate: int | None, now: datetime) -> Estimate:
    """`kept` as in `statistics.by_status`; `rate` messages leave in a minute, None: it is too early to tell.

    Not before everybody is selected: who is still to come nobody knows.
    """
    waiting = {zone: of_zone.get(Status.QUEUED, 0) for zone, of_zone in kept.items()}
    by_zone = {zone: count for zone, count in waiting.items() if count > 0}
    if not by_zone or mailing.fanned_out_at is None:
        return NOTHING
    known, shut = _lanes(mailing.id, by_zone, now)
    shown = sorted(shut, key=lambda each: (each.opens_at is None, each.opens_at or now, each.zone))
    elsewhere = sum(each.waiting for each in shown[ZONES_NAMED:])
    end_at = closes_at = None
    if rate and known and sum(each.waiting for each in known) == sum(by_zone.values()):
        end_at = _end(known, rate, now)
        closes_at = min(each.closes_at for each in known)
        end_at, closes_at = (end_at, None) if end_at <= closes_at else (None, closes_at)
    return Estimate(end_at and _whole_minute(end_at), closes_at, tuple(shown[:ZONES_NAMED]), elsewhere)


def _lanes(mailing_id: int, by_zone: dict[str, int], now: datetime) -> tuple[list[_Zone], list[ShutZone]]:
    """Zones of which it is known when they may be sent to next; and those which are shut at present."""
    known, shut = [], []
    lanes = {lane.timezone: lane for lane in db.session.scalars(select(Lane).where(Lane.mailing_id == mailing_id))}
    for zone, count in by_zone.items():
        lane = lanes.get(zone)
        opens_at, closes_at = (lane.opens_at, lane.closes_at) if lane else (None, None)
        # What has just closed is about to be given its next window, or none.
        if opens_at is None or closes_at is None or closes_at <= now:
            shut.append(ShutZone(zone, None, count))
            continue
        known.append(_Zone(count, opens_at, closes_at))
        if opens_at > now:
            shut.append(ShutZone(zone, opens_at, count))
    return known, shut


def _end(zones: Sequence[_Zone], rate: int, now: datetime) -> datetime:
    """As if all that may leave left at this pace, whatever its zone."""
    at, left = now, 0.0
    for zone in sorted(zones, key=lambda each: each.opens_at):
        opens_at = max(zone.opens_at, now)
        left = max(0.0, left - rate * ((opens_at - at) / ONE_MINUTE)) + zone.waiting
        at = opens_at
    return at + ONE_MINUTE * (left / rate)


def _whole_minute(instant: datetime) -> datetime:
    return datetime.fromtimestamp(math.ceil(instant.timestamp() / 60) * 60, instant.tzinfo)
