"""What may a user be called, and what may they prefer? Pure."""

import re
import unicodedata

from .. import zones
from .errors import Problem

LANGUAGES = ("ru", "en")
THEMES = ("auto", "light", "dark")
LONGEST_NAME = 64
LONGEST_EMAIL = 254
# One @ with something on either side and a dot in the domain; whether it exists, only a letter could tell.
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f.]+(\.[^@\s\x00-\x1f\x7f.]+)+")


def tidy(text: str) -> str:
    """Without spaces around it, and single ones between words; PostgreSQL keeps no NUL in a text."""
    return " ".join(text.replace("\0", "").split())


def name_key(name: str) -> str:
    """Names that look alike to a person are one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tidy(name)).casefold())


def problem_with_name(name: str) -> Problem | None:
    if not name:
        return Problem("name", "name_missing")
    if len(name) > LONGEST_NAME or len(name_key(name)) > 2 * LONGEST_NAME:
        return Problem("name", "name_too_long", {"longest": LONGEST_NAME})
    # With an @ it could be somebody else's address, and both are asked for in one field.
    if "@" in name or not name.isprintable():
        return Problem("name", "name_invalid")
    return None


def problem_with_email(email: str) -> Problem | None:
    if not email:
        return Problem("email", "email_missing")
    if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email):
        return Problem("email", "email_invalid")
    return None


def problems_with_preferences(language: str, theme: str, timezone: str) -> list[Problem]:
    found: list[Problem] = []
    if language not in LANGUAGES:
        found.append(Problem("language", "language_unknown"))
    if theme not in THEMES:
        found.append(Problem("theme", "theme_unknown"))
    try:
        zones.normalise(timezone)
    except zones.ZoneError as error:
        found.append(Problem("timezone", error.problem))
    return found
