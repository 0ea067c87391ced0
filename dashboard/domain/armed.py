"""What does a worker have in hand once it has armed?"""

from dataclasses import dataclass, field

from ..gateway import Call
from .flights import Stretch


@dataclass(slots=True)
class Armed:
    """A message to call for: not before `begins_at` nor after `begins_before` (monotonic seconds of this process).

    Those two belong to its moment, which may be renewed; until `ends` it may begin at all. `stretch` is what it
    was taken from; None: it waited by itself, and has a lease of its own. `is_probe`: it passes an open breaker.
    """

    id: int
    call: Call
    mailing_id: int
    operator_code: str
    timezone: str
    tries: int
    stretch: Stretch | None
    begins_at: float
    begins_before: float
    ends: float
    is_probe: bool = False

    @property
    def phone(self) -> str:
        return self.call.phone

    @property
    def flight(self) -> int | None:
        return self.stretch.flight if self.stretch else None


@dataclass(slots=True)
class Arming:
    """What one arming took.

    `again`: when to ask again (monotonic) for mailings that may have more by then. `given_at`: when moments were
    given (monotonic); None: none had to be.
    """

    armed: list[Armed] = field(default_factory=list)
    again: dict[int, float] = field(default_factory=dict)
    given_at: float | None = None
