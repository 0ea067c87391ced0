"""What makes up one line of the list of faults?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.faults.run import Run

BOTH = ("sqlite", "postgres")
HOLD, RETRY = ("hold",), ("retry",)
EITHER = ("hold", "retry")

# The promises: everything decided so soon after a kill, and so soon after Redis or PostgreSQL is back.
KILL_SECONDS, SERVER_SECONDS = 40.0, 10.0


def nothing(run: Run) -> None:
    """Nothing happens in the middle of the mailing."""


@dataclass(frozen=True)
class Fault:
    """`prepare` before the mailing starts, `strike` while it runs; `also`: what else has to hold at the end.

    `name` as the report tells it. `settings` differ from the usual. `needs`: what is started for it.
    `recovers_in`: the promise, in seconds, after the environment is whole again; none: none was made.
    """

    name: str
    strike: Callable[[Run], None] = nothing
    prepare: Callable[[Run], None] = nothing
    also: Callable[[Run], None] = nothing
    policies: tuple[str, ...] = HOLD
    databases: tuple[str, ...] = BOTH
    settings: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    recovers_in: float | None = None
    # In `make test` too, on SQLite.
    is_telling: bool = False
