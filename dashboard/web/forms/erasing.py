"""Whose phone is typed to be erased?"""

from .fields import Form, TrimmedField


class EraseForm(Form):
    phone = TrimmedField()
