"""What does every page look like, in both themes and languages, wide and narrow? `make screenshots` shows it.

Starts an installation of its own in a temporary folder, fills it, and writes PNG files into screenshots/.
"""

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page

from config import ROOT, Settings
from dashboard import clock, create_app
from dashboard.domain import client_bulk, imports
from dashboard.domain.client_bulk import Selection
from dashboard.domain.client_search import ClientFilter
from dashboard.domain.imports import MappingDraft, Upload
from dashboard.domain.permissions import Actor
from dashboard.jobs import queues
from dashboard.models import ClientVerb, KnownPhones, Role, Status
from tests.factories import PASSWORD, make_user
from tests.factories_clients import LIMITS
from tests.support.browser import running_browser
from tests.support.client_files import make_file
from tests.support.engine import add_clients, fan_out_all, messages_of, schedule
from tests.support.installation import Installation

FOLDER = ROOT / "screenshots"
WIDTHS = {"wide": 1280, "narrow": 360}
# Languages of the pictures in each theme: Russian everywhere, English once.
LOOKS = [("light", "ru"), ("dark", "ru"), ("light", "en")]


EMPTY_PAGES = {
    "overview": "/",
    "clients": "/clients",
    "stop-list": "/stop-list",
    "imports": "/imports",
    "mailings": "/mailings",
    "mailing-new": "/mailings/new",
}


@dataclass(frozen=True)
class Look:
    theme: str
    language: str
    width: str

    @property
    def name(self) -> str:
        return f"{self.theme}-{self.language}-{self.width}"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="vestnik-") as folder,
        running_browser() as browser,
        Installation(Path(folder), GATEWAY_CONNECTIONS="2") as installation,
    ):
        take_before_setup(browser, installation)
        pages = fill(installation)
        for (theme, language), width in product(LOOKS, WIDTHS):
            take_all(browser, installation, Look(theme, language, width), pages)
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.name}/")


def take_before_setup(browser: Browser, installation: Installation) -> None:
    """The pages of an installation in which nobody has done anything yet."""
    page = browser.new_page(viewport={"width": WIDTHS["wide"], "height": 900})
    page.goto(installation.setup_link)
    take(page, "setup")
    page.goto(f"{installation.url}/setup/used")
    take(page, "setup-used")


def fill(installation: Installation) -> dict[str, str]:
    """Clients, an import with problems, and mailings in every state; answers the pages to look at."""
    app = create_app(Settings.from_environ(installation.environ))
    with app.app_context():
        owner = Actor(make_user(Role.ADMINISTRATOR, name="busy-ru", language="ru").id, Role.ADMINISTRATOR)
        make_user(Role.ADMINISTRATOR, name="busy-en", language="en")
        for language in ("ru", "en"):
            make_user(Role.OPERATOR, name=f"new-{language}", language=language)
        installation.flask("demo", "--owner", "busy-ru")
        folder = app.config["SETTINGS"].imports_dir
        imported = import_file(owner, folder)
        mapping, checked = (import_file(owner, folder, until) for until in ("mapping", "checked"))
        installation.ask_simulator(
            "PUT",
            "/faults",
            json={"latency_ms": [100, 300], "http_400": 0.02, "http_503": 0.05, "reset_after": 0.01},
        )
        add_clients(
            owner, 20_000, zones=("Europe/Moscow", "Asia/Omsk", "Asia/Tokyo"), tag="regular", first=5_000_000
        )
        changed = list_many(owner)
        running = fan_out_all(owner, title="Осенняя распродажа", text="{{name}}, скидки 20 %!", tags=("regular",))
        tomorrow = clock.now() + timedelta(days=1)
        later = schedule(owner, title="С Новым годом", starts_at=tomorrow, ends_at=tomorrow + timedelta(hours=9))
        queues.work_later()
        clock.sleep(8)
        failed = wait_for_failed(running)
    return {
        "message-failed": f"/messages/{failed}",
        "overview": "/",
        "clients": "/clients",
        "clients-found": "/clients?q=999&tag=vip",
        "clients-none": "/clients?q=0000000000",
        "clients-bulk-tag": "/clients/bulk?verb=add_tag&scope=all&tag=vip",
        "clients-bulk-delete": "/clients/bulk?verb=delete&scope=all&stop=yes",
        "clients-change": f"/clients/bulk/{changed}",
        "stop-list": "/stop-list",
        "stop-list-add": "/stop-list/add",
        "client": "/clients/1",
        "client-edit": "/clients/1/edit",
        "client-new": "/clients/new",
        "imports": "/imports",
        "import": f"/imports/{imported}",
        "import-new": "/imports/new",
        "import-columns": f"/imports/{mapping}/columns",
        "import-checked": f"/imports/{checked}",
        "mailings": "/mailings",
        "mailing-new": "/mailings/new",
        "mailing-running": f"/mailings/{running}",
        "mailing-scheduled": f"/mailings/{later}",
        "mailing-messages": f"/mailings/{running}/messages",
        "mailing-failed": f"/mailings/{running}/messages?status=failed",
        "missing": "/mailings/999999",
    }


def wait_for_failed(mailing_id: int) -> int:
    """Few fail, so it may take a while; the number of the first."""
    while True:
        for message in messages_of(mailing_id):
            if message.status is Status.FAILED:
                return message.id
        clock.sleep(1)


def list_many(owner: Actor) -> int:
    """A change of so many clients that it is done in the background; its number."""
    everybody = Selection(wanted=ClientFilter(timezone="Asia/Tokyo"))
    extent = client_bulk.extent(owner, everybody)
    change_id = client_bulk.begin(owner, ClientVerb.STOP_LIST, everybody, extent)
    queues.change_clients_later(change_id)
    return change_id


def import_file(owner: Actor, folder: Path, until: str = "finished") -> int:
    """Brought up to this state."""
    folder.mkdir(exist_ok=True)
    upload = folder / "upload"
    upload.write_bytes(make_file(1_000).content)
    import_id = imports.begin(owner, Upload(upload, "клиенты осень.csv"), "Europe/Moscow", folder, LIMITS)
    if until != "mapping":
        mapping = imports.columns(owner, import_id).mapping
        imports.map_columns(owner, import_id, MappingDraft(mapping, KnownPhones.UPDATE, "Europe/Moscow"))
        imports.run(import_id, folder, LIMITS)
    if until == "finished":
        imports.start(owner, import_id)
        imports.run(import_id, folder, LIMITS)
    return import_id


def take_all(browser: Browser, installation: Installation, look: Look, pages: dict[str, str]) -> None:
    page = new_page(browser, look)
    page.goto(f"{installation.url}/sign-in")
    take(page, f"sign-in-{look.name}")
    sign_in(page, "busy", look)
    for name, path in pages.items():
        page.goto(installation.url + path)
        take(page, f"{name}-{look.name}")
    for name, path in (
        ("client-refused", "/clients/new"),
        ("mailing-refused", "/mailings/new"),
        ("stop-list-refused", "/stop-list/add"),
    ):
        page.goto(installation.url + path)
        page.locator("main form button[type=submit]").first.click()
        take(page, f"{name}-{look.name}")
    page.context.close()
    take_empty(browser, installation, look)


def take_empty(browser: Browser, installation: Installation, look: Look) -> None:
    """What somebody finds who has just begun."""
    page = new_page(browser, look)
    page.goto(f"{installation.url}/sign-in")
    sign_in(page, "new", look)
    for name, path in EMPTY_PAGES.items():
        page.goto(installation.url + path)
        take(page, f"empty-{name}-{look.name}")
    page.context.close()


def new_page(browser: Browser, look: Look) -> Page:
    context = browser.new_context(
        viewport={"width": WIDTHS[look.width], "height": 900},
        color_scheme="dark" if look.theme == "dark" else "light",
        locale=f"{look.language}-{look.language.upper()}",
    )
    return context.new_page()


def sign_in(page: Page, name: str, look: Look) -> None:
    page.locator("[name=login]").fill(f"{name}-{look.language}")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "sign-in" not in url)


def take(page: Page, name: str) -> None:
    page.wait_for_timeout(300)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
