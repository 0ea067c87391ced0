"""What may people, workers, gateway and clock do to the outbox, and what must be true of each deed at once?"""

from contextlib import suppress
from datetime import datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, update

from dashboard.database import db, transaction
from dashboard.domain import (
    brakes,
    breaker,
    closing,
    fan_out,
    mailings,
    outbox,
    releasing,
    resending,
    settling,
    standing,
    starting,
    stop_list,
    sweep,
    unknown_outcomes,
)
from dashboard.domain.armed import Armed
from dashboard.domain.errors import Conflict, Invalid
from dashboard.domain.policy import SendingPolicy
from dashboard.domain.settling import Result
from dashboard.domain.unknown_outcomes import Decision
from dashboard.gateway import Verdict
from dashboard.models import (
    Breaker,
    Chunk,
    Heartbeat,
    Mailing,
    Message,
    Role,
    Service,
    State,
    Status,
)
from tests.factories import make_actor
from tests.support.engine import add_clients, answer, ledger, schedule
from tests.support.outbox_actors import BEGINNING, Brake, Clock, Fate, Worker, wipe
from tests.support.outbox_truth import Truth

# At the beginning it is noon in the west and two in the afternoon in the east.
ZONES = ("Europe/Moscow", "Asia/Yekaterinburg")
ENDS_AFTER = timedelta(hours=4)
CLIENTS = 8
# Open for all the time; soon closed in the east; not yet open in the west.
WINDOWS = (None, (time(11, 30), time(14, 30)), (time(12, 30), time(17)))


class World:
    """`policy` says what an uncertain outcome means; `clock` has to stand in for the engine's."""

    def __init__(self, policy: SendingPolicy, clock: Clock) -> None:
        self.policy, self.clock = policy, clock
        clock.at = BEGINNING
        wipe()
        self.owner, self._admin = make_actor(), make_actor(Role.ADMINISTRATOR)
        add_clients(self.owner, CLIENTS, ZONES)
        self.mailings: dict[int, tuple[time, time] | None] = {}
        self._tokens = (f"{number:08x}" * 4 for number in count(1))
        self.workers = [Worker(next(self._tokens)) for _ in range(2)]
        self.truth = Truth(policy.on_uncertain, CLIENTS)
        # Who may be calling for a message, and until when.
        self._leases: dict[int, tuple[str, datetime]] = {}
        self._ends: dict[int, datetime] = {}
        self._listed: set[str] = set()

    # What people do.

    def launch(self, window: int) -> None:
        hours = WINDOWS[window]
        self._ends[mailing_id := self._schedule(hours)] = self.clock.at + ENDS_AFTER
        self.mailings[mailing_id] = hours
        starting.start_due()

    def _schedule(self, hours: tuple[time, time] | None) -> int:
        window_from, window_to = hours or (None, None)
        times = {"starts_at": self.clock.at - timedelta(seconds=1), "ends_at": self.clock.at + ENDS_AFTER}
        return schedule(self.owner, window_from=window_from, window_to=window_to, **times)

    def brake(self, brake: Brake, mailing_id: int) -> None:
        """Press it, or let it go."""
        match brake:
            case Brake.STOP:
                brakes.stop_everything(self.owner)
            case Brake.GO_ON:
                brakes.go_on(self._admin)
            case Brake.BREAKER_OPENS:
                breaker.open_("bad_token")
            case Brake.BREAKER_CLOSES:
                breaker.close()
            case Brake.PAUSE | Brake.RESUME | Brake.CANCEL:
                with suppress(Conflict):  # not in this state
                    getattr(mailings, brake.value)(self.owner, mailing_id)

    def list_phone(self, number: int) -> None:
        phone = f"790{number % 5}{number:07}"
        stop_list.add(self.owner, phone)
        self._listed.add(phone)

    def send_again(self, mailing_id: int, decision: Decision | None) -> None:
        """What is unknown, as the person decides; without a decision, what has failed."""
        unknown = select(Message.id).where(Message.mailing_id == mailing_id, Message.status == Status.UNKNOWN)
        ids = list(db.session.scalars(unknown))
        with suppress(Conflict, Invalid):  # cancelled, or no window left
            if decision is None:
                resending.resend(self.owner, mailing_id)
            else:
                unknown_outcomes.decide(self.owner, mailing_id, decision)
                self.truth.decided.update(ids)

    # What workers do.

    def has_more_to_arm(self) -> bool:
        return db.session.scalar(select(Chunk.last_id).limit(1)) is not None

    def fan_out(self) -> None:
        fan_out.one_range()

    def arm(self, worker: Worker, limit: int) -> None:
        if worker.is_in_doubt:
            self.write_again(worker)
        armed = self._arm(worker, limit)
        worker.armed += armed
        worker.aloft.update(each.flight for each in armed)

    def arm_and_lose_the_answer(self, worker: Worker) -> None:
        """It does not know what it has armed: once all it called for is written, it gives back everything."""
        self.write_again(worker)
        self.release(worker)
        armed = self._arm(worker, limit=9)
        releasing.release_all(worker.token)
        self._let_go(worker, armed)

    def _arm(self, worker: Worker, limit: int) -> list[Armed]:
        may_be_armed = self._running() if self._is_going() else set()
        armed = outbox.arm(list(self.mailings), limit, worker.token, self.policy).armed
        for each in armed:
            _token, until = self._leases.get(each.id, ("", BEGINNING))
            assert until <= self.clock.at, "two workers may call for it"
            assert each.mailing_id in may_be_armed, "armed after a brake"
            assert each.phone not in self._listed, "on the stop list"
            assert self._is_open(each), "outside of its window"
            self._leases[each.id] = (worker.token, self.clock.at + self.policy.lease)
            self._note(f"{self.clock.at:%T} armed by {worker.token[:8]}, tries {each.tries}", [each])
        return armed

    def _is_going(self) -> bool:
        service = db.session.get_one(Service, 1, populate_existing=True)
        return service.stopped_at is None and service.breaker is Breaker.CLOSED

    def _running(self) -> set[int]:
        return set(db.session.scalars(select(Mailing.id).where(Mailing.state == State.RUNNING)))

    def _is_open(self, each: Armed) -> bool:
        """By the client's own clock, and to the end of the call."""
        ended_at = self.clock.at + self.policy.call_deadline
        hours, shown = self.mailings[each.mailing_id], ZoneInfo(each.timezone)
        is_within = hours is None or (
            hours[0] <= self.clock.at.astimezone(shown).time() and ended_at.astimezone(shown).time() <= hours[1]
        )
        return is_within and ended_at <= self._ends[each.mailing_id]

    def call(self, worker: Worker, fates: list[Fate]) -> None:
        """Call for the first few that are still in time; what is too late is given back."""
        in_time = [each for each in worker.armed if self.clock.monotonic() <= each.begins_before]
        late = [each for each in worker.armed if self.clock.monotonic() > each.begins_before]
        worker.armed = in_time[len(fates) :]
        for each, fate in zip(in_time, fates, strict=False):
            self.truth.accepted[each.id] += fate.is_accepted
            self.truth.unheard[each.id] += fate is Fate.ACCEPTED_UNHEARD
            worker.results.append(Result(each, answer(each.call, *fate.value)))
            self._note(f"{self.clock.at:%T} called by {worker.token[:8]}: {fate.name}", [each])
        self._release(worker, late, is_answer_lost=False)

    def settle(self, worker: Worker, number: int, *, is_answer_lost: bool = False) -> None:
        """Write some of its results, or all of them again."""
        some = worker.results if worker.is_in_doubt else worker.results[:number]
        if not some:
            return
        written = [each.armed for each in some]
        settling.settle(some, worker.landed(written), worker.token, self.policy)
        self._note(f"{self.clock.at:%T} settled by {worker.token[:8]}, lost {is_answer_lost}", written)
        self._let_go(worker, written)
        if is_answer_lost:
            worker.is_in_doubt = True
        else:
            worker.results = worker.results[len(some) :]
            worker.aloft.subtract(each.flight for each in written)

    def release(self, worker: Worker, *, is_answer_lost: bool = False) -> None:
        those, worker.armed = worker.armed, []
        self._release(worker, those, is_answer_lost=is_answer_lost)

    def _release(self, worker: Worker, those: list[Armed], *, is_answer_lost: bool) -> None:
        worker.unwanted += those
        if not worker.unwanted:
            return
        releasing.release(worker.unwanted, worker.landed(worker.unwanted), worker.token)
        self._note(f"{self.clock.at:%T} released by {worker.token[:8]}, lost {is_answer_lost}", worker.unwanted)
        self._let_go(worker, those)
        if is_answer_lost:
            worker.is_in_doubt = True
        else:
            worker.aloft.subtract(each.flight for each in worker.unwanted)
            worker.unwanted = []

    def write_again(self, worker: Worker) -> None:
        self.settle(worker, len(worker.results))
        self._release(worker, [], is_answer_lost=False)
        worker.is_in_doubt = False

    def _let_go(self, worker: Worker, those: list[Armed]) -> None:
        for each in those:
            if self._leases.get(each.id, ("",))[0] == worker.token:
                del self._leases[each.id]

    def crash(self, number: int) -> None:
        """Whatever it held is forgotten; of what it had called for, nobody hears."""
        worker, self.workers[number] = self.workers[number], Worker(next(self._tokens))
        self._note(f"{self.clock.at:%T} {worker.token[:8]} crashed", [each.armed for each in worker.results])
        self._nobody_hears(worker)

    def _note(self, deed: str, those: list[Armed]) -> None:
        for each in those:
            self.truth.deeds[each.id].append(deed)

    def _nobody_hears(self, worker: Worker) -> None:
        for armed, heard in worker.results:
            self.truth.unheard[armed.id] += heard.verdict is Verdict.ACCEPTED

    def sweep(self) -> None:
        """The engine's own, whose turn it is. What a worker holds for too long is taken for lost."""
        for worker in self.workers:
            for each in worker.results:
                _token, until = self._leases.get(each.armed.id, ("", self.clock.at))
                if until < self.clock.at and each.answer.verdict is Verdict.ACCEPTED:
                    self.truth.unheard[each.armed.id] += 1
                    self._note(f"{self.clock.at:%T} taken from {worker.token[:8]} by the sweep", [each.armed])
        with transaction() as session:
            session.execute(update(Heartbeat).values(at=self.clock.at - timedelta(minutes=1)))
        assert sweep.sweep_if_due(self.policy)
        for _closed in closing.steps():
            pass
        sweep.finish()
        at_work = {number for number, (_token, until) in self._leases.items() if until >= self.clock.at}
        kept = or_(standing.stands_at(Status.SENDING), Message.status == Status.SENT)
        assert at_work <= set(db.session.scalars(select(Message.id).where(kept))), "taken from a worker too early"

    def run_to_the_end(self) -> None:
        """All brakes off, everybody at work: in the end nobody may wait."""
        while fan_out.is_pending():
            self.fan_out()
        for mailing_id in self.mailings:
            for brake in (Brake.GO_ON, Brake.BREAKER_CLOSES, Brake.RESUME):
                self.brake(brake, mailing_id)
        for turn in range(4):
            for worker in self.workers:
                self.write_again(worker)
                self.release(worker)
                self.arm(worker, 100)
                self.call(worker, [Fate.ACCEPTED] * 100)
                self.settle(worker, 100)
            self.truth.check()
            self.clock.at += timedelta(seconds=20) if turn < 2 else timedelta(hours=2)
            self.sweep()
        self.truth.check()
        for mailing_id in self.mailings:
            assert not {Status.QUEUED, Status.SENDING} & ledger(mailing_id).keys(), "forgotten"
        states = set(db.session.scalars(select(Mailing.state)))
        assert states <= {State.FINISHED, State.CANCELLED}
