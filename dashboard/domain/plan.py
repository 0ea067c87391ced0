"""When would a mailing reach whom, at its rate? Pure: no database, no clock of its own.

As the engine does it: of the zones that are open, the one that closes first comes first, and a rate is kept by all
together. What stays out of account: tries that fail, other mailings, brakes.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .. import zones
from .timing import Opening, Timetable, next_opening

# Openings looked at. Each costs 50 microseconds; eleven zones have had two months of windows by then.
MOST_OPENINGS = 700


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """`opening`: the first one; None: its window never opens before the end. `last_at`: of those reached."""

    timezone: str
    recipients: int
    reached: int
    opening: Opening | None
    last_at: datetime | None

    @property
    def unreached(self) -> int:
        return self.recipients - self.reached


@dataclass(frozen=True, slots=True)
class Plan:
    """`last_at`: the last message of all. `looked_until`: further ahead was not looked; None: to the end."""

    zones: tuple[ZonePlan, ...]
    last_at: datetime | None
    looked_until: datetime | None

    @property
    def recipients(self) -> int:
        return sum(zone.recipients for zone in self.zones)

    @property
    def rows(self) -> list["Row"]:
        """Who is reached first comes first; who never is, last."""
        alike: defaultdict[Any, list[ZonePlan]] = defaultdict(list)
        for zone in self.zones:
            opens_at = zone.opening and zone.opening.opens_at
            offset = opens_at and opens_at.astimezone(zones.zone(zone.timezone)).utcoffset()
            alike[zone.opening, offset].append(zone)
        return sorted(map(_row, alike.values()), key=_by_opening)

    @property
    def reached(self) -> int:
        return sum(zone.reached for zone in self.zones)

    @property
    def unreached(self) -> int:
        return self.recipients - self.reached


@dataclass(frozen=True, slots=True)
class Row:
    """Zones whose clocks show the same: of a country's zones, few differ. As in ZonePlan; `timezones` in order."""

    timezones: tuple[str, ...]
    recipients: int
    reached: int
    opening: Opening | None
    last_at: datetime | None

    @property
    def unreached(self) -> int:
        return self.recipients - self.reached


@dataclass(slots=True)
class _Zone:
    name: str
    recipients: int
    left: float
    first: Opening | None
    opening: Opening | None
    last_at: datetime | None = None

    def closes_at(self) -> datetime:
        assert self.opening is not None
        return self.opening.closes_at


def lay_out(recipients: Mapping[str, int], timetable: Timetable, per_second: float, now: datetime) -> Plan:
    """`recipients` by zone; `per_second`: messages, `math.inf` without a limit."""
    now = now.astimezone(UTC)
    waiting = [_zone(name, count, timetable, now) for name, count in sorted(recipients.items()) if count]
    everyone = list(waiting)
    at, openings = now, len(waiting)
    while True:
        waiting = [zone for zone in waiting if zone.opening is not None and zone.left > 0]
        if not waiting or openings > MOST_OPENINGS:
            break
        ready = [zone for zone in waiting if zone.opening and zone.opening.opens_at <= at]
        if not ready:
            at = min(zone.opening.opens_at for zone in waiting if zone.opening)
            continue
        turn = min(ready, key=_Zone.closes_at)
        others = [zone.opening.opens_at for zone in waiting if zone.opening and zone.opening.opens_at > at]
        at = _send(turn, at, min([turn.closes_at(), *others]), per_second)
        for zone in waiting:
            if zone.opening is not None and zone.opening.closes_at <= at:
                zone.opening = next_opening(timetable, zones.zone(zone.name), zone.opening.closes_at)
                openings += 1
    return Plan(
        zones=tuple(_told(zone) for zone in everyone),
        last_at=max((zone.last_at for zone in everyone if zone.last_at), default=None),
        looked_until=at if waiting else None,
    )


def _zone(name: str, count: int, timetable: Timetable, now: datetime) -> _Zone:
    first = next_opening(timetable, zones.zone(name), now)
    return _Zone(name, count, float(count), first, first)


def _send(zone: _Zone, at: datetime, until: datetime, per_second: float) -> datetime:
    """From `at` on, at most until then; answers when it stopped."""
    needed = zone.left / per_second
    available = (until - at).total_seconds()
    if needed <= available:
        zone.left, stopped_at = 0.0, at + timedelta(seconds=needed)
    else:
        zone.left, stopped_at = zone.left - available * per_second, until
    zone.last_at = stopped_at
    return stopped_at


def _told(zone: _Zone) -> ZonePlan:
    # Nobody is promised a message of which only a part would fit.
    reached = zone.recipients - math.ceil(zone.left - 1e-6)
    return ZonePlan(zone.name, zone.recipients, reached, zone.first, zone.last_at if reached else None)


def _row(alike: Sequence[ZonePlan]) -> Row:
    return Row(
        timezones=tuple(zone.timezone for zone in alike),
        recipients=sum(zone.recipients for zone in alike),
        reached=sum(zone.reached for zone in alike),
        opening=alike[0].opening,
        last_at=max((zone.last_at for zone in alike if zone.last_at), default=None),
    )


def _by_opening(row: Row) -> tuple[bool, float, float, str]:
    opening = row.opening
    times = (opening.opens_at.timestamp(), opening.closes_at.timestamp()) if opening else (0.0, 0.0)
    return (opening is None, *times, row.timezones[0])
