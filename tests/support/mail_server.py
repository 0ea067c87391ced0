"""Where do letters go in a test? To a real SMTP server on this machine, which keeps them."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

FINE = "250 taken"


@dataclass
class Mailbox:
    """`taken`: (the envelope's recipients, the letter), in order. `reply`: what the server says to the n-th."""

    port: int = 0
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    asked: int = 0
    was_safe: bool = False
    logins: list[tuple[str, str]] = field(default_factory=list)
    reply: Callable[[int], str] = lambda _number: FINE

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?starttls=0"

    async def handle_DATA(  # noqa: N802  # the server calls it so
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.asked += 1
        answer = self.reply(self.asked)
        if answer.startswith("250"):
            letter = message_from_bytes(bytes(envelope.original_content or b""), policy=policy.default)
            self.taken.append((list(envelope.rcpt_tos), letter))
            self.was_safe = session.ssl is not None
        return answer

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _how: str, login: Any) -> AuthResult:
        self.logins.append((login.login.decode(), login.password.decode()))
        return AuthResult(success=True)


class _AnyPort(Controller):
    """Which port it has been given is known only once it listens; its first look at itself needs it."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Mailbox]:
    mailbox = Mailbox()
    controller = _AnyPort(
        mailbox,
        hostname="127.0.0.1",
        port=0,
        tls_context=tls,
        authenticator=mailbox.authenticate,
        enable_SMTPUTF8=True,
        **options,
    )
    controller.start()
    try:
        mailbox.port = controller.port
        yield mailbox
    finally:
        controller.stop()


def side(letter: EmailMessage, kind: str) -> str:
    """Its text (plain) or its HTML, as it is read."""
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content())
