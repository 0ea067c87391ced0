"""Which of the armed calls begin now, and which have missed their time?"""

import heapq
from collections import deque
from collections.abc import Iterable

from .armed import Armed


class Departures:
    """Armed and not yet called for: some ready, some before their moment. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._ready: deque[Armed] = deque()
        # By moment; the number keeps apart what has the same.
        self._paced: list[tuple[float, int, Armed]] = []

    def __len__(self) -> int:
        return len(self._ready) + len(self._paced)

    @property
    def ready(self) -> int:
        return len(self._ready)

    @property
    def paced(self) -> int:
        return len(self._paced)

    def add(self, armed: Iterable[Armed], now: float) -> None:
        for each in armed:
            if each.begins_at <= now:
                self._ready.append(each)
            else:
                heapq.heappush(self._paced, (each.begins_at, each.id, each))

    def pop(self, count: int, now: float) -> tuple[list[Armed], list[Armed]]:
        """At most `count` that begin now, and all those in front of them that are too late to begin."""
        while self._paced and self._paced[0][0] <= now:
            self._ready.append(heapq.heappop(self._paced)[2])
        begin: list[Armed] = []
        late: list[Armed] = []
        while self._ready:
            if self._ready[0].begins_before < now:
                late.append(self._ready.popleft())
            elif len(begin) < count:
                begin.append(self._ready.popleft())
            else:
                break
        return begin, late

    def clear(self) -> list[Armed]:
        """Nothing of these begins any more."""
        rest = [*self._ready, *(each for _at, _id, each in self._paced)]
        self._ready.clear()
        self._paced.clear()
        return rest

    def next_moment(self) -> float | None:
        return self._paced[0][0] if self._paced else None
