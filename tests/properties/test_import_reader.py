"""What holds of every file, whatever bytes it is made of?"""

import contextlib
import csv
import io
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.domain.imports.reader import Reader
from dashboard.domain.imports.rows import BadRow, Row
from dashboard.domain.imports.text import UnreadableError
from dashboard.phone import CANONICAL

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
HEADERS = [b"", b"phone,tags,zone,name\n", "телефон;имя\n".encode("cp1251")]
words = st.text(alphabet=st.characters(categories=["L", "N", "P", "S"], include_characters=' "'), max_size=20).map(
    str.strip
)


def rows_of(folder: Path, content: bytes) -> list[Row | BadRow]:
    path = folder / "file.csv"
    path.write_bytes(content)
    with Reader(path) as reader:
        return list(reader.rows())


@same_folder
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"phone,tags,zone,name\n", "телефон;имя\n".encode("cp1251")])
)
def test_any_bytes_are_rows_or_a_reason(tmp_path: Path, content: bytes, header: bytes) -> None:
    rows: list[Row | BadRow] = []

    with contextlib.suppress(UnreadableError):
        rows = rows_of(tmp_path, header + content)

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

    rows = rows_of(tmp_path, text.getvalue().encode(encoding))

    expected = [
        {key: value for key, value in zip(("name", "city"), pair, strict=True) if value} for pair in values
    ]
    assert [row.attributes for row in rows if isinstance(row, Row)] == expected


@same_folder
@given(st.integers(min_value=0, max_value=12))
def test_skipped_rows_are_the_first_ones(tmp_path: Path, skipped: int) -> None:
    path = tmp_path / "file.csv"
    path.write_text("phone\n" + "".join(f"79{number:09}\n\n" for number in range(10)))

    with Reader(path) as reader:
        phones = [row.phone for row in reader.rows(skip=skipped) if isinstance(row, Row)]

    assert phones == [f"79{number:09}" for number in range(10)][skipped:]
