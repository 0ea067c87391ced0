"""What will this client read? Placeholders and their values; plain replacement, nothing is ever executed."""

import re
from collections.abc import Mapping

# {{name}}: letters of any alphabet, digits and underscores, as attributes are named.
PLACEHOLDER = re.compile(r"\{\{\s*(\w{1,32})\s*\}\}")


def placeholders(text: str) -> tuple[str, ...]:
    """The attribute names the text asks for, each once, in order of appearance."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(text)))


def render(text: str, values: Mapping[str, str] | None) -> str:
    """The text with its placeholders filled in. One pass: a value that looks like a placeholder stays as it is.

    Raises KeyError for a placeholder without a value: the fan-out has skipped such clients.
    """
    if not values:
        return text
    return PLACEHOLDER.sub(lambda match: values[match.group(1)], text)
