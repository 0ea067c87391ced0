"""Is a file read as the person who made it meant it?"""

import json
from pathlib import Path

import pytest

from dashboard.domain.imports import text
from dashboard.domain.imports.layout import look
from dashboard.domain.imports.mapping import Meaning, guess
from dashboard.domain.imports.rows import BadRow, Row
from dashboard.domain.imports.text import UnreadableError, encoding_of
from tests.factories_clients import LIMITS
from tests.support.client_files import rows_of


def read(folder: Path, content: str | bytes) -> list[Row | BadRow]:
    path = folder / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return rows_of(path)


def only(rows: list[Row | BadRow]) -> Row:
    (row,) = rows
    assert isinstance(row, Row), row
    return row


def faults(rows: list[Row | BadRow]) -> list[tuple[int, str]]:
    return [(row.line, row.code) for row in rows if isinstance(row, BadRow)]


def row(line: int, phone: str, **given: str) -> Row:
    nothing = {"operator_code": None, "timezone": None, "tags": "", "attributes": "{}"}
    return Row(phone=phone, line=line, consent_source=None, consent_at=None, **nothing | given)  # type: ignore[arg-type]


FULL = row(
    2,
    "79991234567",
    operator_code="916",
    timezone="Europe/Moscow",
    tags="vip,весна",
    attributes='{"Имя": "Анна"}',
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_and_line_ends_make_no_difference(tmp_path: Path, encoding: str, end: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    lines = ["телефон;теги;часовой пояс;код оператора;Имя", "8 999 123-45-67;vip,весна;europe/moscow;916;Анна"]

    rows = read(tmp_path, (mark + end.join(lines)).encode(encoding))

    assert only(rows) == FULL


@pytest.mark.parametrize(
    "content",
    [
        "phone,tags,timezone,code,Имя\n79991234567,vip;весна,Europe/Moscow,916,Анна",
        'phone,tags,timezone,code,Имя\n79991234567,"vip,весна",Europe/Moscow,916,Анна',
        "Имя\tКод\tПояс\tТеги\tНомер\nАнна\t916\tEurope/Moscow\tvip | весна\t+7 (999) 123 45 67\t\t",
        '"Phone number"; "Tags"; "Time zone"; "operator_code"; "Имя"\n"79991234567"; "vip, весна"; '
        '"Europe/Moscow"; "916"; "Анна"',
    ],
)
def test_header_delimiter_and_order_are_found_out(tmp_path: Path, content: str) -> None:
    assert only(read(tmp_path, content)) == FULL


def test_a_file_without_header_holds_phone_tags_and_zone(tmp_path: Path) -> None:
    rows = read(tmp_path, "79991234567;a,b,c,d;UTC+3\n\n79991234568")

    assert rows == [
        row(1, "79991234567", timezone="UTC+03:00", tags="a,b,c,d"),
        row(3, "79991234568"),
    ]


def test_names_of_columns_become_names_of_attributes(tmp_path: Path) -> None:
    found = only(read(tmp_path, "phone;№ договора;2nd name;Дата рождения\n79991234567;1;2;3"))

    assert json.loads(found.attributes) == {"договора": "1", "_2nd_name": "2", "Дата_рождения": "3"}


def test_columns_that_cannot_be_taken_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("phone;name;№;name;code\n79991234567;A;x;B;999")

    meanings = [column.meaning for column in guess(look(path, LIMITS).rows).columns]

    assert meanings == [Meaning.PHONE, Meaning.ATTRIBUTE, Meaning.IGNORE, Meaning.IGNORE, Meaning.OPERATOR_CODE]


@pytest.mark.parametrize("cell", ["Z", "+3", "-10"])
def test_what_only_a_title_could_call_a_time_zone_is_an_attribute(tmp_path: Path, cell: str) -> None:
    found = only(read(tmp_path, f"phone;balance\n79991234567;{cell}"))

    assert (found.timezone, json.loads(found.attributes)) == (None, {"balance": cell})


@pytest.mark.parametrize("cell", ["UTC", "gmt+3", "+03:00", "Asia/Omsk"])
def test_a_column_of_time_zones_is_known_by_its_contents(tmp_path: Path, cell: str) -> None:
    found = only(read(tmp_path, f"phone;where\n79991234567;{cell}"))

    assert (found.timezone is not None, json.loads(found.attributes)) == (True, {})


@pytest.mark.parametrize(
    "line, code, value",
    [
        (";vip", "phone_empty", ""),
        ("123;vip", "phone_invalid", "123"),
        ("+49 151 12345678;vip", "phone_not_russian", "+49 151 12345678"),
        ("79991234567;;Moon/Base", "zone_unknown", "Moon/Base"),
        ("79991234567;;;12", "operator_code_invalid", "12"),
        (f"79991234567;{'x' * 65}", "tag_too_long", "x" * 65),
        ("79991234567;" + ",".join(map(str, range(21))), "too_many_tags", ",".join(map(str, range(21)))),
        (f"79991234567;;;;{'x' * 201}", "attribute_too_long", "x" * 200),
        ("79991234567;;;;a\0b", "control_characters", "a\ufffdb"),
        ("79991234567;;;;a;b", "too_many_columns", "79991234567;;;;a;b"),
        ('79991234567;"vip', "quote_unclosed", '79991234567;"vip'),
        ('79991234567;"the "Rose" shop"', "quote_misplaced", '79991234567;"the "Rose" shop"'),
        (f"79991234567;;;;{'x' * 10_000}", "line_too_long", f"79991234567;;;;{'x' * 185}"),
        ("79991234567;;;;" + "x" * 3_000_000, "line_too_long", f"79991234567;;;;{'x' * 185}"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_leaves_the_others_alone(
    tmp_path: Path, line: str, code: str, value: str
) -> None:
    rows = read(tmp_path, f"phone;tags;timezone;code;name\n\n{line}\n79990000000;ok\n")

    assert rows[0] == BadRow(3, value, code)
    assert rows[1] == row(4, "79990000000", tags="ok")


def test_a_quote_inside_an_unquoted_cell_is_a_letter(tmp_path: Path) -> None:
    found = only(read(tmp_path, 'phone;name\n79991234567;ООО "Роза"'))

    assert json.loads(found.attributes) == {"name": 'ООО "Роза"'}


def test_a_line_in_another_encoding_is_told_and_shown_as_it_was_meant(tmp_path: Path) -> None:
    good = "phone;city\n79990000001;Омск\n79990000002;Томск\n".encode()

    rows = read(tmp_path, good + "79990000003;Москва\n".encode("cp1251"))

    assert faults(rows) == [(4, "encoding_mixed")]
    assert isinstance(rows[2], BadRow)
    assert rows[2].value == "79990000003;Москва"
    assert isinstance(rows[1], Row)
    assert json.loads(rows[1].attributes) == {"city": "Томск"}


@pytest.mark.parametrize(
    "content, code",
    [
        (b"", "file_empty"),
        (b"\n \r\n", "file_empty"),
        (b"phone;tags\n", "file_header_only"),
        (b"phone" + b";x" * 60 + b"\n79990000001\n", "too_many_file_columns"),
        (b"PK\x03\x04\x14\x00", "file_not_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "file_is_old_workbook"),
        (b"p\0h\0o\0n\0e\0\n\0", "file_not_text"),
    ],
)
def test_a_file_that_is_no_table_of_clients_is_refused_as_a_whole(
    tmp_path: Path, content: bytes, code: str
) -> None:
    with pytest.raises(UnreadableError) as refused:
        read(tmp_path, content)

    assert refused.value.code == code


def test_lines_hold_no_more_than_they_may(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("x" * text.LONGEST_LINE + "\n" + "y" * (text.LONGEST_LINE + 1) + "\nz")

    with text.open_text(path, encoding_of(path)) as file:
        found = [(line.number, len(line.text), line.is_too_long) for line in text.lines(file)]

    assert found == [(1, 10_000, False), (2, 10_001, True), (3, 1, False)]
