"""What does one round of sending do? Arm, call, settle, in turn, until its time is up or nothing is due."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex

from sqlalchemy.exc import DBAPIError

from .. import clock
from ..database import db, end_reading
from ..gateway import Answer, Verdict
from ..models import Breaker, Service
from . import breaker, closing, due, fan_out, lookahead, outbox, starting, sweep, waking
from .armed import Armed
from .calling import Calling, Gateway
from .lookahead import Lookahead
from .policy import SendingPolicy
from .rotation import Rotation
from .settling import Result
from .writing import WRITE_AGAIN_SECONDS, Writing

logger = logging.getLogger(__name__)

# How long answers are waited for before there is a look at what else is due.
POLL_SECONDS = 0.05
# How often the list of mailings with due messages is drawn up anew, and the duties are seen to.
LOOK_SECONDS = 1.0
# For one that may probe the gateway so many messages are looked at in one step, and steps are made for so long.
PROBE_LOOKS, PROBE_SEARCH_SECONDS = 200, 0.5
# While the database takes nothing, results are kept and written again, but not for ever.
GIVE_UP_WRITING_SECONDS = 120.0


def _steps() -> Iterator[int]:
    """What the sweep leaves to be done in steps, between which answers are listened to; none yields 0."""
    yield from closing.steps()
    yield from sweep.finishing()


class Round:
    """One worker's round. Nothing outlives it but what the database holds."""

    def __init__(self, gateway: Gateway, policy: SendingPolicy) -> None:
        self._calling = Calling(gateway)
        self._policy = policy
        self._token = token_hex(16)
        self._watch = breaker.Watch()
        self._ahead = Lookahead()
        self._rotation = Rotation()
        self._writing = Writing(self._token, policy)
        # When to look for due mailings again; zero asks for it at once.
        self._look_at = 0.0
        self._closing: Iterator[int] = iter(())
        # This worker's clock, by the database's.
        self._behind = timedelta()
        self._fans_out = self._probing = False
        self._is_told_to_stop = self._is_arming_in_doubt = False

    def stop(self) -> None:
        """Begin nothing more; may be called from a signal handler."""
        self._is_told_to_stop = True
        self._calling.stop()

    def attend(self) -> None:
        """Begin due calls and hear answers, while the database is asked for something (`meanwhile`)."""
        self._calling.attend()

    def run(self, seconds: float) -> bool:
        """Work for so long, then bring what is in flight to its end. True: there is more to do now.

        Raises what the database raises; what was called for is settled all the same.
        """
        until = clock.monotonic() + seconds
        self._behind = clock.behind(db.session())
        self._watch.recall()
        try:
            while clock.monotonic() < until and not self._is_told_to_stop:
                if not self._turn():
                    break
            self._see_off()
        except DBAPIError:
            # The commit of an arming may have been done although its answer never came.
            self._is_arming_in_doubt = True
            raise
        finally:
            self._wind_up()
        self._watch.keep()
        sweep.finish()
        return self._more_is_due()

    def _turn(self) -> bool:
        """One turn of the wheel; False when there was nothing to do and nothing is under way."""
        self._writing.again()
        self._look()
        self._fan_out()
        has_closed = next(self._closing, 0) > 0
        self._calling.begin()
        self._arm()
        self._calling.begin()
        self._gather()
        self._rest()
        is_under_way = bool(self._calling or self._writing.results or self._rotation)
        return is_under_way or has_closed or self._look_at == 0.0

    def _look(self) -> None:
        """Once a second: the duties, and which mailings have something due."""
        if clock.monotonic() < self._look_at:
            return
        self._look_at = clock.monotonic() + LOOK_SECONDS
        waking.beat()
        if sweep.sweep_if_due(self._policy):
            self._closing = _steps()
        starting.start_due()
        self._fans_out = self._fans_out or fan_out.is_pending()
        self._rotation.renew(due.mailings(self._policy))
        if self._rotation and self._breaker_is_open():
            self._watch.forget()
            self._probe()
            self._rotation.clear()
        end_reading()

    def _fan_out(self) -> None:
        """A range at a turn, so that what is selected already leaves meanwhile."""
        if self._fans_out:
            self._fans_out = fan_out.one_range()
            self._look_at = 0.0

    def _breaker_is_open(self) -> bool:
        return db.session.get_one(Service, 1, populate_existing=True).breaker is Breaker.OPEN

    def _probe(self) -> None:
        """One message passes the open breaker. Who is skipped on the way there tries nothing."""
        if self._calling or self._writing.is_behind:
            return
        held_until = breaker.take_probe(self._policy.call_deadline)
        if held_until is None:
            return
        until = clock.monotonic() + PROBE_SEARCH_SECONDS
        while not self._calling and clock.monotonic() < until and not self._is_told_to_stop:
            mailing_ids = self._rotation.next(1, clock.monotonic())
            if not mailing_ids:
                break
            arming = outbox.arm(mailing_ids, PROBE_LOOKS, self._token, self._policy, probing=True)
            self._ahead.given(arming.given_at)
            self._rotation.asked(mailing_ids, arming.again)
            for each in arming.armed:
                each.is_probe = True
            self._keep(arming.armed)
        self._probing = bool(self._calling)
        if not self._probing:
            breaker.return_probe(held_until)

    def _arm(self) -> None:
        """Take as much as can leave at once, and what the present pace uses up in a moment; mailings in turn."""
        waiting = self._calling.waiting
        wanted = self._ahead.wanted(self._calling.free)
        missing = wanted - waiting.ready
        if waiting.ready > wanted // 2 or missing <= 0 or self._writing.is_behind:
            return
        share = lookahead.share_of(len(self._rotation))
        most = lookahead.at_one_turn(missing, waiting.paced, share)
        if mailing_ids := self._rotation.next(most, clock.monotonic()):
            lead = self._ahead.lead
            arming = outbox.arm(
                mailing_ids, missing, self._token, self._policy, share=share, at_once=missing, lead=lead
            )
            self._ahead.given(arming.given_at)
            self._rotation.asked(mailing_ids, arming.again)
            self._keep(arming.armed)

    def _keep(self, armed: list[Armed]) -> None:
        """Not what is being called for: this process was suspended for so long that the sweep took it for lost."""
        self._writing.lifted(armed)
        known = self._calling.known() | {result.armed.id for result in self._writing.results}
        fresh = [each for each in armed if each.id not in known]
        self._writing.give_back(each for each in armed if each.id in known)
        self._calling.waiting.add(fresh, clock.monotonic())

    def _gather(self) -> None:
        """Collect answers; write them when enough have gathered."""
        self._calling.listen(POLL_SECONDS)
        self._calling.begin()
        ended = self._by_the_clock_that_decides(self._calling.ended())
        self._ahead.answered(len(ended))
        self._writing.ended(ended)
        self._renew(self._calling.late())
        if ended:
            self._heed([result.answer for result in ended])
        if self._calling.is_idle or self._writing.is_time():
            self._writing.settle()
        self._writing.release()

    def _by_the_clock_that_decides(self, ended: list[Result]) -> list[Result]:
        """When calls began is told by this worker's clock. Set right once, for a result may be written again."""
        if not self._behind:
            return ended
        return [
            Result(armed, replace(answer, started_at=answer.started_at + self._behind)) for armed, answer in ended
        ]

    def _renew(self, late: list[Armed]) -> None:
        """What has missed its moment gets another while there is time; the rest is given back."""
        in_time = [each for each in late if each.ends > clock.monotonic() + self._ahead.lead]
        renewed: list[Armed] = []
        try:
            if in_time and not self._calling.is_stopped and not self._writing.is_behind:
                renewed = outbox.renew(in_time, self._ahead.lead)
        finally:
            kept = {each.id for each in renewed}
            self._writing.give_back(each for each in late if each.id not in kept)
            self._calling.waiting.add(renewed, clock.monotonic())

    def _rest(self) -> None:
        """With nothing in flight, listening does not wait: wait here until a call begins, or there may be more."""
        if self._calling.is_idle and (self._calling or self._rotation):
            clock.sleep(self._calling.patience(POLL_SECONDS))

    def _heed(self, answers: list[Answer]) -> None:
        """What do these answers say about the gateway itself?"""
        if self._probing:
            self._probing = False
            self._judge_probe(answers[0])
        elif reason := self._watch.trouble(answers):
            # At once: writing takes its time, in which calls would begin.
            self._writing.give_back(self._calling.waiting.clear())
            self._writing.write("an open breaker", lambda: breaker.open_(reason))
            self._rotation.clear()

    def _judge_probe(self, answer: Answer) -> None:
        if answer.verdict is Verdict.ACCEPTED:
            self._writing.write("a closed breaker", breaker.close)
            self._look_at = 0.0
        else:
            self._writing.write("a failed probe", lambda: breaker.probe_failed(answer.reason))

    def _see_off(self) -> None:
        """The round's time is up: what is armed still leaves, each at its moment, unless we are told to stop."""
        while self._calling.waiting and not self._is_told_to_stop and not self._writing.is_blocked:
            self._calling.begin()
            self._gather()
            self._rest()

    def _wind_up(self) -> None:
        """Nothing new; every call under way comes to its end and is written, the rest is given back."""
        self._calling.stop()
        try:
            self._bring_home()
        except Exception:
            # Of the rest nothing more is heard; what was heard before is known all the same.
            self._writing.ended(self._by_the_clock_that_decides(self._calling.ended()))
            while self._writing.results and not self._writing.is_blocked:
                self._writing.settle()
            raise

    def _bring_home(self) -> None:
        give_up_at = clock.monotonic() + self._policy.call_seconds + GIVE_UP_WRITING_SECONDS
        while not self._is_all_written() or self._is_arming_in_doubt:
            if clock.monotonic() > give_up_at:
                lost = [result.armed.id for result in self._writing.results]
                logger.error("results could not be written; the sweep decides", extra={"messages": lost})
                return
            self._gather()
            if not self._writing.is_blocked:
                self._writing.give_back(self._calling.waiting.clear())
                self._writing.release()
                self._release_in_doubt()
            elif self._calling.is_idle:
                clock.sleep(WRITE_AGAIN_SECONDS)

    def _is_all_written(self) -> bool:
        return self._writing.is_done and not self._calling

    def _release_in_doubt(self) -> None:
        """Whatever is still under our token when all our calls are written was never called for."""
        if self._is_arming_in_doubt and self._is_all_written():
            self._is_arming_in_doubt = not self._writing.release_all()

    def _more_is_due(self) -> bool:
        if fan_out.is_pending():
            return True
        return bool(due.mailings(self._policy)) and not self._breaker_is_open()
