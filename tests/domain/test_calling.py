"""Do calls begin and end without the database, and is nothing of them forgotten meanwhile?"""

import pytest

from dashboard import clock
from dashboard.domain.armed import Armed
from dashboard.domain.calling import Calling
from dashboard.gateway import Answer, Call
from tests.support.engine import ScriptedGateway


def armed(number: int, *, begins_in: float = 0.0, at_most: float = 0.9) -> Armed:
    call, now = Call(number, "79001112233", "Hello"), clock.monotonic()
    return Armed(number, call, 1, "900", "UTC", 0, None, now + begins_in, now + begins_in + at_most, now + 0.9)


def calling(gateway: ScriptedGateway, *waiting: Armed) -> Calling:
    found = Calling(gateway)
    found.waiting.add(waiting, clock.monotonic())
    return found


def test_what_ended_meanwhile_is_kept_until_it_is_asked_for() -> None:
    gateway = ScriptedGateway(connections=2)
    calls = calling(gateway, *map(armed, range(1, 6)))

    for _ in range(3):
        calls.attend()
    ended = [each.armed.id for each in calls.ended()]

    assert ended == [1, 2, 3, 4, 5]
    assert calls.ended() == []
    assert not calls


def test_what_has_missed_its_time_is_laid_aside_and_never_called_for() -> None:
    gateway = ScriptedGateway()
    calls = calling(gateway, armed(1, at_most=-0.1), armed(2))

    calls.attend()

    assert [call.message_id for call in gateway.calls] == [2]
    assert [each.id for each in calls.late()] == [1]
    assert calls.late() == []


def test_what_has_begun_meanwhile_is_on_its_way_before_the_database_goes_on() -> None:
    """Which may take seconds: begun and not listened to, a call would leave after them."""
    gateway = ScriptedGateway(connections=1)
    calls = calling(gateway, armed(1), armed(2))

    calls.attend()

    assert gateway.in_flight == 0
    assert [each.armed.id for each in calls.ended()] == [1, 2]


def test_before_its_moment_nothing_begins() -> None:
    gateway = ScriptedGateway()
    calls = calling(gateway, armed(1, begins_in=30))

    calls.attend()

    assert gateway.calls == []
    assert 0 < calls.patience(60) <= 30


def test_once_it_is_stopped_nothing_begins_and_what_is_under_way_ends() -> None:
    gateway = ScriptedGateway(connections=1)
    calls = calling(gateway, armed(1), armed(2))
    calls.begin()

    calls.stop()
    calls.attend()

    assert [each.armed.id for each in calls.ended()] == [1]
    assert [each.id for each in calls.waiting.clear()] == [2]


def test_an_error_meanwhile_breaks_off_no_statement_and_is_raised_by_the_next_listening() -> None:
    def broken(_call: Call) -> Answer:
        raise OSError("too many open files")

    calls = calling(ScriptedGateway(broken), armed(1))

    calls.attend()

    with pytest.raises(OSError, match="too many"):
        calls.listen(0)
