"""Is an Excel workbook read as people see it, and harmless whatever it unpacks to?"""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from dashboard.domain import imports
from dashboard.domain.errors import Invalid
from dashboard.domain.imports import workbook
from tests.factories import make_actor
from tests.factories_clients import client_of, import_clients, upload_file

pytestmark = pytest.mark.usefixtures("app_context")


def book(*rows: list[Any]) -> bytes:
    made = Workbook()
    for row in rows:
        made.active.append(row)
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def test_a_workbook_becomes_clients(tmp_path: Path) -> None:
    actor = make_actor()
    content = book(
        ["Телефон", "Теги", "Часовой пояс", "Имя", "Дата согласия", "Договор"],
        [79991234567, "vip, весна", "UTC+3", "Анна\nПетрова", date(2025, 3, 1), 17.0],
        [79991234568.0, None, None, '=1+1; "x"', datetime(2025, 3, 1, 14, 30), 17.5],  # noqa: DTZ001
        [],
        ["bad", None, None, None, None, None],
        [8.9991234569e10, None, None, None, None, None],
    )

    view = import_clients(actor, tmp_path, content)

    assert (view.state, view.created, view.bad, view.rows_total) == ("finished", 3, 1, 4)
    assert [problem.line for problem in imports.problems(actor, view.id)] == [5]
    one, other = client_of(actor, "79991234567"), client_of(actor, "79991234568")
    assert (one.tags, one.timezone) == (("vip", "весна"), "UTC+03:00")
    assert one.attributes == {"Имя": "Анна Петрова", "Договор": "17"}
    assert other.attributes["Договор"] == "17.5"
    assert one.consent_at is not None
    assert one.consent_at.isoformat() == "2025-02-28T21:00:00+00:00"
    assert not list(tmp_path.glob(f"{view.id}*"))


def test_the_first_rows_are_shown_as_they_are_read_later(tmp_path: Path) -> None:
    actor = make_actor()
    import_id = upload_file(actor, tmp_path, book(["phone"], [], [79991234567.0], [None, "x"]))

    layout = imports.columns(actor, import_id).layout

    assert (layout.lines, layout.rows) == ((1, 3, 4), (("phone",), ("79991234567",), ("",)))


@pytest.mark.parametrize(
    "value, text",
    [
        (79991234567, "79991234567"),
        (79991234567.0, "79991234567"),
        (1e300, "1e+300"),
        (0.5, "0.5"),
        (date(2025, 3, 1), "2025-03-01"),
        (datetime(2025, 3, 1), "2025-03-01"),  # noqa: DTZ001 - spreadsheets know no zones
        (datetime(2025, 3, 1, 14, 30), "2025-03-01T14:30:00"),  # noqa: DTZ001
        (time(9, 0), "09:00:00"),
        (True, "True"),
        (" a\r\n b ", "a b"),
        (None, ""),
    ],
)
def test_a_cell_is_the_text_that_people_see(value: object, text: str) -> None:
    assert workbook._text(value) == text


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return content.getvalue()


BOMB = """<!DOCTYPE x [<!ENTITY a "79991234567"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>"""


def with_sheet(text: str) -> bytes:
    """A workbook whose sheet is another."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(["phone"]))) as good, zipfile.ZipFile(content, "w") as changed:
        for name in good.namelist():
            changed.writestr(name, text if name == "xl/worksheets/sheet1.xml" else good.read(name))
    return content.getvalue()


@pytest.mark.parametrize(
    "content, code",
    [
        (lambda: zipped(readme="a zip, but no workbook"), "file_not_workbook"),
        (lambda: zipped(xl__workbook_xml="<nonsense"), "file_not_workbook"),
        (lambda: zipped(xl__workbook_xml="<x/>", xl__sharedStrings_xml="x" * (65 << 20)), "workbook_too_large"),
        (
            lambda: zipped(xl__workbook_xml="<x/>", xl__worksheets__sheet1_xml="x" * (200 << 20)),
            "workbook_too_large",
        ),
        (lambda: book(["phone"], [79991234567])[:-100], "file_not_workbook"),
        (lambda: with_sheet(BOMB), "file_not_workbook"),
        (lambda: book(), "file_empty"),
        (lambda: book(["phone", "tags"]), "file_header_only"),
        (lambda: book(["phone", *map(str, range(60))], [79991234567]), "too_many_file_columns"),
    ],
)
def test_a_workbook_that_is_broken_or_a_bomb_is_refused(
    tmp_path: Path, content: Callable[[], bytes], code: str
) -> None:
    """At most 10 MB here, so 160 MB unpacked."""
    actor = make_actor()
    path = tmp_path / "upload"
    path.write_bytes(content())

    with pytest.raises(Invalid) as refusal:
        imports.begin(actor, imports.Upload(path, "a.xlsx"), "UTC", tmp_path, imports.FileLimits(10, 1000))

    assert [problem.code for problem in refusal.value.problems] == [code]
