"""What may a client's row hold? Pure rules, the same for the form, the file and the API."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from .. import phone as phones
from .. import zones
from .errors import Invalid, Problem

TAG_LENGTH, TAGS_PER_CLIENT = 64, 20
CONSENT_SOURCE_LENGTH = 200
ATTRIBUTE_NAME_LENGTH, ATTRIBUTE_LENGTH, ATTRIBUTES_PER_CLIENT = 32, 200, 20
# Between tags in a file's cell and in the form's field, so it cannot stand inside one.
TAG_SEPARATORS = re.compile(r"[,;|]")
ATTRIBUTE_NAME = re.compile(r"[A-Za-zА-Яа-яЁё_][\wА-Яа-яЁё]*")
OPERATOR_CODE = re.compile(r"[0-9]{3}")
# Control characters, line separators, and halves of surrogate pairs, which no database keeps.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ClientDraft:
    """A client as somebody typed it. Without an operator code, the phone's own is taken.

    Consent: by what (a form, a contract), and since when; either may be unknown.
    """

    phone: str
    timezone: str
    operator_code: str | None = None
    tags: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    consent_source: str | None = None
    consent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckedClient:
    """A client as it is kept: every field normalised and within its limits."""

    phone: str
    timezone: str
    operator_code: str
    tags: tuple[str, ...]
    attributes: dict[str, str]
    consent_source: str | None
    consent_at: datetime | None


def check(draft: ClientDraft) -> CheckedClient:
    """Raises Invalid with every problem of every field."""
    problems: list[Problem] = []
    phone, timezone, code = "", "", (draft.operator_code or "").strip()
    try:
        phone = phones.normalise(draft.phone)
    except phones.PhoneError as error:
        problems.append(Problem("phone", error.problem.value))
    try:
        timezone = zones.normalise(draft.timezone)
    except zones.ZoneError as error:
        problems.append(Problem("timezone", error.problem))
    if code and not OPERATOR_CODE.fullmatch(code):
        problems.append(Problem("operator_code", "operator_code_invalid"))
    tags = clean_tags(draft.tags)
    attributes = {name.strip(): value.strip() for name, value in draft.attributes.items() if value.strip()}
    consent_source = (draft.consent_source or "").strip()
    problems += tags_problems(tags) + _attribute_problems(attributes) + _consent_problems(consent_source)
    if problems:
        raise Invalid(problems)
    return CheckedClient(
        phone=phone,
        timezone=timezone,
        operator_code=code or phones.operator_code(phone),
        tags=tags,
        attributes=attributes,
        consent_source=consent_source or None,
        consent_at=draft.consent_at,
    )


def canonical_phone(typed: str, field: str = "phone") -> str:
    """Of one in any notation. Raises Invalid, for the field in which it was typed."""
    try:
        return phones.normalise(typed)
    except phones.PhoneError as error:
        raise Invalid([Problem(field, error.problem.value)]) from None


def clean_tags(names: Iterable[str]) -> tuple[str, ...]:
    """Trimmed, without empty and repeated ones, in the order given."""
    return tuple(dict.fromkeys(name for name in map(str.strip, names) if name))


def tags_fault(tags: tuple[str, ...]) -> str | None:
    """The code of the first fault of a client's cleaned tags."""
    if len(tags) > TAGS_PER_CLIENT:
        return "too_many_tags"
    for tag in tags:
        if len(tag) > TAG_LENGTH:
            return "tag_too_long"
        if TAG_SEPARATORS.search(tag):
            return "tag_separator"
        if UNPRINTABLE.search(tag):
            return "control_characters"
    return None


def is_attribute_name(name: str) -> bool:
    return len(name) <= ATTRIBUTE_NAME_LENGTH and bool(ATTRIBUTE_NAME.fullmatch(name))


def tags_problems(tags: tuple[str, ...], field: str = "tags") -> list[Problem]:
    """What is wrong with cleaned tags, for the field in which they were typed."""
    code = tags_fault(tags)
    limits = {"too_many_tags": TAGS_PER_CLIENT, "tag_too_long": TAG_LENGTH}
    return [Problem(field, code, {"limit": limits[code]} if code in limits else {})] if code else []


def _attribute_problems(attributes: dict[str, str]) -> list[Problem]:
    problems = []
    if len(attributes) > ATTRIBUTES_PER_CLIENT:
        problems.append(Problem("attributes", "too_many_attributes", {"limit": ATTRIBUTES_PER_CLIENT}))
    for name, value in attributes.items():
        if not is_attribute_name(name):
            problems.append(Problem("attributes", "attribute_name_invalid", {"name": name[:64]}))
        elif len(value) > ATTRIBUTE_LENGTH:
            limits: dict[str, str | int] = {"name": name, "limit": ATTRIBUTE_LENGTH}
            problems.append(Problem("attributes", "attribute_too_long", limits))
        elif UNPRINTABLE.search(value):
            problems.append(Problem("attributes", "control_characters", {"name": name}))
    return problems


def _consent_problems(source: str) -> list[Problem]:
    if len(source) > CONSENT_SOURCE_LENGTH:
        return [Problem("consent_source", "consent_source_too_long", {"limit": CONSENT_SOURCE_LENGTH})]
    return [Problem("consent_source", "control_characters")] if UNPRINTABLE.search(source) else []
