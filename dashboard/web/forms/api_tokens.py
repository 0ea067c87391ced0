"""What is typed to make a token for a program?"""

from wtforms import SelectMultipleField

from ...models import Scope
from .fields import Form, TrimmedField


class ApiTokenForm(Form):
    name = TrimmedField()
    # What is no scope, the domain refuses.
    scopes = SelectMultipleField(
        choices=[scope.value for scope in Scope], default=[Scope.READ.value], validate_choice=False
    )
