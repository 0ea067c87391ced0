"""Has a run kept every promise? Asked once, at its end, of the database and of the gateway's log."""

from collections import Counter

from sqlalchemy import ColumnElement, exists, func, select

from dashboard.database import snapshot
from dashboard.domain import tallies
from dashboard.models import UNSENT, Attempt, Chunk, Dimension, Flight, Mailing, Message, State, Status, Tally
from tests.faults.run import MESSAGES, Run


class Reckoning:
    """What the database and the gateway's log say at the end of a run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._accepted = Counter(number for number, _at in run.accepted())
        with snapshot() as session:
            mine = select(Message.id, Message.status, Message.tries).where(Message.mailing_id == run.mailing_id)
            self._messages = {row.id: (row.status, row.tries) for row in session.execute(mine)}

    def figures(self) -> dict[str, int]:
        """What is worth telling."""
        return {
            "accepted": self._accepted.total(),
            "repeats": self._accepted.total() - len(self._accepted),
            "in_doubt": len(self._run.doubt.messages),
            **{status.value: len(self._standing(status)) for status in (Status.SENT, *UNSENT)},
        }

    def check(self) -> None:
        """Raises AssertionError unless every promise was kept."""
        self._nobody_is_lost()
        if self._run.policy == "hold":
            self._nothing_went_twice()
        else:
            self._only_what_was_in_doubt_went_twice()
        _the_end_was_not_early(self._run)
        _brakes_held(self._run)
        _nothing_is_left_over(self._run)
        _counters_equal_a_count(self._run)

    def _standing(self, wanted: Status) -> set[int]:
        return {number for number, (status, _tries) in self._messages.items() if status is wanted}

    def _nobody_is_lost(self) -> None:
        """Everybody stands somewhere; who is sent has been accepted, who was accepted is sent or unknown."""
        sent, unknown, accepted = self._standing(Status.SENT), self._standing(Status.UNKNOWN), self._accepted
        assert len(self._messages) == MESSAGES
        may_end = self._run.may_end | {Status.UNKNOWN, Status.FAILED}
        assert {status for status, _tries in self._messages.values()} <= may_end
        assert sent <= accepted.keys(), "shown as sent, and the gateway has never had it"
        assert accepted.keys() <= sent | unknown, "the gateway has had it; shown neither as sent nor as unknown"
        assert self._standing(Status.FAILED) == self._run.refused
        # Each call has left its trace.
        assert all(self._messages[number][1] >= count for number, count in accepted.items())

    def _nothing_went_twice(self) -> None:
        assert self._accepted.total() == len(self._accepted), "sent twice under hold"
        untouched = self._standing(Status.UNKNOWN) - self._run.doubt.messages
        assert not untouched, f"{len(untouched)} unknown, though their calls were not touched"
        if self._run.doubt.is_certain:
            assert self._standing(Status.UNKNOWN) == self._run.doubt.messages

    def _only_what_was_in_doubt_went_twice(self) -> None:
        may_be_unknown = self._run.doubt.messages if Status.UNKNOWN in self._run.may_end else set()
        assert self._standing(Status.UNKNOWN) <= may_be_unknown, "unknown, though a try was left"
        repeated = {number for number, count in self._accepted.items() if count > 1}
        assert repeated <= self._run.doubt.messages, "sent twice, though their calls were not touched"
        assert all(count <= 2 for count in self._accepted.values())


def _the_end_was_not_early(run: Run) -> None:
    """Nothing had its last word after "finished", but what a worker brought late that was given up."""
    with snapshot() as session:
        finished_at = select(Mailing.finished_at).where(
            Mailing.id == run.mailing_id, Mailing.state == State.FINISHED
        )
        later = select(Message.id).where(
            Message.mailing_id == run.mailing_id, Message.settled_at > finished_at.scalar_subquery()
        )
        assert run.doubt.messages.issuperset(session.scalars(later)), "it was finished too early"


def _brakes_held(run: Run) -> None:
    """After the press, the gateway has had nothing but what was in the air at that instant."""
    for brake in run.brakes:
        late = {
            number
            for number, at in run.accepted()
            if at > brake.pressed_at and (brake.released_at is None or at < brake.released_at)
        }
        assert late <= brake.in_the_air, f"{len(late - brake.in_the_air)} began after the press"


def _nothing_is_left_over(run: Run) -> None:
    """Neither a chunk nor a flight nor a lease; and each lost call is told in the message's story."""
    with snapshot() as session:
        for kind in (Chunk, Flight):
            assert not session.scalar(select(exists().where(kind.mailing_id == run.mailing_id)))
        mine = Message.mailing_id == run.mailing_id
        assert not session.scalar(select(exists().where(mine, Message.lease_until.is_not(None))))
        told = exists().where(Attempt.message_id == Message.id)
        assert not session.scalar(select(exists().where(mine, Message.status == Status.UNKNOWN, ~told)))


def _counters_equal_a_count(run: Run) -> None:
    """By status, code, zone and reason; and as many minutes are told as outcomes."""
    assert tallies.check(run.mailing_id) == []
    kept = _kept(run)
    assert kept[Dimension.CODE] == _counted(run, Message.operator_code.expression)
    assert kept[Dimension.ZONE] == _counted(run, Message.timezone.expression)
    reasons = _counted(run, Message.reason.expression)
    assert kept[Dimension.REASON] == Counter({key: count for key, count in reasons.items() if key[0] is not None})
    assert kept[Dimension.MINUTE].total() == MESSAGES


def _kept(run: Run) -> dict[Dimension, Counter[tuple[str, str]]]:
    sums = (
        select(Tally.dimension, Tally.key, Tally.status, func.sum(Tally.change))
        .where(Tally.mailing_id == run.mailing_id)
        .group_by(Tally.dimension, Tally.key, Tally.status)
    )
    kept: dict[Dimension, Counter[tuple[str, str]]] = {each: Counter() for each in Dimension}
    with snapshot() as session:
        for dimension, key, status, count in session.execute(sums):
            if count:
                kept[dimension][key, status] = int(count)
    return kept


def _counted(run: Run, column: ColumnElement[str]) -> Counter[tuple[str, str]]:
    count = (
        select(column, Message.status, func.count())
        .where(Message.mailing_id == run.mailing_id)
        .group_by(column, Message.status)
    )
    with snapshot() as session:
        return Counter({(key, status.value): number for key, status, number in session.execute(count)})
