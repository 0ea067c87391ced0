"""How many parts of SMS does a text take up? Gateways and their bills count these."""

from functools import lru_cache

import smsutil


@lru_cache(maxsize=4096)
def count(text: str) -> int:
    """At least 1. GSM-7: 160 characters, 153 in each of several parts; else UCS-2: 70, or 67 (3GPP TS 23.040)."""
    return max(1, len(smsutil.split(text).parts))
