"""Which characters are in this file, line by line? Memory stays flat, whatever was uploaded.

A line ends at \\n, \\r\\n or \\r. UTF-8 is believed as long as most lines with other than ASCII letters are
UTF-8; then a line that is not is a fault of that line. Otherwise the file is cp1251, Excel's Russian default.
"""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_LINE = 10_000
_CHUNK = 1 << 20
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableError(Exception):
    """The file as a whole cannot be read; `code` says why, `limit` what would have been allowed."""

    def __init__(self, code: str, limit: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.limit = limit


@dataclass(slots=True)
class Line:
    """`text` has no line end; of a line that is too long it holds the beginning."""

    number: int
    text: str
    is_too_long: bool = False

    @property
    def is_misencoded(self) -> bool:
        """Bytes that are not UTF-8 came in as halves of surrogate pairs, which cannot be encoded."""
        if self.text.isascii():
            return False
        try:
            self.text.encode()
        except UnicodeEncodeError:
            return True
        return False

    def as_cp1251(self) -> str:
        """What a misencoded line was most likely meant to be."""
        return self.text.encode(errors="surrogateescape").decode("cp1251", errors="replace")


def open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    """Open for `lines`, in one of the encodings that `encoding_of` finds."""
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    return path.open(encoding=encoding, errors=errors, newline=None)


def lines(file: io.TextIOWrapper) -> Iterator[Line]:
    number = 0
    while text := file.readline(LONGEST_LINE + 1):
        number += 1
        if text.endswith("\n"):
            yield Line(number, text[:-1])
        elif len(text) <= LONGEST_LINE:
            yield Line(number, text)  # the last line, without its end
        else:
            yield Line(number, text, is_too_long=True)
            _skip_line(file)


def _skip_line(file: io.TextIOWrapper) -> None:
    while (rest := file.readline(_CHUNK)) and not rest.endswith("\n"):
        pass


def filled_lines(file: io.TextIOWrapper) -> Iterator[Line]:
    """An empty line is no row."""
    return (line for line in lines(file) if line.is_too_long or line.text.strip())


def encoding_of(path: Path) -> str:
    """Of a file that is not empty."""
    with path.open("rb") as file:
        beginning = file.read(4)
    if beginning.startswith(_UTF_16_MARKS):
        return "utf-16"
    if _is_utf_8(path) or beginning.startswith(codecs.BOM_UTF8) or _is_mostly_utf_8(path):
        return "utf-8-sig"
    return "cp1251"


def _is_utf_8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_mostly_utf_8(path: Path) -> bool:
    """Weighs the lines that hold other than ASCII: Russian text in cp1251 is next to never valid UTF-8."""
    balance = 0
    with path.open(encoding="utf-8", errors="surrogateescape", newline=None) as file:
        for line in lines(file):
            if not line.text.isascii():
                balance += -1 if line.is_misencoded else 1
    return balance > 0
