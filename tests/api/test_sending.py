"""Does a program learn that everything is stopped, and why?"""

from flask import Flask

from dashboard.domain import waking
from dashboard.models import Role
from tests.api.conftest import Programs


def test_a_stop_by_the_service_itself_is_told_with_its_reason(app: Flask, program_of: Programs) -> None:
    program = program_of(Role.VIEWER)
    before = program.get("/sending").json
    with app.app_context():
        waking.beat()
        waking.restored()

    after = program.get("/sending").json

    assert set(before.values()) == {None}
    assert after["stop_reason"] == "restored"
    assert after["known_until"] is not None
    assert after["stopped_at"] is not None
    assert after["stopped_by"] is None
