"""How is sending set up: deadlines, tries, and what an uncertain outcome means?"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

# What is armed begins within so long or is given back: after a brake nothing older may still go.
BEGIN_WITHIN = timedelta(seconds=0.9)
# After a call's deadline, so long may its result take to be written before the sweep decides instead.
SETTLING_MARGIN = timedelta(seconds=10)
# A gateway in trouble gets its messages back to the queue; they wait this long, and for the breaker.
GATEWAY_PAUSE = timedelta(seconds=2)


class OnUncertain(StrEnum):
    """What becomes of a message that may have been accepted."""

    HOLD = "hold"  # unknown: a person decides
    RETRY = "retry"  # the same msgId once more, at the risk of a second delivery


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """The call's deadline in seconds, the tries of a message, and what an uncertain outcome means."""

    call_seconds: float
    most_tries: int
    on_uncertain: OnUncertain

    @property
    def call_deadline(self) -> timedelta:
        return timedelta(seconds=self.call_seconds)

    @property
    def lease(self) -> timedelta:
        """From arming until nobody may be waiting for the call's result any more."""
        return BEGIN_WITHIN + self.call_deadline + SETTLING_MARGIN
