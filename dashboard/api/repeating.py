"""What if a program sends a request again, not having heard the answer? By an `Idempotency-Key` it is done once.

For 24 hours the same key gives the same answer; another request by the same key is refused with 422. What broke on
our side, or was refused, is not kept: it may be sent again.
"""

import hashlib

from flask import Response, current_app, g, request

from ..domain import idempotency, mailings
from ..domain.errors import Conflict
from ..domain.idempotency import Begun, KeptAnswer
from .access import actor, api_marks_of
from .problems import Refusal

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
# Kept in the place of an answer that held a secret.
SHOWN_ONCE = 409
PIECE = 1024 * 1024
# What else of an answer tells something.
KEPT_HEADERS = ("Content-Type", "Location", "ETag")


def begin() -> Response | None:
    """Behind the guard: the kept answer, if there is one. Raises Refusal (409, 422)."""
    g.repeatable = None
    key = request.headers.get(HEADER)
    if request.method != "POST" or key is None or g.api_user is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise Refusal(422, "idempotency_key_invalid")
    try:
        begun = idempotency.begin(actor(), key, _digest())
    except Conflict as refusal:
        raise Refusal(422 if refusal.code == "idempotency_key_reused" else 409, refusal.code) from None
    if isinstance(begun, Begun):
        g.repeatable = begun
        return None
    if begun.status == SHOWN_ONCE:
        raise Refusal(409, "answer_shown_once")
    return Response(begun.body, begun.status, headers=dict(begun.headers) | {"Idempotent-Replayed": "true"})


def form_key() -> str | None:
    """Names the mailing that this request makes, for as long as its key counts; None without one.

    The key's row and what is done are two transactions. Whoever is killed between them leaves a mailing and no
    answer: sent again, the request finds that mailing by this name and makes no second one.
    """
    begun: Begun | None = g.get("repeatable")
    if begun is None:
        return None
    mailings.release(actor(), begun.request, begun.at - idempotency.KEPT_FOR)
    return begun.request


def end(response: Response) -> Response:
    begun = g.get("repeatable")
    if begun is None:
        return response
    if response.status_code >= 400:
        idempotency.forget(begun)
    elif api_marks_of(current_app.view_functions[request.endpoint or ""]).is_shown_once:
        idempotency.keep(begun, KeptAnswer(SHOWN_ONCE, {}, ""))
    else:
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        idempotency.keep(begun, KeptAnswer(response.status_code, headers, response.get_data(as_text=True)))
    return response


def _digest() -> str:
    """Of the body as it was sent; of a form, of what it holds: its boundary is another each time."""
    said = hashlib.sha256(f"{request.method} {request.full_path}\n".encode())
    if request.mimetype == "multipart/form-data":
        _say_form(said)
    else:
        said.update(request.get_data())
    return said.hexdigest()


def _say_form(said: "hashlib._Hash") -> None:
    """Files lie on the disk, and are read piece by piece."""
    for name, text in sorted(request.form.items(multi=True)):
        said.update(repr((name, text)).encode())
    for name, file in request.files.items(multi=True):
        content = hashlib.sha256()
        while piece := file.stream.read(PIECE):
            content.update(piece)
        file.stream.seek(0)
        said.update(repr((name, file.filename, content.hexdigest())).encode())
