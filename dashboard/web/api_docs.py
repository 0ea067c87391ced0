"""How do people read what programs may ask? The API's description as two pages, by Swagger UI and by ReDoc.

Open to all, as the description itself and the API's index are: whoever writes a program needs them before anybody
has given them a login, and they tell nothing about anyone. What is tried out there needs a token pasted in: a
session's cookie counts for nothing in the API.
"""

from collections.abc import Callable

from flask import Blueprint, render_template

from ..marks import View, open_to_all
from .extensions import CONTENT_SECURITY_POLICY, talisman

# Stricter than other pages where these need less: no form is sent from here, nothing is framed.
_STRICTER = {**CONTENT_SECURITY_POLICY, "default-src": "'none'", "connect-src": "'self'", "form-action": "'none'"}
# ReDoc fills its sheets by script, which is allowed, but begins with empty ones; and one, of its scroll bars, it
# writes itself. These are their hashes. It searches in a worker that it builds.
_EMPTY_SHEET = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
_SCROLL_BARS = "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
_READING = {
    **_STRICTER,
    "style-src": f"'self' {_EMPTY_SHEET} {_SCROLL_BARS}",
    "worker-src": "blob:",
}

blueprint = Blueprint("api_docs", __name__)


def _under(policy: dict[str, str]) -> Callable[[View], View]:
    """A Content-Security-Policy of the view's own."""
    return talisman(content_security_policy=policy)  # type: ignore[no-any-return]


@blueprint.get("/docs/")
@open_to_all
@_under(_STRICTER)
def swagger() -> str:
    """Where requests can be tried out."""
    return render_template("api_docs/swagger.html")


@blueprint.get("/redoc/")
@open_to_all
@_under(_READING)
def redoc() -> str:
    """Where one reads."""
    return render_template("api_docs/redoc.html")
