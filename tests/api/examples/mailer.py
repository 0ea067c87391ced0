"""What does Mailer API show?"""

from dashboard.models import Role
from tests.api.examples.example import AHEAD, LAUNCHED, Example

MAILER_CLIENT = {
    "phone_number": "90000000000",
    "operator_code": "913",
    "tag": "new_client",
    "timezone": "GMT+3",
}
MAILER_MAILING = {
    "start_datetime": "2023-05-18T09:00:00",
    "message_text": "Third mailing!",
    "filter_operator_code": "913",
    "filter_tag": "new_client",
    "end_datetime": "2023-05-25T18:00:00",
}
MAILER_MESSAGE = {
    "created_at": "2023-05-18T09:00:00",
    "status": "Отправлено",
    "mailing": "1",
    "client": "1",
}
MAILER = (
    Example(
        "Mailer API",
        "list clients",
        "GET /clients/",
        of="mailer client",
        answer={
            "items": [
                {
                    "id": int,
                    "phone_number": "70000000000",
                    "operator_code": "913",
                    "tags": ["new_client"],
                    "timezone": "UTC+03:00",
                }
            ]
        },
    ),
    Example(
        "Mailer API",
        "create a client, as it stands there",
        "POST /clients/",
        MAILER_CLIENT,
        gives=422,
        faults=(("phone_number", "phone_not_russian"),),
    ),
    Example(
        "Mailer API",
        "create a client, with a phone",
        "POST /clients/",
        MAILER_CLIENT | {"phone_number": "79131111111"},
        gives=201,
        answer={"id": int, "operator_code": "913", "tags": ["new_client"], "timezone": "UTC+03:00"},
    ),
    Example("Mailer API", "get a client", "GET /clients/<pk>/", of="client", answer={"id": int}),
    Example(
        "Mailer API",
        "change a client",
        "PUT /clients/<pk>/",
        MAILER_CLIENT | {"phone_number": "79131111111", "tag": "non"},
        of="client",
        answer={"phone_number": "79131111111", "tags": ["non"]},
    ),
    Example("Mailer API", "delete a client", "DELETE /clients/<pk>/", of="client", gives=204),
    Example("Mailer API", "list mailings", "GET /mailings/", of="draft", answer={"items": [{"id": int}]}),
    Example(
        "Mailer API",
        "create a mailing, whose end has passed",
        "POST /mailings/",
        MAILER_MAILING,
        adding=LAUNCHED,
        gives=422,
        faults=(("end_at", "ends_in_past"),),
    ),
    Example(
        "Mailer API",
        "create a mailing, that lies ahead",
        "POST /mailings/",
        MAILER_MAILING,
        adding=LAUNCHED | AHEAD,
        gives=201,
        answer={
            "text": "Third mailing!",
            "filter": {"tags": ["new_client"], "operator_codes": ["913"]},
            "state": "scheduled",
        },
    ),
    Example("Mailer API", "get a mailing", "GET /mailings/<pk>/", of="draft", answer={"id": int}),
    Example(
        "Mailer API",
        "change a mailing",
        "PUT /mailings/<pk>/",
        MAILER_MAILING,
        adding={"title": "Anew"},
        of="draft",
        answer={"text": "Third mailing!", "start_at": "2023-05-18T09:00:00+03:00"},
    ),
    Example("Mailer API", "delete a mailing", "DELETE /mailings/<pk>/", of="draft", gives=204),
    Example(
        "Mailer API",
        "list messages",
        "GET /messages/",
        of="message",
        answer={"items": [{"id": int, "status": "sent"}] * 3},
    ),
    Example(
        "Mailer API",
        "create a message, as it stands there",
        "POST /messages/",
        MAILER_MESSAGE,
        gives=422,
        faults=(
            ("client_id", "not_whole"),
            ("created_at", "field_unknown"),
            ("mailing_id", "not_whole"),
            ("status", "field_unknown"),
        ),
    ),
    Example(
        "Mailer API",
        "create a message",
        "POST /messages/",
        {"mailing": "{running}", "client": "{client}"},
        gives=201,
        answer={"id": int, "status": "queued"},
    ),
    Example(
        "Mailer API", "get a message", "GET /messages/<pk>/", of="message", answer={"status": "sent", "tries": 1}
    ),
    Example(
        "Mailer API",
        "change a message",
        "PUT /messages/<pk>/",
        adding={"text": "Third mailing!"},
        of="queued",
        answer={"text": "Third mailing!", "status": "queued"},
    ),
    Example(
        "Mailer API",
        "set a message's status",
        "PUT /messages/<pk>/",
        {"status": "Отправлено"},
        of="queued",
        gives=422,
        faults=(("status", "field_unknown"),),
    ),
    Example("Mailer API", "delete a message that waits", "DELETE /messages/<pk>/", of="queued", gives=204),
    Example(
        "Mailer API",
        "delete a message that has left",
        "DELETE /messages/<pk>/",
        of="message",
        gives=409,
        answer={"code": "message_sent"},
    ),
    Example(
        "Mailer API",
        "statistics of a mailing",
        "GET /mailings/<pk>/statistics/",
        of="mailing",
        answer={"total": 3, "sent": 3},
    ),
    Example(
        "Mailer API",
        "activate what is due",
        "GET /activate_mailing/",
        of="due",
        by=Role.ADMINISTRATOR,
        answer=[{"mailing_id": int, "state": "running", "total": int}],
    ),
)
