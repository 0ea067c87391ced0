"""How often may one program ask? So many times a minute for each user, and for each address that names none.

Counted in Redis for all processes together, and in each process by itself while Redis is away. What is left is
said with every answer, as in draft-ietf-httpapi-ratelimit-headers-06: `RateLimit-Limit`, `RateLimit-Remaining` and
`RateLimit-Reset`, in seconds. (Later drafts put the same into two fields, whose syntax has changed with each.)
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from werkzeug.exceptions import TooManyRequests

from config import Settings

from .. import clock

logger = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])

# While Redis is away it is looked for again this often.
LOOK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rate:
    """`text`: like 10/minute. `scope` and `by`: what counts together. `only`: the status that counts, or any."""

    text: Callable[[Settings], str]
    scope: str
    by: Callable[[], str]
    only: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    limit: int
    left: int
    reset_seconds: int

    @property
    def is_exceeded(self) -> bool:
        return self.left < 0


def limited(
    rate: str | Callable[[Settings], str], *, by: Callable[[], str] | None = None, only: int | None = None
) -> Callable[[View], View]:
    """A limit of the view's own, beside the one for all. `only` counts what is answered with this status."""
    text = (lambda _settings: rate) if isinstance(rate, str) else rate

    def mark(view: View) -> View:
        name = f"{view.__module__}.{view.__name__}"
        vars(view).setdefault("api_rates", []).append(Rate(text, name, by or _who, only))
        return view

    return mark


def creates(view: View) -> View:
    """It weighs more than other requests: API_CREATE_RATE_LIMIT."""
    return limited(lambda settings: settings.api_create_rate_limit)(view)


class Counters:
    """Of all requests, by key."""

    def __init__(self, uri: str, options: dict[str, Any]) -> None:
        shared = storage_from_string(uri, wrap_exceptions=True, **options)
        assert isinstance(shared, Storage)
        self._shared = shared
        self._own: Storage = MemoryStorage()
        self._away_until = 0.0

    def add(self, item: RateLimitItem, key: str, amount: int) -> Window:
        """`amount` 0 only looks."""
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
    app.extensions["api_rates"] = Counters(
        app.config["RATELIMIT_STORAGE_URI"], app.config["RATELIMIT_STORAGE_OPTIONS"]
    )


def begin() -> None:
    """Once it is known who asks. Raises TooManyRequests."""
    g.api_windows = []
    for rate in _rates():
        window = _count(rate, 0 if rate.only else 1)
        g.api_windows.append(window)
        if window.is_exceeded or (rate.only and window.left == 0):
            raise TooManyRequests(retry_after=window.reset_seconds)


def end(response: Response) -> Response:
    """The narrowest window is told."""
    windows = g.pop("api_windows", [])
    for rate in _rates() if response.status_code != 429 else ():
        if rate.only == response.status_code:
            windows.append(_count(rate, 1))
    if windows:
        narrowest = min(windows, key=lambda window: window.left)
        response.headers["RateLimit-Limit"] = str(narrowest.limit)
        response.headers["RateLimit-Remaining"] = str(max(0, narrowest.left))
        response.headers["RateLimit-Reset"] = str(narrowest.reset_seconds)
    return response


def _rates() -> Iterator[Rate]:
    yield Rate(lambda settings: settings.api_rate_limit, "all", _who)
    view = current_app.view_functions.get(request.endpoint or "")
    yield from getattr(view, "api_rates", ())


def _count(rate: Rate, amount: int) -> Window:
    counters: Counters = current_app.extensions["api_rates"]
    item = parse(rate.text(current_app.config["SETTINGS"]))
    return counters.add(item, f"{rate.scope}:{rate.by()}", amount)


def _who() -> str:
    """The address is the one that trusted proxies tell, if any; what others say of themselves does not count."""
    user = g.get("api_user")
    return f"user:{user.id}" if user else f"address:{request.remote_addr}"
