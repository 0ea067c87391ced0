"""How does Vestnik look in the middle of its work? `make pictures` takes the four pictures of the README anew.

An installation of its own sends in earnest, to the simulator. What takes long in life is written into its books:
the mailings of the last month, and the minutes of one that in truth took seconds.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page
from sqlalchemy import delete, func, insert, select

from config import ROOT
from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import demo, fan_out, imports, limits, mailings, starting, statistics
from dashboard.domain.imports import MappingDraft, Upload
from dashboard.domain.limits import Limits
from dashboard.domain.permissions import Actor
from dashboard.jobs import queues
from dashboard.models import Dimension, HourTally, KnownPhones, Role, State, Status, Tally, TimeBasis
from tests.factories import PASSWORD, make_user
from tests.factories_clients import LIMITS
from tests.support.browser import running_browser
from tests.support.engine import make_draft, schedule, set_mailing
from tests.support.installation import Installation, free_port
from tests.support.stage import backstage, wait_until

FOLDER = ROOT / "docs" / "screenshots"
WIDTH = 1280
HEIGHTS = {"overview": 1110, "mailing": 1000, "mailing-form": 975, "import": 850}
ENGLISH, RUSSIAN = "Анна Соколова", "Ольга Ким"
HOME = ZoneInfo("Europe/Moscow")

# In the file of this month and in that of the one before.
CLIENTS, KNOWN = 12_000, 4_600
TAGS = ("постоянные", "постоянные", "постоянные|VIP", "новые", "постоянные|именинники", "новые|именинники")
BAD_ROWS = (
    "8 (912) 000-12;Марина;Пермь;новые;Asia/Yekaterinburg",
    "+1 212 555 01 00;John;Нью-Йорк;VIP;Europe/Moscow",
    ";Кирилл;Тула;постоянные;Europe/Moscow",
    "7900000O012;Ольга;Омск;новые;Asia/Omsk",
    "8 900 000-00-07;Пётр;Казань;новые;МСК+15",
    "7 (900) 000-00-00;Анна;Калининград;постоянные;Europe/Kaliningrad",
    '7 901 000-55-01;"Ирина;Самара;новые;Europe/Samara',
)
PAST = (
    *("Скидка на осеннюю коллекцию", "Новые часы работы", "Приглашение на дегустацию", "Ваш заказ ждёт"),
    *("Неделя подарков", "Напоминание о бонусах", "Открытие в вашем городе", "Вернитесь за скидкой"),
)
# Messages on the days of a week, from Monday on: hundreds.
A_WEEK = (46, 61, 38, 72, 95, 24, 0)
MINUTES = 16


def main() -> None:
    token, port = "a-token-of-the-simulator", free_port()
    with (
        tempfile.TemporaryDirectory(prefix="vestnik-") as folder,
        running_browser() as browser,
        # As if to a real gateway: without the bar that says that nothing leaves the house.
        Installation(Path(folder), GATEWAY_URL=f"http://127.0.0.1:{port}", GATEWAY_TOKEN=token) as installation,
    ):
        installation.simulator_port, installation.simulator_url = port, f"http://127.0.0.1:{port}"
        simulator = ("gateway", "--port", str(port), "--token", token)
        installation.start_beside("-m", "flask", "--app", "wsgi", *simulator)
        with backstage(installation) as app:
            owner = make_user(Role.ADMINISTRATOR, name=ENGLISH, email="anna@example.com", language="en").actor
            make_user(Role.ADMINISTRATOR, name=RUSSIAN, email="olga@example.com", language="ru", theme="dark")
            folder_of_files = app.config["SETTINGS"].imports_dir
            import_clients(owner, folder_of_files, "клиенты октябрь.csv", KNOWN, former=True)
            imported = import_clients(owner, folder_of_files, "клиенты ноябрь.csv", CLIENTS)
            limits.change(owner, Limits(price_per_part=Decimal("3.20")))
            write_the_past(owner)
            draft = prepare(owner)
            running = send(installation, owner)
        with signed_in(browser, installation, RUSSIAN) as page:
            take(page, installation, "mailing", f"/mailings/{running}")
        with signed_in(browser, installation, ENGLISH) as page:
            take(page, installation, "overview", "/")
            take(page, installation, "import", f"/imports/{imported}")
            take(page, installation, "mailing-form", f"/mailings/{draft}/edit")


def import_clients(owner: Actor, folder: Path, name: str, count: int, former: bool = False) -> int:
    """A file as people have them, with some rows that cannot be taken."""
    folder.mkdir(exist_ok=True)
    upload = folder / "upload"
    upload.write_text(
        "\n".join(["Телефон;name;city;Теги;Часовой пояс", *_rows(count, former)]) + "\n", encoding="cp1251"
    )
    import_id = imports.begin(owner, Upload(upload, name), "Europe/Moscow", folder, LIMITS)
    mapping = imports.columns(owner, import_id).mapping
    imports.map_columns(owner, import_id, MappingDraft(mapping, KnownPhones.UPDATE, "Europe/Moscow"))
    imports.run(import_id, folder, LIMITS)
    imports.start(owner, import_id)
    imports.run(import_id, folder, LIMITS)
    return import_id


def _rows(count: int, former: bool) -> Iterator[str]:
    """Most people live in the west; some have moved since the former file."""
    bad = {613 + 1_627 * number: row for number, row in enumerate(BAD_ROWS)}
    # Nothing of these is in cp1251.
    names = [name for name in demo.NAMES if name.isascii() or ord(name[0]) > 1_000]
    for number in range(count):
        if number in bad:
            yield bad[number]
            continue
        moved = former and number % 13 == 0
        timezone, city = demo.PLACES[0 if moved else 1 if number % 3 else number // 3 % len(demo.PLACES)]
        phone = f"7{demo.CODES[number % len(demo.CODES)]}000{number // len(demo.CODES):04}"
        yield f"{phone};{names[number % len(names)]};{city};{TAGS[number % len(TAGS)]};{timezone}"


def write_the_past(owner: Actor) -> None:
    """A month of mailings that have ended, as the books would have kept them."""
    today, titles = clock.now().astimezone(HOME).date(), cycle(PAST)
    for back in range(29, 0, -1):
        day = today - timedelta(days=back)
        sent = 100 * A_WEEK[day.weekday()] + 37 * (back * 7 % 11)
        if A_WEEK[day.weekday()]:
            failed, late = sent // 60 + (back % 9 == 4) * 900, sent // 35
            _end(owner, next(titles), day, {Status.SENT: sent, Status.FAILED: failed, Status.EXPIRED: late})


def _end(owner: Actor, title: str, day: date, counts: dict[Status, int]) -> None:
    begins = datetime.combine(day, time(11), tzinfo=HOME)
    mailing_id = mailings.create(owner, make_draft(title=title, starts_at=begins, tags=("постоянные",)))
    set_mailing(mailing_id, state=State.FINISHED, started_at=begins, finished_at=begins + timedelta(hours=3))
    of_it: dict[str, Any] = {"mailing_id": mailing_id, "slot": 0}
    hour = f"{begins.astimezone(ZoneInfo('UTC')):%Y-%m-%dT%H}"
    with transaction() as session:
        for status, change in counts.items():
            row = {**of_it, "status": status, "change": change}
            session.execute(insert(HourTally).values(hour=hour, **row))
            session.execute(insert(Tally).values(dimension=Dimension.STATUS, key="", **row))


def prepare(owner: Actor) -> int:
    """What comes next; answers the draft that the form shows."""
    morning = datetime.combine(clock.now().astimezone(HOME).date() + timedelta(days=1), time(9), tzinfo=HOME)
    hours = {"window_from": time(9), "window_to": time(21)}
    birthday = {"title": "С днём рождения!", "text": "{{name}}, поздравляем! Дарим скидку 15 %."}
    schedule(
        owner, **birthday, **hours, starts_at=morning, ends_at=morning + timedelta(days=1), tags=("именинники",)
    )
    friday = morning + timedelta(days=5)
    early = {"title": "Чёрная пятница: ранний доступ", "text": "{{name}}, для вас распродажа уже началась."}
    schedule(owner, **early, **hours, starts_at=friday, ends_at=friday + timedelta(days=1), tags=("VIP",))
    # By each client's own clock: naive.
    begins = morning.replace(tzinfo=None) + timedelta(days=2)
    text = "{{name}}, до воскресенья — скидка 20 % на всё в городе {{city}}. Покажите это сообщение на кассе."
    return mailings.create(
        owner,
        make_draft(
            title="Распродажа выходного дня",
            text=text,
            time_basis=TimeBasis.CLIENT,
            starts_at=None,
            ends_at=None,
            starts_wall=begins,
            ends_wall=begins + timedelta(hours=10),
            tags=("новые", "VIP"),
            **hours,
        ),
    )


def send(installation: Installation, owner: Actor) -> int:
    """One mailing in its midst, another one that waits after its canary; answers the first."""
    faults = {"http_400": 0.004, "http_503": 0.02, "reset_after": 0.002}
    installation.ask_simulator("PUT", "/faults", json={"latency_ms": [20, 60], **faults})
    canary = {
        "title": "Напоминание о записи",
        "text": "{{name}}, ждём вас завтра. Если планы изменились, ответьте 0.",
    }
    schedule(owner, **canary, canary_size=50, tags=("новые",))
    text = "{{name}}, только до воскресенья: скидка 20 % на осеннюю коллекцию. Покажите это сообщение на кассе."
    running = schedule(owner, title="Осенняя распродажа для постоянных", text=text, tags=("постоянные",))
    starting.start_due()
    while fan_out.one_range():
        pass
    queues.work_later()
    wait_until(lambda: _share(running) > 0.58, 240)
    # From here on it goes slowly, so that it is the same in all pictures.
    installation.ask_simulator("PUT", "/faults", json={"latency_ms": [6_000, 8_000], **faults})
    clock.sleep(3)
    _spread_over_minutes(running)
    return running


def _share(mailing_id: int) -> float:
    db.session.rollback()
    counts = statistics.counts(mailing_id)
    return counts[Status.SENT] / sum(counts.values())


def _spread_over_minutes(mailing_id: int) -> None:
    """As if it had been under way for a quarter of an hour."""
    of_it = (Tally.mailing_id == mailing_id, Tally.dimension == Dimension.MINUTE)
    sums = select(Tally.status, func.sum(Tally.change)).where(*of_it).group_by(Tally.status)
    with transaction() as session:
        now = clock.now()
        counts = [(status, count) for status, count in session.execute(sums)]
        session.execute(delete(Tally).where(*of_it))
        for status, count in counts:
            for back, change in enumerate(_shares(count)):
                minute = f"{now - timedelta(minutes=back):%Y-%m-%dT%H:%M}"
                row = {"mailing_id": mailing_id, "dimension": Dimension.MINUTE, "key": minute, "status": status}
                session.execute(insert(Tally).values(**row, slot=0, change=change))
    begun = clock.now() - timedelta(minutes=MINUTES)
    set_mailing(mailing_id, starts_at=begun, started_at=begun, launched_at=begun)


def _shares(count: int) -> list[int]:
    """Of each minute, newest first: a little more, a little less."""
    weights = [20 + back * 13 % 7 for back in range(MINUTES)]
    ends = [count * sum(weights[:back]) // sum(weights) for back in range(MINUTES + 1)]
    return [end - begin for begin, end in zip(ends, ends[1:], strict=False)]


@contextmanager
def signed_in(browser: Browser, installation: Installation, name: str) -> Iterator[Page]:
    context = browser.new_context(color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{installation.url}/sign-in")
    page.locator("[name=login]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    yield page
    context.close()


def take(page: Page, installation: Installation, name: str, path: str) -> None:
    page.set_viewport_size({"width": WIDTH, "height": HEIGHTS[name]})
    page.goto(installation.url + path)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1_500)
    page.screenshot(path=FOLDER / f"{name}.png")
    print(f"{name}: {(FOLDER / f'{name}.png').stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
