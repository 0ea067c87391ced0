"""How many messages may still leave, and when may each begin? Rates, canary and budget, for all workers together.

A rate is kept by giving each call its own moment: `next_at` in the row says from when on none is taken yet, and a
call of n units (messages or parts) takes n / rate seconds from there (a leaky bucket, the "generic cell rate
algorithm" of ITU-T I.371). A call that could not begin soon after its moment gives it up: begun at most l seconds
late, at most ⌊(1 + l) · rate⌋ + 1 begin in any second. `lateness` is the greatest l for which that is no more than
rate + max(1, 10 %).
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy.orm import Session

from ..clock import Reading
from ..database import AnyRow
from ..models import PauseReason
from . import allowances, parts
from .allowances import EVERYTHING
from .armed import Armed

# So far ahead moments are given away at most (seconds).
AHEAD = 0.8
# So much at once is begun soon enough, whatever the rate (seconds).
LATE = 0.05
# No call takes more parts: 134 placeholders fit into a text, each for 200 signs that may count twice.
MOST_PARTS = 1_000


class Shortage(NamedTuple):
    """What is used up, and how many parts the next message would have taken."""

    reason: PauseReason
    parts: int


class Throttle:
    """The locked allowances of the mailings of one arming.

    `begin` says what time it is, `grant` is asked for each message, `keep` writes what was taken.
    """

    def __init__(self, session: Session, service: AnyRow, mailings: Iterable[AnyRow]) -> None:
        """Locks rows by ascending scope; only of those that are limited in any way."""
        mailings = list(mailings)
        limited = {row.id: row for row in mailings if allowances.is_limited(row)}
        # One client's messages in several mailings are counted by one arming at a time.
        if service.rate_limit is not None or service.frequency_cap is not None:
            limited[EVERYTHING] = service
        self._buckets = allowances.locked(session, limited)
        self._of = {
            row.id: [self._buckets[scope] for scope in (EVERYTHING, row.id) if scope in self._buckets]
            for row in mailings
        }
        # What does not change while this lasts; it is asked for each message.
        self._pauses = {each: max((one.pause for one in of), default=0.0) for each, of in self._of.items()}
        self._latenesses = {
            each: min((one.lateness for one in of), default=math.inf) for each, of in self._of.items()
        }
        self._sized = {
            each
            for each, of in self._of.items()
            if any(one.counts_parts or one.parts_left is not None for one in of)
        }
        # Mailings of which nothing more may be armed until a person has decided.
        self.spent: dict[int, Shortage] = {}

    @property
    def is_open(self) -> bool:
        """Nothing at all is limited."""
        return not self._buckets

    def begin(self, reading: Reading, lead: float = 0.0) -> None:
        """Moments are given from `lead` seconds after now on: before that, nothing of this arming can begin."""
        self._reading = reading
        for bucket in self._buckets.values():
            taken = 0.0 if bucket.next_at is None else (bucket.next_at - reading.now).total_seconds()
            most = AHEAD + bucket.pause * (MOST_PARTS if bucket.counts_parts else 1)
            if taken > most + AHEAD:
                taken = 0.0  # by a clock that has gone back since
            bucket.ahead = max(lead if bucket.pause else 0.0, taken)

    def room(self, mailing_id: int, at_once: int) -> float:
        """Of a mailing with a rate, more messages than so many need not be looked at; `at_once` can begin soon."""
        pause = self._pauses[mailing_id]
        return at_once if at_once * pause < LATE else AHEAD / pause + 1

    def has_rate(self, mailing_id: int) -> bool:
        return self._pauses[mailing_id] > 0

    def limits(self, mailing_id: int) -> bool:
        """Whether `grant` has to be asked for this mailing's messages."""
        return bool(self._of[mailing_id])

    def counts_parts(self, mailing_id: int) -> bool:
        return mailing_id in self._sized

    def take(self, armed: Armed, *, is_first_try: bool) -> float | None:
        """Grant it a moment and enter that; None: it has to wait.

        When exactly a moment comes here is known but to the length of the question what time it is: a call
        begins neither before the latest instant that this may be, nor too late after the earliest.
        """
        _now, asked, answered = self._reading
        size = parts.count(armed.call.text) if self.counts_parts(armed.mailing_id) else 1
        moment = self.grant(armed.mailing_id, size, is_first_try=is_first_try, at_most=armed.ends - answered)
        if moment is not None:
            armed.begins_at = answered + moment
            armed.begins_before = min(armed.ends, asked + moment + self.lateness(armed.mailing_id))
        return moment

    def grant(self, mailing_id: int, size: int, *, is_first_try: bool, at_most: float = AHEAD) -> float | None:
        """The moment at which this message may begin, in seconds from now; None: it has to wait."""
        buckets = self._of[mailing_id]
        at = 0.0
        for bucket in buckets:
            at = max(at, bucket.ahead)
            if is_first_try and bucket.is_spent(size):
                self._note_spent(mailing_id, size)
                return None
        if at > min(at_most, AHEAD):
            return None
        for bucket in buckets:
            # Moments of the whole installation that lie before this mailing's next one are left to others.
            if bucket.pause and bucket.ahead + LATE < at:
                return None
        for bucket in buckets:
            bucket.take(at, size, is_first_try)
        return at

    def _note_spent(self, mailing_id: int, size: int) -> None:
        is_canary = any(bucket.canary_left == 0 for bucket in self._of[mailing_id])
        self.spent[mailing_id] = Shortage(PauseReason.CANARY if is_canary else PauseReason.BUDGET, size)

    def lateness(self, mailing_id: int) -> float:
        """How long after its moment a call of this mailing may begin (seconds)."""
        return self._latenesses[mailing_id]

    def opens_in(self, mailing_id: int) -> float:
        """When it is worth asking for this mailing again, in seconds from now."""
        return max((bucket.ahead for bucket in self._of[mailing_id]), default=0.0)

    def keep(self, session: Session) -> None:
        """Write what was taken."""
        if not self.is_open:
            allowances.keep(session, self._buckets, self._reading.now)
