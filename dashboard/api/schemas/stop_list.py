"""What stands on the stop list, to a program?"""

from .fields import Body, InAddress, Inner, Instant, ListOf, Text, Truth, Whole


class Entry(Body):
    phone_number = Text(attribute="phone", metadata={"example": "79991234567"})
    added_at = Instant()
    source = Text(metadata={"example": "operator"})
    added_by = Text(allow_none=True, metadata={"example": "ann"})


class EntryPage(Body):
    items = ListOf(Inner(Entry))
    total = Whole()
    total_is_exact = Truth()
    next = Text(allow_none=True)


class EntryQuery(Body):
    limit = InAddress(load_default=50, metadata={"description": "From 1 to 500"})
    cursor = Text()
    search = Text(metadata={"description": "A phone in any notation, or its beginning or last digits"})


class Phones(Body):
    phone_numbers = ListOf(Text(), required=True, metadata={"example": ["+7 (999) 123-45-67"]})


class Refused(Body):
    phone_number = Text(attribute="value")
    code = Text(metadata={"example": "phone_invalid"})


class Outcome(Body):
    added = Whole(metadata={"example": 1})
    known = Whole(metadata={"description": "Listed already; they keep their date and source", "example": 0})
    refused = ListOf(Inner(Refused), attribute="bad")


class OnePhone(Body):
    phone_number = Text(required=True, metadata={"example": "79991234567"})
