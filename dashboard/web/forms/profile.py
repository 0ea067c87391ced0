"""What may somebody change of their own account?"""

from wtforms import PasswordField, SelectField

from ...domain.user_rules import LANGUAGES, THEMES
from .fields import Form, TrimmedField
from .passwords import NewPasswordForm


class DetailsForm(Form):
    name = TrimmedField()
    email = TrimmedField()
    current = PasswordField()


class OwnPasswordForm(NewPasswordForm):
    current = PasswordField()


class LookForm(Form):
    """What is none of these, the domain refuses."""

    language = SelectField(choices=list(LANGUAGES), validate_choice=False)
    theme = SelectField(choices=list(THEMES), validate_choice=False)
    timezone = TrimmedField()
