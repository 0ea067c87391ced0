"""Does every row of a file end where it belongs, once, whatever happens meanwhile?"""

from pathlib import Path

import pytest

from dashboard.domain import clients, imports
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.imports import Column, FileLimits, Mapping, MappingDraft, Meaning, checking
from dashboard.domain.imports.mapping import guess
from dashboard.models import ImportState, KnownPhones, Role
from tests.factories import make_actor
from tests.factories_clients import (
    LIMITS,
    begin_check,
    begin_import,
    client_of,
    count_clients,
    import_clients,
    make_client,
    numbered,
)

pytestmark = pytest.mark.usefixtures("any_context")


# What a row of a 10,000-row file looks like when it is bad; each kind is woven in somewhere else.
BAD_LINES = {
    "phone_empty": [";vip", '"";vip'],
    "phone_invalid": ["12345;vip", "телефон;vip", "7999123456789;vip"],
    "phone_rounded": ["7.9E+10;vip"],
    "phone_not_russian": ["+49 151 23456789;vip", "+1 202 555 0123;vip"],
    "zone_unknown": ["79000000001;vip;Moon/Base", "79000000002;vip;GMT+25", "79000000003;vip;Etc/GMT+3"],
    "duplicate_in_file": ["79160000000;vip", "8 (916) 000-00-01;vip", "+7 916 000 00 02"],
    "quote_unclosed": ['79000000004;"vip', '"79000000005;vip'],
    "quote_misplaced": ['79000000006;"the "Rose" shop"'],
    "operator_code_invalid": ["79000000007;vip;UTC+3;12"],
    "tag_too_long": [f"79000000008;{'x' * 65}"],
    "too_many_tags": ["79000000009;" + ",".join(map(str, range(21)))],
    "too_many_columns": ["79000000010;vip;UTC;900;Anna;what is this"],
    "attribute_too_long": [f"79000000011;vip;UTC;900;{'x' * 201}"],
    "control_characters": ["79000000012;vip;UTC;900;a\0b"],
    "line_too_long": [f"79000000013;vip;UTC;900;{'x' * 20_000}"],
}
IN_CP1251 = "79000000014;клиенты;UTC;900;Анна".encode("cp1251")


def file_with_bad_rows() -> tuple[bytes, dict[int, str]]:
    """10,000 rows, 25 of them bad: the file, and the code that each bad line should get."""
    good = (f"7916{number:07};vip,Весна;Asia/Omsk;;Пётр" for number in range(9_975))
    bad = [(code, line.encode()) for code, lines in BAD_LINES.items() for line in lines]
    bad.append(("encoding_mixed", IN_CP1251))
    lines, expected = [b"phone;tags;timezone;code;name"], dict[int, str]()
    for number in range(2, 10_002):
        if number % 400 == 0:
            code, line = bad.pop()
            lines.append(line)
            expected[number] = code
        else:
            lines.append(next(good).encode())
    assert not bad
    return b"\r\n".join(lines), expected


def test_every_bad_row_is_told_with_its_line_and_reason_and_good_rows_are_kept(tmp_path: Path) -> None:
    actor = make_actor()
    content, expected = file_with_bad_rows()

    view = import_clients(actor, tmp_path, content)

    assert {problem.line: problem.code for problem in imports.all_problems(actor, view.id)} == expected
    assert (view.state, view.rows_read, view.bad, view.duplicates) == ("finished", 10_000, 22, 3)
    assert view.created == 9_975
    assert (view.updated, view.unchanged, count_clients()) == (0, 0, 9_975)
    assert view.rows_total == 10_000
    assert view.size_bytes == len(content)
    client = client_of(actor, "79160000000")
    assert (client.tags, client.timezone, client.operator_code) == (("vip", "Весна"), "Asia/Omsk", "916")
    assert client.attributes == {"name": "Пётр"}


def test_a_row_that_names_no_zone_gets_the_imports(tmp_path: Path) -> None:
    actor = make_actor()
    import_id = begin_import(actor, tmp_path, "phone\n79991234567", timezone="gmt+5")

    imports.run(import_id, tmp_path, LIMITS)

    assert client_of(actor, "79991234567").timezone == "UTC+05:00"


def test_a_known_phone_gets_what_the_file_adds(tmp_path: Path) -> None:
    actor = make_actor()
    make_client(
        actor, "79991234567", "a", "b", timezone="Asia/Omsk", operator_code="916", name="Anna", city="Omsk"
    )

    view = import_clients(actor, tmp_path, 'phone;tags;city;timezone\n79991234567;"b,c";Tomsk;\n')

    client = client_of(actor, "79991234567")
    assert (view.created, view.updated, view.unchanged) == (0, 1, 0)
    assert client.tags == ("a", "b", "c")
    assert client.attributes == {"name": "Anna", "city": "Tomsk"}
    assert (client.timezone, client.operator_code) == ("Asia/Omsk", "916")


def test_a_known_phone_is_counted_as_changed_only_if_it_is(tmp_path: Path) -> None:
    actor = make_actor()
    content = "phone;tags;timezone;code;name\n79160000001;a;UTC;;Anna\n79160000002;b;UTC;999;\n79160000003\n"
    import_clients(actor, tmp_path, content)
    before = client_of(actor, "79160000001")

    same = import_clients(actor, tmp_path, content)
    one_other = import_clients(actor, tmp_path, content.replace("b;UTC", "b;Asia/Omsk"))

    assert (same.created, same.updated, same.unchanged) == (0, 0, 3)
    assert (one_other.updated, one_other.unchanged) == (1, 2)
    assert client_of(actor, "79160000001") == before
    assert client_of(actor, "79160000002").timezone == "Asia/Omsk"


def test_known_phones_are_found_among_many_that_the_file_does_not_name(tmp_path: Path) -> None:
    owner = make_actor()
    for number in range(12):
        make_client(owner, numbered(number), "old")
    content = "".join(f"{numbered(number)};new\n" for number in (0, 11, 12))

    view = import_clients(owner, tmp_path, content)

    assert (view.updated, view.created) == (2, 1)
    assert client_of(owner, numbered(11)).tags == ("new", "old")


def test_known_phones_may_be_left_as_they_are(tmp_path: Path) -> None:
    actor = make_actor()
    make_client(actor, "79991234567", "a")

    view = import_clients(actor, tmp_path, "phone;tags\n79991234567;b\n79991234568;b\n", KnownPhones.SKIP)

    assert (view.created, view.updated, view.unchanged) == (1, 0, 1)
    assert client_of(actor, "79991234567").tags == ("a",)


@pytest.mark.parametrize("known", list(KnownPhones))
def test_a_deleted_client_comes_back_with_what_the_file_says(tmp_path: Path, known: KnownPhones) -> None:
    actor = make_actor()
    client_id = make_client(actor, "79991234567", "old", city="Omsk")
    clients.delete(actor, client_id)

    view = import_clients(actor, tmp_path, "phone;tags;name\n79991234567;new;Anna\n", known)

    client = clients.get(actor, client_id)
    assert (view.created, client.tags, client.attributes) == (1, ("new",), {"name": "Anna"})


def test_the_second_row_of_a_phone_is_a_bad_one_even_in_another_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "BATCH", 2)
    actor = make_actor()
    make_client(actor, "79990000001", "known")
    lines = ["phone;tags", "79990000001;a", "79990000002;b", "8 999 000-00-01;c", "79990000002;d", "79990000002"]

    view = import_clients(actor, tmp_path, "\n".join(lines))

    found = [(problem.line, problem.code) for problem in imports.problems(actor, view.id)]
    assert found == [(4, "duplicate_in_file"), (5, "duplicate_in_file"), (6, "duplicate_in_file")]
    assert client_of(actor, "79990000001").tags == ("a", "known")


def test_limits_of_a_client_hold_for_what_a_file_adds(tmp_path: Path) -> None:
    actor = make_actor()
    make_client(actor, "79990000001", *map(str, range(20)))
    make_client(actor, "79990000002", **{f"a{number}": "x" for number in range(20)})

    view = import_clients(actor, tmp_path, "phone;tags;b\n79990000001;new;\n79990000002;;x\n")

    codes = [problem.code for problem in imports.problems(actor, view.id)]
    assert codes == ["too_many_tags", "too_many_attributes"]
    assert (view.bad, view.updated) == (2, 0)


def test_two_owners_have_clients_and_tags_of_their_own(tmp_path: Path) -> None:
    one, other = make_actor(), make_actor()
    content = "phone;tags\n79991234567;vip\n"

    views = [import_clients(actor, tmp_path, content) for actor in (one, other)]

    assert [view.created for view in views] == [1, 1]
    assert client_of(one, "79991234567").id != client_of(other, "79991234567").id


@pytest.mark.parametrize(
    "content, code",
    [("", "file_empty"), ("phone;name\n", "file_header_only"), ("PK\x03\x04", "file_not_workbook")],
)
def test_a_file_that_is_no_table_of_clients_is_refused_at_once(tmp_path: Path, content: str, code: str) -> None:
    actor = make_actor()

    with pytest.raises(Invalid) as refusal:
        begin_import(actor, tmp_path, content)

    assert [(problem.field, problem.code) for problem in refusal.value.problems] == [("file", code)]
    assert imports.page(actor).items == []


def test_imports_are_seen_and_ended_by_those_who_may(tmp_path: Path) -> None:
    owner, stranger = make_actor(), make_actor()
    viewer, administrator = make_actor(Role.VIEWER), make_actor(Role.ADMINISTRATOR)
    import_id = begin_import(owner, tmp_path, "phone\n79991234567\n")

    assert [view.id for view in imports.page(viewer).items] == [import_id]
    assert imports.page(stranger).items == []
    with pytest.raises(NotFound):
        imports.get(stranger, import_id)
    with pytest.raises(NotFound):
        imports.problems(stranger, import_id)
    with pytest.raises(NotFound):
        imports.cancel(stranger, import_id, tmp_path)
    with pytest.raises(Forbidden):
        imports.cancel(viewer, import_id, tmp_path)
    with pytest.raises(Forbidden):
        begin_import(viewer, tmp_path, "phone\n79991234567\n")
    imports.cancel(administrator, import_id, tmp_path)
    assert imports.get(owner, import_id).state is ImportState.CANCELLED


def test_problems_come_in_pages_in_the_order_of_the_file(tmp_path: Path) -> None:
    actor = make_actor()
    view = import_clients(actor, tmp_path, "phone\n79990000000\n" + "bad\n" * 5)

    first = imports.problems(actor, view.id, limit=3)
    second = imports.problems(actor, view.id, after_line=first[-1].line, limit=3)

    assert [problem.line for problem in first + second] == [3, 4, 5, 6, 7]


def test_the_dry_run_says_what_would_happen_and_changes_nothing(tmp_path: Path) -> None:
    actor = make_actor()
    make_client(actor, "79990000001", "old", name="Anna")
    make_client(actor, "79990000002", name="Pyotr")
    before = [client_of(actor, phone) for phone in ("79990000001", "79990000002")]
    lines = ["79990000001;new;", "79990000002;;Pyotr", "79990000003;new;", "79990000003;x;", "bad;;"]
    import_id = begin_check(actor, tmp_path, "phone;tags;name\n" + "\n".join(lines))

    imports.run(import_id, tmp_path, LIMITS)

    view = imports.get(actor, import_id)
    assert (view.state, view.rows_total, view.share) == (ImportState.CHECKED, 5, 1.0)
    assert (view.created, view.updated, view.unchanged, view.duplicates, view.bad) == (1, 1, 1, 1, 1)
    assert [(problem.line, problem.code) for problem in imports.problems(actor, import_id)] == [
        (5, "duplicate_in_file"),
        (6, "phone_invalid"),
    ]
    assert [client_of(actor, phone) for phone in ("79990000001", "79990000002")] == before
    assert count_clients() == 2


def test_a_dry_run_that_is_made_again_forgets_the_first(tmp_path: Path) -> None:
    actor = make_actor()
    import_id = begin_check(actor, tmp_path, "phone;timezone\n79990000001;Moon\n")
    imports.run(import_id, tmp_path, LIMITS)
    first = imports.get(actor, import_id)
    mapping = Mapping(True, (Column(Meaning.PHONE), Column(Meaning.IGNORE)))

    imports.map_columns(actor, import_id, MappingDraft(mapping, KnownPhones.UPDATE, "UTC"))
    imports.run(import_id, tmp_path, LIMITS)

    second = imports.get(actor, import_id)
    assert (first.created, first.bad, second.created, second.bad) == (0, 1, 1, 0)
    assert imports.problems(actor, import_id) == []


def test_only_another_mapping_takes_a_dry_run_back(tmp_path: Path) -> None:
    actor = make_actor()
    import_id = begin_check(actor, tmp_path, "phone\n79990000001\n")
    mapping = imports.columns(actor, import_id).mapping

    imports.keep_mapping(actor, import_id, MappingDraft(mapping, KnownPhones.UPDATE, "Europe/Moscow"))
    same = imports.get(actor, import_id).state
    imports.keep_mapping(actor, import_id, MappingDraft(mapping, KnownPhones.SKIP, "Europe/Moscow"))
    other = imports.get(actor, import_id).state

    assert (same, other) == (ImportState.CHECKING, ImportState.MAPPING)


def test_an_import_starts_only_after_its_dry_run_and_once(tmp_path: Path) -> None:
    actor = make_actor()
    import_id = begin_check(actor, tmp_path, "phone\n79990000001\n")

    with pytest.raises(Conflict, match="import_not_checked"):
        imports.start(actor, import_id)
    imports.run(import_id, tmp_path, LIMITS)
    imports.start(actor, import_id)
    imports.start(actor, import_id)
    mapping = imports.columns(actor, import_id).mapping
    with pytest.raises(Conflict, match="import_started"):
        imports.map_columns(actor, import_id, MappingDraft(mapping, KnownPhones.SKIP, "UTC"))


def test_a_file_of_too_many_rows_is_refused_by_its_dry_run(tmp_path: Path) -> None:
    actor = make_actor()
    import_id = begin_check(actor, tmp_path, "phone\n79990000001\n79990000002\n79990000003\n")

    imports.run(import_id, tmp_path, FileLimits(megabytes=1, rows=2))

    view = imports.get(actor, import_id)
    assert (view.state, view.failure, view.step) == (ImportState.FAILED, "too_many_rows", 3)
    assert not list(tmp_path.glob(f"{import_id}*"))


@pytest.mark.parametrize(
    "cell, instant",
    [
        ("2025-03-01", "2025-02-28T21:00:00+00:00"),
        ("01.03.2025", "2025-02-28T21:00:00+00:00"),
        ("1.3.2025 14:30", "2025-03-01T11:30:00+00:00"),
        ("2025-03-01T14:30:05+05:00", "2025-03-01T09:30:05+00:00"),
    ],
)
def test_consent_comes_with_the_client(tmp_path: Path, cell: str, instant: str) -> None:
    actor = make_actor()

    import_clients(actor, tmp_path, f"телефон;согласие;дата согласия\n79990000001;форма на сайте;{cell}\n")
    again = import_clients(actor, tmp_path, f"телефон;согласие;дата согласия\n79990000001;;{cell}\n")

    client = client_of(actor, "79990000001")
    assert client.consent_source == "форма на сайте"
    assert client.consent_at is not None
    assert client.consent_at.isoformat() == instant
    assert again.unchanged == 1


def test_what_the_file_says_of_consent_replaces_what_was_known(tmp_path: Path) -> None:
    actor = make_actor()
    header = "phone;consent;consent date\n"
    import_clients(actor, tmp_path, header + "79990000001;form;2025-03-01\n")

    view = import_clients(actor, tmp_path, header + "79990000001;contract;2025-04-01\n79990000002;x;31.02.2025\n")

    client = client_of(actor, "79990000001")
    assert (view.updated, view.bad, client.consent_source) == (1, 1, "contract")
    assert client.consent_at is not None
    assert client.consent_at.date().isoformat() == "2025-03-31"


def test_problems_can_be_paged_through_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.domain.imports.views.PROBLEMS_PAGE", 2)
    actor = make_actor()
    view = import_clients(actor, tmp_path, "phone\n79990000000\n" + "bad\n" * 5)

    first = imports.problems_page(actor, view.id, None, None)
    second = imports.problems_page(actor, view.id, first.next_after, None)
    third = imports.problems_page(actor, view.id, second.next_after, None)
    back = imports.problems_page(actor, view.id, None, third.previous_before)

    lines = [[problem.line for problem in page.items] for page in (first, second, third, back)]
    assert lines == [[3, 4], [5, 6], [7], [5, 6]]
    assert (first.previous_before, third.next_after) == (None, None)
    assert back == second


@pytest.mark.parametrize(
    "rows, meanings",
    [
        ([("Имя", "Моб. тел."), ("Анна", "8 999 123-45-67")], ["attribute", "phone"]),
        ([("a", "b", ""), ("Omsk", "79991234567", "UTC+3")], ["attribute", "phone", "timezone"]),
        ([("79991234567", "Asia/Omsk", "vip"), ("79991234568", "", "")], ["phone", "timezone", "tags"]),
        ([("Номер", "Телефон"), ("1", "79991234567")], ["phone", "attribute"]),
        ([("x", "y"), ("1", "2")], ["attribute", "attribute"]),
        ([("CONSENT_SOURCE", "consent_at", "Tags:"), ("a", "b", "c")], ["consent_source", "consent_at", "tags"]),
    ],
)
def test_columns_are_guessed_from_their_names_and_contents(
    rows: list[tuple[str, ...]], meanings: list[str]
) -> None:
    assert [column.meaning for column in guess(rows).columns] == meanings
