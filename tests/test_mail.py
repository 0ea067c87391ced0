"""Do letters reach a real mail server as they were written, safely, and nobody else's address?"""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from dashboard import mail
from dashboard.mail import Letter, MailError, MailServer, address_of
from tests.support.mail_server import Mailbox, mail_server, side

SENDER = "Вестник <vestnik@example.com>"
LETTER = Letter("anna@example.com", "Привет, “Анна”", "Текст: €\n", "<p>Текст: €</p>")


def server_of(mailbox: Mailbox) -> MailServer:
    return MailServer.of(mailbox.url, SENDER)


def test_a_letter_arrives_with_both_its_sides_and_its_letters() -> None:
    with mail_server() as mailbox:
        mail.send(server_of(mailbox), LETTER)

    ((recipients, letter),) = mailbox.taken
    assert recipients == ["anna@example.com"]
    assert letter["Subject"] == LETTER.subject
    assert letter["From"] == "Вестник <vestnik@example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"]
    assert letter["Message-ID"].endswith("@example.com>")
    assert side(letter, "plain").replace("\r\n", "\n") == LETTER.text
    assert side(letter, "html").strip() == LETTER.html


@pytest.mark.parametrize(
    ("change", "permanent"),
    [
        ({"subject": "Hello\r\nBcc: eve@example.com"}, True),
        ({"subject": "Hello\nBcc: eve@example.com"}, True),
        ({"to": "anna@example.com\r\nBcc: eve@example.com"}, True),
        ({"to": "anna@example.com> eve@example.com"}, True),
    ],
)
def test_nothing_that_was_typed_adds_a_header_or_a_recipient(change: dict[str, str], permanent: bool) -> None:
    with mail_server() as mailbox, pytest.raises(MailError) as refusal:
        mail.send(server_of(mailbox), replace(LETTER, **change))

    assert refusal.value.is_permanent is permanent
    assert mailbox.taken == []


def test_a_comma_in_an_address_makes_no_second_recipient() -> None:
    with mail_server() as mailbox:
        mail.send(server_of(mailbox), replace(LETTER, to='"eve,anna"@example.com'))

    assert [len(recipients) for recipients, _letter in mailbox.taken] == [1]


@pytest.mark.parametrize(("answer", "permanent"), [("451 later", False), ("554 never", True)])
def test_a_refusal_says_whether_it_is_for_good_and_nothing_of_the_letter(answer: str, permanent: bool) -> None:
    with mail_server() as mailbox:
        mailbox.reply = lambda _number: f"{answer}: {LETTER.to}"
        with pytest.raises(MailError) as refusal:
            mail.send(server_of(mailbox), LETTER)

    assert refusal.value.is_permanent is permanent
    assert str(refusal.value) == f"smtp_{answer[:3]}"


def test_without_starttls_nothing_is_sent_unless_that_was_asked_for() -> None:
    with mail_server() as mailbox:
        server = MailServer.of(mailbox.url.removesuffix("?starttls=0"), SENDER)
        with pytest.raises(MailError, match="not_supported"):
            mail.send(server, LETTER)

    assert mailbox.asked == 0


def test_starttls_and_login_with_a_certificate_that_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with mail_server(context, require_starttls=True, auth_required=True) as mailbox:
        server = MailServer.of(f"smtp://anna:p%40ss@127.0.0.1:{mailbox.port}", SENDER)
        with pytest.raises(MailError, match="SSL"):
            mail.send(server, LETTER)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        mail.send(server, LETTER)

    assert mailbox.was_safe
    assert mailbox.logins == [("anna", "p@ss")]
    assert "p@ss" not in repr(server)


def test_nobody_there_is_an_error_that_may_pass() -> None:
    with mail_server() as mailbox:
        url = mailbox.url

    with pytest.raises(MailError) as refusal:
        mail.send(MailServer.of(url, SENDER), LETTER)

    assert not refusal.value.is_permanent


@pytest.mark.parametrize("text", ["", "nobody", "@example.com", "a@", "a b@example.com", "<a@example.com\n>"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        address_of(text)


@pytest.mark.parametrize(
    "url", ["http://mail.example.com", "smtp://", "smtp://mail.example.com?tls=1", "smtp://mail.example.com/box"]
)
def test_what_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"no address|option"):
        MailServer.of(url, SENDER)
