"""How far ahead may one worker arm? As much as leaves in a moment, at the pace at which answers come back."""

from dataclasses import dataclass

from .. import clock

# Armed ahead of free connections: what the gateway takes in so long, and never more than so many.
AHEAD_SECONDS, MOST_AHEAD = 0.25, 2_000
# Of more mailings at once, an arming takes so long that those who wait for its locks notice.
MOST_MAILINGS = 100
# Mailings with a rate share so many moments in turn, so that nobody takes what others wait for; fewer for one of
# them cost more than they are worth.
SHARED, LEAST_SHARE = 1_000, 2
# Moments are not given for later than this after their arming began.
LONGEST_LEAD = 0.3
# The pace is that of the last answers within so long, at least.
PACE_SECONDS = 0.2


@dataclass(slots=True)
class Lookahead:
    """What the last answers and armings have taught. `lead`: seconds an arming takes before calls may begin."""

    lead: float = 0.0
    _per_second: float = 0.0
    _since: float = 0.0
    _count: int = 0

    def answered(self, answers: int) -> None:
        """So many more have come back."""
        self._count += answers
        now = clock.monotonic()
        elapsed = now - self._since
        if elapsed >= PACE_SECONDS:
            self._per_second = self._count / elapsed
            self._since, self._count = now, 0

    def given(self, at: float | None) -> None:
        """Moments were given from then on (None: no rate asked for any), and are written by now.

        They must not pass while they are written: so long it takes by the last armings, the slowest most.
        """
        if at is not None:
            self.lead = min(LONGEST_LEAD, max(clock.monotonic() - at, self.lead * 0.8))

    def wanted(self, free: int) -> int:
        """Messages armed and not yet called for, with so many connections free."""
        return min(max(free, int(self._per_second * AHEAD_SECONDS)), MOST_AHEAD)


def share_of(mailings: int) -> int:
    """How many moments one of so many mailings may take at its turn."""
    return max(LEAST_SHARE, SHARED // max(1, mailings))


def at_one_turn(missing: int, paced: int, share: int) -> int:
    """Mailings that are asked at once for what is missing, while `paced` messages wait for their moments."""
    return min(MOST_MAILINGS, missing, max(1, (MOST_AHEAD - paced) // share))
