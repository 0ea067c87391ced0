"""Is the gateway itself in trouble, so that calling it would only use up messages?"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import heappush, heappushpop

from sqlalchemy import delete, insert, or_, update

from .. import clock
from ..database import db, insert_or_update, rows_changed, transaction
from ..gateway import Answer, Reason, Verdict
from ..models import Breaker, BreakerOpening, CallWindow, Service

logger = logging.getLogger(__name__)

# Opens when so large a share of the last calls of one worker has failed.
WINDOW_CALLS, FAILING_SHARE = 50, 0.9
# Kept from one round to the next; what is older says nothing about now.
MEMORY = timedelta(minutes=5)
# For the digests of the last days.
OPENINGS_KEPT = timedelta(days=30)
# One row for all workers: see Watch.keep.
SHARED = 1
# The pause before a probe: 2 s at first, doubling.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(seconds=30)
# The text never left the house, and would not have for any other message.
NOBODY_LISTENS = frozenset(
    {Reason.REFUSED_CONNECTION, Reason.UNRESOLVED, Reason.CONNECT_TIMEOUT, Reason.TLS, Reason.NOT_CONNECTED}
)
# After the deadline of a probe's call, so long may it take until what came of it is written.
PROBE_MARGIN = timedelta(seconds=10)


class Watch:
    """One worker's view of its last calls: when does trouble of single messages become trouble of the gateway?

    The last calls are those that began last. By their ends, the few that time out would come together when
    nothing else is under way any more, and look like a gateway that has died.
    """

    def __init__(self) -> None:
        # When each began and whether it failed, the oldest first (a heap).
        self._calls: list[tuple[datetime, bool]] = []
        self._has_news = self._is_remembered = False

    def recall(self) -> None:
        """Begin with what the round before has seen, but for old calls, and those of a clock that has gone back.

        With few connections to a gateway that hangs, no round of a few seconds comes to fifty calls.
        """
        row = db.session.get(CallWindow, SHARED, populate_existing=True)
        now = clock.database_now(db.session())
        for began, has_failed in row.calls if row else ():
            began_at = datetime.fromisoformat(began)
            if now - MEMORY <= began_at <= now:
                heappush(self._calls, (began_at, has_failed))
        self._is_remembered = row is not None

    def keep(self) -> None:
        """Leave the window to the next round, if there are failures in it.

        All workers share one row, and who ends last overwrites it: what gets lost of the other's calls only makes
        the window fill more slowly, at worst as with one worker. A row for each would have to outlive the worker.
        """
        if not self._has_news:
            return
        if any(has_failed for _began_at, has_failed in self._calls):
            calls = [(began_at.isoformat(), has_failed) for began_at, has_failed in sorted(self._calls)]
            write = insert_or_update(CallWindow).values(slot=SHARED, calls=calls)
            write = write.on_conflict_do_update(index_elements=["slot"], set_={"calls": write.excluded.calls})
        elif self._is_remembered:
            write = delete(CallWindow)
        else:
            return
        with transaction() as session:
            session.execute(write)

    def forget(self) -> None:
        """The breaker is open: what led to it has been dealt with."""
        self._calls.clear()

    def trouble(self, answers: Iterable[Answer]) -> str | None:
        """Take note of these answers; a reason to open the breaker, or None."""
        self._has_news = True
        for answer in answers:
            if is_gateways_fault(answer):
                self._calls.clear()
                return answer.reason
            # A refusal too: nearly nothing but refusals means that the address or the request is wrong.
            push = heappush if len(self._calls) < WINDOW_CALLS else heappushpop
            push(self._calls, (answer.started_at, answer.verdict is not Verdict.ACCEPTED))
        failures = sum(has_failed for _began_at, has_failed in self._calls)
        if len(self._calls) == WINDOW_CALLS and failures >= FAILING_SHARE * WINDOW_CALLS:
            self._calls.clear()
            return "error_rate"
        return None


def is_gateways_fault(answer: Answer) -> bool:
    """True where the call says nothing about its message: we are refused, or nobody listens.

    Such a call uses up no try.
    """
    return answer.verdict is Verdict.DENIED or answer.reason in NOBODY_LISTENS


def open_(reason: str) -> None:
    """Stop all arming until a probe succeeds."""
    with transaction() as session:
        now = clock.database_now(session)
        opened = rows_changed(
            session,
            update(Service)
            .where(Service.id == 1, Service.breaker == Breaker.CLOSED)
            .values(
                breaker=Breaker.OPEN,
                breaker_reason=reason,
                breaker_opened_at=now,
                breaker_probe_at=now + FIRST_PAUSE,
                breaker_failed_probes=0,
            ),
        )
        if opened:
            session.execute(delete(BreakerOpening).where(BreakerOpening.at < now - OPENINGS_KEPT))
            session.execute(insert(BreakerOpening).values(at=now, reason=reason))
    if opened:
        logger.warning("breaker opened", extra={"reason": reason})


def probe_failed(reason: str) -> None:
    """The gateway is still in trouble: wait twice as long as before this probe."""
    with transaction() as session:
        service = session.get_one(Service, 1, with_for_update=True)
        if service.breaker is Breaker.CLOSED:
            return
        service.breaker_failed_probes += 1
        service.breaker_reason = reason
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(service.breaker_failed_probes, 8))
        service.breaker_probe_at = clock.database_now(session) + pause


def close() -> None:
    """A probe was answered in earnest: arming goes on, and what was seen before is forgotten."""
    with transaction() as session:
        session.execute(delete(CallWindow))
        closed = rows_changed(
            session,
            update(Service)
            .where(Service.id == 1, Service.breaker == Breaker.OPEN)
            .values(
                breaker=Breaker.CLOSED,
                breaker_reason=None,
                breaker_opened_at=None,
                breaker_probe_at=None,
                breaker_failed_probes=0,
            ),
        )
    if closed:
        logger.info("breaker closed")


def take_probe(call_deadline: timedelta) -> datetime | None:
    """Of all workers, the one that gets an instant may send one message through the open breaker; None: not now.

    The instant names the probe: until then it is nobody else's.
    """
    with transaction() as session:
        now = clock.database_now(session)
        until = now + call_deadline + PROBE_MARGIN
        taken = rows_changed(
            session,
            update(Service)
            .where(Service.id == 1, Service.breaker == Breaker.OPEN)
            # One that lies further ahead than any was set by a clock that has gone back since.
            .where(or_(Service.breaker_probe_at <= now, Service.breaker_probe_at > until + LONGEST_PAUSE))
            .values(breaker_probe_at=until),
        )
    return until if taken else None


def return_probe(until: datetime) -> None:
    """There was no message to send: whoever looks next takes the probe, unless another has it by now."""
    with transaction() as session:
        held = update(Service).where(Service.id == 1, Service.breaker == Breaker.OPEN)
        session.execute(
            held.where(Service.breaker_probe_at == until).values(breaker_probe_at=clock.database_now(session))
        )
