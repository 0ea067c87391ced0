"""Which number did they mean? Every notation people use becomes `7XXXXXXXXXX`."""

import re
from enum import StrEnum

CANONICAL = re.compile(r"7[0-9]{10}")
# What people put between digits: spaces (also the no-break ones), dashes, brackets, dots.
SEPARATORS = re.compile(r"[\s\u00a0\u202f().\-\u2010-\u2015]+")
# Longer input cannot be a number with separators; it is refused before any pattern walks over it.
LONGEST_INPUT = 40


class PhoneProblem(StrEnum):
    EMPTY = "phone_empty"
    INVALID = "phone_invalid"
    NOT_RUSSIAN = "phone_not_russian"


class PhoneError(ValueError):
    """The text is no phone we can send to; `problem` says why."""

    def __init__(self, problem: PhoneProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def normalise(text: str) -> str:
    """'8 (999) 123-45-67', '+7 999…', '79991234567' → '79991234567'. Raises PhoneError.

    Ten digits beginning with 9 are a mobile number without its country code, and are taken as such.
    """
    if CANONICAL.fullmatch(text):
        return text
    if len(text) > LONGEST_INPUT:
        raise PhoneError(PhoneProblem.INVALID)
    bare = SEPARATORS.sub("", text)
    if not bare:
        raise PhoneError(PhoneProblem.EMPTY)
    digits = bare.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise PhoneError(PhoneProblem.INVALID)
    if bare.startswith("+") and not digits.startswith("7"):
        raise PhoneError(PhoneProblem.NOT_RUSSIAN)
    return _with_country_code(digits)


def _with_country_code(digits: str) -> str:
    if len(digits) == 10 and digits.startswith("9"):
        return "7" + digits
    if len(digits) != 11:
        raise PhoneError(PhoneProblem.INVALID)
    if digits[0] not in "78":
        raise PhoneError(PhoneProblem.NOT_RUSSIAN)
    return "7" + digits[1:]


def operator_code(phone: str) -> str:
    """The DEF code: digits 2 to 4 of the canonical form."""
    return phone[1:4]
