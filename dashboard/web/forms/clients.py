"""What is typed of a client?"""

import re
from collections import Counter
from datetime import date, datetime, time

from wtforms import Field, FieldList, FormField, StringField
from wtforms import Form as PlainForm

from ...domain.client_rules import TAG_SEPARATORS, ClientDraft
from ...domain.clients import ClientView
from ...domain.errors import Problem
from ...zones import YEARS_TOLD, zone
from .. import context
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
    consent_source = TrimmedField()
    consent_at = TrimmedField()
    version = TrimmedField()
    # The instant that is kept: a date that was not touched leaves it exactly as it is.
    kept_consent_at: datetime | None = None

    def show(self, client: ClientView) -> None:
        """Fill in what is known."""
        self.phone.data = client.phone
        self.operator_code.data = client.operator_code
        self.tags.data = ", ".join(client.tags)
        self.timezone.data = client.timezone
        self.consent_source.data = client.consent_source or ""
        self.consent_at.data = _local_date(client.consent_at)
        self.version.data = client.version
        for name, value in client.attributes.items():
            self.attributes.append_entry({"name": name, "value": value})

    def validate_attributes(self, field: FieldList) -> None:
        """A name that stands there twice would lose one of its values."""
        names = Counter(pair["name"] for pair in field.data if pair["value"])
        repeated = [name for name, count in names.items() if count > 1]
        if repeated:
            field.errors = [Problem("attributes", "attribute_repeated", {"name": repeated[0]})]

    def validate_consent_at(self, field: Field) -> None:
        if field.data and _date(field.data) is None:
            field.errors = [Problem("consent_at", "time_invalid")]

    def draft(self) -> ClientDraft:
        return ClientDraft(
            phone=self.phone.data or "",
            operator_code=self.operator_code.data or None,
            tags=tuple(TAG_SEPARATORS.split(self.tags.data or "")),
            timezone=self.timezone.data or "",
            attributes={pair["name"]: pair["value"] for pair in self.attributes.data if pair["value"]},
            consent_source=self.consent_source.data or None,
            consent_at=self._consent_at(),
        )

    def _consent_at(self) -> datetime | None:
        """A day is kept as its noon where it was typed: so it is the same day in all zones but the farthest."""
        typed = self.consent_at.data or ""
        if typed and typed == _local_date(self.kept_consent_at):
            return self.kept_consent_at
        day = _date(typed)
        return datetime.combine(day, time(12), tzinfo=zone(context.zone_name())) if day else None


class BulkForm(Form):
    """What is confirmed of a change of many clients: how many it was, and up to which id."""

    tag_name = TrimmedField()
    count = StringField()
    through = StringField()
    form_key = StringField()

    def form_key_read(self) -> str | None:
        key = self.form_key.data or ""
        return key if re.fullmatch(r"[0-9a-f]{32}", key) else None

    @staticmethod
    def whole(field: Field) -> int:
        text = field.data or ""
        return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else 0


def _local_date(instant: datetime | None) -> str:
    return instant.astimezone(zone(context.zone_name())).date().isoformat() if instant else ""


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None
    return day if day and day.year in YEARS_TOLD else None
