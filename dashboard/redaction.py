"""What must no line of the log hold? Phones are masked; tokens, passwords and secret addresses are left out.

The last line of defence: whoever writes a line gives ids, and never a phone, a text or a token. What comes through
all the same, mostly in the words of somebody else's exception, is caught here. A message's text cannot be
recognised, so nobody may log one. The database does not tell its parameters (`hide_parameters`); of an exception
only the first line is kept, and of the database's own exceptions without the values they quote.
"""

import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

# Every notation that `phone.normalise` takes, and a mobile number without its country code.
_GAP = r"[\s ().\-‐-―]{0,3}"
_PHONE = re.compile(
    rf"(?<!\d)(?:(?:\+|%2[Bb])?[78]{_GAP})(\d{{3}}){_GAP}\d{{3}}{_GAP}\d{{2}}{_GAP}(\d{{2}})(?!\d)"
    r"|(?<![\d.:-])(9\d{2})\d{5}(\d{2})(?!\d)"
)
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    # JSON Web Tokens; what stands behind "Bearer"; our own API tokens, webhooks' secrets.
    (re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){1,2}"), "[token]"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s'\",;]+", re.IGNORECASE), r"\1 [token]"),
    (re.compile(r"\b(vst_|whsec_)[\w+/=-]{8,}"), r"\1[token]"),
    # user:password@ in an address, and the parameters that bear secrets.
    (re.compile(r"://[^\s/@]{1,200}@"), "://[password]@"),
    (
        re.compile(
            r"\b(access_token|refresh_token|id_token|token|api_key|key|secret|client_secret|password|passwd|code|state)"
            r"(=|%3[Dd])[^\s&\"']+",
            re.IGNORECASE,
        ),
        r"\1\2[secret]",
    ),
    # Links of one use: /setup/…, and whatever else leads by a long random name.
    (re.compile(r"/(?=[\w-]{0,200}[A-Z0-9])[\w-]{32,200}(?![\w.-])"), "/[token]"),
)
# What a longer message says beyond that nobody reads, and it costs time to look through.
LONGEST = 8_000
# Databases quote names and values alike; a value stands at the end, or is no name.
_DATABASES = frozenset({"psycopg", "sqlalchemy", "sqlite3"})
_QUOTED = re.compile(r'"([^"]*)"')
_NAME = re.compile(r"[\w.]{1,63}")
_PLAIN_ID = re.compile(r"[0-9a-f]{12}|[0-9a-f-]{36}")


class Redactor:
    """Masks what it recognises; `secrets` are this installation's own, known word for word."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        # Whatever is shorter would blot out common words.
        known = sorted({each for each in secrets if len(each) >= 8}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        if len(text) > LONGEST:
            text = text[:LONGEST] + "…"
        if self._secrets:
            text = self._secrets.sub("[secret]", text)
        for pattern, mask in _MASKS:
            text = pattern.sub(mask, text)
        return _PHONE.sub(_masked, text)

    def value(self, value: Any) -> Any:
        """The same for whatever JSON can hold; a number that is a phone becomes a masked text."""
        if isinstance(value, bool) or value is None or isinstance(value, float):
            return value
        if isinstance(value, int):
            return self.text(str(value)) if 70_000_000_000 <= value < 90_000_000_000 else value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(each) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(each) for each in value]
        return self.text(str(value))

    def name(self, name: str) -> str:
        """Of a request: one that we gave is not looked at, as its digits may happen to look like a phone."""
        return name if _PLAIN_ID.fullmatch(name) else self.text(name)

    def exception(self, error: BaseException) -> str:
        """Where it came from, and the first line of what it says; what it came of stands before it."""
        return self.text_of_lines(_told(error, set()))

    def text_of_lines(self, lines: Iterator[str]) -> str:
        return "\n".join(self.text(line) for line in lines)


def _masked(found: re.Match[str]) -> str:
    code, end = (found[1], found[2]) if found[1] else (found[3], found[4])
    return f"7{code}•••••{end}"


def _told(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _told(before, seen)
        yield "It led to:"
    yield "Traceback (most recent call last):"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        if frame.line:
            yield f"    {frame.line}"
    said = str(error).strip().splitlines()
    kind = type(error)
    if said and kind.__module__.partition(".")[0] in _DATABASES:
        said[0] = _QUOTED.sub(_name_alone, said[0])
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    yield f"{name}: {said[0]}" if said else name


def _name_alone(found: re.Match[str]) -> str:
    is_value = found.end() == len(found.string) and found.string[: found.start()].endswith(": ")
    return found[0] if _NAME.fullmatch(found[1]) and not is_value else '"[value]"'
