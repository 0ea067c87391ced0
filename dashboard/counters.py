"""How often was something done within a minute, by whatever key? Pages and API count together.

In Redis for all processes together, and in each process by itself while Redis is away.
"""

import logging
from dataclasses import dataclass
from math import ceil
from typing import Any

from flask import Flask, current_app
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from werkzeug.exceptions import TooManyRequests

from . import clock

logger = logging.getLogger(__name__)

# While Redis is away it is looked for again this often.
LOOK_AGAIN_SECONDS = 5.0
# Wrong passwords for one user, by name or e-mail, on the page and in the API: both together.
SIGN_IN, SIGN_IN_RATE = "sign-in", "5/minute"


@dataclass(frozen=True, slots=True)
class Window:
    limit: int
    left: int
    reset_seconds: int

    @property
    def is_exceeded(self) -> bool:
        return self.left < 0


class Counters:
    """Of all requests, by key."""

    def __init__(self, uri: str, options: dict[str, Any]) -> None:
        shared = storage_from_string(uri, wrap_exceptions=True, **options)
        assert isinstance(shared, Storage)
        self._shared = shared
        self._own: Storage = MemoryStorage()
        self._away_until = 0.0

    def add(self, rate: str, key: str, amount: int) -> Window:
        """`rate`: like 10/minute. `amount` 0 only looks."""
        item = parse(rate)
        if clock.monotonic() >= self._away_until:
            try:
                return _window(self._shared, item, key, amount)
            except StorageError as error:
                self._away_until = clock.monotonic() + LOOK_AGAIN_SECONDS
                logger.warning("requests are counted in this process alone", extra={"error": type(error).__name__})
        return _window(self._own, item, key, amount)


def _window(storage: Storage, item: RateLimitItem, key: str, amount: int) -> Window:
    key = item.key_for("vestnik", key)
    count = storage.incr(key, item.get_expiry(), amount) if amount else storage.get(key)
    ends_in = storage.get_expiry(key) - clock.now().timestamp() if count else item.get_expiry()
    return Window(item.amount, item.amount - count, min(item.get_expiry(), max(1, ceil(ends_in))))


def init_app(app: Flask) -> None:
    """In the store of the pages' limits."""
    app.extensions["counters"] = Counters(
        app.config["RATELIMIT_STORAGE_URI"], app.config["RATELIMIT_STORAGE_OPTIONS"]
    )


def add(rate: str, key: str, amount: int) -> Window:
    """`Counters.add` of the application that is asked."""
    counters: Counters = current_app.extensions["counters"]
    return counters.add(rate, key, amount)


def require_tries(who: str) -> None:
    """May somebody try to sign in as `who` (domain.users.tries_key)? Raises TooManyRequests."""
    window = add(SIGN_IN_RATE, f"{SIGN_IN}:{who}", 0)
    if window.left <= 0:
        raise TooManyRequests(retry_after=window.reset_seconds)


def count_try(who: str) -> None:
    """It was a wrong one."""
    add(SIGN_IN_RATE, f"{SIGN_IN}:{who}", 1)
