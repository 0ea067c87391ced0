"""What will this client read? Placeholders and their values; plain replacement, nothing is ever executed."""

import re
from collections.abc import Mapping
from functools import lru_cache

# {{name}}: letters of any alphabet, digits and underscores, as attributes are named; no digit comes first.
PLACEHOLDER = re.compile(r"\{\{\s*([^\W\d]\w{0,31})\s*\}\}")


def placeholders(text: str) -> tuple[str, ...]:
    """The attribute names the text asks for, each once, in order of appearance."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(text)))


def without_placeholders(text: str) -> str:
    """What every client reads, whatever their values."""
    return PLACEHOLDER.sub("", text)


def stray_braces(text: str) -> str | None:
    """The first braces that ask for no attribute, with what follows: a client would read them. None: all do."""
    found = re.search(r"\{\{.{0,32}|\}\}", without_placeholders(text), re.DOTALL)
    return found.group().strip() if found else None


def render(text: str, values: Mapping[str, str] | None) -> str:
    """The text with its placeholders filled in. One pass: a value that looks like a placeholder stays as it is.

    Raises KeyError for a placeholder without a value: the fan-out has skipped such clients.
    """
    if not values:
        return text
    pieces = _pieces(text)
    return "".join([values[piece] if at % 2 else piece for at, piece in enumerate(pieces)])


@lru_cache(maxsize=256)
def _pieces(text: str) -> tuple[str, ...]:
    """What stands between the placeholders, and at the odd places their names."""
    return tuple(PLACEHOLDER.split(text))
