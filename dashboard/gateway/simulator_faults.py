"""What goes wrong at the simulated gateway, for which call?

A fault is decided by (seed, msgId, number of the try), so a run repeats whatever the order of its calls. A
call meets at most one fault: the shares are laid side by side and must not add up to more than 1.

Faults before acceptance: the http_* ones, `wrong_code`, `redirect`, `hang_before`, `reset_before`.
Faults after it, when the message is already in the log: `wrong_json`, `huge_body`, `drip`, `hang_after`,
`reset_after`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

BEFORE_ACCEPTING = (
    "http_400",
    "http_401",
    "http_403",
    "http_429",
    "http_500",
    "http_503",
    "wrong_code",
    "redirect",
    "hang_before",
    "reset_before",
)
AFTER_ACCEPTING = ("wrong_json", "huge_body", "drip", "hang_after", "reset_after")
SHARES = BEFORE_ACCEPTING + AFTER_ACCEPTING


class FaultsError(ValueError):
    """The wished faults make no sense; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Shares of calls, 0 to 1, and how the faults look.

    `latency_ms`: [least, most] before every answer, drawn per call; the message is accepted on arrival.
    `retry_after`: seconds or an HTTP date, sent with http_429 and http_503; "" sends none.
    `first_tries`: only the first so many tries of a msgId meet faults; 0 means every try.
    `phones`: only these phones meet faults; empty means all.
    `outage_seconds`: on being set, all connections are cut and new ones refused for so long.
    """

    http_400: float = 0.0
    http_401: float = 0.0
    http_403: float = 0.0
    http_429: float = 0.0
    http_500: float = 0.0
    http_503: float = 0.0
    wrong_code: float = 0.0
    redirect: float = 0.0
    hang_before: float = 0.0
    reset_before: float = 0.0
    wrong_json: float = 0.0
    huge_body: float = 0.0
    drip: float = 0.0
    hang_after: float = 0.0
    reset_after: float = 0.0
    latency_ms: tuple[float, float] = (0.0, 0.0)
    retry_after: str = ""
    seed: int = 0
    first_tries: int = 0
    phones: frozenset[str] = frozenset()
    outage_seconds: float = 0.0

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises FaultsError. What is not named is off."""
        try:
            wished = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FaultsError("faults must be a JSON object") from error
        if not isinstance(wished, dict):
            raise FaultsError("faults must be a JSON object")
        unknown = sorted(wished.keys() - {field.name for field in fields(cls)})
        if unknown:
            raise FaultsError(f"unknown: {', '.join(unknown)}")
        faults = cls(**{name: _read(name, value) for name, value in wished.items()})
        if sum(faults.shares().values()) > 1.000001:
            raise FaultsError("the shares add up to more than 1")
        return faults

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"latency_ms": list(self.latency_ms), "phones": sorted(self.phones)}

    def shares(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in SHARES if getattr(self, name)}


def _read(name: str, value: Any) -> Any:
    if name in SHARES:
        return _number(name, value, most=1.0)
    if name == "outage_seconds":
        return _number(name, value, most=3600.0)
    if name in ("seed", "first_tries"):
        if type(value) is not int or (name == "first_tries" and value < 0):
            raise FaultsError(f"{name} must be a whole number")
        return value
    if name == "retry_after":
        if isinstance(value, bool) or not isinstance(value, int | float | str) or "\n" in str(value):
            raise FaultsError("retry_after must be a number of seconds or an HTTP date")
        return str(value).strip()
    if not isinstance(value, list):
        raise FaultsError(f"{name} must be a list")
    if name == "phones":
        return frozenset(str(phone) for phone in value)
    if len(value) != 2:
        raise FaultsError("latency_ms must be [least, most]")
    least, most = (_number(name, bound, most=600_000.0) for bound in value)
    return (least, max(least, most))


def _number(name: str, value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise FaultsError(f"{name} must be a number from 0 to {most:g}")
    return float(value)


class Dice:
    """Decides for each call which fault it meets and how late its answer comes."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._shares = faults.shares()
        self._least_ms, self._most_ms = faults.latency_ms

    def latency_seconds(self, message_id: int, attempt: int) -> float:
        if not self._most_ms:
            return 0.0
        spread = self._most_ms - self._least_ms
        return (self._least_ms + spread * self._draw("latency", message_id, attempt)) / 1000

    def fault(self, message_id: int, phone: str, attempt: int) -> str | None:
        """A name of SHARES or None. `attempt` counts from 1."""
        faults = self._faults
        if not self._shares or (faults.first_tries and attempt > faults.first_tries):
            return None
        if faults.phones and phone not in faults.phones:
            return None
        drawn = self._draw("fault", message_id, attempt)
        for name, share in self._shares.items():
            drawn -= share
            if drawn < 0:
                return name
        return None

    def _draw(self, purpose: str, message_id: int, attempt: int) -> float:
        """Evenly spread over [0, 1), always the same for the same arguments."""
        key = f"{self._faults.seed}:{purpose}:{message_id}:{attempt}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=7).digest()) / 2**56
