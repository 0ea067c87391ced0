"""What is an import of a file, to a program?"""

import json
from typing import Any

from flask_smorest.fields import Upload
from marshmallow import ValidationError
from werkzeug.datastructures import FileStorage

from ...domain.imports import Meaning
from ...models import ImportState, KnownPhones
from .fields import (
    COMMON,
    COUNT,
    MOMENT,
    Body,
    Choice,
    InAddress,
    Inner,
    Instant,
    ListOf,
    Text,
    Truth,
    TruthInAddress,
    Whole,
)

EXAMPLE_OF_MAPPING = {
    "has_header": True,
    "columns": [{"meaning": "phone"}, {"meaning": "tags"}, {"meaning": "attribute", "name": "name"}],
}
# The same as it is answered.
EXAMPLE_OF_COLUMNS = {
    "has_header": True,
    "columns": [
        {"title": "phone", "meaning": "phone", "name": None},
        {"title": "tags", "meaning": "tags", "name": None},
        {"title": "name", "meaning": "attribute", "name": "name"},
    ],
}
# In what an answer differs where the dry run is not done, or no longer of interest.
_NOTHING: dict[str, Any] = dict.fromkeys(("progress", "rows_read", "created", "updated", "unchanged"), 0)
BEGINS = _NOTHING | {"state": "checking", "rows_total": None, "bad": 0, "duplicates": 0, "problems": []}
STARTS = _NOTHING | {"state": "waiting", "start": False, "rows_read": 1}
CANCELLED = {"state": "cancelled", "created": 0, "updated": 0, "unchanged": 0, "finished_at": MOMENT}
EXAMPLE_OF_CSV = "line,code,detail,value\r\n3,phone_invalid,This is no phone number,12345\r\n"


class File(Upload):  # type: ignore[misc]
    default_error_messages = {**COMMON}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise ValidationError("not_a_file")
        return value


class MappedColumn(Body):
    """`title` may be sent back as it was answered; it changes nothing."""

    title = Text(allow_none=True, metadata={"description": "Its name in the file, if the first row has names"})
    meaning = Choice(Meaning, required=True, metadata={"description": "What its cells hold"})
    name = Text(allow_none=True, load_default=None, metadata={"description": "The attribute's", "example": "name"})


class ColumnMapping(Body):
    has_header = Truth(required=True, metadata={"description": "The first row has the columns' names"})
    columns = ListOf(Inner(MappedColumn), required=True, metadata={"description": "One for each of the file"})


class MappingText(Text):
    """A mapping, written as JSON in a form's text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            read = json.loads(text)
        except (ValueError, RecursionError):
            raise ValidationError("not_json") from None
        return ColumnMapping().load(read)


class NewImport(Body):
    file = File(required=True, metadata={"description": "CSV (UTF-8 or Windows-1251, any separator) or XLSX"})
    known_phones = Choice(
        KnownPhones, load_default=KnownPhones.UPDATE, metadata={"description": "What to do with clients known"}
    )
    timezone = Text(
        load_default=None, metadata={"description": "For rows that name none; the user's own if not given"}
    )
    mapping = MappingText(
        load_default=None,
        metadata={"description": "As JSON; guessed if not given", "example": json.dumps(EXAMPLE_OF_MAPPING)},
    )
    start = TruthInAddress(
        load_default=False, metadata={"description": "Go on by itself once the dry run has ended"}
    )


class ImportChange(Body):
    mapping = Inner(ColumnMapping, metadata={"example": EXAMPLE_OF_MAPPING})
    known_phones = Choice(KnownPhones)
    timezone = Text()
    start = Truth()


class BadRow(Body):
    line = Whole(metadata={"description": "In the file, counted from 1, header included", "example": 3})
    value = Text(metadata={"description": "What stood there, up to 200 characters", "example": "12345"})
    code = Text(metadata={"example": "phone_invalid"})
    detail = Text(metadata={"example": "This is no phone number"})


class Failure(Body):
    code = Text(metadata={"example": "file_not_workbook"})
    detail = Text()


class ImportRow(Body):
    id = Whole(metadata={"example": 3})
    owner_id = Whole(metadata={"example": 1})
    filename = Text(metadata={"example": "clients.csv"})
    size_bytes = Whole(metadata={"example": 4096})
    state = Choice(ImportState, metadata={"example": "checked"})
    failure = Inner(Failure, allow_none=True, metadata={"description": "Why the whole file could not be read"})
    known_phones = Choice(KnownPhones)
    timezone = Text(metadata={"example": "Europe/Moscow"})
    start = Truth(metadata={"description": "It goes on by itself once the dry run has ended"})
    progress = Whole(metadata={"description": "Of the step under way, in percent", "example": 100})
    rows_total = Whole(allow_none=True, metadata={"description": "Once the file has been read", "example": 1000})
    rows_read = Whole(metadata={"example": 1000})
    created = Whole(metadata={"description": "Before the start: what the dry run expects", "example": 900})
    updated = Whole(metadata={"example": 80})
    unchanged = Whole(metadata={"example": 19})
    bad = Whole(metadata={"description": "Rows that cannot be taken", "example": 1})
    duplicates = Whole(metadata={"description": "Rows whose phone stood there before", "example": 0})
    created_at = Instant(metadata={"example": MOMENT})
    started_at = Instant(allow_none=True)
    finished_at = Instant(allow_none=True)


class Import(ImportRow):
    mapping = Inner(
        ColumnMapping,
        allow_none=True,
        metadata={"description": "As guessed, or as said since", "example": EXAMPLE_OF_COLUMNS},
    )
    problems = ListOf(Inner(BadRow), metadata={"description": "The first ten rows that are not taken, so far"})
    problems_at = Text(metadata={"description": "Where all of them are", "example": "/api/v1/imports/3/problems"})


class ImportPage(Body):
    items = ListOf(Inner(ImportRow))
    total = Whole(metadata={**COUNT, "description": "Counted up to a bound", "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class BadRowPage(Body):
    items = ListOf(Inner(BadRow))
    total = Whole(metadata={**COUNT, "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class PageQuery(Body):
    limit = InAddress(load_default=50, metadata={"description": "From 1 to 500"})
    cursor = Text(metadata={"description": "As `next` has it"})
