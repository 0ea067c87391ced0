"""How does a letter reach a mail server? SMTP, by TLS, with a text and an HTML side of one content.

Addresses and names become headers only as parsed parts, never as text: nothing that people have typed can add a
header or a recipient.
"""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from . import clock

TIMEOUT_SECONDS = 20.0
# By scheme: where nothing is said of the port.
PORTS = {"smtp": 587, "smtps": 465}


class MailError(Exception):
    """The letter did not go. `is_permanent`: the server will say no the next time, too."""

    def __init__(self, reason: str, *, is_permanent: bool) -> None:
        super().__init__(reason)
        self.is_permanent = is_permanent


@dataclass(frozen=True, slots=True)
class MailServer:
    """`smtps`: TLS from the first byte. `smtp`: STARTTLS, without which nothing is sent, unless `starttls=0`."""

    host: str
    port: int
    is_tls: bool
    starts_tls: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str, sender: str) -> Self:
        """From smtp://USER:PASSWORD@HOST:PORT?starttls=0 and an address like Vestnik <vestnik@example.com>.

        Raises ValueError for what is no such address.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
            raise ValueError("no address of a mail server")
        if options.keys() - {"starttls"} or options.get("starttls", "1") not in ("0", "1"):
            raise ValueError("an unknown option")
        address_of(sender)
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            is_tls=parts.scheme == "smtps",
            starts_tls=parts.scheme == "smtp" and options.get("starttls") != "0",
            sender=sender,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


@dataclass(frozen=True, slots=True)
class Letter:
    to: str
    subject: str
    text: str
    html: str


def address_of(text: str) -> Address:
    """A name and an address, or the address alone. Raises ValueError."""
    name, bracket, rest = text.rpartition("<")
    bare = rest.removesuffix(">").strip() if bracket else text.strip()
    user, at, domain = bare.rpartition("@")
    if not (at and user and domain) or any(not each.isprintable() for each in text) or " " in bare:
        raise ValueError("no e-mail address")
    return Address(display_name=name.strip().strip('"'), username=user, domain=domain)


def send(server: MailServer, letter: Letter) -> None:
    """Hands it to the server, which has taken it when this returns; takes up to a minute. Raises MailError."""
    try:
        message = _message(server, letter)
        with _connected(server) as smtp:
            if server.starts_tls:
                smtp.starttls(context=ssl.create_default_context())
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(message, address_of(server.sender).addr_spec, [letter.to])
    except smtplib.SMTPResponseException as error:
        # What the server writes may repeat the letter's words, so only its number is kept.
        raise MailError(f"smtp_{error.smtp_code}", is_permanent=error.smtp_code >= 500) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _words in error.recipients.values()]
        raise MailError(f"recipient_{max(codes)}", is_permanent=max(codes) >= 500) from None
    except smtplib.SMTPNotSupportedError:
        raise MailError("not_supported", is_permanent=False) from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailError(type(error).__name__, is_permanent=False) from None
    except (ValueError, UnicodeError):
        raise MailError("cannot_be_written", is_permanent=True) from None


def check(server: MailServer) -> None:
    """Does it let us in? Nothing is sent. Raises MailError."""
    try:
        with _connected(server) as smtp:
            if server.starts_tls:
                smtp.starttls(context=ssl.create_default_context())
            if server.user:
                smtp.login(server.user, server.password)
            smtp.noop()
    except smtplib.SMTPResponseException as error:
        raise MailError(f"smtp_{error.smtp_code}", is_permanent=False) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailError(type(error).__name__, is_permanent=False) from None


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.is_tls:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)


def _message(server: MailServer, letter: Letter) -> EmailMessage:
    """Raises ValueError for a subject of several lines."""
    sender = address_of(server.sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = address_of(letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=sender.domain)
    # Whoever is away need not answer a program.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message
