"""What may browsers and proxies keep of our answers, and by which name is a request found in the log?"""

import re
import secrets
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from flask import Flask, Response, current_app, g, request

from .. import logs

ONE_YEAR_SECONDS = 31_536_000
# What a program or a proxy may call its request: no spaces, so that it cannot pass for a line of the log.
GIVEN_NAME = re.compile(r"[!-~]{1,128}")


def init_app(app: Flask) -> None:
    app.before_request(_name_request)
    app.after_request(_say_what_may_be_kept)
    app.teardown_request(_forget_request)
    app.url_defaults(_add_version)


def _name_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if GIVEN_NAME.fullmatch(given) else secrets.token_hex(6)
    logs.request_id.set(g.request_id)


def _forget_request(_error: BaseException | None) -> None:
    logs.request_id.set("")


def _say_what_may_be_kept(response: Response) -> Response:
    """A static file for good, if asked for by the version it has; nothing else at all."""
    if "request_id" in g:
        response.headers["X-Request-ID"] = g.request_id
    if request.endpoint == "static":
        filename = (request.view_args or {}).get("filename", "")
        if response.status_code == 200 and request.args.get("v") == version_of(filename):
            response.cache_control.no_cache = None
            response.cache_control.public = True
            response.cache_control.immutable = True
            response.cache_control.max_age = ONE_YEAR_SECONDS
        return response
    response.headers["Cache-Control"] = "no-store"
    # A page and a part of it may share an address: the Back button must not show the part without its page.
    response.vary.add("HX-Request")
    return response


def _add_version(endpoint: str, values: dict[str, object]) -> None:
    if endpoint == "static" and "v" not in values:
        version = version_of(str(values.get("filename", "")))
        if version:
            values["v"] = version


def version_of(filename: str) -> str | None:
    """A short name for the file's content, or None where there is no such file."""
    path = Path(current_app.static_folder or "") / filename
    try:
        stat = path.stat()
    except OSError:
        return None
    return _version(path, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _version(path: Path, _changed_at: int) -> str | None:
    return f"{crc32(path.read_bytes()):08x}" if path.is_file() else None
