"""What stands in the cells of this line?

A record is one line. RFC 4180 lets a quoted cell run over several lines, but then one forgotten quote
swallows the rest of the file; so a quote still open at the end of its line is a fault of that line alone.
"""

import csv

DELIMITERS = (";", ",", "\t")


class QuoteError(ValueError):
    """`code` says how."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def split(line: str, delimiter: str) -> list[str]:
    """The cells, trimmed. Raises QuoteError."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        (cells,) = csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True)
    except csv.Error:
        # An even number of quotes: all closed, but one stands where none may, as in "the "Rose" shop".
        raise QuoteError("quote_unclosed" if line.count('"') % 2 else "quote_misplaced") from None
    return [cell.strip() for cell in cells]
