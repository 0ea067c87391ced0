"""Is this password good enough to be kept, and is it the right one?"""

import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import Problem

# Length is what counts; kinds of characters are not asked for (NIST SP 800-63B, 3.1.1.2).
SHORTEST = 12
# Bounds the work one request can ask for.
LONGEST = 256
# Those of 12 characters and more, in small letters: the first 3,000 of the known ones that SecLists collects (MIT,
# github.com/danielmiessler/SecLists), and what people type who think in Russian (OWASP ASVS 5.0, 6.2.4).
TOO_COMMON_FILE = Path(__file__).with_name("common_passwords.txt")

# The library's defaults are RFC 9106's profile for machines with little memory.
_hasher = PasswordHasher()


def problem_with(password: str, name: str, email: str) -> Problem | None:
    """Why this password may not be chosen, or None."""
    if len(password) < SHORTEST:
        return Problem("password", "password_too_short", {"shortest": SHORTEST})
    if len(password) > LONGEST:
        return Problem("password", "password_too_long", {"longest": LONGEST})
    folded = password.strip().casefold()
    if folded in {name.strip().casefold(), email.strip().casefold()}:
        return Problem("password", "password_is_name")
    if folded in _too_common() or len(set(folded)) == 1:
        return Problem("password", "password_too_common")
    return None


@cache
def _too_common() -> frozenset[str]:
    return frozenset(TOO_COMMON_FILE.read_text(encoding="utf-8").splitlines())


def hashed(password: str) -> str:
    """Argon2id; takes some 50 ms and 64 MiB by design, so never call it while a transaction is open."""
    return _hasher.hash(_typed(password))


def matches(password: str, password_hash: str | None) -> bool:
    """None stands for an unknown user, '' for one without a password: either takes as long as a wrong password, so
    that time tells nothing."""
    if len(password) > LONGEST:
        password, password_hash = "", None
    try:
        _hasher.verify(password_hash or _nobodys_hash(), _typed(password))
    except (VerificationError, InvalidHashError):
        return False
    return bool(password_hash)


def is_outdated(password_hash: str) -> bool:
    """Made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _typed(password: str) -> str:
    """The same characters, however this keyboard composes them."""
    return unicodedata.normalize("NFKC", password)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash("nobody's password")
