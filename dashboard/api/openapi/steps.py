"""In which order do the collection's requests tell a story that works?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One request. Without a body it is the description's example, without a status that of success.

    `saves`: into which variable goes what of the answer. In a body `{{name}}` is a variable's text, `{{#name}}`
    its number.
    """

    operation: str
    body: Any = None
    status: int | tuple[int, ...] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    saves: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


# Waits where it is when the mailing has started: the window opens in two hours by its clock.
ANNA = {"phone_number": "+7 (999) 000-00-01", "timezone": "UTC", "attributes": {"name": "Anna"}}
BORIS = {"phone_number": "+7 (999) 000-00-02", "timezone": "UTC", "attributes": {"name": "Boris"}}
LISTED = "+7 (999) 000-00-03"
NEWCOMER = {"name": "newcomer", "email": "newcomer@example.com", "password": "correct horse battery staple"}
FILE = "phone;tags\n12345;vip\n"
MAILING = {
    "title": "Spring sale",
    "text": "Dear {{name}}, everything is cheaper until Sunday.",
    "start_at": "{{tomorrow}}",
    "end_at": "{{next_week}}",
    "filter": {"tags": ["collection"], "operator_codes": None},
    "window": {"from": "{{window_from}}", "to": "{{window_to}}"},
}

NEWCOMER = {"name": "newcomer", "email": "newcomer@example.com", "password": "correct horse battery staple"}

STEPS = (
    Step("index"),
    Step(
        "token_sign_in",
        {"username": "{{username}}", "password": "{{password}}"},
        saves={"access": "access", "refresh": "refresh"},
    ),
    Step("token_verify", {"token": "{{access}}"}),
    Step("token_refresh", {"refresh": "{{refresh}}"}, saves={"access": "access", "refresh": "refresh"}),
    Step("users_register", NEWCOMER, status=202, saves={"user_id": "id"}, note="who has to be approved"),
    Step("users_list", query={"waiting": "true"}),
    Step("users_refuse"),
    Step("users_approve", status=404, note="who is not there any more"),
    Step("users_me"),
    Step("tokens_make", saves={"token_id": "id"}),
    Step("tokens_list"),
    Step("users_me"),
    Step("users_register", NEWCOMER, status=202, saves={"user_id": "id"}),
    Step("users_list", query={"waiting": "true"}),
    Step("users_refuse"),
    Step("users_approve", status=404, note="who is gone"),
    Step("clients_create", ANNA, saves={"client_id": "id"}),
    Step("clients_get"),
    Step("clients_put", ANNA | {"tags": ["collection"]}),
    Step("clients_patch", {"tags": ["collection", "vip"]}),
    Step("clients_list", query={"tag": "collection", "limit": "10"}),
    Step("clients_create_many", {"clients": [BORIS]}, saves={"other_client_id": "results[0].id"}),
    Step("imports_create", {"file": FILE}, saves={"import_id": "id"}),
    Step("imports_list"),
    Step("imports_get"),
    Step("imports_patch", {"known_phones": "skip"}, status=(202, 409), note="409 once it has begun"),
    Step("imports_start", status=(202, 409), note="409 until the dry run has ended"),
    Step("imports_faults"),
    Step("imports_faults_as_csv"),
    Step("imports_cancel", status=(200, 409), note="409 once it has ended"),
    Step("stop_list_add", {"phone_numbers": [LISTED]}),
    Step("stop_list_list", query={"search": "9990000003"}),
    Step("stop_list_remove", {"phone_number": LISTED}),
    Step("erasures_create", {"phone_number": LISTED}),
    Step("audit_list", query={"object_type": "phone"}),
    Step("webhooks_make", saves={"webhook_id": "id"}),
    Step("webhooks_list"),
    Step("webhooks_get"),
    Step("webhooks_put"),
    Step("webhooks_patch"),
    Step("webhooks_patch", {"is_on": True}, note="on again"),
    Step("webhooks_ping", saves={"delivery_id": "id"}),
    Step("webhooks_log"),
    Step("webhooks_resend", status=(202, 409), note="409 while it waits"),
    Step("webhooks_rotate_secret"),
    Step("mailings_preview", MAILING),
    Step("mailings_create", MAILING, saves={"mailing_id": "id"}, note="one that is deleted"),
    Step("mailings_delete"),
    Step("mailings_create", MAILING | {"launch": True}, saves={"mailing_id": "id"}),
    Step("mailings_list", query={"state": "scheduled"}),
    Step("mailings_get"),
    Step("mailings_approve", status=409, note="only what waits for a second person"),
    Step("mailings_unschedule"),
    Step("mailings_put", MAILING | {"title": "Spring sale, second draft"}),
    Step("mailings_patch", {"start_at": "{{now}}"}),
    Step("mailings_launch"),
    Step("mailings_process_due"),
    Step("mailings_pause"),
    Step(
        "messages_create",
        {"mailing_id": "{{#mailing_id}}", "client_id": "{{#other_client_id}}"},
        saves={"message_id": "id"},
    ),
    Step("messages_get"),
    Step("messages_patch", {"text": "Dear {{name}}, the sale ends today."}),
    Step("messages_put", {"text": "Dear {{name}}, the sale ends tonight."}),
    Step("messages_list", query={"mailing_id": "{{mailing_id}}"}),
    Step("messages_delete"),
    Step("mailings_resume"),
    Step("mailings_messages"),
    Step("mailings_statistics"),
    Step("statistics_overall"),
    Step("statistics_days", query={"days": "7"}),
    Step("statistics_messages", query={"status": "cancelled"}),
    Step("mailings_resend", {"reasons": None}),
    Step("mailings_cancel"),
)

# What cleans up, behind all else.
LAST = (
    Step("clients_delete"),
    Step("clients_list", query={"phone": "79990000002"}, saves={"client_id": "items[0].id"}, note="the other one"),
    Step("clients_delete", note="the other one"),
    Step("webhooks_delete"),
    Step("tokens_end"),
    Step("token_revoke", {"token": "{{refresh}}"}),
)
