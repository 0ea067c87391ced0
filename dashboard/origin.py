"""Where does what is being done come from: a page, a program, a command, or the service itself?

Whoever takes a request or a command in says so; whoever writes down what was done (`domain.audit`) asks. So
nothing in between has to hand it on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from enum import StrEnum


class Via(StrEnum):
    PAGE = "page"
    API = "api"
    COMMAND = "command"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Origin:
    """`ip` and `request_id` of a request; `token_id` of the API token it came with."""

    via: Via = Via.SERVICE
    ip: str | None = None
    request_id: str | None = None
    token_id: int | None = None


_present: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 (it is frozen)


def present() -> Origin:
    return _present.get()


def begin(origin: Origin) -> Token[Origin]:
    """Until `end` is given what this answers."""
    return _present.set(origin)


def end(token: Token[Origin]) -> None:
    _present.reset(token)


def is_api(token_id: int | None) -> None:
    """What has begun turns out to be a program's doing."""
    _present.set(replace(present(), via=Via.API, token_id=token_id))


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    token = begin(origin)
    try:
        yield
    finally:
        end(token)
