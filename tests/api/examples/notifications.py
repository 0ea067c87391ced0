"""What does «API для рассылки сообщений клиентам» show?"""

from tests.api.examples.example import AHEAD, CLIENT, LAUNCHED, PAIR, WHOLE, Example, Fields

BY_FILTER = "API для рассылки сообщений клиентам"


def notification(tag: list[str] | None, operator_code: list[int] | None) -> Fields:
    return {"filter": {"tag": tag, "operator_code": operator_code}}


NOTIFICATION = LAUNCHED | AHEAD | {"text": "Здравствуйте!"}
NOTIFICATIONS = (
    Example(
        BY_FILTER,
        "register",
        "POST /auth/registration/",
        adding={"name": "newcomer", "email": "newcomer@example.com", "password": "your_password"},
        gives=202,
        answer={"name": "newcomer", "role": "operator", "state": "waiting"},
    ),
    Example(
        BY_FILTER,
        "sign in by e-mail address",
        "POST /auth/login/",
        {"email": "you@example.com", "password": "your_password"},
        of="person",
        answer=PAIR,
    ),
    Example(BY_FILTER, "sign out", "POST /auth/logout/", adding={"token": "{refresh}"}, of="refresh", gives=204),
    Example(
        BY_FILTER,
        "create a client",
        "POST /client/",
        adding=CLIENT,
        gives=201,
        answer={"id": int, "phone_number": "79131111111", "timezone": "UTC+03:00"},
    ),
    Example(BY_FILTER, "list clients", "GET /client/", of="client", answer={"items": [{"id": int}]}),
    Example(BY_FILTER, "get a client", "GET /client/{pk}", of="client", answer={"phone_number": "79051112233"}),
    Example(
        BY_FILTER,
        "change some fields of a client",
        "PATCH /client/{pk}",
        adding={"timezone": "Asia/Omsk"},
        of="client",
        answer={"timezone": "Asia/Omsk", "tags": ["vip"]},
    ),
    Example(
        BY_FILTER,
        "change all fields of a client",
        "PUT /client/{pk}",
        adding=CLIENT,
        of="client",
        answer={"phone_number": "79131111111", "tags": ["new_client"]},
    ),
    Example(BY_FILTER, "delete a client", "DELETE /client/{pk}", of="client", gives=204),
    Example(
        BY_FILTER,
        "create a mailing, by tags and codes",
        "POST /sender/notifications",
        notification(["vip", "new"], [913, 999]),
        adding=NOTIFICATION,
        gives=201,
        answer={
            "state": "scheduled",
            "filter": {"tags": ["vip", "new"], "operator_codes": ["913", "999"]},
        },
    ),
    Example(
        BY_FILTER,
        "create a mailing, by codes only",
        "POST /sender/notifications",
        notification(None, [913]),
        adding=NOTIFICATION,
        gives=201,
        answer={"filter": {"tags": None, "operator_codes": ["913"]}},
    ),
    Example(
        BY_FILTER,
        "create a mailing, by nothing",
        "POST /sender/notifications",
        notification(None, None),
        adding=NOTIFICATION,
        gives=422,
        faults=(("filter.tags", "audience_unchosen"),),
    ),
    Example(
        BY_FILTER,
        "create a mailing, to everybody",
        "POST /sender/notifications",
        notification(None, None),
        adding=NOTIFICATION | {"everybody": True},
        gives=201,
        answer={"everybody": True},
    ),
    Example(BY_FILTER, "list mailings", "GET /sender/notifications", of="draft", answer={"items": [{"id": int}]}),
    Example(BY_FILTER, "get a mailing", "GET /sender/notifications/{pk}", of="draft", answer={"state": "draft"}),
    Example(
        BY_FILTER,
        "change some fields of a mailing",
        "PATCH /sender/notifications/{pk}",
        adding={"title": "Anew"},
        of="draft",
        answer={"title": "Anew", "text": "Hello"},
    ),
    Example(
        BY_FILTER,
        "change all fields of a mailing",
        "PUT /sender/notifications/{pk}",
        notification(["vip"], None),
        adding=WHOLE,
        of="draft",
        answer={"title": "Anew", "text": "Здравствуйте!"},
    ),
    Example(BY_FILTER, "delete a mailing", "DELETE /sender/notifications/{pk}", of="draft", gives=204),
    Example(
        BY_FILTER,
        "short statistics of all mailings",
        "GET /sender/notifications/statistics",
        of="mailing",
        answer={"mailings": 1, "totals": {"sent": 3}, "items": [{"mailing_id": int, "total": 3, "sent": 3}]},
    ),
    Example(
        BY_FILTER,
        "statistics of one mailing",
        "GET /sender/notifications/{pk}/statistics",
        of="mailing",
        answer={"total": 3, "sent": 3, "queued": 0, "failed": 0, "by_operator_code": list},
    ),
)
