"""What is typed of a client?"""

from collections import Counter

from wtforms import FieldList, FormField
from wtforms import Form as PlainForm

from ...domain.client_rules import TAG_SEPARATORS, ClientDraft
from ...domain.clients import ClientView
from ...domain.errors import Problem
from .fields import Form, TrimmedField

# Far beyond the domain's limit, which then says what is wrong; it only keeps a forged form small.
MOST_PAIRS = 100


class AttributePair(PlainForm):  # type: ignore[misc]
    name = TrimmedField()
    value = TrimmedField()


class ClientForm(Form):
    phone = TrimmedField()
    operator_code = TrimmedField()
    tags = TrimmedField()
    timezone = TrimmedField()
    attributes = FieldList(FormField(AttributePair), max_entries=MOST_PAIRS)

    def show(self, client: ClientView) -> None:
        """Fill in what is known."""
        self.phone.data = client.phone
        self.operator_code.data = client.operator_code
        self.tags.data = ", ".join(client.tags)
        self.timezone.data = client.timezone
        for name, value in client.attributes.items():
            self.attributes.append_entry({"name": name, "value": value})

    def validate_attributes(self, field: FieldList) -> None:
        """A name that stands there twice would lose one of its values."""
        names = Counter(pair["name"] for pair in field.data if pair["value"])
        repeated = [name for name, count in names.items() if count > 1]
        if repeated:
            field.errors = [Problem("attributes", "attribute_repeated", {"name": repeated[0]})]

    def draft(self) -> ClientDraft:
        return ClientDraft(
            phone=self.phone.data or "",
            operator_code=self.operator_code.data or None,
            tags=tuple(TAG_SEPARATORS.split(self.tags.data or "")),
            timezone=self.timezone.data or "",
            attributes={pair["name"]: pair["value"] for pair in self.attributes.data if pair["value"]},
        )
