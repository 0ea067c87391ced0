"""How does a line of the log look, and about what is it?

In production each line is a JSON object, else a sentence for people; both with the same fields: time, level,
logger, message, the request and the job during which it was written, and whatever its writer gave along (`extra`),
of which `mailing_id`, `message_id` and `client_id` say what it is about. Lines of gunicorn and RQ look the same.
"""

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from pythonjsonlogger.core import RESERVED_ATTRS

from .redaction import Redactor

Format = Literal["json", "text"]

# By which name the request, and the job, are known that this thread works for; '' outside of them.
request_id: ContextVar[str] = ContextVar("request_id", default="")
job_id: ContextVar[str] = ContextVar("job_id", default="")
# What belongs to logging itself and is no writer's `extra`.
_OWN = frozenset(RESERVED_ATTRS) | {"message", "asctime", "taskName", "color_message", "request_id", "job_id"}


@contextmanager
def working_for(*, request: str = "", job: str = "") -> Iterator[None]:
    """Lines that are written inside name this request and this job."""
    request_token, job_token = request_id.set(request), job_id.set(job)
    try:
        yield
    finally:
        request_id.reset(request_token)
        job_id.reset(job_token)


class _Formatter(logging.Formatter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """All but the exception, in their order; empty ones are left out."""
        redactor = self._redactor
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redactor.text(_message(record)),
            "request_id": redactor.name(getattr(record, "request_id", "") or request_id.get()),
            "job_id": redactor.name(getattr(record, "job_id", "") or job_id.get()),
        }
        extras = {name: redactor.value(value) for name, value in vars(record).items() if name not in _OWN}
        return {name: value for name, value in (fields | extras).items() if value is not None and value != ""}

    def _exception(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            return self._redactor.exception(error)
        # RQ hands over a traceback that is a text already.
        return self._redactor.text(record.exc_text) if record.exc_text else ""


class JsonFormatter(_Formatter):
    """One object a line, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        fields = self._fields(record)
        first = ("time", "level", "logger", "message")
        ordered = {name: fields.pop(name) for name in first if name in fields} | fields
        if trouble := self._exception(record):
            ordered["exception"] = trouble
        return json.dumps(ordered, ensure_ascii=False, default=str)


class TextFormatter(_Formatter):
    """[time] LEVEL logger [request]: message (name=value …)"""

    def format(self, record: logging.LogRecord) -> str:
        fields = self._fields(record)
        time, level = fields.pop("time"), fields.pop("level")
        logger, message = fields.pop("logger"), fields.pop("message", "")
        names = " ".join(filter(None, (fields.pop("request_id", ""), fields.pop("job_id", ""))))
        extras = " ".join(f"{name}={value}" for name, value in fields.items())
        # One line each: what comes from outside cannot pass for a line of ours.
        message = message.replace("\r", "\\r").replace("\n", "\\n")
        line = f"[{time}] {level} {logger}{f' [{names}]' if names else ''}: {message}"
        line += f" ({extras})".replace("\r", "\\r").replace("\n", "\\n") if extras else ""
        trouble = self._exception(record)
        return f"{line}\n{trouble}" if trouble else line


def _message(record: logging.LogRecord) -> str:
    """A line whose writer gave the wrong arguments is still a line."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)


class Handler(logging.StreamHandler[TextIO]):
    """Writes to what is the standard error at the moment; there is one in a process."""

    def __init__(self, formatter: logging.Formatter) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(formatter)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def handler(how: Format, secrets: Iterable[str] = ()) -> Handler:
    redactor = Redactor(tuple(secrets))
    return Handler(JsonFormatter(redactor) if how == "json" else TextFormatter(redactor))


def set_up(level: str, how: Format, secrets: Iterable[str] = ()) -> None:
    """For this process; may be repeated, and the last one counts. `level` is ours; others speak from WARNING.

    `secrets`: words that no line may hold, whoever writes it.
    """
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, Handler)]:
        root.removeHandler(earlier)
    root.addHandler(handler(how, secrets))
    logging.getLogger("dashboard").setLevel(level)
    # Otherwise each line of theirs would appear twice, once as it is.
    for name in ("gunicorn.error", "gunicorn.access", "rq.worker"):
        theirs = logging.getLogger(name)
        for old in list(theirs.handlers):
            theirs.removeHandler(old)
        theirs.propagate = True
