"""Which of the waiting messages are taken, and how do they get into the air? While their rows are locked."""

import json
import math
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from .. import clock
from ..database import AnyRow
from ..gateway import Call
from ..models import Status
from . import doubts, due, flights, singles, tallies
from .armed import Armed, Arming
from .flights import Stretch
from .last_look import LastLook
from .moves import move
from .personalisation import render
from .policy import BEGIN_WITHIN, SendingPolicy
from .tallies import Place
from .throttle import AHEAD, LATE, Throttle

# Others had their hands on what was wanted: it is free again after a few milliseconds.
SOON_SECONDS = 0.02


class Step:
    """From what waits to what may be called for."""

    def __init__(
        self,
        session: Session,
        service: AnyRow,
        mailings: Sequence[AnyRow],
        policy: SendingPolicy,
        at_once: int,
        lead: float,
        *,
        probing: bool,
    ) -> None:
        self.throttle = Throttle(session, service, mailings)
        self._session, self._service, self._policy = session, service, policy
        self._at_once, self._lead = at_once, lead
        self._most_armed = 1 if probing else sys.maxsize
        self._texts = {row.id: row.text for row in mailings}
        # Not before the locks, which may have to be waited for.
        self.now, self._here, _answered = clock.reading(session)
        self._ends = self._here + BEGIN_WITHIN.total_seconds()

    def run(self, quota: int, share: int | None, token: str) -> Arming:
        """At most `quota` messages of each mailing; of one with a rate, `share` that begin at their moments."""
        left = {each: self._most(each, quota, share) for each in self._texts}
        stretches, waiting = self._waiting(left)
        armed, unwanted = self._sift(waiting)
        # Also where nobody waits any more: what was skipped or cancelled in its place leaves gaps.
        flights.take(self._session, stretches)
        if armed or unwanted:
            self._lift(armed, token)
            self.throttle.keep(self._session)
            self._skip(unwanted)
        return Arming(armed, self._again(left), None if self.throttle.is_open else self._here)

    def _most(self, mailing_id: int, quota: int, share: int | None) -> int:
        if not self.throttle.has_rate(mailing_id):
            return quota
        most = quota if share is None else share
        return math.ceil(min(most, self.throttle.room(mailing_id, self._at_once)))

    def _waiting(self, left: dict[int, int]) -> tuple[list[Stretch], list[Armed]]:
        """Locked messages. Counts down what is `left` to take of each mailing.

        Those that wait by themselves have waited longer; of the lanes, the one that closes first comes first.
        """
        lanes = due.lanes(self._texts, self.now, self._policy)
        self._have_more = {lane.mailing_id for lane in lanes}
        rows: list[tuple[AnyRow, Stretch | None]] = list(self._alone(lanes, left))
        stretches = self._stretches(lanes, left)
        rows += flights.messages(self._session, stretches)
        return stretches, [self._armed(row, stretch) for row, stretch in rows]

    def _alone(self, lanes: Sequence[AnyRow], left: dict[int, int]) -> Iterator[tuple[AnyRow, None]]:
        wanted = {(lane.mailing_id, lane.timezone): left[lane.mailing_id] for lane in lanes if lane.has_single}
        for row in singles.lock(self._session, wanted, self.now):
            if left[row.mailing_id] > 0:
                left[row.mailing_id] -= 1
                yield row, None

    def _stretches(self, lanes: Sequence[AnyRow], left: dict[int, int]) -> list[Stretch]:
        """The first lane of every mailing at once; then the second of those of which there was too little."""
        queues: defaultdict[int, deque[str]] = defaultdict(deque)
        for lane in lanes:
            if lane.has_chunk:
                queues[lane.mailing_id].append(lane.timezone)
        stretches: list[Stretch] = []
        while wanted := {
            (each, zones.popleft()): left[each] for each, zones in queues.items() if zones and left[each]
        }:
            for found in flights.lock(self._session, wanted):
                stretches.append(found)
                left[found.mailing_id] -= found.length
        return stretches

    def _armed(self, row: AnyRow, stretch: Stretch | None) -> Armed:
        number, mailing_id, phone, values, code, timezone, tries, text = row  # flights.message_columns
        if text is None:
            text = render(self._texts[mailing_id], json.loads(values) if values else None)
        call = Call(number, phone, text)
        return Armed(number, call, mailing_id, code, timezone, tries, stretch, self._here, self._ends, self._ends)

    def _sift(self, waiting: Sequence[Armed]) -> tuple[list[Armed], list[tuple[Armed, str]]]:
        """Those that may go, and those to be skipped; of a stretch, the rest stays in its chunk."""
        look = LastLook(self._session, waiting, self._service, self.now)
        if look.is_clear and self.throttle.is_open and len(waiting) <= self._most_armed:
            return list(waiting), []
        # Moments count from here: looking took its time.
        reading = clock.reading(self._session)
        self.now, self._here, _answered = reading
        self.throttle.begin(reading, self._lead)
        armed: list[Armed] = []
        unwanted: list[tuple[Armed, str]] = []
        closed: set[int] = set()
        for each in waiting:
            if each.mailing_id not in closed:
                if reason := look.reason(each):
                    unwanted.append((each, reason))
                    continue
                if len(armed) < self._most_armed and self._may_go(each):
                    armed.append(each)
                    look.goes(each)
                    continue
                closed.add(each.mailing_id)
            if each.stretch is not None:
                each.stretch.give_back(each.id)
        return armed, unwanted

    def _may_go(self, each: Armed) -> bool:
        if not self.throttle.limits(each.mailing_id):
            return True
        has_rate = self.throttle.has_rate(each.mailing_id)
        if has_rate and self._at_once <= 0:
            return False
        moment = self.throttle.take(each, is_first_try=each.stretch is not None)
        self._at_once -= has_rate and moment is not None and moment < LATE
        return moment is not None

    def _lift(self, armed: Sequence[Armed], token: str) -> None:
        """They are in the air: the flights, the leases, the books."""
        until = self.now + self._policy.lease
        flights.launch(self._session, _ranges(armed), token, self.now, until)
        singles.lease(self._session, [each.id for each in armed if not each.stretch], token, until)
        tallies.lifted(self._session, Counter(each.mailing_id for each in armed), tallies.slot_of(token))

    def _skip(self, unwanted: Sequence[tuple[Armed, str]]) -> None:
        by_reason: defaultdict[str, list[Armed]] = defaultdict(list)
        for each, reason in unwanted:
            by_reason[reason].append(each)
        for reason, those in by_reason.items():
            skipped = Place(Status.SKIPPED, reason, self.now)
            move(self._session, [each for each in those if each.stretch], Place(Status.QUEUED), skipped)
            doubts.close(self._session, [each for each in those if not each.stretch], skipped)

    def _again(self, left: dict[int, int]) -> dict[int, float]:
        """At once where the quota was used up; where others had their hands on it, or moments are short, later."""
        again = {}
        for mailing_id in self._have_more - self.throttle.spent.keys():
            moments_in = self.throttle.opens_in(mailing_id) - AHEAD / 2
            again[mailing_id] = self._here + max(moments_in, SOON_SECONDS if left[mailing_id] else 0.0)
        return again


def _ranges(armed: Sequence[Armed]) -> list[tuple[int, int, int]]:
    """Of each stretch the part that is in the air; its last number becomes the flight's key."""
    first: dict[int, tuple[Stretch, int]] = {}
    for each in armed:
        if each.stretch is not None:
            first.setdefault(each.stretch.chunk, (each.stretch, each.id))
            each.stretch.flight = each.id
    return [(stretch.mailing_id, first_id, stretch.flight) for stretch, first_id in first.values()]
