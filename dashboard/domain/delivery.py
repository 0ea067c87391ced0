"""What does one round of sending do? Arm, call, settle, in turn, until its time is up or nothing is due."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Protocol

from sqlalchemy.exc import DBAPIError

from .. import clock
from ..database import db, end_reading, retrying
from ..gateway import Answer, Call, Verdict
from ..models import Breaker, Service
from . import breaker, fan_out, outbox, settling, starting, sweep
from .outbox import SendingPolicy

logger = logging.getLogger(__name__)

# Outcomes are written when so many have gathered, or the oldest is so old.
SETTLE_COUNT, SETTLE_SECONDS = 500, 0.2
# How long answers are waited for before there is a look at what else is due.
POLL_SECONDS = 0.05
# How often the list of mailings with due messages is drawn up anew, and the duties are seen to.
LOOK_SECONDS = 1.0
# Armed ahead of free connections: what the gateway takes in so long, and never more than so many.
AHEAD_SECONDS, MOST_AHEAD = 0.25, 2_000
# An armed call that could not begin for so long is given back: its lease must not run out under it.
STALE_SECONDS = 2.0
# While the database takes nothing, results are kept and written again: after a pause, and not for ever.
WRITE_AGAIN_SECONDS, GIVE_UP_WRITING_SECONDS = 0.5, 120.0


class Gateway(Protocol):
    """What delivery needs of the gateway room; `HttpGateway` says what each means."""

    @property
    def free(self) -> int: ...
    @property
    def in_flight(self) -> int: ...
    def submit(self, call: Call) -> None: ...
    def poll(self, timeout_seconds: float) -> list[Answer]: ...


@dataclass(slots=True)
class Pace:
    """How many answers a second come back at present; decides how far ahead to arm."""

    per_second: float = 0.0
    _since: float = 0.0
    _count: int = 0

    def note(self, answers: int, at: float) -> None:
        self._count += answers
        elapsed = at - self._since
        if elapsed >= 0.2:
            self.per_second = self._count / elapsed
            self._since, self._count = at, 0


class Round:
    """One worker's round. Nothing outlives it but what the database holds."""

    def __init__(self, gateway: Gateway, policy: SendingPolicy) -> None:
        self._gateway = gateway
        self._policy = policy
        self._token = token_hex(16)
        self._watch = breaker.Watch()
        self._pace = Pace()
        self._rotation: deque[int] = deque()
        self._armed: deque[tuple[float, Call]] = deque()
        # Armed, and never to be called for; their release may be written although its answer was lost.
        self._unwanted: list[Call] = []
        self._answers: list[Answer] = []
        # When to look for due mailings again; zero asks for it at once.
        self._look_at = 0.0
        self._oldest_answer_at = self._write_at = 0.0
        self._probing = False
        self._is_told_to_stop = self._is_arming_in_doubt = False

    def stop(self) -> None:
        """Begin nothing more; may be called from a signal handler."""
        self._is_told_to_stop = True

    def run(self, seconds: float) -> bool:
        """Work for so long, then bring what is in flight to its end. True: there is more to do now.

        Raises what the database raises; what was called for is settled all the same.
        """
        until = clock.monotonic() + seconds
        try:
            while clock.monotonic() < until and not self._is_told_to_stop:
                if not self._turn():
                    break
        except DBAPIError:
            # The commit of an arming may have been done although its answer never came.
            self._is_arming_in_doubt = True
            raise
        finally:
            self._wind_up()
        sweep.finish()
        return self._more_is_due()

    def _turn(self) -> bool:
        """One turn of the wheel; False when there was nothing to do and nothing is under way."""
        self._look()
        if fan_out.one_range():
            self._look_at = 0.0
        self._arm()
        self._submit()
        self._gather()
        is_under_way = bool(self._armed or self._answers or self._gateway.in_flight or self._rotation)
        return is_under_way or self._look_at == 0.0

    def _look(self) -> None:
        """Once a second: the duties, and which mailings have something due."""
        if clock.monotonic() < self._look_at:
            return
        self._look_at = clock.monotonic() + LOOK_SECONDS
        sweep.sweep_if_due(self._policy)
        starting.start_due()
        self._rotation = deque(outbox.due_mailings(self._policy))
        if self._rotation and self._breaker_is_open():
            self._probe(self._rotation[0])
            self._rotation.clear()
        end_reading()

    def _breaker_is_open(self) -> bool:
        return db.session.get_one(Service, 1, populate_existing=True).breaker is Breaker.OPEN

    def _probe(self, mailing_id: int) -> None:
        if self._gateway.in_flight or self._armed or not breaker.take_probe(self._policy.call_deadline):
            return
        self._keep(outbox.arm(mailing_id, 1, self._token, self._policy, probing=True))
        self._probing = bool(self._armed)

    def _arm(self) -> None:
        """Take as much as can leave at once, and what the present pace uses up in a moment; mailings in turn."""
        ahead = int(min(MOST_AHEAD, self._pace.per_second * AHEAD_SECONDS))
        wanted = max(self._gateway.free, ahead)
        while self._rotation and wanted - len(self._armed) > wanted // 2 and not self._unwritten():
            mailing_id = self._rotation.popleft()
            limit = wanted - len(self._armed)
            calls = outbox.arm(mailing_id, limit, self._token, self._policy)
            self._keep(calls)
            if len(calls) == limit:
                self._rotation.append(mailing_id)

    def _unwritten(self) -> bool:
        """Results wait for a database that takes none: not the time to begin more."""
        return self._write_at > clock.monotonic()

    def _keep(self, calls: list[Call]) -> None:
        now = clock.monotonic()
        self._armed.extend((now, call) for call in calls)

    def _submit(self) -> None:
        if self._armed and self._armed[0][0] < clock.monotonic() - STALE_SECONDS:
            self._release_armed()
        for _ in range(min(self._gateway.free, len(self._armed))):
            self._gateway.submit(self._armed.popleft()[1])

    def _release_armed(self) -> None:
        """Give back what was armed and not yet called for; now or later, but it is not called for any more."""
        self._unwanted += [call for _at, call in self._armed]
        self._armed.clear()
        calls = self._unwanted
        if calls and self._write("armed messages", lambda: outbox.release(calls, self._token)):
            self._unwanted = []

    def _write(self, what: str, work: Callable[[], None]) -> bool:
        """False: the database takes nothing now. It is asked again after a pause, and nothing new is begun."""
        try:
            retrying(work)
        except DBAPIError as error:
            logger.warning("%s kept, the database takes nothing", what, extra={"error": type(error.orig).__name__})
            end_reading()
            self._write_at = clock.monotonic() + WRITE_AGAIN_SECONDS
            return False
        return True

    def _gather(self) -> None:
        """Collect answers; write them when enough have gathered."""
        answers = self._gateway.poll(POLL_SECONDS)
        now = clock.monotonic()
        self._pace.note(len(answers), now)
        if answers:
            if not self._answers:
                self._oldest_answer_at = now
            self._answers.extend(answers)
            self._heed(answers)
        is_time = len(self._answers) >= SETTLE_COUNT or now - self._oldest_answer_at >= SETTLE_SECONDS
        if self._answers and (is_time or not self._gateway.in_flight) and not self._unwritten():
            self._settle()

    def _heed(self, answers: list[Answer]) -> None:
        """What do these answers say about the gateway itself?"""
        if self._probing:
            self._probing = False
            self._judge_probe(answers[0])
        elif reason := self._watch.trouble(answers):
            self._write("an open breaker", lambda: breaker.open_(reason))
            self._rotation.clear()
            self._release_armed()

    def _judge_probe(self, answer: Answer) -> None:
        if answer.verdict is Verdict.ACCEPTED:
            self._write("a closed breaker", breaker.close)
            self._look_at = 0.0
        else:
            self._write("a failed probe", lambda: breaker.probe_failed(answer.reason))

    def _settle(self) -> None:
        """Write the results; if the database takes none now, they are kept for the next turn."""
        answers, token, policy = self._answers, self._token, self._policy
        if self._write("results", lambda: settling.settle(answers, token, policy)):
            self._answers = []

    def _wind_up(self) -> None:
        """Nothing new; every call under way comes to its end and is written, the rest is given back."""
        give_up_at = clock.monotonic() + self._policy.call_seconds + GIVE_UP_WRITING_SECONDS
        while not self._is_all_written() or self._is_arming_in_doubt:
            if clock.monotonic() > give_up_at:
                lost = [answer.message_id for answer in self._answers]
                logger.error("results could not be written; the sweep decides", extra={"messages": lost})
                return
            self._gather()
            if not self._unwritten():
                self._release_armed()
                self._release_in_doubt()
            elif not self._gateway.in_flight:
                clock.sleep(WRITE_AGAIN_SECONDS)

    def _is_all_written(self) -> bool:
        return not (self._gateway.in_flight or self._answers or self._armed or self._unwanted)

    def _release_in_doubt(self) -> None:
        """Whatever is still under our token when all our calls are written was never called for."""
        if self._is_arming_in_doubt and self._is_all_written():
            self._is_arming_in_doubt = not self._write("armed messages", lambda: outbox.release_all(self._token))

    def _more_is_due(self) -> bool:
        if fan_out.is_pending():
            return True
        return bool(outbox.due_mailings(self._policy)) and not self._breaker_is_open()
