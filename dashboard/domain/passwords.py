"""Is this password good enough to be kept, and is it the right one?"""

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import Problem

# Length is what counts; kinds of characters are not asked for (NIST SP 800-63B, 3.1.1.2).
SHORTEST = 12
# Bounds the work one request can ask for.
LONGEST = 256
# The commonest of those that are long enough to pass the first rule, compared without regard to case.
COMMONEST = """
000000000000 111111111111 112233445566 121212121212 123123123123 1234567890-= 123456123456 123456654321
1234567890qwerty 123456789012 1234567890123 123456789abc 123456789qwe 123456789qwerty 123456qwerty
12345678912345 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv abcdefghijkl administrator
administrator1 asdfghjkl123 changeme1234 footballfootball iloveyou1234 letmein12345 passw0rd1234
password1234 password12345 password123456 passwordpassword q1w2e3r4t5y6 qazwsxedcrfv qwerty123456
qwerty1234567 qwertyqwerty qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyuiopasdf superadministrator
welcome12345 йцукенгшщзхъ йцукенйцукен пароль123456 парольпароль
"""
TOO_COMMON = frozenset(COMMONEST.split())

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
    if folded in TOO_COMMON or len(set(folded)) == 1:
        return Problem("password", "password_too_common")
    return None


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
