"""What do we hand to the gateway room, and what does it hand back?"""

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

# A process may open 1,024 descriptors unless told otherwise; the rest are for the database, Redis and logs.
MOST_CONNECTIONS = 900


class Call(NamedTuple):
    """One message to send. `phone` is eleven digits; `message_id` is the gateway's msgId for every try."""

    message_id: int
    phone: str
    text: str


class Verdict(enum.StrEnum):
    """What an answer means for the message."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"  # surely not accepted; the same message may be tried again later
    REFUSED = "refused"  # this message will never be accepted; others may
    DENIED = "denied"  # the gateway refuses us, not the message
    UNCERTAIN = "uncertain"  # it may have been accepted


class Reason(enum.StrEnum):
    """Why the verdict is what it is. `Answer.reason` is one of these or `http_NNN`, the status answered."""

    OK = "ok"
    # The text never left the house:
    REFUSED_CONNECTION = "refused_connection"
    UNRESOLVED = "unresolved"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    NOT_CONNECTED = "not_connected"
    # The text may have arrived:
    TIMEOUT = "timeout"
    RESET = "reset"
    TOO_LARGE = "too_large"
    REDIRECT = "redirect"
    UNREADABLE = "unreadable"
    WRONG_CODE = "wrong_code"
    ABANDONED = "abandoned"  # we broke the call off; NOT_ACCEPTED if the text had not left yet
    # The gateway knows us no longer (401):
    BAD_TOKEN = "bad_token"


@dataclass(slots=True)  # not frozen: that costs 1.3 µs more, for every call
class Answer:
    """How one call ended; nobody changes it.

    `code` is the gateway's own, if the answer was readable and the number fits 32 bits. `excerpt`: at most
    200 printable characters of the body, never the token. `retry_after`: whole seconds, 1 to 3,600, if the
    gateway asked for a pause.
    """

    message_id: int
    verdict: Verdict
    reason: str
    http_status: int | None
    code: int | None
    excerpt: str
    started_at: datetime
    duration_ms: int
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Where the gateway is, who we are to it, and how we call it.

    `not_accepted`: HTTP statuses which the operator declared to mean "surely not accepted"; they outrank what
    the status means otherwise, and 429 is always one of them. `timeout_seconds` bounds the whole call.
    `ca_file`: the authorities whose certificates we believe; certifi's unless given, for the libcurl that
    comes with pycurl looks for them where only Red Hat's systems keep them. `request_id`, if any, is sent along
    as X-Request-ID, so that both houses can find a call in each other's logs.
    """

    url: str = field(repr=False)
    token: str = field(repr=False)
    not_accepted: frozenset[int] = frozenset({429, 503})
    timeout_seconds: float = 10.0
    connections: int = 64
    ca_file: str = DEFAULT_CA_BUNDLE_PATH
    request_id: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError; the message never shows the address or the token."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the gateway's address must begin with http:// or https:// and name a host")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("the gateway's address must not hold a query, a fragment or a user name")
        if not all("!" <= character <= "~" for character in self.token):
            raise ValueError("the gateway's token must be plain ASCII without spaces")
        if not all("!" <= character <= "~" for character in self.request_id):
            raise ValueError("the name of the request must be plain ASCII without spaces")
        if not 1 <= self.connections <= MOST_CONNECTIONS:
            raise ValueError(f"connections must lie between 1 and {MOST_CONNECTIONS}")
        if not 0 < self.timeout_seconds <= 600:
            raise ValueError("timeout_seconds must be more than 0 and at most 600")

    @property
    def send_url(self) -> str:
        """What a message's id is appended to."""
        return f"{self.url.rstrip('/')}/v1/send/"

    def address_of(self, message_id: int) -> str:
        return f"{self.send_url}{message_id}"
