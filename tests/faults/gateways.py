"""How does the gateway fail? What it answers, or does not, and what has to come of it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from sqlalchemy import select

from dashboard import clock
from dashboard.database import snapshot
from dashboard.gateway.simulator_faults import Faults
from dashboard.models import Attempt
from tests.faults.fault import EITHER, HOLD, Fault
from tests.faults.run import Run

# Many connections, because each that hangs is lost for as long as a call may take.
SETTINGS = {"GATEWAY_TIMEOUT_SECONDS": "2", "GATEWAY_CONNECTIONS": "16"}
LATENCY = [20, 60]
SECONDS_OF_TROUBLE = 5
RETRY_AFTER_SECONDS = 4


def ordered(run: Run, **shares: Any) -> Faults:
    """At first tries only: a second one meets no trouble, so that the tries suffice."""
    told = {"first_tries": 1, "seed": run.rng.randrange(2**32), **shares}
    run.order(latency_ms=LATENCY, **told)
    return Faults(**told)


def uncertain(share: float, name: str) -> Fault:
    """Nobody knows what became of these calls: unknown under `hold`, and once more under `retry`."""

    def prepare(run: Run) -> None:
        run.ordered = ordered(run, **{name: share})

    def strike(run: Run) -> None:
        run.wait_for_sent(1)
        run.doubt.messages, run.doubt.is_certain = run.meeting(run.ordered), True
        assert run.doubt.messages

    return Fault(WORDS[name], strike, prepare, policies=EITHER, settings=SETTINGS)


WORDS: Mapping[str, str] = {
    "drip": "gateway slow: an answer drips, a byte each half second",
    "hang_before": "gateway hangs before it accepts",
    "hang_after": "gateway hangs after it has accepted",
    "reset_before": "gateway resets before it accepts",
    "reset_after": "gateway resets after it has accepted",
    "http_500": "gateway answers 500",
    "wrong_json": "gateway answers broken JSON",
    "wrong_code": "gateway answers a wrong code",
    "huge_body": "gateway answers 1 MiB",
    "redirect": "gateway redirects",
}


def refused(name: str, **more: Any) -> Callable[[Run], None]:
    def prepare(run: Run) -> None:
        run.ordered = ordered(run, **{name: 0.2}, **more)

    return prepare


def retry_at_a_date(run: Run) -> None:
    run.wait_until = clock.now().replace(microsecond=0) + timedelta(seconds=8)
    run.ordered = ordered(run, http_429=0.2, retry_after=format_datetime(run.wait_until, usegmt=True))


def they_waited_for_the_date(run: Run) -> None:
    _they_waited(run, lambda _tried_at: run.wait_until)


def they_waited_some_seconds(run: Run) -> None:
    _they_waited(run, lambda tried_at: tried_at + timedelta(seconds=RETRY_AFTER_SECONDS))


def _they_waited(run: Run, until: Callable[[datetime], datetime]) -> None:
    """Whoever was told to come later has come later."""
    with snapshot() as session:
        refusals = select(Attempt.message_id, Attempt.at).where(Attempt.reason == "http_429")
        refused_at = {row.message_id: row.at for row in session.execute(refusals)}
    accepted_at = dict(run.accepted())
    assert refused_at
    assert all(accepted_at[number] >= until(at) for number, at in refused_at.items())


def expect_failed(run: Run) -> None:
    run.wait_for_sent(1)
    run.refused = run.meeting(run.ordered)
    assert run.refused


def refuse_connections(run: Run) -> None:
    """All connections are cut, and nobody listens any more; then it listens again."""
    run.wait_for_some()
    with run.struck():
        run.order(latency_ms=LATENCY, outage_seconds=SECONDS_OF_TROUBLE)
        clock.sleep(0.1)  # it answers first, and cuts then
        run.doubt_what_is_in_the_air()
        run.keep_looking(SECONDS_OF_TROUBLE)


def only_what_was_cut_off(run: Run) -> None:
    """No more calls are in doubt than there were connections; a refused one leaves none."""
    assert len(run.uncertain_calls()) <= 2 * int(SETTINGS["GATEWAY_CONNECTIONS"])


def refuse_us(run: Run) -> None:
    """Everybody gets 401 for a while, as when a token has run out: nobody's tries are used up."""
    run.wait_for_some()
    with run.struck():
        run.order(latency_ms=LATENCY, http_401=1)
        run.keep_looking(SECONDS_OF_TROUBLE)
        run.order(latency_ms=LATENCY)


FAULTS = (
    Fault(
        "gateway refuses connections for 5 s",
        refuse_connections,
        also=only_what_was_cut_off,
        policies=EITHER,
        settings=SETTINGS,
    ),
    uncertain(0.05, "drip"),
    uncertain(0.05, "hang_before"),
    uncertain(0.05, "hang_after"),
    uncertain(0.2, "reset_before"),
    uncertain(0.2, "reset_after"),
    uncertain(0.2, "http_500"),
    Fault("gateway answers 503", prepare=refused("http_503"), settings=SETTINGS),
    Fault(
        "gateway answers 429, Retry-After in seconds",
        prepare=refused("http_429", retry_after=RETRY_AFTER_SECONDS),
        also=they_waited_some_seconds,
        settings=SETTINGS,
    ),
    Fault(
        "gateway answers 429, Retry-After as a date",
        prepare=retry_at_a_date,
        also=they_waited_for_the_date,
        settings=SETTINGS,
    ),
    Fault("gateway answers 401 to all for 5 s", refuse_us, settings=SETTINGS),
    Fault("gateway answers 400 to some", expect_failed, refused("http_400"), policies=HOLD, settings=SETTINGS),
    uncertain(0.2, "wrong_json"),
    uncertain(0.2, "wrong_code"),
    uncertain(0.2, "huge_body"),
    uncertain(0.2, "redirect"),
)
