"""Which phones are typed to be messaged no more?"""

from typing import Any

from wtforms import TextAreaField

from .fields import Form

# Beyond what the domain takes at once, so that it can say so.
LONGEST_TEXT = 400_000


class PhonesField(TextAreaField):  # type: ignore[misc]
    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = (str(valuelist[0]) if valuelist else "").replace("\0", "")[:LONGEST_TEXT]


class StopListForm(Form):
    phones = PhonesField()

    def lines(self) -> list[str]:
        return (self.phones.data or "").splitlines()
