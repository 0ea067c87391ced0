"""What does mailingAPI show?"""

from dashboard.models import Role
from tests.api.examples.example import ANY_PAGE, CLIENT, LAUNCHED, PAIR, WHOLE, Example, Fields

# Collection and one of it: the thing that is there, what is sent to make one, and to change one.
MAILINGAPI_KINDS: dict[str, tuple[str, Fields, Fields, Fields]] = {
    "client": ("client", CLIENT, CLIENT, {"tags": ["new_client"]}),
    "message": (
        "queued",
        {"mailing_id": "{running}", "client_id": "{client}"},
        {"text": "Anew"},
        {"text": "Anew"},
    ),
    "mailing": ("draft", LAUNCHED | WHOLE | {"everybody": True}, WHOLE | {"everybody": True}, {"title": "Anew"}),
}


def _mailingapi(kind: str) -> list[Example]:
    there, new, whole, part = MAILINGAPI_KINDS[kind]
    every, one = f"/{kind}/", f"/{kind}/<i>"
    return [
        Example("mailingAPI", f"list {kind}s", f"GET {every}", of=there, answer=ANY_PAGE),
        Example("mailingAPI", f"make a {kind}", f"POST {every}", adding=new, gives=201, answer={"id": int}),
        Example("mailingAPI", f"get a {kind}", f"GET {one}", of=there, answer={"id": int}),
        Example("mailingAPI", f"replace a {kind}", f"PUT {one}", adding=whole, of=there, answer={"id": int}),
        Example("mailingAPI", f"change a {kind}", f"PATCH {one}", adding=part, of=there, answer=part),
        Example("mailingAPI", f"delete a {kind}", f"DELETE {one}", of=there, gives=204),
    ]


MAILINGAPI = (
    Example("mailingAPI", "what there is", "GET /api/v1/", answer=dict),
    *(example for kind in MAILINGAPI_KINDS for example in _mailingapi(kind)),
    Example("mailingAPI", "messages by status", "GET /statistic-messages/", of="message", answer=ANY_PAGE),
    Example(
        "mailingAPI",
        "messages that wait",
        "GET /statistic-messages/1",
        of="queued",
        answer={"items": [{"status": "queued"}] * 3},
    ),
    Example(
        "mailingAPI",
        "messages that were sent",
        "GET /statistic-messages/2",
        of="message",
        answer={"items": [{"status": "sent"}] * 3},
    ),
    Example(
        "mailingAPI",
        "messages out of time",
        "GET /statistic-messages/3",
        of="expired",
        answer={"items": [{"status": "expired"}] * 3},
    ),
    Example(
        "mailingAPI",
        "messages that the gateway refused",
        "GET /statistic-messages/4",
        of="failed",
        answer={"items": [{"status": "failed", "reason": "http_400"}] * 3},
    ),
    Example(
        "mailingAPI",
        "messages of a mailing",
        "GET /messages-in-mailing/<o>",
        of="mailing",
        answer={"items": [{"status": "sent"}] * 3, "total": 3},
    ),
    Example(
        "mailingAPI",
        "sign in",
        "POST /auth-rest/login/",
        adding={"username": "your_username", "password": "your_password"},
        of="person",
        answer=PAIR,
    ),
    Example(
        "mailingAPI",
        "add clients for tests",
        "GET /add-users/",
        adding={"count": 2_160},
        by=Role.ADMINISTRATOR,
        answer={"added": 2_160},
    ),
    Example(
        "mailingAPI",
        "delete clients for tests",
        "GET /del-users/",
        of="sample",
        by=Role.ADMINISTRATOR,
        answer={"removed": 30},
    ),
    Example("mailingAPI", "sign out", "POST /auth-rest/logout/", adding={"token": "{access}"}, gives=204),
)
