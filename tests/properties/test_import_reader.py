"""What holds of every file, whatever bytes it is made of?"""

import contextlib
import csv
import io
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import phone as phones
from dashboard.domain.imports.cells import CellError, phone_of
from dashboard.domain.imports.mapping import Column, Mapping, Meaning
from dashboard.domain.imports.rows import BadRow, Row
from dashboard.domain.imports.text import UnreadableError
from dashboard.phone import CANONICAL
from tests.support.client_files import rows_of

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
HEADERS = [b"", b"phone,tags,zone,name\n", "телефон;имя\n".encode("cp1251")]
words = st.text(alphabet=st.characters(categories=["L", "N", "P", "S"], include_characters=' "'), max_size=20).map(
    str.strip
)


def read(folder: Path, content: bytes, *columns: Column) -> list[Row | BadRow]:
    """Without `columns`, they are guessed."""
    path = folder / "file.csv"
    path.write_bytes(content)
    return rows_of(path, Mapping(has_header=True, columns=columns) if columns else None)


@same_folder
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"phone,tags,zone,name\n", "телефон;имя\n".encode("cp1251")])
)
def test_any_bytes_are_rows_or_a_reason(tmp_path: Path, content: bytes, header: bytes) -> None:
    rows: list[Row | BadRow] = []

    with contextlib.suppress(UnreadableError):
        rows = read(tmp_path, header + content)

    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    assert all(row.code if isinstance(row, BadRow) else CANONICAL.fullmatch(row.phone) for row in rows)


@same_folder
@given(
    st.lists(st.tuples(words, words), min_size=1, max_size=20),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_csv_writer_wrote_is_read_back(
    tmp_path: Path, values: list[tuple[str, str]], delimiter: str, quoting: int, encoding: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    writer.writerow(["name", "телефон", "city"])
    for number, (name, city) in enumerate(values):
        writer.writerow([name, f"79{number:09}", city])

    rows = read(
        tmp_path,
        text.getvalue().encode(encoding),
        Column(Meaning.ATTRIBUTE, "name"),
        Column(Meaning.PHONE),
        Column(Meaning.ATTRIBUTE, "city"),
    )

    expected = [
        {key: value for key, value in zip(("name", "city"), pair, strict=True) if value} for pair in values
    ]
    assert [json.loads(row.attributes) for row in rows if isinstance(row, Row)] == expected


digits = st.text(alphabet="0123456789+-() .,eE", max_size=18)


@given(st.one_of(digits, st.text(max_size=20), st.from_regex(r"\+?[78]?9[0-9]{9}(\.0)?", fullmatch=True)))
def test_a_phone_in_a_file_is_the_same_phone_as_in_the_form(cell: str) -> None:
    """A file is only more lenient, with what spreadsheets make of numbers."""
    try:
        typed = phones.normalise(cell)
    except phones.PhoneError:
        typed = None

    try:
        imported = phone_of(cell)
    except CellError:
        imported = None

    assert imported == typed or (typed is None and imported is not None and CANONICAL.fullmatch(imported))


@given(st.integers(min_value=70000000000, max_value=79999999999))
def test_a_phone_that_a_spreadsheet_took_for_a_number_is_understood(number: int) -> None:
    scientific = f"{str(number)[0]}.{str(number)[1:]}E+10"

    found = {phone_of(f"{number}.0"), phone_of(f"{number},00"), phone_of(scientific)}

    assert found == {str(number)}
