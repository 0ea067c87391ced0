"""When may a client in this zone be messaged? Pure: no database, no clock of its own.

While, and only while, two things hold: the mailing has started and not ended, and the client's own clock shows a
time inside the window. Nothing is said by the day, so that a day with an hour too few, too many, or missing as a
whole needs no rule of its own.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

# Local days around an instant that tell which opening holds then, and which is the next. One each way because a
# window may run over midnight; one more because a jump of the clock may swallow the hours in which it is closed,
# and so make one opening of two.
DAYS_AROUND = range(-2, 3)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the client's own clock, `opens` included, `closes` not; over midnight when it closes first."""

    opens: time
    closes: time

    def holds_at(self, shown: time) -> bool:
        if self.opens < self.closes:
            return self.opens <= shown < self.closes
        return shown >= self.opens or shown < self.closes


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch of time, aware UTC, in which messages may leave: `opens_at` <= now < `closes_at`."""

    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a mailing may be sent: from `starts` to `ends`, inside the window if there is one.

    Both aware: the same instants for everybody. Both naive: read on each client's own clock.
    """

    starts: datetime
    ends: datetime
    window: Window | None

    def span(self, zone: tzinfo) -> Opening:
        """From start to end, for a client of this zone.

        It may be empty: an end that the clock shows soon after the hour it jumps over comes before a start inside
        that hour.
        """
        return Opening(_instant(self.starts, zone), _instant(self.ends, zone))


def next_opening(timetable: Timetable, zone: tzinfo, at: datetime) -> Opening | None:
    """The opening that holds at `at` or the next one after it; None when none is left before the end."""
    span = timetable.span(zone)
    soonest = max(at.astimezone(UTC), span.opens_at)
    openings = (span,) if timetable.window is None else _openings(timetable.window, zone, soonest)
    for opening in openings:
        opens_at, closes_at = max(opening.opens_at, span.opens_at), min(opening.closes_at, span.closes_at)
        if soonest < closes_at:
            return Opening(opens_at, closes_at) if opens_at < closes_at else None
    return None


def _openings(window: Window, zone: tzinfo, around: datetime) -> Iterator[Opening]:
    """In order, whole: every stretch around this instant in which the clock shows a time inside the window."""
    today = around.astimezone(zone).date()
    days = [today + timedelta(days=count) for count in DAYS_AROUND]
    walls = [datetime.combine(day, at) for day in days for at in (window.opens, window.closes)]
    opens_at = None
    for edge in sorted({edge for wall in walls for edge in _edges(wall, zone)}):
        is_open = window.holds_at(edge.astimezone(zone).time())
        if is_open and opens_at is None:
            opens_at = edge
        elif not is_open and opens_at is not None:
            yield Opening(opens_at, edge)
            opens_at = None


def _edges(wall: datetime, zone: tzinfo) -> set[datetime]:
    """The instants at which the clock comes to show `wall`, or jumps over it in either direction."""
    readings = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return readings if len(readings) == 1 else readings | {_jump(min(readings), max(readings), zone)}


def _instant(told: datetime, zone: tzinfo) -> datetime:
    """An aware time as it is; a naive one as this zone's clock shows it, by RFC 5545, 3.3.5.

    A time that the clock jumps over is shifted forward by the jump; of a time that comes twice, the first counts
    (both follow from `fold=0`, PEP 495).
    """
    return (told if told.tzinfo else told.replace(tzinfo=zone, fold=0)).astimezone(UTC)


def _jump(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """When the offset changes, which it does once between these two instants, and on a whole second."""
    old_offset = before.astimezone(zone).utcoffset()
    seconds = range(math.floor(before.timestamp()), math.ceil(after.timestamp()) + 1)
    place = bisect_left(
        seconds, True, key=lambda second: datetime.fromtimestamp(second, zone).utcoffset() != old_offset
    )
    return datetime.fromtimestamp(seconds[place], UTC)
