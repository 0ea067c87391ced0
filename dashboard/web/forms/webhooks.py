"""What is told, and where?"""

from typing import Any

from wtforms import BooleanField, SelectMultipleField

from ...domain.webhooks.endpoints import EndpointDraft, EndpointView
from ...models import WEBHOOK_CHOICES
from .fields import Form, TrimmedField


class EventsField(SelectMultipleField):  # type: ignore[misc]
    def pre_validate(self, form: Any) -> None:
        """The domain says what is wrong with a choice."""


class WebhookForm(Form):
    url = TrimmedField()
    description = TrimmedField()
    events = EventsField(choices=[kind.value for kind in WEBHOOK_CHOICES])
    is_on = BooleanField()
    version = TrimmedField()

    def show(self, view: EndpointView) -> None:
        """Fill in what is known."""
        self.url.data = view.url
        self.description.data = view.description
        self.events.data = list(view.events)
        self.is_on.data = view.is_on
        self.version.data = str(view.version)

    def draft(self) -> EndpointDraft:
        return EndpointDraft(
            url=self.url.data or "",
            events=tuple(self.events.data or ()),
            description=self.description.data or "",
            is_on=bool(self.is_on.data),
        )

    def seen_version(self) -> int:
        """Nonsense is no version that anybody has seen."""
        typed = self.version.data or ""
        return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0
