"""What stands on the stop list, to a program?"""

from ... import phone
from ...domain.stop_list import MOST_LINES
from .fields import COUNT, CURSOR, LIMIT, MOMENT, Body, InAddress, Inner, Instant, ListOf, Text, Truth, Whole

PHONE = {"description": "In any notation", "minLength": 1, "maxLength": phone.LONGEST_INPUT}


class Entry(Body):
    phone_number = Text(attribute="phone", metadata={"example": "79991234567"})
    added_at = Instant(metadata={"example": MOMENT})
    source = Text(metadata={"example": "operator"})
    added_by = Text(allow_none=True, metadata={"example": "ann"})


class EntryPage(Body):
    items = ListOf(Inner(Entry))
    total = Whole(metadata={**COUNT, "description": "Counted up to a bound", "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class EntryQuery(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
    search = Text(metadata={"description": "A phone in any notation, or its beginning or last digits"})


class Phones(Body):
    phone_numbers = ListOf(
        Text(metadata={"description": "In any notation; what is no phone is told in `refused`"}),
        required=True,
        metadata={"minItems": 1, "maxItems": MOST_LINES, "example": ["+7 (999) 123-45-67"]},
    )


class Refused(Body):
    phone_number = Text(attribute="value", metadata={"example": "12345"})
    code = Text(metadata={"example": "phone_invalid"})


class Outcome(Body):
    added = Whole(metadata={**COUNT, "example": 1})
    known = Whole(metadata={**COUNT, "description": "Listed already; they keep their date and source"})
    refused = ListOf(Inner(Refused), attribute="bad", metadata={"example": []})


class OnePhone(Body):
    phone_number = Text(required=True, metadata={**PHONE, "example": "79991234567"})
