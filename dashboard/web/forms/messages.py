"""What is typed of a single message: to whom, of which mailing, and with which text?"""

from ...domain.errors import Invalid, Problem
from ..paging import LARGEST_ID
from .fields import Form, TrimmedField
from .mailing_fields import TextField

# What the domain says of the client is shown where the phone was typed.
FIELDS = {"client_id": "phone"}


class NewMessageForm(Form):
    mailing = TrimmedField()
    phone = TrimmedField()

    def mailing_id(self) -> int:
        """Raises Invalid if none is chosen."""
        text = self.mailing.data or ""
        if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= LARGEST_ID:
            raise Invalid([Problem("mailing", "mailing_unchosen")])
        return int(text)

    def explain(self, refusal: Invalid) -> None:
        for problem in refusal.problems:
            field = self[FIELDS.get(problem.field, problem.field)]
            field.errors = [*field.errors, problem]


class TextForm(Form):
    text = TextField()
