"""What has a round still to tell the database, and what if that takes nothing now?

What was not taken, or taken without saying so, is written again, before anything is armed: else a message could be
armed anew in between, and what is written then would be taken for its new try.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy.exc import DBAPIError

from .. import clock
from ..database import end_reading, retrying
from . import releasing, settling
from .armed import Armed
from .policy import SendingPolicy
from .settling import Result

logger = logging.getLogger(__name__)

# Outcomes are written when so many have gathered, or the oldest is so old.
SETTLE_COUNT, SETTLE_SECONDS = 1_000, 0.2
# While the database takes nothing, it is asked again after a pause.
WRITE_AGAIN_SECONDS = 0.5


class Writing:
    """Results and given-back messages of one round, until the database has them."""

    def __init__(self, token: str, policy: SendingPolicy) -> None:
        self._token = token
        self._policy = policy
        self.results: list[Result] = []
        self._oldest_result_at = 0.0
        # Armed, and never to be called for; their release may be written although its answer was lost.
        self._unwanted: list[Armed] = []
        # How many messages of each flight are still to be written.
        self._aloft: Counter[int | None] = Counter()
        # When to write again what the database did not take; zero: it has taken everything.
        self._write_at = 0.0

    @property
    def is_done(self) -> bool:
        return not (self.results or self._unwanted)

    @property
    def is_behind(self) -> bool:
        """Something was not taken and has to be written again before anything is armed."""
        return self._write_at > 0.0

    @property
    def is_blocked(self) -> bool:
        """It is not yet time to write again."""
        return self._write_at > clock.monotonic()

    def is_time(self) -> bool:
        is_old = clock.monotonic() - self._oldest_result_at >= SETTLE_SECONDS
        return len(self.results) >= SETTLE_COUNT or is_old

    def lifted(self, armed: Iterable[Armed]) -> None:
        self._aloft.update(each.flight for each in armed)

    def ended(self, results: Sequence[Result]) -> None:
        if results and not self.results:
            self._oldest_result_at = clock.monotonic()
        self.results += results

    def give_back(self, armed: Iterable[Armed]) -> None:
        """These are not called for any more; written by the next `release`."""
        self._unwanted += armed

    def again(self) -> None:
        """Write what was not taken, once its pause is over."""
        if self.is_behind and not self.is_blocked:
            self._write_at = 0.0
            self.settle()
            self.release()

    def settle(self) -> None:
        """Write the oldest results, mostly all; if the database takes none now, they are kept."""
        if not self.results or self.is_blocked:
            return
        results, token, policy = self.results[:SETTLE_COUNT], self._token, self._policy
        settled = [result.armed for result in results]
        landed = self._landed(settled)
        if self.write("results", lambda: settling.settle(results, landed, token, policy)):
            self._aloft.subtract(each.flight for each in settled)
            self.results = self.results[len(results) :]

    def release(self) -> None:
        """Write what was given back."""
        if not self._unwanted or self.is_blocked:
            return
        # What comes meanwhile is written by the next.
        unwanted = list(self._unwanted)
        landed = self._landed(unwanted)
        if self.write("armed messages", lambda: releasing.release(unwanted, landed, self._token)):
            self._aloft.subtract(each.flight for each in unwanted)
            self._unwanted = self._unwanted[len(unwanted) :]

    def release_all(self) -> bool:
        """Give back whatever is still under our token; call it only when all our calls are written."""
        return self.write("armed messages", lambda: releasing.release_all(self._token))

    def write(self, what: str, work: Callable[[], None]) -> bool:
        """False: the database takes nothing now. It is asked again after a pause, and nothing new is begun."""
        try:
            retrying(work)
        except DBAPIError as error:
            logger.warning("%s kept, the database takes nothing", what, extra={"error": type(error.orig).__name__})
            end_reading()
            self._write_at = clock.monotonic() + WRITE_AGAIN_SECONDS
            return False
        return True

    def _landed(self, written: Iterable[Armed]) -> list[int]:
        """Flights of which these are the last."""
        counts = Counter(each.flight for each in written if each.flight is not None)
        return [flight for flight, count in counts.items() if self._aloft[flight] == count]
