"""What does a real file of clients look like, with the faults that real files have?"""

from dataclasses import dataclass, field
from pathlib import Path

from dashboard.domain.imports import FileLimits
from dashboard.domain.imports.layout import look
from dashboard.domain.imports.mapping import Mapping, guess
from dashboard.domain.imports.rows import BadRow, Row, RowReader
from dashboard.domain.imports.text import filled_lines, open_text

ZONES = ("Europe/Kaliningrad", "Europe/Moscow", "Asia/Omsk", "Asia/Vladivostok", "GMT+3")
TAGS = ("vip", "news", "debtors")
CODES = ("900", "912", "925", "999")
HEADER = "Телефон;Теги;Часовой пояс;name"

# What stands in a bad row, and the code of its problem; the codes' words are the templates'.
BAD_ROWS = (
    ("12345;vip;Europe/Moscow;Короткий", "phone_invalid"),
    (";vip;Europe/Moscow;Без номера", "phone_empty"),
    ("+1 212 555 01 00;vip;Europe/Moscow;Чужой", "phone_not_russian"),
    ("7999000111x;vip;Europe/Moscow;С буквой", "phone_invalid"),
    ("79990001122;vip;Mars/Olympus;Марсианин", "zone_unknown"),
    ('79990001133;"vip;Europe/Moscow;Кавычка', "quote_unclosed"),
    ("79990001144;vip;Europe/Moscow;Имя;лишнее;ещё", "too_many_columns"),
)
# The phone of the first row: whoever comes a second time is bad.
REPEATED = "7 (900) 000-00-00;vip;Europe/Moscow;Дважды"


@dataclass
class ClientFile:
    """The bytes of a CSV in Windows-1251 with semicolons, and what an import must make of it."""

    content: bytes
    good: int
    bad_lines: list[tuple[int, str]] = field(default_factory=list)

    @staticmethod
    def expected(rows: int, tag: str, codes: tuple[str, ...]) -> int:
        """How many good rows bear the tag and one of the codes."""
        return sum(TAGS[n % 3] == tag and CODES[n % 4] in codes for n in range(rows) if n not in bad_numbers(rows))


def bad_numbers(rows: int, bad: int = 25) -> set[int]:
    """Spread over the file, none of them the first row."""
    return {(number + 1) * rows // (bad + 1) for number in range(bad)}


def make_file(rows: int) -> ClientFile:
    """`rows` rows, 25 of them bad, in every notation people use for phones."""
    lines = [HEADER]
    bad_lines: list[tuple[int, str]] = []
    bad = bad_numbers(rows)
    for number in range(rows):
        if number in bad:
            line, code = (*BAD_ROWS, (REPEATED, "duplicate_in_file"))[len(bad_lines) % (len(BAD_ROWS) + 1)]
            bad_lines.append((number + 2, code))
        else:
            line = f"{phone(number)};{TAGS[number % 3]};{ZONES[number % 5]};Клиент {number}"
        lines.append(line)
    return ClientFile("\r\n".join([*lines, ""]).encode("cp1251"), rows - len(bad), bad_lines)


def phone(number: int) -> str:
    code, rest = CODES[number % 4], f"{number:07}"
    notations = (
        f"7{code}{rest}",
        f"8 ({code}) {rest[:3]}-{rest[3:5]}-{rest[5:]}",
        f"+7 {code} {rest[:3]} {rest[3:]}",
    )
    return notations[number % 3]


def rows_of(path: Path, mapping: Mapping | None = None) -> list[Row | BadRow]:
    """The rows of a text file. Without a mapping, its columns are taken for what they are guessed to be.

    Raises UnreadableError.
    """
    layout = look(path, FileLimits(megabytes=64, rows=1_000_000))
    mapping = mapping or guess(layout.rows)
    reader = RowReader(mapping, layout.delimiter, "UTC")
    with open_text(path, layout.encoding) as file:
        lines = filled_lines(file)
        if mapping.has_header:
            next(lines)
        return [reader.row(line) for line in lines]
