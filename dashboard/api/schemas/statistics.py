"""How do messages stand, in numbers?"""

from ...models import State, Status
from .fields import Body, Choice, InAddress, Inner, Instant, ListOf, Text, Whole


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
    mailing_id = Whole(metadata={"example": 7})
    title = Text()
    state = Choice(State)


class Share(Body):
    key = Text(metadata={"description": "An operator code or a time zone", "example": "916"})
    waiting = Whole()
    sent = Whole()
    failed = Whole()
    other = Whole()


class Reason(Body):
    status = Choice(Status)
    reason = Text(metadata={"example": "timeout"})
    count = Whole()


class Minute(Body):
    at = Instant()
    counts = Inner(Counts, metadata={"description": "Outcomes in this minute"})


class MailingStatistics(MailingCounts):
    by_operator_code = ListOf(Inner(Share))
    by_timezone = ListOf(Inner(Share))
    reasons = ListOf(Inner(Reason))
    over_time = ListOf(Inner(Minute))


class Day(Body):
    date = Text(metadata={"example": "2026-03-01"})
    counts = Inner(Counts)


class Overall(Body):
    mailings = Whole(metadata={"description": "How many there are"})
    totals = Inner(Counts)
    items = ListOf(Inner(MailingCounts))
    next = Text(allow_none=True)


class OverallQuery(Body):
    limit = InAddress(load_default=50)
    cursor = Text()


class DaysQuery(Body):
    days = InAddress(load_default=30, metadata={"description": "From 1 to 90, the last one today"})
