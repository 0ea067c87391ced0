"""Does a table leave as a spreadsheet reads it, and harmless?"""

import csv
import io

import pytest
from flask import Flask

from dashboard.web import csv_stream


def read(app: Flask, rows: list[list[object]]) -> list[list[str]]:
    with app.test_request_context():
        text = csv_stream.attachment("x.csv", ["phone", "name"], rows).get_data(as_text=True)
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_row_arrives_as_it_was(app: Flask) -> None:
    row = ["79991234567", 'Anna "A"; B,\nC', None, -5]

    assert read(app, [row]) == [["phone", "name"], ["79991234567", 'Anna "A"; B,\nC', "", "-5"]]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_begins_a_formula(app: Flask, begin: str) -> None:
    value = f"{begin}cmd|' /C calc'!A0"

    assert read(app, [[value]])[1] == [f"'{value}"]


def test_excel_is_told_the_encoding_and_the_name(app: Flask) -> None:
    with app.test_request_context():
        response = csv_stream.attachment("clients.csv", ["имя"], [])

    assert response.get_data().startswith(b"\xef\xbb\xbf")
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"] == "attachment; filename=clients.csv"


def test_a_long_table_is_sent_while_it_is_read(app: Flask) -> None:
    with app.test_request_context():
        read_so_far = []

        def rows():  # type: ignore[no-untyped-def]
            for number in range(20_000):
                read_so_far.append(number)
                yield [str(number), "x" * 20]

        pieces = csv_stream.attachment("x.csv", ["a", "b"], rows()).iter_encoded()
        next(pieces)

        assert 0 < len(read_so_far) < 20_000
