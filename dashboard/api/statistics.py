"""How do messages stand? Every number comes from the kept tallies, never from a count."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from .. import zones
from ..domain import daily, mailing_lists, mailings, statistics
from ..domain.errors import Invalid, Problem
from ..domain.pages import NEWEST
from ..domain.statistics import Breakdown
from ..models import Dimension, Status
from . import answers
from .access import actor, user
from .answers import limit_of
from .resources import Resource, cursor_of
from .schemas import statistics as schemas

blueprint = Resource("statistics", __name__, "/statistics", "How messages stand")
MOST_DAYS = 90


@blueprint.asked("GET")
@blueprint.takes(schemas.OverallQuery, "query")
@blueprint.gives(200, schemas.Overall)
def overall(query: dict[str, Any]) -> Response:
    """Totals of all mailings, and each one's numbers, newest first."""
    before = answers.key_of_cursor(query.get("cursor"), cursor_of)
    found = mailing_lists.page(actor(), None, before or NEWEST, limit_of(query), is_walk=True)
    next_key = (found.next_before,) if found.next_before else None
    items = [
        {"mailing_id": row.id, "title": row.title, "state": row.state, **_counts(row.counts)}
        for row in found.items
    ]
    more = {"mailings": found.total, "totals": _counts(statistics.overall(actor()))}
    return answers.page(schemas.MailingCounts(), items, found.total, found.total_is_exact, next_key, more)


@blueprint.asked("GET", "/days")
@blueprint.takes(schemas.DaysQuery, "query")
@blueprint.gives(200, schemas.Day(many=True))
def days(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Outcomes by day, in the user's time zone."""
    if not 1 <= query["days"] <= MOST_DAYS:
        raise Invalid([Problem("days", "limit_out_of_range", {"most": MOST_DAYS})])
    found = daily.last_days(actor(), zones.zone(user().timezone), query["days"])
    return [
        {"date": day.isoformat(), "counts": _counts({status: found.series[status][at] for status in found.series})}
        for at, day in enumerate(found.days)
    ]


def of_mailing(mailing_id: int) -> dict[str, Any]:
    """Raises NotFound."""
    mailing = mailings.get(actor(), mailing_id)
    over_time = statistics.over_time(mailing_id)
    return {
        "mailing_id": mailing.id,
        "title": mailing.title,
        "state": mailing.state,
        **_counts(statistics.counts(mailing_id)),
        "by_operator_code": _shares(statistics.breakdown(mailing_id, Dimension.CODE)),
        "by_timezone": _shares(statistics.breakdown(mailing_id, Dimension.ZONE)),
        "reasons": [
            {"status": row.status, "reason": row.reason, "count": row.count}
            for row in statistics.reasons(mailing_id)
        ],
        "over_time": [
            {"at": minute, "counts": _counts({status: row[at] for status, row in over_time.series.items()})}
            for at, minute in enumerate(over_time.minutes)
        ],
    }


def _counts(counts: Mapping[Status, int]) -> dict[str, int]:
    return {"total": sum(counts.values())} | {status.value: counts.get(status, 0) for status in Status}


def _shares(rows: list[Breakdown]) -> list[dict[str, Any]]:
    return [
        {"key": row.key, "waiting": row.waiting, "sent": row.sent, "failed": row.failed, "other": row.other}
        for row in rows
    ]
