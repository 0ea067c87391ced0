"""Which column holds what? A guess from names and contents, and what a person may choose instead."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ... import zones
from ..client_rules import ATTRIBUTE_NAME_LENGTH, ATTRIBUTES_PER_CLIENT, is_attribute_name
from ..errors import Problem
from .cells import CellError, phone_of

# Without a name that says so, a column is taken for what this share of its filled cells can be.
MOST_CELLS = 0.6
_SURELY_ZONE = re.compile(r"[A-Za-z]{3}|:")


class Meaning(StrEnum):
    PHONE = "phone"
    TAGS = "tags"
    OPERATOR_CODE = "operator_code"
    TIMEZONE = "timezone"
    CONSENT_SOURCE = "consent_source"
    CONSENT_AT = "consent_at"
    ATTRIBUTE = "attribute"
    IGNORE = "ignore"


# What only one column can be.
SINGLE = frozenset(Meaning) - {Meaning.ATTRIBUTE, Meaning.IGNORE}
# Compared in lower case, with underscores and dashes as spaces and without a dot or colon at the end.
_NAMES = {
    Meaning.PHONE: "phone|phone number|mobile|mobile phone|телефон|номер|номер телефона|тел|мобильный|моб",
    Meaning.TAGS: "tag|tags|тег|теги|метка|метки",
    Meaning.OPERATOR_CODE: "code|operator code|mobile operator code|def|код|код оператора"
    "|код мобильного оператора",
    Meaning.TIMEZONE: "timezone|time zone|tz|часовой пояс|пояс|временная зона|таймзона",
    Meaning.CONSENT_SOURCE: "consent|consent source|согласие|источник согласия",
    Meaning.CONSENT_AT: "consent at|consent date|дата согласия|согласие от",
}
_MEANING_BY_NAME = {name: meaning for meaning, names in _NAMES.items() for name in names.split("|")}


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is the attribute's."""

    meaning: Meaning
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    has_header: bool
    columns: tuple[Column, ...]

    def position(self, meaning: Meaning) -> int | None:
        return next((at for at, column in enumerate(self.columns) if column.meaning is meaning), None)

    def attributes(self) -> list[tuple[str, int]]:
        return [(column.name, at) for at, column in enumerate(self.columns) if column.meaning is Meaning.ATTRIBUTE]

    def as_json(self) -> dict[str, Any]:
        columns = [[column.meaning.value, column.name] for column in self.columns]
        return {"has_header": self.has_header, "columns": columns}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Mapping":
        columns = tuple(Column(Meaning(meaning), name) for meaning, name in kept["columns"])
        return cls(kept["has_header"], columns)


def meaning_of(title: str) -> Meaning | None:
    return _MEANING_BY_NAME.get(" ".join(re.split(r"[\s_\-]+", title.strip(" .:").lower())))


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """A first row with a phone in it is a client already."""
    return not any(map(_is_phone, rows[0]))


def guess(rows: Sequence[Sequence[str]]) -> Mapping:
    """`rows` are the first of the file, as wide as the widest of them."""
    has_header = looks_like_header(rows)
    titles = rows[0] if has_header else [""] * len(rows[0])
    contents = list(zip(*(rows[1:] if has_header else rows), strict=True)) or [()] * len(titles)
    found: list[Meaning | None] = [None] * len(titles)
    for at, title in enumerate(titles):
        _take(found, at, meaning_of(title))
    for meaning, fits in ((Meaning.PHONE, _is_phone), (Meaning.TIMEZONE, _is_zone)):
        for at, cells in enumerate(contents):
            if found[at] is None and _share(map(fits, filter(None, cells))) >= MOST_CELLS:
                _take(found, at, meaning)
    if not has_header and None in found:
        _take(found, found.index(None), Meaning.TAGS)
    return Mapping(has_header, tuple(_columns(titles, found)))


def check(mapping: Mapping, width: int | None = None) -> list[Problem]:
    """What was chosen that cannot be, for a file of so many columns.

    Fields: `columns`, and `meaning_0`, `name_0`, … by the column's position.
    """
    if width is not None and len(mapping.columns) != width:
        return [Problem("columns", "columns_miscounted", {"limit": width})]
    problems = []
    seen: set[Meaning] = set()
    for at, column in enumerate(mapping.columns):
        if column.meaning in SINGLE and column.meaning in seen:
            problems.append(Problem(f"meaning_{at}", "column_repeated"))
        seen.add(column.meaning)
    if Meaning.PHONE not in seen:
        problems.append(Problem("meaning_0", "no_phone_column"))
    return problems + _attribute_problems(mapping)


def _attribute_problems(mapping: Mapping) -> list[Problem]:
    problems = []
    names: set[str] = set()
    for name, at in mapping.attributes():
        if not is_attribute_name(name):
            problems.append(Problem(f"name_{at}", "attribute_name_invalid", {"name": name[:64]}))
        elif name in names:
            problems.append(Problem(f"name_{at}", "attribute_repeated"))
        elif len(names) == ATTRIBUTES_PER_CLIENT:
            problems.append(Problem(f"meaning_{at}", "too_many_attributes", {"limit": ATTRIBUTES_PER_CLIENT}))
        names.add(name)
    return problems


def _take(found: list[Meaning | None], at: int, meaning: Meaning | None) -> None:
    if meaning is not None and meaning not in found:
        found[at] = meaning


def _columns(titles: Sequence[str], found: Sequence[Meaning | None]) -> Iterable[Column]:
    names: set[str] = set()
    for title, meaning in zip(titles, found, strict=True):
        name = attribute_name(title)
        if meaning is not None:
            yield Column(meaning)
        elif is_attribute_name(name) and name not in names and len(names) < ATTRIBUTES_PER_CLIENT:
            names.add(name)
            yield Column(Meaning.ATTRIBUTE, name)
        else:
            yield Column(Meaning.IGNORE)


def attribute_name(title: str) -> str:
    """'Дата рождения' → 'Дата_рождения', '2nd name' → '_2nd_name', 'Имя' → 'Имя'."""
    name = re.sub(r"\W+", "_", title).strip("_")
    return ("_" + name if name[:1].isdigit() else name)[:ATTRIBUTE_NAME_LENGTH]


def _share(verdicts: Iterable[bool]) -> float:
    known = list(verdicts)
    return sum(known) / len(known) if known else 0.0


def _is_phone(cell: str) -> bool:
    try:
        phone_of(cell)
    except CellError:
        return False
    return True


def _is_zone(cell: str) -> bool:
    """`Z`, `+3` or `-10` is a zone where a title says so; by itself it may be anything."""
    try:
        zones.normalise(cell)
    except zones.ZoneError:
        return False
    return bool(_SURELY_ZONE.search(cell))
