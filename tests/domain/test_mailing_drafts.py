"""Is every fault of a draft found, each beside its field?"""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from dashboard.domain.errors import Invalid
from dashboard.domain.mailing_drafts import LONGEST_TEXT, LONGEST_TITLE, checked
from dashboard.models import TimeBasis
from tests.support.engine import make_draft

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
WALL = AT.replace(tzinfo=None)
BY_CLOCK = {
    "time_basis": TimeBasis.CLIENT,
    "starts_wall": WALL,
    "ends_wall": WALL + timedelta(hours=8),
    "starts_at": None,
    "ends_at": None,
}


@pytest.mark.parametrize(
    "changes, problems",
    [
        ({"title": " "}, [("title", "title_empty")]),
        ({"title": "x" * (LONGEST_TITLE + 1)}, [("title", "title_too_long")]),
        ({"text": "\n"}, [("text", "text_empty")]),
        ({"text": "x" * (LONGEST_TEXT + 1)}, [("text", "text_too_long")]),
        ({"text": "a\x00b"}, [("text", "control_character")]),
        ({"text": "Dear {{first name}}"}, [("text", "placeholder_invalid")]),
        ({"text": "Dear {{name}, hello"}, [("text", "placeholder_invalid")]),
        ({"text": "Dear {{1}}"}, [("text", "placeholder_invalid")]),
        ({"starts_at": None}, [("starts_at", "starts_missing")]),
        ({"ends_at": None}, [("ends_at", "ends_missing")]),
        ({"starts_at": AT, "ends_at": AT}, [("ends_at", "ends_before_start")]),
        ({"starts_at": AT.replace(year=1)}, [("starts_at", "time_invalid")]),
        ({"ends_at": AT.replace(year=9999)}, [("ends_at", "time_invalid")]),
        ({**BY_CLOCK, "starts_wall": None}, [("starts_wall", "starts_missing")]),
        ({**BY_CLOCK, "ends_wall": None}, [("ends_wall", "ends_missing")]),
        ({**BY_CLOCK, "ends_wall": WALL}, [("ends_wall", "ends_before_start")]),
        ({**BY_CLOCK, "ends_wall": WALL.replace(year=9999)}, [("ends_wall", "time_invalid")]),
        ({"window_from": time(9)}, [("window_to", "window_half")]),
        ({"window_to": time(9)}, [("window_from", "window_half")]),
        ({"window_from": time(9), "window_to": time(9)}, [("window_to", "window_empty")]),
        ({"tags": ()}, [("tags", "audience_unchosen")]),
        ({"operator_codes": ("90",)}, [("operator_codes", "operator_code_invalid")]),
        (
            {"title": "", "starts_at": None, "tags": ()},
            [("title", "title_empty"), ("starts_at", "starts_missing"), ("tags", "audience_unchosen")],
        ),
    ],
)
def test_a_fault_is_told_by_field_and_code(changes: dict[str, Any], problems: list[tuple[str, str]]) -> None:
    with pytest.raises(Invalid) as refusal:
        checked(make_draft(**changes))

    assert [(problem.field, problem.code) for problem in refusal.value.problems] == problems


def test_what_is_kept_is_tidy_and_everybody_needs_no_conditions() -> None:
    values = checked(make_draft(title=" A ", text=" B\n", tags=("x", "y", "x"), operator_codes=("900", "900")))
    everybody = checked(make_draft(everybody=True))

    assert (values["title"], values["text"]) == ("A", "B")
    assert (values["tags"], values["operator_codes"]) == (["x", "y"], ["900"])
    assert (everybody["tags"], everybody["everybody"]) == ([], True)


def test_a_window_over_midnight_is_one() -> None:
    assert checked(make_draft(window_from=time(21), window_to=time(9)))["window_to"] == time(9)


def test_one_instant_for_everybody_is_kept_as_it_is_and_no_wall_clock_beside_it() -> None:
    columns = checked(make_draft(starts_at=AT, ends_at=AT + timedelta(hours=8), starts_wall=WALL))

    assert (columns["starts_at"], columns["ends_at"]) == (AT, AT + timedelta(hours=8))
    assert (columns["time_basis"], columns["starts_wall"], columns["ends_wall"]) == (TimeBasis.INSTANT, None, None)


def test_by_the_clients_clock_the_instants_reach_from_the_first_to_the_last_zone_of_the_world() -> None:
    columns = checked(make_draft(**BY_CLOCK))

    assert (columns["starts_wall"], columns["ends_wall"]) == (WALL, WALL + timedelta(hours=8))
    # UTC+14 and UTC-12.
    assert columns["starts_at"] == AT - timedelta(hours=14)
    assert columns["ends_at"] == AT + timedelta(hours=8 + 12)
