"""How many clients does a filter match, in which zones, and who of them would be left out at the start?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, or_, select

from .. import clock
from ..database import db
from ..models import Client, StopListEntry
from . import audience
from .audience import Audience

# So many are looked at while somebody types: it takes tens of milliseconds, whoever of them is left out.
AT_ONCE = 10_000
# A whole count of more than that is good for so many seconds.
REMEMBERED_SECONDS = 60.0
MOST_REMEMBERED = 64

_remembered: dict[tuple[str, Audience, tuple[str, ...]], tuple[float, "Headcount"]] = {}


@dataclass(frozen=True, slots=True)
class Headcount:
    """Of those looked at; there may be more if not `is_whole`.

    `ready` are not left out, by zone; `missing` says how many of all lack a value for each placeholder. Who is on
    the stop list counts as that alone.
    """

    recipients: Mapping[str, int]
    ready: Mapping[str, int]
    stop_listed: int
    lacking: int
    missing: Mapping[str, int]
    is_whole: bool

    @property
    def total(self) -> int:
        return sum(self.recipients.values())

    @property
    def total_ready(self) -> int:
        return sum(self.ready.values())


def take(wanted: Audience, names: tuple[str, ...], *, whole: bool = False) -> Headcount:
    """`names`: the text's placeholders. `whole`: all of them, which takes up to seconds for a million."""
    key = (str(db.engine.url), wanted, names)
    at, known = _remembered.get(key, (0.0, None))
    if known is not None and clock.monotonic() - at < REMEMBERED_SECONDS:
        return known
    found = _counted(wanted, names, None if whole else AT_ONCE)
    if whole and found.total > AT_ONCE:
        _remember(key, found)
    return found


def _remember(key: tuple[str, Audience, tuple[str, ...]], found: Headcount) -> None:
    """Not for few: their count is as quick, and always new."""
    while len(_remembered) >= MOST_REMEMBERED:
        _remembered.pop(next(iter(_remembered)), None)
    _remembered[key] = (clock.monotonic(), found)


def _counted(wanted: Audience, names: tuple[str, ...], most: int | None) -> Headcount:
    lacks = {name: lacks_value(name) for name in names}
    is_listed = StopListEntry.phone.is_not(None)
    lacks_one = or_(literal(False), *lacks.values())
    is_left_out = literal(False) if most is None else audience.is_left_out(wanted)
    columns = [
        Client.timezone,
        _one_if(is_listed).label("listed"),
        _one_if(~is_listed & lacks_one).label("lacking"),
        *(_one_if(lacks[name]).label(f"lacks_{place}") for place, name in enumerate(names)),
    ]
    # Those who are left out are looked at, too: else there might be no end to it before enough are found.
    asked = audience.client_ids(wanted, at_once=True) if most is None else audience.addressed(wanted)
    those = (
        asked.outerjoin(StopListEntry, StopListEntry.phone == Client.phone)
        .with_only_columns(*columns, _one_if(is_left_out).label("out"))
        .limit(None if most is None else most + 1)
        .subquery()
    )
    sums = [func.sum(those.c[column.name]) for column in columns[1:]]
    groups = (those.c.timezone, those.c.out)
    found = db.session.execute(select(those.c.timezone, func.count(), *sums, those.c.out).group_by(*groups)).all()
    rows = [row for row in found if not row.out]
    recipients = {row[0]: row[1] for row in rows}
    missing: Counter[str] = Counter(dict.fromkeys(names, 0))
    for row in rows:
        missing.update(dict(zip(names, map(int, row[4:-1]), strict=True)))
    return Headcount(
        recipients=recipients,
        ready={row[0]: row[1] - int(row[2]) - int(row[3]) for row in rows},
        stop_listed=sum(int(row[2]) for row in rows),
        lacking=sum(int(row[3]) for row in rows),
        missing=missing,
        is_whole=most is None or sum(row[1] for row in found) <= most,
    )


def lacks_value(name: str) -> ColumnElement[bool]:
    """As the fan-out asks it."""
    return func.coalesce(Client.attributes[name].as_string(), "") == ""


def _one_if(condition: ColumnElement[bool]) -> Any:
    return case((condition, 1), else_=0)
