"""What is a mailing, to a program?"""

from datetime import datetime, time
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from ...domain import limit_rules
from ...domain.mailing_drafts import LONGEST_TEXT, LONGEST_TITLE
from ...domain.pages import Order
from ...models import PauseReason, RateUnit, State, TimeBasis
from ...zones import YEARS_TOLD
from .clients import OperatorCode
from .fields import (
    COMMON,
    COUNT,
    CURSOR,
    LIMIT,
    MOMENT,
    NUMBER,
    STARTED,
    Body,
    Choice,
    InAddress,
    Inner,
    Instant,
    ListOf,
    Number,
    Text,
    Truth,
    Whole,
)

TEXT = "Dear {{name}}, everything is cheaper until Sunday."
EXAMPLE_OF_DRAFT = {
    "title": "Spring sale",
    "text": TEXT,
    "start_at": "2030-03-01T10:00:00+03:00",
    "end_at": "2030-03-02T20:00:00+03:00",
    "filter": {"tags": ["vip"], "operator_codes": ["999", "916"]},
    "window": {"from": "09:00", "to": "21:00"},
}
EXAMPLE = EXAMPLE_OF_DRAFT | {"launch": True}


class Action(StrEnum):
    """What can be done at /mailings/{id}/…: the address's last word."""

    LAUNCH = "launch"
    UNSCHEDULE = "unschedule"
    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RESEND = "resend"


# In what an answer differs where the mailing is not scheduled.
STANDS: dict[State, dict[str, Any]] = {
    State.DRAFT: {"state": "draft", "actions": ["launch"]},
    State.SCHEDULED: {},
    State.RUNNING: {"state": "running", "actions": ["cancel", "pause", "resend"], "started_at": STARTED},
    State.PAUSED: {
        "state": "paused",
        "pause_reason": "operator",
        "actions": ["cancel", "resend", "resume"],
        "started_at": STARTED,
    },
    State.CANCELLED: {"state": "cancelled", "actions": [], "started_at": STARTED, "finished_at": STARTED},
}


class Moment(fields.Field[datetime]):
    """ISO 8601, with an offset or without: then it is read on the clock that the mailing goes by."""

    default_error_messages = {**COMMON}
    described = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?$"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            read = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("not_a_moment") from None
        if read.year not in YEARS_TOLD:
            raise ValidationError("not_a_moment")
        return read


class ClockTime(fields.Field[time]):
    """`09:00`, by a clock on the wall."""

    default_error_messages = {**COMMON}
    described = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?$"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> time:
        try:
            read = time.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("not_a_time_of_day") from None
        if read.tzinfo is not None:
            raise ValidationError("not_a_time_of_day")
        return read

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value.isoformat("auto" if value.second else "minutes")


class Exclusion(Body):
    tags = ListOf(Text(), load_default=list, metadata={"example": ["debtors"]})
    mailing_id = Number(
        load_default=None,
        allow_none=True,
        metadata={**NUMBER, "description": "Those whom this mailing has selected", "example": 3},
    )


class Filter(Body):
    """Clients with any of these tags and any of these operator codes; null is no condition."""

    tags = ListOf(Text(), load_default=None, allow_none=True, metadata={"example": ["vip"]})
    operator_codes = ListOf(
        OperatorCode(), load_default=None, allow_none=True, metadata={"example": ["999", "916"]}
    )
    exclude_ = Inner(Exclusion, attribute="exclude", data_key="exclude", load_default=None, allow_none=True)


class Window(Body):
    from_ = ClockTime(required=True, attribute="from", data_key="from", metadata={"example": "09:00"})
    to = ClockTime(required=True, metadata={"example": "21:00"})


class Rate(Body):
    limit = Whole(
        required=True,
        metadata={
            "description": "So many may begin within a second",
            "minimum": 1,
            "maximum": limit_rules.MOST_PER_SECOND,
            "example": 10,
        },
    )
    unit = Choice(RateUnit, load_default=RateUnit.MESSAGES, metadata={"example": "messages"})


OFFSET = "ISO 8601; without an offset it is the user's time"


class MailingInput(Body):
    """Everybody, or those of a filter: whoever says both has not said whom they mean."""

    title = Text(required=True, metadata={"minLength": 1, "maxLength": LONGEST_TITLE, "example": EXAMPLE["title"]})
    text = Text(
        required=True,
        metadata={
            "description": "With {{placeholders}} for attributes",
            "minLength": 1,
            "maxLength": LONGEST_TEXT,
            "example": EXAMPLE["text"],
        },
    )
    time_basis = Choice(
        TimeBasis, load_default=TimeBasis.INSTANT, metadata={"description": "Whose clock start and end are"}
    )
    start_at = Moment(required=True, metadata={"description": OFFSET, "example": EXAMPLE["start_at"]})
    end_at = Moment(required=True, metadata={"description": OFFSET, "example": EXAMPLE["end_at"]})
    filter = Inner(Filter, load_default=None, allow_none=True)
    everybody = Truth(load_default=False, metadata={"description": "No condition at all, on purpose"})
    window = Inner(Window, load_default=None, allow_none=True, metadata={"description": "By each client's clock"})
    rate = Inner(Rate, load_default=None, allow_none=True)
    canary_size = Whole(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Send so many, then wait",
            "minimum": 1,
            "maximum": limit_rules.MOST_RECIPIENTS,
            "example": 100,
        },
    )
    budget_parts = Whole(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Parts of SMS it may use",
            "minimum": 1,
            "maximum": limit_rules.MOST_PARTS,
            "example": 5000,
        },
    )

    @validates_schema
    def _one_audience(self, data: dict[str, Any], **_more: Any) -> None:
        if data.get("everybody") and has_conditions(data):
            raise ValidationError("everybody_and_filter", "everybody")


def has_conditions(said: dict[str, Any]) -> bool:
    """Tags or operator codes; who is left out is no condition."""
    wanted = said.get("filter") or {}
    return bool(wanted.get("tags") or wanted.get("operator_codes"))


class NewMailing(MailingInput):
    launch = Truth(load_default=False, metadata={"description": "Else it is a draft"})


class Mailing(Body):
    id = Whole(metadata={**NUMBER, "example": 7})
    owner_id = Whole(metadata={**NUMBER, "description": "The user who wrote it", "example": 1})
    title = Text(metadata={"example": EXAMPLE["title"]})
    text = Text(metadata={"example": EXAMPLE["text"]})
    state = Choice(State, metadata={"example": "scheduled"})
    pause_reason = Choice(PauseReason, allow_none=True)
    awaits_approval = Truth(metadata={"example": False})
    time_basis = Choice(TimeBasis, metadata={"example": "instant"})
    start_at = Text(
        metadata={
            "description": "In the user's time zone; without offset by the clients' clocks",
            "example": EXAMPLE["start_at"],
        }
    )
    end_at = Text(metadata={"example": EXAMPLE["end_at"]})
    filter = Inner(Filter)
    everybody = Truth(metadata={"example": False})
    window = Inner(Window, allow_none=True, metadata={"example": EXAMPLE["window"]})
    rate = Inner(Rate, allow_none=True)
    canary_size = Whole(allow_none=True, metadata={"minimum": 1})
    budget_parts = Whole(allow_none=True, metadata={"minimum": 1})
    actions = ListOf(
        Choice(Action),
        metadata={
            "description": "What its state allows at `/mailings/{id}/…`",
            "example": ["cancel", "unschedule"],
        },
    )
    created_at = Instant(metadata={"example": MOMENT})
    updated_at = Instant(metadata={"example": MOMENT})
    started_at = Instant(allow_none=True)
    finished_at = Instant(allow_none=True)
    messages_folded_at = Instant(
        allow_none=True, metadata={"description": "Since when its messages are kept no longer, but only counted"}
    )


class MailingPage(Body):
    items = ListOf(Inner(Mailing))
    total = Whole(metadata={**COUNT, "description": "Counted up to a bound", "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class MailingQuery(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
    order = Choice(Order, load_default=Order.NEWEST, metadata={"description": "Which come first"})
    state = Choice(State, metadata={"description": "Which are in this state"})
    search = Text(metadata={"description": "A part of the title", "example": "sale"})


class Resend(Body):
    reasons = ListOf(
        Text(),
        load_default=None,
        allow_none=True,
        metadata={"description": "Of the failed; null: all", "example": ["timeout"]},
    )
    end_at = Instant(
        load_default=None, allow_none=True, metadata={"description": "Needed where the end has passed"}
    )


class Resent(Body):
    resent = Whole(metadata={**COUNT, "example": 4})
    mailing = Inner(Mailing)


EXAMPLE_OF_ZONE = {
    "timezone": "Europe/Moscow",
    "recipients": 1000,
    "reached": 1000,
    "first_at": STARTED,
    "last_at": "2030-03-01T07:01:40+00:00",
}


class ZonePlan(Body):
    timezone = Text()
    recipients = Whole(metadata=COUNT)
    reached = Whole(metadata={**COUNT, "description": "Before the end"})
    first_at = Instant(allow_none=True)
    last_at = Instant(allow_none=True)


class Caution(Body):
    code = Text(metadata={"example": "everybody"})
    detail = Text(metadata={"example": "It addresses everybody, whatever their tags and codes."})


class Preview(Body):
    recipients = Whole(metadata={**COUNT, "description": "Who match, counted up to a bound", "example": 1000})
    recipients_is_exact = Truth(metadata={"example": True})
    stop_listed = Whole(metadata={**COUNT, "description": "Of them on the stop list"})
    lacking_values = Whole(metadata={**COUNT, "description": "Of them without a placeholder's value"})
    sample = ListOf(Text(), metadata={"description": "Phones of the first five", "example": ["79991234567"]})
    first_reading = Text(
        allow_none=True,
        metadata={
            "description": "The text as the first of them will read it",
            "example": TEXT.replace("{{name}}", "Anna"),
        },
    )
    parts_each = Whole(metadata={**COUNT, "description": "Parts of SMS of the first reading", "example": 1})
    parts = Whole(metadata={**COUNT, "description": "Of all together", "example": 1000})
    cost = Text(allow_none=True, metadata={"description": "If a part has a price", "example": "1234.50"})
    currency = Text(metadata={"description": "ISO 4217", "example": "RUB"})
    plan = ListOf(
        Inner(ZonePlan),
        allow_none=True,
        metadata={"description": "Without times there is none", "example": [EXAMPLE_OF_ZONE]},
    )
    warnings = ListOf(Inner(Caution), metadata={"description": "What to look at before a launch", "example": []})
