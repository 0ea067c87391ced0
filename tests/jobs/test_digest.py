"""Does every administrator learn once how the day went, in their language, whoever sends it and whenever?"""

import re
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import breaker, digest
from dashboard.domain.digest import Missed
from dashboard.domain.mails import Due
from dashboard.gateway import Answer, Call, Verdict
from dashboard.jobs import letters, tasks
from dashboard.models import Digest, Mail, Mailing, Role, User
from tests.factories import make_actor, make_user
from tests.support.apps import quick_passwords, running_app
from tests.support.engine import ScriptedGateway, accepted, add_clients, answer, deliver, fan_out_all, schedule
from tests.support.mail_server import Mailbox, mail_server, side

MOSCOW = ZoneInfo("Europe/Moscow")
LATE = time(23, 59)


RUSSIAN = """\
Здравствуйте, Борис.

На что обратить внимание
- Шлюз отказывал 1 раз: Шлюз перегружен или на обслуживании (HTTP 503).
- Не отправлено из-за ошибок шлюза: 40 % переданных сообщений.
- Неизвестен исход 2 сообщений: решение за человеком.

Сообщения за день
- Отправлено: 10
- Не отправлено. Ошибка внешнего API: 8
- Исход неизвестен: 2

Завершённые рассылки
- Autumn <sale>: отправлено 10 из 20
  https://vestnik.example.com/mailings/1

https://vestnik.example.com

--
Это письмо отправлено автоматически: Vestnik, https://vestnik.example.com."""
# What stands in the HTML, too, where a table says the numbers.
RUSSIAN_LINES = [line.removeprefix("- ") for line in RUSSIAN.splitlines()[:7] if line]


def as_read(text: str) -> str:
    """Which spaces are hard ones, and which end a line, shows nowhere."""
    return "\n".join(line.rstrip() for line in text.replace("\N{NO-BREAK SPACE}", " ").splitlines())


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def reading(any_app: Flask, tmp_path: Path, mailbox: Mailbox) -> Iterator[Flask]:
    """An installation that sends letters, on either database; its day has just ended."""
    settings = any_app.config["SETTINGS"]
    (tmp_path / "more").mkdir()
    with (
        quick_passwords(),
        running_app(
            tmp_path / "more",
            DATABASE_URL=settings.database_url,
            REDIS_URL=settings.redis_url,
            SMTP_URL=mailbox.url,
            MAIL_FROM="vestnik@example.com",
            PUBLIC_URL="https://vestnik.example.com",
            DIGEST_AT="00:00",
        ) as app,
        app.app_context(),
    ):
        yield app


def five_of_ten(call: Call) -> Answer:
    if call.message_id % 10 < 4:
        return answer(call, Verdict.REFUSED, "http_400", http_status=400)
    return answer(call, Verdict.UNCERTAIN, "timeout") if call.message_id % 10 == 4 else accepted(call)


def a_day_with_everything() -> None:
    """Refused, unknown and accepted messages; the breaker opened once."""
    owner = make_actor()
    add_clients(owner, 20)
    fan_out_all(owner, title="Autumn <sale>")
    deliver(ScriptedGateway(five_of_ten))
    breaker.open_("http_503")
    breaker.close()


def test_the_day_is_told_with_all_that_was_unusual(any_context: Flask) -> None:
    a_day_with_everything()
    owner = make_actor()
    now = clock.now()
    add_clients(owner, 1, first=100, tag="late")
    late = schedule(
        owner, title="Late", tags=("late",), starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=9)
    )
    with transaction() as session:
        values = {"starts_at": now - timedelta(hours=3), "launched_at": now - timedelta(hours=5)}
        session.execute(update(Mailing).where(Mailing.id == late).values(**values))
    deliver(ScriptedGateway())
    ends_at = clock.now() + timedelta(minutes=2)
    day, at = ends_at.date(), ends_at.time().replace(second=0, microsecond=0)

    told = digest.of(day, at, UTC, token_expires_at=clock.now() + timedelta(days=3))
    before = digest.of(day - timedelta(days=1), at, UTC)

    assert {name: n for name, n in told.messages.items() if n} == {"sent": 10, "failed": 8, "unknown": 2}
    assert [(each.title, each.total, each.sent, each.failed, each.unknown) for each in told.finished] == [
        ("Autumn <sale>", 20, 10, 8, 2)
    ]
    assert told.failed_share == pytest.approx(0.4)
    assert told.unknown == 2
    assert told.openings == {"http_503": 1}
    assert [(each.title, each.late_minutes // 10, each.waits) for each in told.missed] == [("Late", 18, True)]
    assert (told.token_at is not None, told.token_is_over, told.breaker_open) == (True, False, False)
    assert told.anomalies == 5
    assert (before.finished, before.openings, before.missed) == ([], {}, [])
    assert not any(before.messages.values())


def test_each_administrator_gets_one_letter_in_their_language_from_a_real_server(
    reading: Flask, mailbox: Mailbox
) -> None:
    make_user(Role.ADMINISTRATOR, name="Anna", email="anna@example.com", language="en")
    make_user(Role.ADMINISTRATOR, name="Борис", email="boris@example.com", language="ru")
    make_user(Role.ADMINISTRATOR, email="gone@example.com", is_active=False)
    make_user(Role.OPERATOR, email="operator@example.com")
    a_day_with_everything()
    ends_at = clock.now() + timedelta(seconds=61)
    at = ends_at.time().replace(second=0, microsecond=0)
    told = digest.of(ends_at.date(), at, UTC)
    results: list[bool] = []

    def write() -> None:
        with reading.app_context():
            results.append(digest.write(told, ends_at.date(), ends_at))

    workers = [threading.Thread(target=write) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    tasks.send_mail()

    letters = {recipients[0]: letter for recipients, letter in mailbox.taken}
    assert sorted(results) == [False, True]
    assert len(mailbox.taken) == 2
    assert letters.keys() == {"anna@example.com", "boris@example.com"}
    english = letters["anna@example.com"]
    assert english["Subject"].endswith(": 3 things to look at")
    assert "Autumn <sale>: 10 of 20 sent" in side(english, "plain")
    assert "- The gateway was in trouble 1 time:" in side(english, "plain")
    assert "Autumn &lt;sale&gt;" in side(english, "html")
    assert 'href="https://vestnik.example.com/mailings/' in side(english, "html")
    russian = letters["boris@example.com"]
    assert russian["Subject"].startswith(f"Vestnik, {ends_at.day} ")
    assert russian["Subject"].endswith(" г.: 3 события требуют внимания")
    assert as_read(side(russian, "plain")).strip() == RUSSIAN
    words = as_read(re.sub(r"<[^>]*>", "", side(russian, "html")))
    assert [line for line in RUSSIAN_LINES if line not in words] == []
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 0


def test_a_title_is_text_on_both_sides_the_text_has_no_gaps_and_an_offset_is_a_zone(app_context: Flask) -> None:
    user = make_user(Role.ADMINISTRATOR, language="en", timezone="UTC+03:00")
    told = digest.Digest(
        day="2026-11-22",
        messages={"sent": 1234, "expired": 1},
        finished=[],
        more_finished=0,
        failed_share=None,
        unknown=0,
        missed=[Missed(8, "<b>Late</b>", 184, waits=False)],
        openings={},
        breaker_open=False,
        stopped_at=None,
        token_at="2026-11-25T10:00:00+00:00",
        token_is_over=False,
    )
    params = {"digest": asdict(told) | {"anomalies": told.anomalies}}

    letter = letters.write(Due(1, digest.KIND, user.email, user.id, params, 0))

    assert letter
    assert letter.subject == "Vestnik, November 22, 2026: 2 things to look at"
    assert "- “<b>Late</b>” started 3 hr 4 min late.\n" in letter.text
    assert "- The gateway's token runs out: 25 November 2026, 13:00.\n" in letter.text
    assert "- Sent: 1,234\n- Not sent: outside the client's time: 1\n" in letter.text
    assert "\n\n\n" not in letter.text
    assert "“&lt;b&gt;Late&lt;/b&gt;”" in letter.html
    assert "<b>" not in letter.html


def test_it_is_written_once_a_day_caught_up_after_a_nap_and_not_after_a_long_sleep(app_context: Flask) -> None:
    make_user(Role.ADMINISTRATOR)
    with transaction() as session:
        session.execute(update(User).values(created_at=clock.now() - timedelta(days=9)))
    ended = clock.now() - timedelta(minutes=2)
    napped, slept = clock.now() - timedelta(hours=11), clock.now() - timedelta(hours=13)

    first = digest.write_due(ended.time(), UTC)
    again = digest.write_due(ended.time(), UTC)
    with transaction() as session:
        session.execute(Digest.__table__.delete())
    after_a_nap = digest.write_due(napped.time(), UTC)
    with transaction() as session:
        session.execute(Digest.__table__.delete())
    after_a_sleep = digest.write_due(slept.time(), UTC)

    assert (first, again, after_a_nap, after_a_sleep) == (True, False, True, False)


def test_who_came_after_the_day_is_not_told_of_it(app_context: Flask) -> None:
    make_user(Role.ADMINISTRATOR)

    assert not digest.write_due((clock.now() - timedelta(minutes=2)).time(), UTC)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-22T20:58:59+00:00", "2026-11-21"),
        ("2026-11-22T20:59:00+00:00", "2026-11-22"),
        ("2026-11-23T05:00:00+00:00", "2026-11-22"),
    ],
)
def test_a_day_ends_by_the_clock_of_its_zone(now: str, day: str) -> None:
    assert digest.last_day(datetime.fromisoformat(now), LATE, MOSCOW).isoformat() == day


def test_days_touch_each_other_over_a_change_of_clocks() -> None:
    zone = ZoneInfo("Europe/Berlin")
    days = [datetime(2026, 10, each, tzinfo=UTC).date() for each in (24, 25)]

    lengths = [digest.ends(day, LATE, zone) - digest.ends(day - timedelta(days=1), LATE, zone) for day in days]

    assert lengths == [timedelta(hours=24), timedelta(hours=25)]
