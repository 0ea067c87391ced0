"""What is a mailing, to a program?"""

from datetime import datetime, time
from typing import Any

from marshmallow import ValidationError, fields

from ...domain.mailings import Verb
from ...models import PauseReason, RateUnit, State, TimeBasis
from .clients import OperatorCode
from .fields import COMMON, Body, Choice, InAddress, Inner, Instant, ListOf, Text, Truth, Whole

EXAMPLE_OF_DRAFT = {
    "title": "Spring sale",
    "text": "Dear {{name}}, everything is cheaper until Sunday.",
    "start_at": "2030-03-01T10:00:00+03:00",
    "end_at": "2030-03-02T20:00:00+03:00",
    "filter": {"tags": ["vip"], "operator_codes": None},
    "window": {"from": "09:00", "to": "21:00"},
}
EXAMPLE = EXAMPLE_OF_DRAFT | {"launch": True}


class Moment(fields.Field[datetime]):
    """ISO 8601, with an offset or without: then it is read on the clock that the mailing goes by."""

    default_error_messages = {**COMMON}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            return datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("not_a_moment") from None


class ClockTime(fields.Field[time]):
    """`09:00`, by a clock on the wall."""

    default_error_messages = {**COMMON}

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
    mailing_id = Whole(load_default=None, allow_none=True, metadata={"description": "Those whom it has selected"})


class Filter(Body):
    """Clients with any of these tags and any of these operator codes; null is no condition."""

    tags = ListOf(Text(), load_default=None, allow_none=True, metadata={"example": ["vip"]})
    operator_codes = ListOf(
        OperatorCode(), load_default=None, allow_none=True, metadata={"example": ["916", "925"]}
    )
    exclude_ = Inner(Exclusion, attribute="exclude", data_key="exclude", load_default=None, allow_none=True)


class Window(Body):
    from_ = ClockTime(required=True, attribute="from", data_key="from", metadata={"example": "09:00"})
    to = ClockTime(required=True, metadata={"example": "21:00"})


class Rate(Body):
    limit = Whole(required=True, metadata={"description": "May begin within a second", "example": 10})
    unit = Choice(RateUnit, load_default=RateUnit.MESSAGES)


class MailingInput(Body):
    title = Text(required=True, metadata={"example": EXAMPLE["title"]})
    text = Text(required=True, metadata={"description": "With {{placeholders}}", "example": EXAMPLE["text"]})
    time_basis = Choice(
        TimeBasis, load_default=TimeBasis.INSTANT, metadata={"description": "Whose clock start and end are"}
    )
    start_at = Moment(required=True, metadata={"example": EXAMPLE["start_at"]})
    end_at = Moment(required=True, metadata={"example": EXAMPLE["end_at"]})
    filter = Inner(Filter, load_default=None, allow_none=True)
    everybody = Truth(load_default=False, metadata={"description": "No condition at all, on purpose"})
    window = Inner(Window, load_default=None, allow_none=True, metadata={"description": "By each client's clock"})
    rate = Inner(Rate, load_default=None, allow_none=True)
    canary_size = Whole(load_default=None, allow_none=True, metadata={"description": "Send so many, then wait"})
    budget_parts = Whole(load_default=None, allow_none=True, metadata={"description": "Parts of SMS it may use"})


class NewMailing(MailingInput):
    launch = Truth(load_default=False, metadata={"description": "Else it is a draft"})


class Mailing(Body):
    id = Whole(metadata={"example": 7})
    owner_id = Whole(metadata={"example": 1})
    title = Text(metadata={"example": EXAMPLE["title"]})
    text = Text(metadata={"example": EXAMPLE["text"]})
    state = Choice(State)
    pause_reason = Choice(PauseReason, allow_none=True)
    awaits_approval = Truth()
    time_basis = Choice(TimeBasis)
    start_at = Text(metadata={"description": "In the user's time zone; without offset by the clients' clocks"})
    end_at = Text()
    filter = Inner(Filter)
    everybody = Truth()
    window = Inner(Window, allow_none=True)
    rate = Inner(Rate, allow_none=True)
    canary_size = Whole(allow_none=True)
    budget_parts = Whole(allow_none=True)
    actions = ListOf(Choice(Verb), metadata={"description": "What its state allows"})
    created_at = Instant()
    updated_at = Instant()
    started_at = Instant(allow_none=True)
    finished_at = Instant(allow_none=True)


class MailingPage(Body):
    items = ListOf(Inner(Mailing))
    total = Whole()
    total_is_exact = Truth()
    next = Text(allow_none=True)


class MailingQuery(Body):
    limit = InAddress(load_default=50, metadata={"description": "From 1 to 500"})
    cursor = Text()
    state = Choice(State)
    search = Text(metadata={"description": "A part of the title"})


class Resend(Body):
    reasons = ListOf(
        Text(), load_default=None, allow_none=True, metadata={"description": "Of the failed; null: all"}
    )
    end_at = Instant(
        load_default=None, allow_none=True, metadata={"description": "Needed where the end has passed"}
    )


class Resent(Body):
    resent = Whole(metadata={"example": 4})
    mailing = Inner(Mailing)


class ZonePlan(Body):
    timezone = Text()
    recipients = Whole()
    reached = Whole()
    first_at = Instant(allow_none=True)
    last_at = Instant(allow_none=True)


class Caution(Body):
    code = Text(metadata={"example": "everybody"})
    detail = Text()


class Preview(Body):
    recipients = Whole(metadata={"description": "Who match, counted up to a bound"})
    recipients_is_exact = Truth()
    stop_listed = Whole()
    lacking_values = Whole()
    sample = ListOf(Text(), metadata={"description": "Phones of the first five"})
    first_reading = Text(allow_none=True)
    parts_each = Whole()
    parts = Whole()
    cost = Text(allow_none=True, metadata={"example": "1234.50"})
    currency = Text()
    plan = ListOf(Inner(ZonePlan), allow_none=True)
    warnings = ListOf(Inner(Caution))
