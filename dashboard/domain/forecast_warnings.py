"""What should a person know before the button is pressed?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default_field
from datetime import datetime, time, timedelta

from .. import zones
from ..models import TimeBasis
from .audience import Audience
from .headcount import Headcount
from .limits import Limits
from .mailing_drafts import MailingDraft
from .plan import Plan
from .timing import Timetable, Window, next_opening

# When a message wakes somebody.
NIGHT = Window(time(21), time(9))
# What is typed a moment before it is sent is not meant for the past.
JUST_NOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Caution:
    """`code` is worded by the templates; `params` fill the wording in."""

    code: str
    params: Mapping[str, str | int] = default_field(default_factory=dict)


def of(
    draft: MailingDraft,
    wanted: Audience,
    counted: Headcount,
    total_parts: int,
    plan: Plan | None,
    bounds: Limits,
    now: datetime,
) -> list[Caution]:
    return [
        *_audience_warnings(wanted, counted),
        *_time_warnings(draft, counted, plan, now),
        *_limit_warnings(draft, counted, total_parts, bounds),
    ]


def _audience_warnings(wanted: Audience, counted: Headcount) -> Iterator[Caution]:
    if not wanted.is_chosen:
        return
    if counted.is_whole and counted.total == 0:
        yield Caution("audience_empty")
    elif counted.is_whole and counted.total_ready == 0:
        yield Caution("nobody_ready")
    if wanted.everybody and counted.total:
        yield Caution("everybody")


def _time_warnings(draft: MailingDraft, counted: Headcount, plan: Plan | None, now: datetime) -> Iterator[Caution]:
    yield from _start_warnings(draft, counted, now)
    awake_not = [name for name in sorted(counted.recipients) if _reaches_night(draft, name, now)]
    if awake_not:
        yield Caution("night_hours", {"zones": len(awake_not), "zone": awake_not[0]})
    if plan is not None and plan.unreached and plan.looked_until is None:
        yield Caution("not_all_reached", {"n": plan.unreached})


def _start_warnings(draft: MailingDraft, counted: Headcount, now: datetime) -> Iterator[Caution]:
    """By the clients' clocks it may have passed in the east and lie ahead in the west."""
    if draft.time_basis is TimeBasis.INSTANT:
        if draft.starts_at is not None and draft.starts_at < now - JUST_NOW:
            yield Caution("start_in_past")
        return
    passed = [name for name in sorted(counted.recipients) if _has_passed(draft.starts_wall, name, now - JUST_NOW)]
    if passed and len(passed) == len(counted.recipients):
        yield Caution("start_in_past")
    elif passed:
        yield Caution("start_passed_in_zones", {"zones": len(passed), "zone": passed[0]})


def _has_passed(wall: datetime | None, timezone: str, now: datetime) -> bool:
    return wall is not None and wall < now.astimezone(zones.zone(timezone)).replace(tzinfo=None)


def _reaches_night(draft: MailingDraft, timezone: str, now: datetime) -> bool:
    if draft.window_from is not None and draft.window_to is not None:
        return _overlaps(Window(draft.window_from, draft.window_to))
    by_client = draft.time_basis is TimeBasis.CLIENT
    starts, ends = (draft.starts_wall, draft.ends_wall) if by_client else (draft.starts_at, draft.ends_at)
    if starts is None or ends is None or ends <= starts:
        return False
    return next_opening(Timetable(starts, ends, NIGHT), zones.zone(timezone), now) is not None


def _overlaps(window: Window) -> bool:
    """Over midnight it does in any case."""
    return window.closes <= window.opens or window.opens < NIGHT.closes or window.closes > NIGHT.opens


def _limit_warnings(
    draft: MailingDraft, counted: Headcount, total_parts: int, bounds: Limits
) -> Iterator[Caution]:
    if draft.budget_parts is not None and total_parts > draft.budget_parts:
        yield Caution("budget_exceeded", {"parts": total_parts, "budget": draft.budget_parts})
    if bounds.approval_above is not None and counted.total > bounds.approval_above:
        yield Caution("approval_needed", {"limit": bounds.approval_above})
    if bounds.frequency_cap is not None and bounds.frequency_days is not None and counted.total:
        yield Caution("frequency_cap", {"n": bounds.frequency_cap, "days": bounds.frequency_days})
