"""What do the log and the metrics say of a call to the gateway?

One that was not accepted is always told (INFO): they are few, for when many fail the breaker opens. One that was
accepted is told only at LOG_LEVEL=DEBUG: a line costs as much as half the call, and the ledger holds it anyway
(`flask story message N`).
"""

import logging
from collections import defaultdict
from collections.abc import Iterable

from .. import metrics
from ..gateway import Answer, Verdict
from .settling import Result

logger = logging.getLogger(__name__)


def note(results: Iterable[Result]) -> None:
    tells_all = logger.isEnabledFor(logging.DEBUG)
    durations: defaultdict[Verdict, list[float]] = defaultdict(list)
    for result in results:
        answer = result.answer
        durations[answer.verdict].append(answer.duration_ms / 1000)
        if tells_all or answer.verdict is not Verdict.ACCEPTED:
            tell(answer, mailing_id=result.armed.mailing_id)
    for verdict, seconds in durations.items():
        metrics.observe_all(metrics.CALLS, seconds, verdict.value)


def tell(answer: Answer, **about: int) -> None:
    """The msgId is the message's (or trial's) number. Nothing of the answer's body: it may repeat the phone."""
    level = logging.DEBUG if answer.verdict is Verdict.ACCEPTED else logging.INFO
    fields = {
        "message_id": answer.message_id,
        "verdict": answer.verdict.value,
        "reason": str(answer.reason),
        "http_status": answer.http_status,
        "code": answer.code,
        "started_at": answer.started_at.isoformat(timespec="milliseconds"),
        "duration_ms": answer.duration_ms,
    }
    logger.log(level, "gateway called", extra={**about, **fields})
