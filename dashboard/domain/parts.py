"""How many parts of SMS does a text take up, and which characters make it dearer? Gateways' bills count these.

GSM-7: 160 characters, 153 in each of several parts; else UCS-2: 70, or 67 (3GPP TS 23.040).
"""

from dataclasses import dataclass
from functools import lru_cache

import smsutil
from smsutil.codecs import GSM_EXT_CHARSET, is_valid_gsm

GSM_ONE, GSM_EACH = 160, 153
UNICODE_ONE, UNICODE_EACH = 70, 67
# More different letters than so many are an alphabet of their own: nobody would replace them.
STRAY_LETTERS = 3


@lru_cache(maxsize=4096)
def count(text: str) -> int:
    """At least 1."""
    return max(1, len(smsutil.split(text).parts))


@dataclass(frozen=True, slots=True)
class Counting:
    """`length` in characters as they are billed, of which `room` fit into this number of parts.

    `forcing`: the characters, each once, without which it would be GSM-7. Empty, too, where a whole alphabet is
    in the way (`is_other_alphabet`). `double`: those that take the place of two.
    """

    parts: int
    length: int
    room: int
    is_unicode: bool
    is_other_alphabet: bool
    forcing: tuple[str, ...]
    double: tuple[str, ...]


def counting(text: str) -> Counting:
    foreign = tuple(dict.fromkeys(letter for letter in text if not is_valid_gsm(letter)))
    is_other_alphabet = sum(letter.isalpha() for letter in foreign) > STRAY_LETTERS
    is_unicode = bool(foreign)
    double = tuple(dict.fromkeys(letter for letter in text if _size(letter, is_unicode) == 2))
    one, each = (UNICODE_ONE, UNICODE_EACH) if is_unicode else (GSM_ONE, GSM_EACH)
    parts = count(text)
    return Counting(
        parts=parts,
        length=sum(_size(letter, is_unicode) for letter in text),
        room=one if parts == 1 else parts * each,
        is_unicode=is_unicode,
        is_other_alphabet=is_other_alphabet,
        forcing=() if is_other_alphabet else foreign,
        double=double,
    )


def _size(letter: str, is_unicode: bool) -> int:
    """UTF-16 needs two units beyond its first plane, GSM-7 an escape before its second table."""
    return 2 if (ord(letter) > 0xFFFF if is_unicode else letter in GSM_EXT_CHARSET) else 1
