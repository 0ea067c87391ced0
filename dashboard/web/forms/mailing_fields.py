"""How are a mailing's fields read? Texts, times by some clock, choices, whole numbers."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, tzinfo
from typing import Any, TypeVar

from wtforms import SelectField, SelectMultipleField, TextAreaField
from wtforms.fields.core import Field

from ...domain.errors import Problem

Read = TypeVar("Read")

# As <input type="datetime-local"> and <input type="time"> send them, seconds only if there are any.
LOCAL_TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
WALL_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
# Spaces between thousands are what people type and paste.
WHOLE_NUMBER = re.compile(r"[0-9]{1,12}")
SPACES = str.maketrans(dict.fromkeys(" \u00a0\u202f\u2009"))
# More than the domain allows, so that it can say by how much; what nobody types by hand is cut off.
LONGEST_TEXT = 20_000
MOST_CHOICES = 1_000


class TextField(TextAreaField):  # type: ignore[misc]
    """Lines end as the gateway counts them, with one character."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]) if valuelist else ""
        self.data = text.replace("\r\n", "\n").replace("\0", "")[:LONGEST_TEXT]


class ChoicesField(SelectMultipleField):  # type: ignore[misc]
    """Any of many. What was chosen stays on offer, even if the last client who had it is gone."""

    def __init__(self, **bound: Any) -> None:
        super().__init__(choices=[], validate_choice=False, **bound)

    def process_formdata(self, valuelist: list[Any]) -> None:
        values = (str(value).replace("\0", "") for value in valuelist[:MOST_CHOICES])
        self.data = list(dict.fromkeys(value for value in values if value))

    def offer(self, values: list[str]) -> None:
        self.choices = [(value, value) for value in sorted({*values, *(self.data or [])})]


class OneOfField(SelectField):  # type: ignore[misc]
    """One of a few, or none. What cannot be chosen is left to the domain, which says so beside the field."""

    def __init__(self, **bound: Any) -> None:
        super().__init__(choices=[], validate_choice=False, **bound)

    def offer(self, choices: Iterable[tuple[str, str]]) -> None:
        self.choices = list(choices)


def local_text(instant: datetime, zone: tzinfo) -> str:
    return shortest(instant.astimezone(zone).replace(tzinfo=None, microsecond=0).isoformat())


def shortest(text: str) -> str:
    """Without seconds, unless there are any."""
    return text.removesuffix(":00") if text.count(":") == 2 else text


def instant(field: Field, zone: tzinfo, kept: datetime | None) -> datetime | None:
    """Aware UTC. What was not touched stays exactly as it was, be it the second of two equal times."""
    if kept is not None and field.data == local_text(kept, zone):
        return kept
    local = wall(field)
    if local is None:
        return None
    found = local.replace(tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) != local:
        refuse(field, Problem(field.name, "time_skipped"))
        return None
    return found


def wall_time(field: Field) -> time | None:
    return _read(field, WALL_TIME, time.fromisoformat)


def wall(field: Field) -> datetime | None:
    """Naive: what each client's own clock shows. An hour that some of the clocks jump over is theirs to shift."""
    return _read(field, LOCAL_TIME, datetime.fromisoformat)


def _read(field: Field, pattern: re.Pattern[str], parse: Callable[[str], Read]) -> Read | None:
    """None where nothing was typed, or nothing that can be read: then the field says so."""
    typed = field.data or ""
    if not typed:
        return None
    try:
        if pattern.fullmatch(typed):
            return parse(typed)
    except ValueError:
        pass  # of the right shape, but no time: 25:00
    refuse(field, Problem(field.name, "time_invalid"))
    return None


def refuse(field: Field, problem: Problem) -> None:
    field.errors = [*field.errors, problem]


def whole_number(field: Field) -> int | None:
    """None: the field is empty. Which numbers make sense, the domain says."""
    typed = (field.data or "").translate(SPACES)
    if not typed:
        return None
    if WHOLE_NUMBER.fullmatch(typed):
        return int(typed)
    refuse(field, Problem(field.name, "number_invalid"))
    return None
