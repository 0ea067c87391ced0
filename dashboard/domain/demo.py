"""What does somebody find who only wants to look around? Clients in all Russian zones and a few mailings.

Everything is made by the number of a client alone, and mailings are known by their titles, so that a second time
adds only what is missing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from .. import clock, phone, zones
from ..database import db, insert_or_ignore, transaction
from ..models import Client, Mailing, client_tags
from . import erased, mailings, tags
from .mailing_drafts import MailingDraft
from .permissions import Actor

# Three operators' codes in a row would hide what the filter by code does; nine are spread over all zones.
CODES = tuple(str(code) for code in range(900, 909))
# Numbers 7 9CC 000 NNNN. Russia has set no block aside for examples, as others have: see `add`'s is_safe.
PHONES_OF_A_CODE = 10_000
MOST_CLIENTS = len(CODES) * PHONES_OF_A_CODE
AT_ONCE = 1_000

PLACES = (
    ("Europe/Kaliningrad", "Калининград"),
    ("Europe/Moscow", "Москва"),
    ("Europe/Kirov", "Киров"),
    ("Europe/Volgograd", "Волгоград"),
    ("Europe/Astrakhan", "Астрахань"),
    ("Europe/Saratov", "Саратов"),
    ("Europe/Ulyanovsk", "Ульяновск"),
    ("Europe/Samara", "Самара"),
    ("Asia/Yekaterinburg", "Екатеринбург"),
    ("Asia/Omsk", "Омск"),
    ("Asia/Novosibirsk", "Новосибирск"),
    ("Asia/Barnaul", "Барнаул"),
    ("Asia/Tomsk", "Томск"),
    ("Asia/Novokuznetsk", "Новокузнецк"),
    ("Asia/Krasnoyarsk", "Красноярск"),
    ("Asia/Irkutsk", "Иркутск"),
    ("Asia/Chita", "Чита"),
    ("Asia/Yakutsk", "Якутск"),
    ("Asia/Khandyga", "Хандыга"),
    ("Asia/Vladivostok", "Владивосток"),
    ("Asia/Ust-Nera", "Усть-Нера"),
    ("Asia/Magadan", "Магадан"),
    ("Asia/Sakhalin", "Южно-Сахалинск"),
    ("Asia/Srednekolymsk", "Среднеколымск"),
    ("Asia/Kamchatka", "Петропавловск-Камчатский"),
    ("Asia/Anadyr", "Анадырь"),
)
NAMES = (
    *("Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Захар", "Ирина", "Кирилл", "Лариса"),
    *("Максим", "Нина", "Олег", "Полина", "Роман", "Софья", "Тимур", "Ульяна", "Фёдор", "Юлия", "Ярослав"),
    *("Айгуль", "Рустам", "Нарине", "Гиви", "Оксана", "Айсен", "Сардаана", "Баир", "Émilie", "Jürgen", "John"),
)
# Each tag with the share of clients that bear it: every second one, every tenth …
TAGS = (("news", 2), ("vip", 10), ("birthday", 12), ("debtors", 15), ("north", 7))
# So few have no name on file that a text which greets by name leaves them out, and one sees it.
NAMELESS_EVERY = 97


@dataclass(frozen=True, slots=True)
class Added:
    """What was missing before. `is_started`: a mailing goes out now."""

    clients: int
    mailings: int
    is_started: bool


def add(actor: Actor, count: int, timezone: str, *, is_safe: bool) -> Added:
    """`is_safe`: only the simulator listens. Otherwise every mailing stays a draft: the numbers may be somebody's.

    Tomorrow morning is that of `timezone`.
    """
    added = sum(_add_clients(actor.id, numbers) for numbers in parts(range(min(count, MOST_CLIENTS))))
    missing = _missing_mailings(actor.id, _drafts(clock.now(), timezone))
    for draft, starts in missing:
        if starts and is_safe:
            mailings.launch(actor, draft)
        else:
            mailings.create(actor, draft)
    now = clock.now()
    is_started = is_safe and any(
        starts and draft.starts_at and draft.starts_at <= now for draft, starts in missing
    )
    return Added(added, len(missing), is_started)


def parts(numbers: Iterable[int], at_once: int = AT_ONCE) -> Iterator[list[int]]:
    """Each for one transaction."""
    left = iter(numbers)
    while part := list(islice(left, at_once)):
        yield part


def _add_clients(owner_id: int, numbers: list[int]) -> int:
    """Who is there already, or was and has been deleted, is left as they are."""
    by_phone = {phone_of(number): number for number in numbers}
    with transaction() as session:
        known = session.scalars(
            select(Client.phone).where(Client.owner_id == owner_id, Client.phone.in_(by_phone))
        )
        missing = by_phone.keys() - set(known)
        now = clock.database_now(session)
        write(session, owner_id, [by_phone[each] for each in sorted(missing)], now)
    return len(missing)


def write(session: Session, owner_id: int, numbers: list[int], now: datetime) -> None:
    """Clients of whom nothing is there."""
    if numbers:
        session.execute(insert_or_ignore(Client), [client(owner_id, each, now) for each in numbers])
        finish(session, owner_id, numbers)


def client(owner_id: int, number: int, now: datetime) -> dict[str, Any]:
    """The columns of the client with this number, who is always the same."""
    timezone, city = PLACES[number % len(PLACES)]
    attributes = {"city": city}
    if number % NAMELESS_EVERY:
        attributes["name"] = NAMES[number % len(NAMES)]
    return {
        "owner_id": owner_id,
        "phone": phone_of(number),
        "operator_code": phone.operator_code(phone_of(number)),
        "timezone": timezone,
        "attributes": attributes,
        "created_at": now,
        "updated_at": now,
    }


def phone_of(number: int) -> str:
    """Canonical."""
    return f"7{CODES[number % len(CODES)]}000{number // len(CODES):04}"


def finish(session: Session, owner_id: int, numbers: list[int]) -> None:
    """What clients who are there and bear no tags yet need besides their rows; who was stopped stays stopped."""
    number_by_phone = {phone_of(number): number for number in numbers}
    erased.stop_again(session, number_by_phone)
    ids = tags.ids_by_name(session, owner_id, [name for name, _every in TAGS])
    clients = session.execute(
        select(Client.id, Client.phone).where(Client.owner_id == owner_id, Client.phone.in_(number_by_phone))
    )
    links = [
        {"client_id": client_id, "tag_id": ids[name]}
        for client_id, of_phone in clients
        for name, every in TAGS
        if number_by_phone[of_phone] % every == 0
    ]
    if links:
        session.execute(insert(client_tags), links)


def _drafts(now: datetime, timezone: str) -> list[tuple[MailingDraft, bool]]:
    """Each with whether it shall start by itself."""
    tomorrow = (now.astimezone(zones.zone(timezone)) + timedelta(days=1)).date()
    morning = datetime.combine(tomorrow, time(9), tzinfo=zones.zone(timezone))
    evening = morning + timedelta(hours=12)
    return [
        (
            _draft(
                "Опрос после покупки (черновик)",
                "Понравилась ли вам покупка? Ответьте числом от 1 до 5. Это бесплатно.",
                (morning + timedelta(days=6), evening + timedelta(days=6)),
                tags=("news",),
                codes=CODES[:3],
            ),
            False,
        ),
        (
            _draft(
                "Поздравление с днём рождения",
                "{{name}}, с днём рождения! Дарим скидку 15 % до конца месяца. Ваш «Вестник»",
                (morning, evening + timedelta(days=1)),
                tags=("birthday",),
                window=(time(9), time(21)),
            ),
            True,
        ),
        (
            _draft(
                "Закрытая распродажа для своих",
                "{{name}}, в городе {{city}} сегодня закрытая распродажа. Покажите это сообщение на кассе.",
                (now, now + timedelta(hours=6)),
                tags=("vip",),
            ),
            True,
        ),
    ]


def _draft(
    title: str,
    text: str,
    times: tuple[datetime, datetime],
    tags: tuple[str, ...],
    codes: tuple[str, ...] = (),
    window: tuple[time, time] | None = None,
) -> MailingDraft:
    return MailingDraft(
        title=title,
        text=text,
        starts_at=times[0],
        ends_at=times[1],
        window_from=window and window[0],
        window_to=window and window[1],
        tags=tags,
        operator_codes=codes,
        everybody=False,
    )


def _missing_mailings(owner_id: int, drafts: list[tuple[MailingDraft, bool]]) -> list[tuple[MailingDraft, bool]]:
    titles = [draft.title for draft, _starts in drafts]
    known = set(
        db.session.scalars(select(Mailing.title).where(Mailing.owner_id == owner_id, Mailing.title.in_(titles)))
    )
    return [(draft, starts) for draft, starts in drafts if draft.title not in known]
