"""Is the gateway itself in trouble, so that calling it would only use up messages?"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import heappush, heappushpop

from sqlalchemy import update

from .. import clock
from ..database import rows_changed, transaction
from ..gateway import Answer, Reason, Verdict
from ..models import Breaker, Service

logger = logging.getLogger(__name__)

# Opens when so large a share of the last calls of one worker has failed.
WINDOW_CALLS, FAILING_SHARE = 50, 0.9
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

    def trouble(self, answers: Iterable[Answer]) -> str | None:
        """Take note of these answers; a reason to open the breaker, or None."""
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
    """A probe was answered in earnest: arming goes on."""
    with transaction() as session:
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


def take_probe(call_deadline: timedelta) -> bool:
    """Of all workers, the one that gets True may send one message through the open breaker."""
    with transaction() as session:
        now = clock.database_now(session)
        taken = rows_changed(
            session,
            update(Service)
            .where(Service.id == 1, Service.breaker == Breaker.OPEN, Service.breaker_probe_at <= now)
            .values(breaker_probe_at=now + call_deadline + PROBE_MARGIN),
        )
    return taken > 0
