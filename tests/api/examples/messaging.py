"""What does Messaging Service API show?"""

from tests.api.examples.example import AHEAD, CLIENT, LAUNCHED, PAIR, Example

MESSAGING_MAILING = {
    "start_time": "2025-02-20T14:38:27.234Z",
    "end_time": "2025-02-20T15:38:27.234Z",
    "message_text": "Сообщение",
    "filter_params": {"tag": "example", "operator_code": "999"},
}
MESSAGING = (
    Example(
        "Messaging Service API",
        "get tokens",
        "POST /api/token/",
        adding={"username": "your_username", "password": "your_password"},
        of="person",
        answer=PAIR,
    ),
    Example(
        "Messaging Service API",
        "refresh a token",
        "POST /api/token/refresh/",
        adding={"refresh": "{refresh}"},
        answer=PAIR,
    ),
    Example(
        "Messaging Service API",
        "verify a token",
        "POST /api/token/verify/",
        adding={"token": "{access}"},
        gives=204,
    ),
    Example(
        "Messaging Service API",
        "create a mailing, whose end has passed",
        "POST /api/v1/mailing/create/",
        MESSAGING_MAILING,
        adding=LAUNCHED,
        gives=422,
        faults=(("end_at", "ends_in_past"),),
    ),
    Example(
        "Messaging Service API",
        "create a mailing, that starts at once",
        "POST /api/v1/mailing/create/",
        MESSAGING_MAILING,
        adding=LAUNCHED | {"end_at": AHEAD["end_at"]},
        gives=201,
        answer={
            "state": "scheduled",
            "start_at": "2025-02-20T17:38:27.234000+03:00",
            "text": "Сообщение",
            "filter": {"tags": ["example"], "operator_codes": ["999"]},
        },
    ),
    Example(
        "Messaging Service API",
        "create a mailing, without a filter",
        "POST /api/v1/mailing/create/",
        {name: value for name, value in MESSAGING_MAILING.items() if name != "filter_params"},
        adding=LAUNCHED | AHEAD,
        gives=422,
        faults=(("filter.tags", "audience_unchosen"),),
    ),
    Example(
        "Messaging Service API",
        "list mailings",
        "GET /api/v1/mailing/",
        of="draft",
        answer={"items": [{"id": int}]},
    ),
    Example("Messaging Service API", "get a mailing", "GET /api/v1/mailing/{id}/", of="draft", answer={"id": int}),
    Example(
        "Messaging Service API",
        "list clients",
        "GET /api/v1/clients/",
        of="client",
        answer={"items": [{"id": int}]},
    ),
    Example(
        "Messaging Service API",
        "create a client, whose code is found",
        "POST /api/v1/clients/",
        adding={"phone_number": "79991234567"},
        gives=201,
        answer={"operator_code": "999"},
    ),
    Example("Messaging Service API", "get a client", "GET /api/v1/clients/{id}/", of="client", answer={"id": int}),
    Example(
        "Messaging Service API",
        "change a client",
        "PUT /api/v1/clients/{id}/",
        adding=CLIENT,
        of="client",
        answer={"phone_number": "79131111111"},
    ),
    Example("Messaging Service API", "delete a client", "DELETE /api/v1/clients/{id}/", of="client", gives=204),
)
