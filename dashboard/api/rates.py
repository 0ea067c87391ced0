"""How often may one program ask? So many times a minute for each user, and for each address that names none.

What is left is said with every answer, as in draft-ietf-httpapi-ratelimit-headers-06: `RateLimit-Limit`,
`RateLimit-Remaining` and `RateLimit-Reset`, in seconds. (Later drafts put the same into two fields, whose syntax
has changed with each.)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Response, current_app, g, request
from werkzeug.exceptions import TooManyRequests

from config import Settings

from .. import counters
from ..counters import Window

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rate:
    """`text`: like 10/minute. `scope` and `by`: what counts together. `only`: the status that counts, or any."""

    text: Callable[[Settings], str]
    scope: str
    by: Callable[[], str]
    only: int | None = None


def limited(
    rate: str | Callable[[Settings], str],
    *,
    by: Callable[[], str] | None = None,
    only: int | None = None,
    scope: str | None = None,
) -> Callable[[View], View]:
    """A limit beside the one for all: of the view's own, or of all with this `scope`, pages too.

    `only` counts what is answered with this status.
    """
    text = (lambda _settings: rate) if isinstance(rate, str) else rate

    def mark(view: View) -> View:
        name = scope or f"{view.__module__}.{view.__name__}"
        vars(view).setdefault("api_rates", []).append(Rate(text, name, by or _who, only))
        return view

    return mark


def creates(view: View) -> View:
    """So many of each kind may be made: API_CREATE_RATE_LIMIT."""
    return limited(lambda settings: settings.api_create_rate_limit)(view)


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
    return counters.add(rate.text(current_app.config["SETTINGS"]), f"{rate.scope}:{rate.by()}", amount)


def _who() -> str:
    """The address is the one that trusted proxies tell, if any; what others say of themselves does not count."""
    user = g.get("api_user")
    return f"user:{user.id}" if user else f"address:{request.remote_addr}"
