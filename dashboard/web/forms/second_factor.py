"""What is typed to show, set up or switch off a second factor?"""

from wtforms import HiddenField, PasswordField, SelectField

from ...models import Requirement
from .fields import Form, TrimmedField


class CodeForm(Form):
    code = TrimmedField()


class FirstCodeForm(CodeForm):
    """`offer`: the secret that the page shows, sealed."""

    offer = HiddenField()


class SetUpForm(FirstCodeForm):
    password = PasswordField()


class ProofForm(CodeForm):
    password = PasswordField()


class RuleForm(Form):
    required = SelectField(choices=[each.value for each in Requirement], validate_choice=False)
