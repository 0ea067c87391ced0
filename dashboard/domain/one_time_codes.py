"""Which code belongs to this moment, and what takes its place when the authenticator is lost? Pure.

Codes are those of RFC 6238 as every authenticator makes them: six digits of SHA-1, a new one each half minute.
"""

import hmac
import re
import secrets
from datetime import datetime

import pyotp

from .token_hashes import token_hash

STEP_SECONDS = 30
# Clocks differ, and typing takes time: the code before and the one after are as good (RFC 6238, 5.2).
STEPS_AROUND = 1
ISSUER = "Vestnik"
RECOVERY_CODES = 10
# Without letters and digits that are taken for one another; 24 of them hold 118 bits, more than anybody can try,
# so that no slow hash is needed (OWASP ASVS 5.0, 6.5.2: from 112 bits on).
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH, GROUP = 24, 4
CODE = re.compile(r"[0-9]{6}")
BETWEEN = re.compile(r"[\s\u2010-\u2015-]+")


def new_secret() -> str:
    """160 bits, as RFC 4226 recommends, in base 32."""
    return pyotp.random_base32()


def address(secret: str, account: str) -> str:
    """What an authenticator reads from the picture: otpauth://totp/…"""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def step_of(at: datetime) -> int:
    """The number of the half minute since 1970."""
    return int(at.timestamp()) // STEP_SECONDS


def matching_step(secret: str, typed: str, at: datetime, after: int = 0) -> int | None:
    """The half minute around `at`, later than `after`, whose code this is; None: of none of them.

    All are compared, so that the time it takes tells nothing.
    """
    code, now = tidy(typed), step_of(at)
    codes = pyotp.TOTP(secret)
    around = range(now - STEPS_AROUND, now + STEPS_AROUND + 1)
    found = [step for step in around if hmac.compare_digest(codes.generate_otp(step).encode(), code.encode())]
    return next((step for step in found if step > after), None)


def looks_like_code(typed: str) -> bool:
    """Of an authenticator; anything else could be a recovery code."""
    return bool(CODE.fullmatch(tidy(typed)))


def new_recovery_codes() -> list[str]:
    """For people: in groups, with hyphens between them."""
    letters = ("".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES))
    return ["-".join(each[at : at + GROUP] for at in range(0, RECOVERY_LENGTH, GROUP)) for each in letters]


def recovery_hash(typed: str) -> str:
    """What is kept of a recovery code, however it is typed."""
    return token_hash(tidy(typed).lower())


def tidy(typed: str) -> str:
    """Without the spaces and hyphens that are only there to be read more easily."""
    return BETWEEN.sub("", typed)
