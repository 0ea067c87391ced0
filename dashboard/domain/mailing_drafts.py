"""Is what somebody wrote a mailing? One check for the page and for programs."""

from dataclasses import dataclass
from datetime import datetime, time, timezone
from typing import Any

from .. import zones
from ..models import Mailing, RateUnit, TimeBasis
from . import limit_rules
from .audience import Audience
from .client_rules import OPERATOR_CODE
from .errors import Invalid, Problem
from .limit_rules import MOST_PARTS, MOST_PER_SECOND, MOST_RECIPIENTS, Bound
from .personalisation import stray_braces
from .timing import Timetable

LONGEST_TITLE = 200
# Ten parts of an SMS in Unicode (67 characters each): longer texts are a mistake, and an expensive one.
LONGEST_TEXT = 670
# In which start and end may lie: others are mistyped, and no calendar reaches beyond the year 9999.
YEARS = range(2000, 2100)


@dataclass(frozen=True, slots=True)
class MailingDraft:
    """What a person or a program writes.

    Start and end by `time_basis`: aware instants (`_at`), or naive readings of each client's own clock (`_wall`).
    Window times are always the client's own clock.
    """

    title: str
    text: str
    starts_at: datetime | None
    ends_at: datetime | None
    window_from: time | None
    window_to: time | None
    tags: tuple[str, ...]
    operator_codes: tuple[str, ...]
    everybody: bool
    time_basis: TimeBasis = TimeBasis.INSTANT
    starts_wall: datetime | None = None
    ends_wall: datetime | None = None
    excluded_tags: tuple[str, ...] = ()
    excluded_mailing_id: int | None = None
    rate_limit: int | None = None
    rate_unit: RateUnit = RateUnit.MESSAGES
    canary_size: int | None = None
    budget_parts: int | None = None

    def audience(self, owner_id: int) -> Audience:
        """Whom it addresses; `everybody` alone counts when it is set."""
        return Audience(
            owner_id,
            self.tags,
            self.operator_codes,
            self.everybody,
            self.excluded_tags,
            self.excluded_mailing_id,
        )


def of(mailing: Mailing) -> MailingDraft:
    """As it was written down: by the clients' clocks it has no instants."""
    by_instant = mailing.time_basis is TimeBasis.INSTANT
    return MailingDraft(
        title=mailing.title,
        text=mailing.text,
        starts_at=mailing.starts_at if by_instant else None,
        ends_at=mailing.ends_at if by_instant else None,
        window_from=mailing.window_from,
        window_to=mailing.window_to,
        tags=tuple(mailing.tags),
        operator_codes=tuple(mailing.operator_codes),
        everybody=mailing.everybody,
        time_basis=mailing.time_basis,
        starts_wall=mailing.starts_wall,
        ends_wall=mailing.ends_wall,
        excluded_tags=tuple(mailing.excluded_tags),
        excluded_mailing_id=mailing.excluded_mailing_id,
        rate_limit=mailing.rate_limit,
        rate_unit=mailing.rate_unit,
        canary_size=mailing.canary_size,
        budget_parts=mailing.budget_parts,
    )


def checked(draft: MailingDraft) -> dict[str, Any]:
    """The columns of `Mailing` for a sound draft. Raises Invalid with every fault at once."""
    problems = [
        *_field_problems("title", draft.title, LONGEST_TITLE),
        *text_problems(draft.text),
        *_time_problems(draft),
        *_audience_problems(draft),
        *_limit_problems(draft),
    ]
    if problems:
        raise Invalid(problems)
    return {
        "title": draft.title.strip(),
        "text": draft.text.strip(),
        **_times(draft),
        "window_from": draft.window_from,
        "window_to": draft.window_to,
        "tags": [] if draft.everybody else list(dict.fromkeys(draft.tags)),
        "operator_codes": [] if draft.everybody else list(dict.fromkeys(draft.operator_codes)),
        "everybody": draft.everybody,
        "excluded_tags": list(dict.fromkeys(draft.excluded_tags)),
        "excluded_mailing_id": draft.excluded_mailing_id,
        "rate_limit": draft.rate_limit,
        "rate_unit": draft.rate_unit,
        "canary_size": draft.canary_size,
        "budget_parts": draft.budget_parts,
    }


def text_problems(text: str) -> list[Problem]:
    """Of a mailing's text, or of one message's own."""
    problems = _field_problems("text", text, LONGEST_TEXT)
    if stray := stray_braces(text):
        problems.append(Problem("text", "placeholder_invalid", {"found": stray}))
    return problems


def _field_problems(field: str, value: str, longest: int) -> list[Problem]:
    value = value.strip()
    if not value:
        return [Problem(field, f"{field}_empty")]
    if len(value) > longest:
        return [Problem(field, f"{field}_too_long", {"longest": longest, "length": len(value)})]
    return [Problem(field, "control_character")] if "\x00" in value else []


def _times(draft: MailingDraft) -> dict[str, Any]:
    """By the client's clock the instants are the widest that may be, until `lanes.span` knows the zones."""
    if draft.time_basis is TimeBasis.INSTANT:
        return {
            "time_basis": TimeBasis.INSTANT,
            "starts_at": draft.starts_at,
            "ends_at": draft.ends_at,
            "starts_wall": None,
            "ends_wall": None,
        }
    assert draft.starts_wall is not None
    assert draft.ends_wall is not None
    walls = Timetable(draft.starts_wall, draft.ends_wall, None)
    return {
        "time_basis": TimeBasis.CLIENT,
        "starts_at": walls.span(timezone(zones.EAST_MOST)).opens_at,
        "ends_at": walls.span(timezone(zones.WEST_MOST)).closes_at,
        "starts_wall": draft.starts_wall,
        "ends_wall": draft.ends_wall,
    }


def _time_problems(draft: MailingDraft) -> list[Problem]:
    if draft.time_basis is TimeBasis.INSTANT:
        return [*_span_problems("at", draft.starts_at, draft.ends_at), *_window_problems(draft)]
    return [*_span_problems("wall", draft.starts_wall, draft.ends_wall), *_window_problems(draft)]


def _span_problems(basis: str, starts: datetime | None, ends: datetime | None) -> list[Problem]:
    problems = []
    for name, value in (("starts", starts), ("ends", ends)):
        if value is None:
            problems.append(Problem(f"{name}_{basis}", f"{name}_missing"))
        elif value.year not in YEARS:
            problems.append(Problem(f"{name}_{basis}", "time_invalid"))
    if starts is not None and ends is not None and ends <= starts:
        problems.append(Problem(f"ends_{basis}", "ends_before_start"))
    return problems


def _window_problems(draft: MailingDraft) -> list[Problem]:
    if (draft.window_from is None) != (draft.window_to is None):
        return [Problem("window_to" if draft.window_to is None else "window_from", "window_half")]
    if draft.window_from is not None and draft.window_from == draft.window_to:
        return [Problem("window_to", "window_empty")]
    return []


def _audience_problems(draft: MailingDraft) -> list[Problem]:
    if not (draft.everybody or draft.tags or draft.operator_codes):
        return [Problem("tags", "audience_unchosen")]
    wrong = [code for code in draft.operator_codes if not OPERATOR_CODE.fullmatch(code)]
    return [Problem("operator_codes", "operator_code_invalid", {"code": code[:20]}) for code in wrong[:1]]


def _limit_problems(draft: MailingDraft) -> list[Problem]:
    return limit_rules.problems(
        [
            Bound("rate_limit", draft.rate_limit, MOST_PER_SECOND),
            Bound("canary_size", draft.canary_size, MOST_RECIPIENTS),
            Bound("budget_parts", draft.budget_parts, MOST_PARTS),
        ]
    )
