"""Can an administrator's program fill an installation with clients, and empty it again?"""

import pytest

from dashboard.models import Role
from tests.api.conftest import Programs


def test_they_come_and_go(program_of: Programs) -> None:
    chief = program_of(Role.ADMINISTRATOR)

    added = chief.post("/sample-clients", {})
    again = chief.post("/sample-clients", {"count": 2_170})
    listed = chief.get("/clients").json
    removed = chief.ask("DELETE", "/sample-clients")

    assert (added.status_code, added.json, again.json) == (200, {"added": 2_160}, {"added": 10})
    assert listed["items"][0]["phone_number"] == "79000000000"
    assert (removed.status_code, removed.json) == (200, {"removed": 2_170})
    assert chief.get("/clients").json["items"] == []


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_nobody_else_has_them(program_of: Programs, role: Role) -> None:
    program = program_of(role)

    answers = [program.ask(method, "/sample-clients", {}).status_code for method in ("POST", "DELETE")]

    assert answers == [403, 403]


@pytest.mark.parametrize("count", [0, 10_001])
def test_so_many_do_not_come_at_once(program_of: Programs, count: int) -> None:
    answer = program_of(Role.ADMINISTRATOR).post("/sample-clients", {"count": count})

    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [("count", "limit_out_of_range")]
