"""How is an address of the API made? A blueprint for each kind of thing, guarded and answering in JSON."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import Request, current_app, request
from flask_smorest import Blueprint
from marshmallow import ValidationError, missing
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from ..domain.pages import Cursor
from . import access, answers, problems, repeating
from .schemas.fields import LARGEST_ID as LARGEST_ID
from .schemas.fields import Body

View = TypeVar("View", bound=Callable[..., Any])

PREFIX = "/api/v1"
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# Of messages, deliveries and lines of the audit log, which are PostgreSQL's BIGINT.
LARGEST_NUMBER = 2**63 - 1


def row_number(said: Any, largest: int = LARGEST_ID) -> int:
    """Of a cursor. Raises ValueError for what is none."""
    if not isinstance(said, int) or not 0 < said <= largest:
        raise ValueError(said)
    return said


def cursor_of(before: Any) -> Cursor:
    """Of a list that goes by id. Raises ValueError for what is no row's number."""
    return Cursor(before=row_number(before))


def cursor_of_many(before: Any) -> Cursor:
    """The same, where rows are so many that their numbers are BIGINT."""
    return Cursor(before=row_number(before, LARGEST_NUMBER))


class _Parser(FlaskParser):
    """Unknown fields are refused wherever they stand, not only in bodies; so is a body that is not JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": "raise",
        "files": "raise",
    }

    def load_querystring(self, req: Request, schema: Any) -> Any:
        """Raises ValidationError for what is given twice: the second would count for nothing."""
        twice = [name for name, values in req.args.lists() if len(values) > 1]
        if twice:
            raise ValidationError({name: ["given_twice"] for name in twice})
        return super().load_querystring(req, schema)

    def load_files(self, req: Request, schema: Any) -> MultiDictProxy:
        """The texts of a form, and the files among them."""
        return MultiDictProxy(CombinedMultiDict([req.files, req.form]), schema)

    def _raw_load_json(self, req: Request) -> Any:
        """Otherwise it would pass for no body, and each of its fields for missing.

        Raises UnsupportedMediaType, and BadRequest for what is no JSON or more than Python reads: nested deeper
        than its stack, a number of thousands of digits.
        """
        if not req.get_data(cache=True):
            return missing  # whatever its header announces
        if not req.is_json:
            raise UnsupportedMediaType
        try:
            return super()._raw_load_json(req)
        except (ValueError, RecursionError):
            raise BadRequest from None


class Resource(Blueprint):  # type: ignore[misc]
    """Guarded by its own hook, and refusing in its own words."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(
        self, name: str, import_name: str, path: str, description: str, names: Mapping[str, str] | None = None
    ) -> None:
        """`names`: what the domain calls otherwise than this address."""
        super().__init__(f"api_{name}", import_name, url_prefix=PREFIX + path, description=description)
        self.names = names or {}
        self.before_request(access.guard)
        self.before_request(self._refuse_what_is_not_taken)
        self.before_request(repeating.begin)
        self.after_request(repeating.end)
        self.after_request(answers.once_per_version)
        problems.answer_for(self)

    def asked(self, method: str, rule: str = "", **options: Any) -> Callable[[View], View]:
        """At which address, by which method."""
        return self.route(rule, methods=[method], **options)  # type: ignore[no-any-return]

    def takes(self, schema: Any, location: str = "json", **options: Any) -> Callable[[View], View]:
        """What comes with the request: `json`, `query`, or `files`."""
        reading = self.arguments(schema, location=location, **options)

        def mark(view: View) -> View:
            taking: View = reading(view)
            access.api_marks_of(taking).taken.add(location)
            return taking

        return mark

    def _refuse_what_is_not_taken(self) -> None:
        """Where a view takes nothing, every parameter and field is unknown: nothing is passed over in silence.

        Bodies not of GET and DELETE, to which they mean nothing (RFC 9110, 9.3.1 and 9.3.5).
        """
        if request.method == "OPTIONS":
            return
        taken = access.api_marks_of(current_app.view_functions[request.endpoint or ""]).taken
        if "query" not in taken:
            self.ARGUMENTS_PARSER.parse(Body(), request, location="query")
        if not taken & {"json", "files"} and request.method in WITH_BODY:
            self.ARGUMENTS_PARSER.parse(Body(), request, location="json")

    def gives(self, status: int, schema: Any = None, **options: Any) -> Callable[[View], View]:
        """What a view's answer is made into. `example`: in what it differs from that of the schema's fields."""
        return self.response(status, schema, **options)  # type: ignore[no-any-return]

    def also_gives(self, status: int, schema: Any, description: str, **options: Any) -> Callable[[View], View]:
        """What else its answer may be, made by the view itself."""
        described = self.alt_response(status, schema=schema, description=description, **options)
        return described  # type: ignore[no-any-return]
