"""How do messages stand, in numbers?"""

from ...models import State, Status
from .fields import (
    COUNT,
    CURSOR,
    LIMIT,
    NUMBER,
    STARTED,
    Body,
    Choice,
    InAddress,
    Inner,
    Instant,
    ListOf,
    Text,
    Truth,
    Whole,
)


class Counts(Body):
    """Every selected client stands in exactly one of these, and together they are the total."""

    total = Whole(metadata={"example": 1000})
    queued = Whole(metadata={"example": 400})
    sending = Whole(metadata={"example": 20})
    sent = Whole(metadata={"example": 570})
    failed = Whole(metadata={"example": 4})
    expired = Whole(metadata={"example": 0})
    skipped = Whole(metadata={"example": 6})
    cancelled = Whole(metadata={"example": 0})
    unknown_ = Whole(attribute="unknown", data_key="unknown", metadata={"example": 0})


class MailingCounts(Counts):
    mailing_id = Whole(metadata={**NUMBER, "example": 7})
    title = Text(metadata={"example": "Spring sale"})
    state = Choice(State, metadata={"example": "running"})


class Share(Body):
    key = Text(metadata={"description": "An operator code or a time zone", "example": "916"})
    waiting = Whole(metadata={**COUNT, "example": 420})
    sent = Whole(metadata={**COUNT, "example": 570})
    failed = Whole(metadata={**COUNT, "example": 4})
    other = Whole(metadata={**COUNT, "example": 6})


class Reason(Body):
    status = Choice(Status, metadata={"example": "failed"})
    reason = Text(metadata={"example": "http_400"})
    count = Whole(metadata={**COUNT, "example": 4})


# Of a time: what waits has no outcome yet.
SETTLED = dict.fromkeys(("queued", "sending", "expired", "cancelled", "unknown"), 0) | {
    "total": 580,
    "sent": 570,
    "failed": 4,
    "skipped": 6,
}


class Minute(Body):
    at = Instant(metadata={"example": STARTED})
    counts = Inner(Counts, metadata={"description": "Outcomes in this minute", "example": SETTLED})


class MailingStatistics(MailingCounts):
    by_operator_code = ListOf(Inner(Share))
    by_timezone = ListOf(
        Inner(Share),
        metadata={"example": [{"key": "Europe/Moscow", "waiting": 420, "sent": 570, "failed": 4, "other": 6}]},
    )
    reasons = ListOf(Inner(Reason))
    over_time = ListOf(Inner(Minute))


class Day(Body):
    date = Text(metadata={"format": "date", "example": "2030-03-01"})
    counts = Inner(Counts, metadata={"example": SETTLED})


class Overall(Body):
    mailings = Whole(metadata={**COUNT, "description": "How many there are", "example": 1})
    totals = Inner(Counts)
    items = ListOf(Inner(MailingCounts))
    total = Whole(metadata={**COUNT, "description": "Of mailings, counted up to a bound", "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class OverallQuery(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)


class DaysQuery(Body):
    days = InAddress(
        load_default=30, metadata={"description": "How many, the last one today", "minimum": 1, "maximum": 90}
    )
