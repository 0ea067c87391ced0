"""What does every page say once much has happened? In one language, the words of its people too."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from dashboard import clock
from dashboard.api import is_ours
from dashboard.database import db, transaction
from dashboard.domain import (
    api_tokens,
    brakes,
    breaker,
    client_bulk,
    client_bulk_running,
    form_drafts,
    handing_over,
    imports,
    mailings,
    registration,
    setup_links,
    stop_list,
    trials,
    user_administration,
    users,
)
from dashboard.domain.client_bulk import Selection
from dashboard.domain.imports import MappingDraft, Upload
from dashboard.domain.permissions import Actor
from dashboard.domain.registration import Registration
from dashboard.domain.user_administration import UserDraft
from dashboard.domain.webhooks import endpoints
from dashboard.domain.webhooks.posting import Ending
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import (
    ApiToken,
    Client,
    ClientChange,
    ClientVerb,
    DeliveryState,
    Import,
    KnownPhones,
    Mailing,
    Message,
    OffReason,
    Requirement,
    Role,
    Scope,
    Service,
    Trial,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from dashboard.web.context import LANGUAGE_COOKIE
from tests.factories import PASSWORD, make_user, sign_in
from tests.factories_clients import LIMITS
from tests.support.authenticator import switch_on
from tests.support.engine import ScriptedGateway, accepted, add_clients, answer, deliver, fan_out_all, make_draft
from tests.support.webhooks import add_endpoint, set_endpoint

# No page: what browsers and machines fetch. The exports name their columns as an import does. Nor those for
# programmers, which speak English as the API's description does.
NOT_READ = {
    *("api_docs.swagger", "api_docs.redoc"),
    *("static", "health.alive", "health.ready", "metrics.show"),
    *("mailings.chart", "overview.days", "clients.export", "stop_list.export", "audit.export"),
}
# What looks different to somebody who owns nothing.
EMPTY_PAGES = (
    *("/", "/clients", "/stop-list", "/imports", "/mailings", "/mailings?state=paused", "/mailings/new"),
    *("/messages/new", "/unknown", "/api-tokens", "/webhooks", "/profile/second-factor"),
    "/profile/second-factor/set-up",
)
# What is seen without signing in.
STRANGERS = ("/sign-in", "/register", "/password/forgotten", "/password/new", "/setup/used", "/nowhere")
# With these the lists are seen in their other forms, too.
QUERIES = {
    "audit.index": ("", "?thing=mailing", "?verb=user.sign_in", "?number=7777777"),
    "clients.index": ("", "?q=9999999999", "?tag=0&code=900", "?stop=yes&sort=oldest", "?q=900"),
    "clients.bulk": tuple(f"?scope=all&stop=no&code=900&verb={verb}" for verb in ClientVerb),
    "stop_list.index": ("", "?q=0000"),
    "mailings.index": ("", "?state=paused", "?state=finished", "?q=7777777"),
    "mailings.new": ("", f"?form={'0' * 32}"),
    "single_messages.new": ("", "?client=1", "?mailing=1", "?client=2&mailing=2"),
    "unknowns.index": ("", "?reason=timeout", "?reason=nonsense"),
    "unknowns.ask": ("", "?all=resend", "?all=accept", "?all=accept&reason=nonsense"),
    "users.index": ("", "?state=waiting", "?q=7777777"),
    "mailings.messages": ("", "?status=failed&reason=http_400", "?status=expired", "?zone=Asia/Omsk&phone=9"),
}
IDS = {
    "change_id": ClientChange.id,
    "client_id": Client.id,
    "import_id": Import.id,
    "mailing_id": Mailing.id,
    "message_id": Message.id,
    "token_id": ApiToken.id,
    "trial_id": Trial.id,
    "user_id": User.id,
    "webhook_id": WebhookEndpoint.id,
    "delivery_id": WebhookDelivery.id,
}
# Digits and zones only: what people write themselves is in no language here.
FILE = b"1;2\n12345;\n;\n79990001122;Mars/Olympus\n79990001133;\n79990001133;\n+1 212 555 01 00;\n"


@dataclass(frozen=True)
class Words:
    """What people have written themselves."""

    user: str
    tag: str
    title: str
    text: str
    filename: str


WORDS = {
    "ru": Words("Анна", "постоянные", "Осень", "{{name}}, здравствуйте", "клиенты"),
    "en": Words("Anna", "regular", "Autumn", "Hello {{name}}", "clients.csv"),
}


@dataclass(frozen=True)
class Page:
    name: str
    text: str
    is_html: bool

    @classmethod
    def of(cls, name: str, answer: TestResponse) -> "Page":
        assert answer.status_code < 500, name
        return cls(name, answer.text, answer.mimetype == "text/html")


def strangers_pages(app: Flask, language: str) -> list[Page]:
    """What is seen without signing in; call it before there is anybody."""
    client = app.test_client()
    client.set_cookie(LANGUAGE_COOKIE, language)
    with app.app_context():
        setup = f"/setup/{setup_links.issue()}"
    gets = [Page.of(path, client.get(path)) for path in STRANGERS + (setup,)]
    return gets + [Page.of(f"POST {path}", client.post(path)) for path in ("/sign-in", "/register", setup)]


def newcomers_pages(app: Flask, language: str) -> list[Page]:
    """What somebody sees who owns nothing yet."""
    client = app.test_client()
    with app.app_context():
        user = make_user(Role.OPERATOR, name=WORDS[language].tag, email="9@1.1", language=language)
    sign_in(client, user)
    empty = [Page.of(f"{path}, empty", client.get(path)) for path in EMPTY_PAGES]
    refused = client.post("/profile/second-factor/set-up", data={"offer": "forged"}, follow_redirects=True)
    return [*empty, Page.of("/profile/second-factor, too late", refused), *_halfway_pages(app, user)]


def _halfway_pages(app: Flask, user: users.User) -> Iterator[Page]:
    """Between the password and the second factor: of who must set one up, and then of the same who has."""
    with app.app_context(), transaction() as session:
        session.get_one(Service, 1).second_factor_required = Requirement.EVERYBODY
    client = app.test_client()
    sign_in(client, user)
    yield Page.of("/sign-in/set-up", client.get("/sign-in/set-up"))
    with app.app_context():
        phone = switch_on(user)
    sign_in(client, user)
    for _ in range(6):
        wrong = client.post("/sign-in/code", data={"code": phone.wrong_code})
        yield Page.of(f"POST /sign-in/code: {wrong.status_code}", wrong)
    recovery = "/sign-in/code?recovery=y"
    yield from (Page.of(path, client.get(path)) for path in ("/sign-in/code", recovery))
    client.post(recovery, data={"code": phone.recovery_codes[0]})
    told = client.get("/profile/second-factor")
    yield Page.of("/profile/second-factor, required", told)
    proof = {"password": PASSWORD, "code": phone.recovery_codes[1]}
    yield Page.of("new recovery codes", client.post("/profile/second-factor/recovery-codes", data=proof))
    with app.app_context(), transaction() as session:
        session.get_one(Service, 1).second_factor_required = Requirement.OFF


def fill(app: Flask, folder: Path, language: str) -> FlaskClient:
    """Something of everything; answers a browser with its administrator signed in."""
    words = WORDS[language]
    client = app.test_client()
    with app.app_context():
        user = make_user(Role.ADMINISTRATOR, name=words.user, email="0@1.1", language=language)
        owner = user.actor
        ids = add_clients(owner, 40, zones=("Europe/Moscow", "Asia/Omsk", "UTC+03:00"), tag=words.tag)
        stop_list.add(owner, db.session.get_one(Client, ids[0]).phone)
        _change_clients(owner, ids, words.tag)
        _add_imports(owner, folder, words.filename)
        _add_webhooks(owner)
        _add_mailings(owner, words)
        api_tokens.make(owner, words.tag, Scope)
        _add_users(owner, words)
        breaker.open_("http_503")
        brakes.stop_everything(owner)
        phone = switch_on(user)
    sign_in(client, user)
    client.post("/sign-in/code", data={"code": phone.code()})
    return client


def _change_clients(owner: Actor, ids: list[int], tag: str) -> None:
    """Every verb carried out; then one request that is stopped, and one that waits."""
    for verb, client_id in zip(ClientVerb, ids[-len(ClientVerb) :], strict=True):
        client_bulk_running.run(_ask(owner, verb, Selection(ids=(client_id,)), tag))
    client_bulk.cancel(owner, _ask(owner, ClientVerb.ADD_TAG, Selection(ids=tuple(ids)), tag))
    _ask(owner, ClientVerb.UNLIST, Selection(ids=tuple(ids)), tag)


def _ask(owner: Actor, verb: ClientVerb, selection: Selection, tag: str) -> int:
    return client_bulk.begin(owner, verb, selection, client_bulk.extent(owner, selection), tag)


def _add_imports(owner: Actor, folder: Path, filename: str) -> None:
    """At every step: to be mapped, to be checked, checked, waiting, finished with faults, its file gone."""
    for fate in ("mapping", "checking", "lost", "checked", "waiting", "finished"):
        upload = folder / "upload"
        upload.write_bytes(FILE)
        import_id = imports.begin(owner, Upload(upload, filename), "UTC", folder, LIMITS)
        if fate == "mapping":
            continue
        mapping = imports.columns(owner, import_id).mapping
        imports.map_columns(owner, import_id, MappingDraft(mapping, KnownPhones.UPDATE, "UTC"))
        if fate == "lost":
            (folder / str(import_id)).unlink()
        if fate != "checking":
            imports.run(import_id, folder, LIMITS)
        if fate in ("waiting", "finished"):
            imports.start(owner, import_id)
        if fate == "finished":
            imports.run(import_id, folder, LIMITS)


def _add_webhooks(owner: Actor) -> None:
    """In every state; that which is on has one delivery of each."""
    made = [add_endpoint(owner)[0] for _ in range(3)]
    for endpoint in made:
        for _ in range(len(Ending) + 1):
            endpoints.ping(owner, endpoint)
        endpoints.rotate_secret(owner, endpoint)
    with transaction() as session:
        for delivery, ending in zip(session.scalars(select(WebhookDelivery)), Ending, strict=False):
            delivery.ending, delivery.tries, delivery.next_try_at = ending.value, 2, None
            delivery.http_status = 200 if ending is Ending.OK else 500 if ending is Ending.STATUS else None
            delivery.state = DeliveryState.DELIVERED if ending is Ending.OK else DeliveryState.FAILED
    set_endpoint(made[0], failing_since=clock.now())
    for endpoint, reason in zip(made[1:], (OffReason.GONE, OffReason.FAILING), strict=True):
        set_endpoint(endpoint, off_reason=reason, off_at=clock.now())
    add_endpoint(owner, is_on=False)


def _add_users(owner: Actor, words: Words) -> None:
    """Registered, switched off, being deleted, and one who does not launch."""
    names = [f"{words.tag} {number}" for number in range(4)]
    wanted = Registration(names[0], "1@1.1", PASSWORD, "en", "UTC")
    registration.register(wanted, registration.Policy.APPROVAL)
    make_user(Role.VIEWER, name=names[1], email="2@1.1", is_active=False)
    handing_over.begin(owner, make_user(name=names[2], email="3@1.1").id, owner.id)
    draft = UserDraft(names[3], "4@1.1", "operator", may_launch=False, language="en", timezone="UTC")
    user_administration.make(owner, draft, by_mail=False)


def _add_mailings(owner: Actor, words: Words) -> None:
    common = {"title": words.title, "text": words.text, "tags": (words.tag,)}
    fan_out_all(owner, **common)
    trials.begin(owner, make_draft(**common), owner.id, "79001234567")
    form_drafts.keep(owner, "0" * 32, {"title": [words.title]})
    deliver(ScriptedGateway(_answers))
    tomorrow = clock.now() + timedelta(days=1)
    soon = {**common, "starts_at": tomorrow, "ends_at": tomorrow + timedelta(days=400)}
    mailings.create(owner, make_draft(**common))
    mailings.schedule(owner, mailings.create(owner, make_draft(**soon)))
    cancelled = mailings.create(owner, make_draft(**soon))
    mailings.schedule(owner, cancelled)
    mailings.cancel(owner, cancelled)
    for verb in (mailings.pause, mailings.cancel, None):
        mailing_id = fan_out_all(owner, **common)
        if verb:
            verb(owner, mailing_id)


def _answers(call: Call) -> Answer:
    """Some are refused, some stay unknown."""
    if call.message_id % 5 == 0:
        return answer(call, Verdict.REFUSED, "http_400", http_status=400, excerpt="{}")
    if call.message_id % 5 == 1:
        return answer(call, Verdict.UNCERTAIN, "timeout")
    return accepted(call)


def every_page(app: Flask, client: FlaskClient) -> Iterator[Page]:
    """All that can be fetched, then what forms and buttons answer."""
    with app.app_context():
        paths, presses = list(_paths(app)), list(_presses())
    for path in paths:
        yield Page.of(path, client.get(path, follow_redirects=True))
    for path, data in presses:
        answer = client.post(path, data=data, follow_redirects=True)
        assert answer.request.path != "/sign-in", f"{path} has signed us out"
        yield Page.of(f"POST {path}", answer)


def whole_pages(app: Flask, client: FlaskClient) -> list[str]:
    """Addresses at which a browser finds a page: no part of one, no file."""
    with app.app_context():
        paths = list(_paths(app))
    answers = ((path, client.get(path, buffered=True)) for path in paths)
    return [path for path, answer in answers if answer.mimetype == "text/html" and "<html" in answer.text]


def first_of_each_kind(app: Flask, client: FlaskClient) -> list[str]:
    """Addresses of whole pages, one of each view."""
    kinds: dict[str, str] = {}
    with app.app_context():
        paths = list(_paths(app))
    for path in paths:
        with app.test_request_context(path) as asked:
            kinds.setdefault(asked.request.endpoint or "", path)
    return [path for path in kinds.values() if "<html" in client.get(path).text]


def refused_forms(app: Flask, client: FlaskClient) -> list[Page]:
    """Forms that came back with what was wrong in them."""
    with app.app_context():
        presses = [(path, data) for path, data in _presses() if path.endswith("/new")]
    answers = [(path, client.post(path, data=data)) for path, data in presses]
    return [Page.of(path, answer) for path, answer in answers if answer.status_code == 422]


def _paths(app: Flask) -> Iterator[str]:
    addresses = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in NOT_READ or "token" in rule.arguments:
            continue
        if is_ours(rule.rule):  # for programs
            continue
        for number in _numbers(*rule.arguments):
            path = addresses.build(rule.endpoint, dict.fromkeys(rule.arguments, number))
            yield from (path + query for query in QUERIES.get(rule.endpoint, ("",)))


def _numbers(argument: str = "") -> list[int]:
    """Of all there are; of clients the first few, of messages one for each way to end."""
    if not argument:
        return [0]
    id_ = IDS[argument]
    if id_ is Message.id:
        return sorted(db.session.scalars(select(func.min(id_)).group_by(Message.status, Message.reason)))
    return list(db.session.scalars(select(id_).order_by(id_).limit(4 if id_ is Client.id else 12)))


def _presser() -> int | None:
    """Who owns what there is, and is signed in."""
    return db.session.scalar(select(Mailing.owner_id).limit(1))


def _presses() -> Iterator[tuple[str, dict[str, str]]]:
    """Forms with nothing and with nonsense in them, then every button, in time and too late."""
    for path in ("/clients/new", "/imports/new", "/mailings/new", "/mailings/preview"):
        yield path, {"known": "nonsense", "starts_at": "nonsense", "timezone": "nonsense"}
    yield "/clients/new", {"phone": "8 900 777-66-55", "timezone": "UTC", "tags": ", ".join(map(str, range(30)))}
    yield "/clients/new", {"phone": "8 900 777-66-55", "timezone": "UTC"}
    yield "/mailings/preview", {"everybody": "y"}
    unsound = {"text": "€ — {{nobody}}", "starts_at": "2020-01-01T22:00", "ends_at": "2020-01-02T23:00"}
    yield "/mailings/preview", {"everybody": "y", "rate_limit": "1", "budget_parts": "1", **unsound}
    yield "/mailings/trials", {"trial_phone": "12345"}
    yield "/mailings/keep", {"form_key": "1" * 32}
    for address in ("", "http://nowhere", "https://10.0.0.1/", "https://93.184.216.34/" + "x" * 500):
        yield "/webhooks/new", {"url": address, "description": "1" * 201}
    yield "/webhooks/new", {"url": "https://93.184.216.34/", "events": "ping", "is_on": "y"}
    yield "/webhooks/new", {"url": "https://93.184.216.34/", "events": "mailing.paused"}
    for number in _numbers("webhook_id"):
        yield f"/webhooks/{number}/edit", {"url": "nowhere", "version": "0"}
        yield f"/webhooks/{number}/edit", {"url": "https://93.184.216.34/", "events": "ping", "version": "0"}
        for verb in ("ping", "rotate-secret", "deliveries/1/resend"):
            yield f"/webhooks/{number}/{verb}", {}
    yield f"/webhooks/{_numbers('webhook_id')[-1]}/delete", {}
    for choice in ("language", "theme", "timezone"):
        yield "/preferences", {choice: "nonsense"}
    yield "/clients/bulk", {"verb": "add_tag", "scope": "all", "count": "1", "through": "999"}
    yield "/clients/bulk", {"verb": "add_tag", "scope": "all", "count": "1", "through": "999", "tag_name": "1"}
    yield "/clients/bulk", {"verb": "delete", "id": "0"}
    for phone in ("", "12345", "79000000001", "79000777666"):
        yield "/erase", {"phone": phone}
    yield "/stop-list/add", {"phones": ""}
    yield "/stop-list/add", {"phones": "79001112233\n12\n+1 212 555 01 00"}
    yield "/stop-list/add", {"phones": "79001112233\n79001112244"}
    for path in ("recovery-codes", "switch-off"):
        yield f"/profile/second-factor/{path}", {"password": "1", "code": "1"}
    for rule in ("administrators", "off"):
        yield "/second-factor-rule", {"required": rule}
    yield "/api-tokens/new", {}
    yield "/api-tokens/new", {"name": "1", "scopes": "1"}
    yield "/api-tokens/new", {"name": "1", "scopes": "read"}
    yield "/users/new", {}
    yield "/users/new", {"name": "1", "email": "1@1.2", "role": "viewer", "language": "en", "timezone": "UTC"}
    for number in _numbers("user_id"):
        for verb in ("", "/delete", "/approve", "/activate", "/deactivate", "/password-link"):
            yield f"/users/{number}{verb}", {}
        if number != _presser():
            yield f"/users/{number}/end-sessions", {}
    yield "/profile/details", {}
    yield "/profile/password", {"password": "1"}
    yield "/profile/look", {"language": "nonsense", "theme": "nonsense", "timezone": "nonsense"}
    yield "/profile/sessions/end-others", {}
    for verb in ("add", "remove"):
        yield f"/test-data/{verb}", {}
    for number in _numbers("token_id"):
        yield f"/api-tokens/{number}/revoke", {}
    for number in _numbers("change_id")[-2:]:
        yield f"/clients/bulk/{number}/cancel", {}
    for verb in ("stop-list", "unlist", "delete"):
        yield f"/clients/{_numbers('client_id')[1]}/{verb}", {}
    for number in _numbers("import_id"):
        for step in ("columns", "preview", "file", "start", "cancel"):
            yield f"/imports/{number}/{step}", {"meaning_0": "nonsense", "timezone": "nonsense"}
    for mailing, phone in (("", ""), ("1", ""), ("1", "x"), ("5", "8 900 000-00-01"), ("6", "8 900 000-00-01")):
        for path in ("/messages/preview", "/messages/new"):
            yield path, {"mailing": mailing, "phone": phone}
    for number in _numbers("message_id"):
        for text in ("", "{{404}}", "{{name}}"):
            yield f"/messages/{number}/text", {"text": text}
            yield f"/messages/{number}/edit", {"text": text}
        yield f"/messages/{number}/cancel", {}
    for choice in ("all=resend", "all=accept&reason=timeout", "all=accept", "ticked=accept"):
        yield f"/unknown/decide?{choice}", {"ends_at": "nonsense"}
    for choice in ("all=resend", "all=accept", "ticked=accept"):
        yield f"/unknown/decide?{choice}", {}
    for number in _numbers("mailing_id"):
        for path in ("limits", "resend"):
            yield f"/mailings/{number}/{path}", {"rate_limit": "nonsense", "ends_at": "nonsense"}
        for verb in ("approve", "resume", "schedule", "unschedule", "pause", "cancel", "delete"):
            yield f"/mailings/{number}/{verb}", {}
