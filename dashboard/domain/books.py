"""How does one mailing stand, seen from all sides at once? One query, for what is asked for again and again."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select, union_all

from ..database import db
from ..models import Dimension, Status, Tally
from . import statistics, tallies
from .statistics import Counts, ReasonCount, Series, Sum

SIDES = (Dimension.STATUS, Dimension.CODE, Dimension.ZONE, Dimension.REASON)


@dataclass(frozen=True, slots=True)
class Books:
    """`by_code` and `by_zone` as in `statistics.by_status`; `recent` are the minutes that were asked for."""

    counts: Counts
    by_code: dict[str, dict[str, int]]
    by_zone: dict[str, dict[str, int]]
    reasons: list[ReasonCount]
    recent: Series


def of(mailing_id: int, since: datetime | None = None) -> Books:
    """All sums belong to one instant. Minutes from `since` on; without it, none."""
    query = _sums(mailing_id).where(Tally.dimension.in_(SIDES))
    if since is not None:
        minutes = _sums(mailing_id).where(Tally.dimension == Dimension.MINUTE)
        recent = minutes.where(Tally.key >= tallies.minute_key(since))
        rows = db.session.execute(union_all(query, recent))
    else:
        rows = db.session.execute(query)
    sides: defaultdict[str, list[Sum]] = defaultdict(list)
    for dimension, key, status, count in rows:
        if count:
            sides[dimension].append((key, status, int(count)))
    counts = dict.fromkeys(Status, 0)
    counts.update({Status(status): count for _key, status, count in sides[Dimension.STATUS]})
    return Books(
        counts,
        statistics.by_key(sides[Dimension.CODE]),
        statistics.by_key(sides[Dimension.ZONE]),
        statistics.reasons_in(sides[Dimension.REASON]),
        statistics.series_of(sorted(sides[Dimension.MINUTE])),
    )


def _sums(mailing_id: int) -> Select[str, str, str, int]:
    sums = select(Tally.dimension, Tally.key, Tally.status, func.sum(Tally.change))
    return sums.where(Tally.mailing_id == mailing_id).group_by(Tally.dimension, Tally.key, Tally.status)
