"""What does mailserv show?"""

from tests.api.examples.example import AHEAD, LAUNCHED, PAIR, Example

MAILSERV_CLIENT = {
    "phone_number": "1234567890",
    "mobile_operator_code": "XYZ",
    "tag": "new_client",
    "timezone": "Europe/London",
}
MAILSERV_CAMPAIGN = {
    "start_time": "2023-07-18 10:00:00",
    "end_time": "2023-07-20 18:00:00",
    "message": "Здравствуйте! Это уведомление для вас.",
    "client_filter": "new_client",
}
MAILSERV = (
    Example(
        "mailserv",
        "get an access token",
        "POST /token/",
        {"username": "your_username", "password": "your_password"},
        of="person",
        answer=PAIR,
    ),
    Example(
        "mailserv",
        "create a client, as it stands there",
        "POST /api/clients/",
        MAILSERV_CLIENT,
        gives=422,
        faults=(("phone_number", "phone_invalid"), ("operator_code", "operator_code_invalid")),
    ),
    Example(
        "mailserv",
        "create a client, with a phone",
        "POST /api/clients/",
        MAILSERV_CLIENT | {"phone_number": "9876543210", "mobile_operator_code": None},
        gives=201,
        answer={
            "id": int,
            "phone_number": "79876543210",
            "operator_code": "987",
            "tags": ["new_client"],
            "timezone": "Europe/London",
        },
    ),
    Example(
        "mailserv",
        "list clients",
        "GET /api/clients/",
        of="client",
        answer={"items": [{"id": int, "phone_number": "79051112233", "operator_code": "905", "tags": ["vip"]}]},
    ),
    Example(
        "mailserv",
        "create a campaign, whose end has passed",
        "POST /api/campaigns/",
        MAILSERV_CAMPAIGN,
        adding=LAUNCHED,
        gives=422,
        faults=(("end_at", "ends_in_past"),),
    ),
    Example(
        "mailserv",
        "create a campaign, that lies ahead",
        "POST /api/campaigns/",
        MAILSERV_CAMPAIGN,
        adding=LAUNCHED | AHEAD,
        gives=201,
        answer={
            "id": int,
            "state": "scheduled",
            "start_at": "2030-07-18T10:00:00+03:00",
            "end_at": "2030-07-20T18:00:00+03:00",
            "text": "Здравствуйте! Это уведомление для вас.",
            "filter": {"tags": ["new_client"], "operator_codes": None},
        },
    ),
    Example(
        "mailserv",
        "list campaigns",
        "GET /api/campaigns/",
        of="draft",
        answer={"items": [{"id": int, "start_at": str, "end_at": str, "text": str, "filter": dict}]},
    ),
    Example(
        "mailserv",
        "statistics of a campaign",
        "GET /api/campaigns/<campaign_id>/statistics/",
        of="mailing",
        answer={"mailing_id": int, "total": 3, "sent": 3, "failed": 0},
    ),
)
