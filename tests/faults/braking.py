"""Which brakes are pressed in the middle, at a random instant?"""

from dashboard.domain import brakes, mailings
from dashboard.models import Role, Status
from tests.factories import make_actor
from tests.faults.fault import RETRY, Fault
from tests.faults.gateways import SETTINGS, ordered
from tests.faults.run import Run

SECONDS_HELD = 3
# Slower than usual, so that much of the mailing is left when the end comes.
SLOW = [60, 120]
SECONDS_TO_END = 9


def pause_and_resume(run: Run) -> None:
    run.wait_for_some()
    with run.braked(lambda: mailings.pause(run.owner, run.mailing_id)):
        run.keep_looking(SECONDS_HELD)
    mailings.resume(run.owner, run.mailing_id)


def stop_everything_and_go_on(run: Run) -> None:
    administrator = make_actor(Role.ADMINISTRATOR)
    run.wait_for_some()
    with run.braked(lambda: brakes.stop_everything(run.owner)):
        run.keep_looking(SECONDS_HELD)
    brakes.go_on(administrator)


def cancel(run: Run) -> None:
    run.may_end.add(Status.CANCELLED)
    run.wait_for_some()
    with run.braked(lambda: mailings.cancel(run.owner, run.mailing_id)):
        run.keep_looking(SECONDS_HELD)


def some_were_cancelled(run: Run) -> None:
    assert run.look().counts[Status.CANCELLED] > 0


def lose_answers(run: Run) -> None:
    """Of calls that the gateway has accepted; some of them wait for another try when the mailing is cancelled."""
    run.may_end.add(Status.UNKNOWN)
    run.ordered = ordered(run, hang_after=0.1)


def cancel_while_some_are_in_doubt(run: Run) -> None:
    run.wait_for_sent(1)
    run.doubt.messages = run.meeting(run.ordered)
    cancel(run)


def some_were_cancelled_and_some_stay_unknown(run: Run) -> None:
    some_were_cancelled(run)
    assert run.look().counts[Status.UNKNOWN] > 0


def slow_down(run: Run) -> None:
    run.order(latency_ms=SLOW)
    run.may_end.add(Status.EXPIRED)
    run.ends_in = SECONDS_TO_END + run.rng.random()


def nothing_left_after_the_end(run: Run) -> None:
    """No call runs past the end, and what could not leave before is shown as expired."""
    assert run.look().counts[Status.EXPIRED] > 0
    assert max(at for _number, at in run.accepted()) < run.ends_at


FAULTS = (
    Fault("paused and resumed", pause_and_resume),
    Fault("everything stopped, then going on", stop_everything_and_go_on),
    Fault("cancelled", cancel, also=some_were_cancelled),
    Fault(
        "cancelled while accepted calls hang",
        cancel_while_some_are_in_doubt,
        lose_answers,
        also=some_were_cancelled_and_some_stay_unknown,
        policies=RETRY,
        settings=SETTINGS,
    ),
    Fault(
        "the end comes in the middle",
        prepare=slow_down,
        also=nothing_left_after_the_end,
        settings={"GATEWAY_TIMEOUT_SECONDS": "2"},
    ),
)
