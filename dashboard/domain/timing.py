"""When may a client in this zone be messaged? Pure: no database, no clock of its own."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the client's own clock, `opens` included, `closes` not; over midnight when it closes first."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a mailing may be sent: from `starts_at` to `ends_at` (aware instants), inside the window if any."""

    starts_at: datetime
    ends_at: datetime
    window: Window | None


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch of time, aware UTC, in which messages may leave: `opens_at` <= now < `closes_at`."""

    opens_at: datetime
    closes_at: datetime


def next_opening(timetable: Timetable, zone: tzinfo, at: datetime) -> Opening | None:
    """The opening that holds at `at` or the next one after it; None when none is left before the end."""
    if at >= timetable.ends_at:
        return None
    if timetable.window is None:
        return Opening(timetable.starts_at.astimezone(UTC), timetable.ends_at.astimezone(UTC))
    day = max(at, timetable.starts_at).astimezone(zone).date() - ONE_DAY
    last_day = timetable.ends_at.astimezone(zone).date()
    while day <= last_day:
        opening = _opening_of(day, timetable.window, zone)
        opens_at = max(opening.opens_at, timetable.starts_at)
        closes_at = min(opening.closes_at, timetable.ends_at)
        if opens_at < closes_at and at < closes_at:
            return Opening(opens_at.astimezone(UTC), closes_at.astimezone(UTC))
        day += ONE_DAY
    return None


def _opening_of(day: date, window: Window, zone: tzinfo) -> Opening:
    """The window that opens on this local day."""
    closing_day = day + ONE_DAY if window.closes <= window.opens else day
    return Opening(_instant(day, window.opens, zone), _instant(closing_day, window.closes, zone))


def _instant(day: date, at: time, zone: tzinfo) -> datetime:
    """A local wall time as an instant, by RFC 5545, 3.3.5.

    A time that the clock jumps over is shifted forward by the jump; of a time that comes twice, the first counts
    (both follow from `fold=0`, PEP 495).
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
