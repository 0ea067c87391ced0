"""What does an answer of the gateway make of its message? One table, pure but for the jitter."""

import random
from dataclasses import dataclass
from datetime import datetime

from ..gateway import Answer, Verdict
from ..models import Status
from . import breaker, retries
from .policy import GATEWAY_PAUSE, OnUncertain, SendingPolicy

# Jitter only: which of the messages that failed together comes first.
_rng = random.Random()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer makes of a message; `send_after` only where it goes back to the queue."""

    status: Status
    reason: str | None
    tries: int
    send_after: datetime | None = None


def after(tries: int, answer: Answer, now: datetime, policy: SendingPolicy, *, is_probe: bool = False) -> Outcome:
    """What this answer makes of its message, after `tries` earlier tries of which none is in doubt.

    What an open breaker's probe was surely not accepted for is the gateway's trouble, and uses up no try. Pure but
    for the jitter.
    """
    if answer.verdict is Verdict.ACCEPTED:
        return Outcome(Status.SENT, None, tries + 1)
    if answer.verdict is Verdict.REFUSED:
        return Outcome(Status.FAILED, answer.reason, tries + 1)
    if breaker.is_gateways_fault(answer):
        return Outcome(Status.QUEUED, answer.reason, tries, now + GATEWAY_PAUSE)
    if answer.verdict is Verdict.UNCERTAIN and policy.on_uncertain is OnUncertain.HOLD:
        return Outcome(Status.UNKNOWN, answer.reason, tries + 1)
    if is_probe and answer.verdict is Verdict.NOT_ACCEPTED:
        return Outcome(Status.QUEUED, answer.reason, tries, now + retries.wait(1, answer.retry_after, _rng))
    if tries + 1 >= policy.most_tries:
        return Outcome(_last_word(answer), answer.reason, tries + 1)
    pause = retries.wait(tries + 1, answer.retry_after, _rng)
    return Outcome(Status.QUEUED, answer.reason, tries + 1, now + pause)


def _last_word(answer: Answer) -> Status:
    """The tries are used up: a last one surely not accepted is a failure, anything else nobody knows."""
    return Status.FAILED if answer.verdict is Verdict.NOT_ACCEPTED else Status.UNKNOWN
