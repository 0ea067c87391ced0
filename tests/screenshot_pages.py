"""Which pages and states are there to take pictures of? An installation with something of everything in it."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from flask import Flask
from sqlalchemy import update

from dashboard import clock
from dashboard.api import is_ours
from dashboard.database import transaction
from dashboard.domain import api_tokens, client_bulk, imports, limits, mailings, registration
from dashboard.domain.client_bulk import Selection
from dashboard.domain.client_search import ClientFilter
from dashboard.domain.imports import MappingDraft, Upload
from dashboard.domain.limits import Limits
from dashboard.domain.permissions import Actor
from dashboard.domain.registration import Registration
from dashboard.domain.webhooks import endpoints
from dashboard.jobs import queues
from dashboard.models import ClientVerb, Import, ImportState, KnownPhones, Role, Scope, State, Status
from dashboard.web.access import page_marks_of
from tests.factories import PASSWORD, make_user
from tests.factories_clients import LIMITS
from tests.support.client_files import make_file
from tests.support.engine import add_clients, fan_out_all, make_draft, messages_of, schedule, state_of
from tests.support.installation import Installation
from tests.support.stage import backstage, wait_until
from tests.support.webhooks import add_endpoint

LANGUAGES = ("ru", "en")
EMPTY_PAGES = {
    "overview": "/",
    "clients": "/clients",
    "stop-list": "/stop-list",
    "imports": "/imports",
    "mailings": "/mailings",
    "mailing-new": "/mailings/new",
    "message-new": "/messages/new",
    "unknown": "/unknown",
    "webhooks": "/webhooks",
    "tokens": "/api-tokens",
    "forbidden": "/limits",
}
# What answers to GET and is no page of its own; neither is what an open page asks for again and again.
PARTS = {
    *("static", "health.alive", "health.ready", "metrics.show", "auth.setup", "auth.sign_in", "brakes.running"),
    # Before one is in, or with a second factor only; tests/support/every_page.py goes there.
    *("second_step.code", "second_step.set_up", "second_factor.renew", "second_factor.switch_off"),
    *("provider.begin", "provider.callback", "provider.signed_out"),
    *("passwords.follow", "clients.export", "imports.problems", "mailings.messages_csv", "stop_list.export"),
    *("mailings.cautions", "audit.export", "api_docs.swagger", "api_docs.redoc"),
}
FEW = ("few",)
OF_SECOND_FACTORS = {
    "second-factor": "/profile/second-factor",
    "second-factor-set-up": "/profile/second-factor/set-up",
    "second-factor-rule": "/second-factor-rule",
}
OF_ADMINISTRATORS = {
    "administration": "/administration",
    "audit": "/audit",
    "audit-none": "/audit?number=7777777",
    "erase": "/erase",
}


def fill(installation: Installation) -> dict[str, str]:
    """Clients, imports and mailings in every state; answers the pages to look at."""
    with backstage(installation) as app:
        owner = Actor(make_user(Role.ADMINISTRATOR, name="busy-ru", language="ru").id, Role.ADMINISTRATOR)
        make_user(Role.ADMINISTRATOR, name="busy-en", language="en")
        for language in LANGUAGES:
            make_user(Role.OPERATOR, name=f"new-{language}", language=language)
        installation.flask("demo", "--owner", "busy-ru")
        faults = {"http_400": 0.02, "http_503": 0.05, "reset_after": 0.01}
        installation.ask_simulator("PUT", "/faults", json={"latency_ms": [100, 300], **faults})
        pages = {
            **of_imports(owner, app.config["SETTINGS"].imports_dir),
            **of_clients(owner),
            **of_mailings(owner),
            **of_webhooks(owner),
            **of_tokens(owner),
            **OF_SECOND_FACTORS,
            **of_users(),
            **OF_ADMINISTRATORS,
        }
        unseen = pages_unseen(app, pages)
    assert not unseen, f"no picture shows {unseen}"
    return pages


def of_tokens(owner: Actor) -> dict[str, str]:
    for name, scopes in (("CRM", [Scope.READ, Scope.WRITE]), ("Касса на Лесной", list(Scope))):
        api_tokens.make(owner, name, scopes)
    return {"tokens": "/api-tokens", "tokens-everybody": "/api-tokens/everybody", "token-new": "/api-tokens/new"}


def of_users() -> dict[str, str]:
    waiting = registration.register(
        Registration("Света", "sveta@example.com", PASSWORD, "ru", "Asia/Omsk"), registration.Policy.APPROVAL
    )
    active = make_user(Role.OPERATOR, name="Олег")
    return {
        "users": "/users",
        "user-new": "/users/new",
        "user": f"/users/{active.id}",
        "user-waiting": f"/users/{waiting.id}",
        "user-delete": f"/users/{active.id}/delete",
        "profile": "/profile",
        "test-data": "/test-data",
        "register": "/register",
        "password-forgotten": "/password/forgotten",
        "password-used": "/password/new",
    }


def of_imports(owner: Actor, folder: Path) -> dict[str, str]:
    mapping, checked, running, finished, failed = (
        import_file(owner, folder, until) for until in ("mapping", "checked", "running", "finished", "failed")
    )
    return {
        "imports": "/imports",
        "import": f"/imports/{finished}",
        "import-new": "/imports/new",
        "import-file": f"/imports/{mapping}/file",
        "import-columns": f"/imports/{mapping}/columns",
        "import-checked": f"/imports/{checked}",
        "import-running": f"/imports/{running}",
        "import-failed": f"/imports/{failed}",
    }


def import_file(owner: Actor, folder: Path, until: str) -> int:
    """Brought up to this state."""
    folder.mkdir(exist_ok=True)
    upload = folder / "upload"
    upload.write_bytes(make_file(1_000).content)
    import_id = imports.begin(owner, Upload(upload, "клиенты осень.csv"), "Europe/Moscow", folder, LIMITS)
    if until == "mapping":
        return import_id
    mapping = imports.columns(owner, import_id).mapping
    imports.map_columns(owner, import_id, MappingDraft(mapping, KnownPhones.UPDATE, "Europe/Moscow"))
    if until == "failed":
        (folder / str(import_id)).unlink()
    imports.run(import_id, folder, LIMITS)
    if until in ("running", "finished"):
        imports.start(owner, import_id)
    if until == "running":
        hold_in_its_midst(import_id)
    if until == "finished":
        imports.run(import_id, folder, LIMITS)
    return import_id


def hold_in_its_midst(import_id: int) -> None:
    """As if a worker had it in hand, which no other one takes from it."""
    now = clock.now()
    held = {"lease_token": "x" * 32, "lease_until": now + timedelta(hours=2), "started_at": now}
    reached = {"state": ImportState.RUNNING, "rows_read": 430, "created": 412}
    with transaction() as session:
        session.execute(update(Import).where(Import.id == import_id).values(**reached, **held))


def of_clients(owner: Actor) -> dict[str, str]:
    add_clients(owner, 20_000, zones=("Europe/Moscow", "Asia/Omsk", "Asia/Tokyo"), tag="regular", first=5_000_000)
    add_clients(owner, 30, tag=FEW[0], first=6_000_000)
    return {
        "clients": "/clients",
        "clients-found": "/clients?q=999&tag=vip",
        "clients-few": "/clients?tag=few",
        "clients-none": "/clients?q=0000000000",
        "clients-bulk-tag": "/clients/bulk?verb=add_tag&scope=all&tag=vip",
        "clients-bulk-delete": "/clients/bulk?verb=delete&scope=all&stop=yes",
        "clients-change": f"/clients/bulk/{list_many(owner)}",
        "stop-list": "/stop-list",
        "stop-list-add": "/stop-list/add",
        "client": "/clients/1",
        "client-edit": "/clients/1/edit",
        "client-story": "/clients/1/story",
        "client-new": "/clients/new",
    }


def list_many(owner: Actor) -> int:
    """A change of so many clients that it is done in the background; its number."""
    everybody = Selection(wanted=ClientFilter(timezone="Asia/Tokyo"))
    extent = client_bulk.extent(owner, everybody)
    change_id = client_bulk.begin(owner, ClientVerb.STOP_LIST, everybody, extent)
    queues.change_clients_later(change_id)
    return change_id


def of_mailings(owner: Actor) -> dict[str, str]:
    finished = fan_out_all(owner, title="Приглашение на открытие", text="{{name}}, приходите!", tags=FEW)
    canary = fan_out_all(owner, title="Пробная партия", text="{{name}}, добрый день!", tags=FEW, canary_size=5)
    queues.work_later()
    wait_until(lambda: (state_of(finished), state_of(canary)) == (State.FINISHED, State.PAUSED), 60)
    running = fan_out_all(owner, title="Осенняя распродажа", text="{{name}}, скидки 20 %!", tags=("regular",))
    cancelled, paused = (
        fan_out_all(owner, title="Напоминание", text="{{name}}, ждём вас завтра", tags=FEW) for _each in range(2)
    )
    mailings.cancel(owner, cancelled)
    mailings.pause(owner, paused)
    scheduled, asking, draft = prepared(owner)
    # The first ones may have left before the pause.
    waiting = messages_of(paused)[-1].id
    queues.work_later()
    clock.sleep(8)
    failed = wait_for_failed(running)
    return {
        "overview": "/",
        "mailings": "/mailings",
        "mailings-searched": f"/mailings?q={quote('осен')}",
        "mailings-none": f"/mailings?q={quote('зима')}",
        "mailing-new": "/mailings/new",
        "mailing-edit": f"/mailings/{draft}/edit",
        "mailing-draft": f"/mailings/{draft}",
        "mailing-scheduled": f"/mailings/{scheduled}",
        "mailing-asks": f"/mailings/{asking}",
        "mailing-running": f"/mailings/{running}",
        "mailing-canary": f"/mailings/{canary}",
        "mailing-paused": f"/mailings/{paused}",
        "mailing-finished": f"/mailings/{finished}",
        "mailing-cancelled": f"/mailings/{cancelled}",
        "mailing-messages": f"/mailings/{running}/messages",
        "mailing-messages-few": f"/mailings/{finished}/messages",
        "mailing-failed": f"/mailings/{running}/messages?status=failed",
        "mailing-limits": f"/mailings/{running}/limits",
        "mailing-resend": f"/mailings/{running}/resend",
        "message-failed": f"/messages/{failed}",
        "message-story": f"/messages/{failed}/story",
        "message-waiting": f"/messages/{waiting}",
        "mailing-story": f"/mailings/{running}/story",
        "message-text": f"/messages/{waiting}/edit",
        "message-new": f"/messages/new?mailing={running}",
        "unknown": "/unknown",
        "unknown-none": "/unknown?reason=nonsense",
        "unknown-send-again": "/unknown/decide?all=resend",
        "unknown-take-for-sent": "/unknown/decide?all=accept",
        "limits": "/limits",
        "missing": "/mailings/999999",
    }


def prepared(owner: Actor) -> tuple[int, int, int]:
    """One that is scheduled, one that waits for a second person, and a draft with all limits."""
    tomorrow = clock.now() + timedelta(days=1)
    times = {"starts_at": tomorrow, "ends_at": tomorrow + timedelta(hours=9)}
    scheduled = schedule(owner, title="С Новым годом", **times)
    limits.change(owner, Limits(approval_above=10_000))
    asking = schedule(owner, title="Чёрная пятница", tags=("regular",), **times)
    limited = {"rate_limit": 5, "canary_size": 50, "budget_parts": 2_000, "excluded_tags": ("vip",)}
    text = "{{name}} — скидки 20 % только сегодня!"
    draft = mailings.create(owner, make_draft(title="Весна", text=text, tags=("regular",), **limited))
    return scheduled, asking, draft


def of_webhooks(owner: Actor) -> dict[str, str]:
    """Everybody has their own: to the other person, those of the owner are not there."""
    webhook_id, _secret = add_endpoint(owner, description="CRM")
    for _ in range(3):
        endpoints.ping(owner, webhook_id)
    return {
        "webhooks": "/webhooks",
        "webhook-new": "/webhooks/new",
        "webhook": f"/webhooks/{webhook_id}",
        "webhook-edit": f"/webhooks/{webhook_id}/edit",
    }


def wait_for_failed(mailing_id: int) -> int:
    """Few fail, so it may take a while; the number of the first."""
    while True:
        for message in messages_of(mailing_id):
            if message.status is Status.FAILED:
                return message.id
        clock.sleep(1)


def pages_unseen(app: Flask, pages: dict[str, str]) -> set[str]:
    """Endpoints of pages of which there is no picture."""
    addresses = app.url_map.bind("localhost")
    seen = {addresses.match(path.partition("?")[0])[0] for path in pages.values()}
    rules = [rule for rule in app.url_map.iter_rules() if not is_ours(rule.rule)]
    wanted = {rule.endpoint for rule in rules if "GET" in (rule.methods or ())}
    polls = {endpoint for endpoint, view in app.view_functions.items() if page_marks_of(view).is_poll}
    return wanted - PARTS - polls - seen
