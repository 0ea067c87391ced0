"""What must be true of the outbox at all times, seeing what the gateway has accepted and people have decided?"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from sqlalchemy import Select, func, select

from dashboard.database import snapshot
from dashboard.domain import flights, standing
from dashboard.domain.policy import OnUncertain
from dashboard.models import Chunk, Dimension, Flight, Mailing, Message, State, Status, Tally

# Of each message, whether a chunk or a flight has to hold it; of the books, the sums over their slots.
_STANDINGS = select(Message.id, Message.mailing_id, standing.status(), flights.in_place())
_BOOKS = (
    select(Tally.mailing_id, Tally.status, func.sum(Tally.change))
    .where(Tally.dimension == Dimension.STATUS)
    .group_by(Tally.mailing_id, Tally.status)
)
_MAILINGS = select(Mailing.id, Mailing.state, Mailing.fanned_out_at)


def _span(kind: type[Chunk] | type[Flight]) -> Select[int, int]:
    return select(kind.first_id, kind.last_id + 1)


@dataclass
class Truth:
    """`clients`: how many each mailing selects."""

    on_uncertain: OnUncertain
    clients: int
    # By message: how often the gateway has accepted it, and how often without our knowing.
    accepted: Counter[int] = field(default_factory=Counter)
    unheard: Counter[int] = field(default_factory=Counter)
    # A person has said what its outcome is, or that it goes out again.
    decided: Counter[int] = field(default_factory=Counter)
    # What has been done with each message, for whoever reads of a fault.
    deeds: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    _sent: set[int] = field(default_factory=set)
    _selected: Counter[int] = field(default_factory=Counter)

    def check(self) -> None:
        """All of one instant."""
        with snapshot() as session:
            spans = [range(*span) for kind in (Chunk, Flight) for span in session.execute(_span(kind))]
            standings = session.execute(_STANDINGS).all()
            booked = Counter({(of, status): change for of, status, change in session.execute(_BOOKS)})
            mailings = session.execute(_MAILINGS).all()
        for number, _mailing_id, _status, is_in_place in standings:
            assert not is_in_place or sum(number in span for span in spans) == 1, "in two places, or in none"
        counted = Counter((mailing_id, str(status)) for _number, mailing_id, status, _is_in_place in standings)
        assert {key: count for key, count in booked.items() if count} == counted, "the books are wrong"
        for mailing_id, state, fanned_out_at in mailings:
            self._check_mailing(mailing_id, state, is_complete=fanned_out_at is not None, counted=counted)
        self._check_places({number: status for number, _mailing_id, status, _is_in_place in standings})

    def _check_mailing(
        self, mailing_id: int, state: State, *, is_complete: bool, counted: Counter[tuple[int, str]]
    ) -> None:
        selected = sum(count for (of, _status), count in counted.items() if of == mailing_id)
        assert selected >= self._selected[mailing_id], "forgotten"
        assert not is_complete or selected == self.clients
        self._selected[mailing_id] = selected
        waiting = counted[mailing_id, Status.QUEUED] + counted[mailing_id, Status.SENDING]
        assert not waiting or state is not State.FINISHED, "finished too early"

    def _check_places(self, stands: dict[int, Status]) -> None:
        sent = {number for number, status in stands.items() if status is Status.SENT}
        assert self._sent <= sent, "sent is the last word"
        self._sent = sent
        for number, status in stands.items():
            times, decided = self.accepted[number], self.decided[number]
            assert times or decided or status is not Status.SENT, "called sent, and the gateway never took it"
            # It waits only to be tried again, by the policy or because a person wished it so.
            may_wait = decided or self.on_uncertain is OnUncertain.RETRY
            is_known = status in (Status.SENDING, Status.SENT, Status.UNKNOWN)
            is_tried_again = may_wait and status is Status.QUEUED
            assert is_known or is_tried_again or not times, f"accepted, and called {status}: {self.deeds[number]}"
            if self.on_uncertain is OnUncertain.RETRY:
                needed = 1 + decided + self.unheard[number]
                assert times <= needed, f"sent again without need: {self.deeds[number]}"
            else:
                assert times <= 1 + decided, "sent twice"
